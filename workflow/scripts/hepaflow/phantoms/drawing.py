"""The random parameters of a synthetic exam: all that differs between two of them is drawn here."""

import hashlib
from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hepaflow.phantoms.anatomy import RIB_PITCH, TRUNK, Anatomy, Lesion, Organs, Patient, Tissues
from hepaflow.phantoms.shapes import Ellipsoid, Points, Tube, Vector, Waves
from hepaflow.phantoms.vessels import HEPATIC, PORTAL, Path
from hepaflow.settings.phantom import PhantomSettings

PHASES = ("native", "arterial", "portal venous")
# Mean HU in the order of the phases, and the standard deviation between patients.
TISSUES: dict[str, tuple[tuple[float, float, float], float]] = {
    "liver": ((60, 74, 108), 4),
    "portal_vein": ((42, 118, 168), 6),
    "hepatic_vein": ((42, 66, 160), 4),
    "aorta": ((43, 290, 155), 10),
    "cava": ((42, 70, 145), 6),
    "spleen": ((50, 112, 118), 5),
    "cortex": ((33, 180, 185), 8),
    "medulla": ((32, 70, 165), 6),
    "pancreas": ((42, 98, 95), 6),
    "muscle": ((55, 58, 64), 3),
    "stomach_wall": ((42, 72, 78), 5),
    "stomach_fluid": ((15, 15, 15), 5),
    "fat": ((-100, -100, -98), 4),
    "lung": ((-850, -845, -845), 15),
}
ORIENTATIONS = ("RAS", "LPS", "LAS", "LPI")
# Lesions: share of hyperdense ones in the order of the phases, and their difference to the liver in HU.
HYPERDENSE = (0.1, 0.3, 0.1)
HYPO_CONTRAST = (-75.0, -48.0)
HYPER_CONTRAST = (48.0, 75.0)
SCAN_RANGE = (165.0, 205.0)  # mm from the first to the last slice, as far as the settings allow it


@dataclass(frozen=True)
class Phantom:
    """Everything that was drawn for one synthetic exam."""

    exam: str
    shape: tuple[int, int, int]
    """Slices, rows, columns."""
    spacing: tuple[float, float, float]
    """Distance of slices, rows, columns in mm."""
    orientation: str
    """Axis codes under which the exam is stored."""
    centre: Vector
    """World coordinates (RAS, mm) of the middle of the volume."""
    phase: str
    """Contrast phase: native, arterial or portal venous."""
    scale: float
    """Size of the patient relative to the reference adult."""
    offset: Vector
    """Middle of the volume in the patient (x left, y back, z head) in mm."""
    anatomy: Anatomy
    noise: float
    """Standard deviation of the noise in HU."""
    noise_seed: int

    def points(self) -> Points:
        """Return x, y, z of every voxel in mm of the reference adult, each of the phantom's shape."""
        axes = [
            ((np.arange(count) - (count - 1) / 2) * step + shift) / self.scale
            for count, step, shift in zip(self.shape, self.spacing, self.offset[::-1], strict=True)
        ]
        z, y, x = np.meshgrid(*(axis.astype(np.float32) for axis in axes), indexing="ij")
        return x, y, z

    def affine(self) -> NDArray[np.float64]:
        """Return the 4×4 map from (column, row, slice) of the rendered arrays to RAS world mm."""
        steps = np.array(self.spacing[::-1]) * (-1, -1, 1)
        affine = np.diag([*steps, 1.0])
        affine[:3, 3] = np.array(self.centre) - steps * (np.array(self.shape[::-1]) - 1) / 2
        return affine


def draw_phantom(exam: str, settings: PhantomSettings) -> Phantom:
    """Draw all parameters of one synthetic exam.

    Parameters
    ----------
    exam : str
        Name of the exam. The same name and settings give the same phantom, on every machine.
    settings : PhantomSettings

    Returns
    -------
    Phantom
    """
    digest = hashlib.sha256(f"{settings.seed}/{exam}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:16], "big"))
    slices = int(rng.integers(*settings.slices, endpoint=True))
    thickness = round(float(np.clip(rng.uniform(*SCAN_RANGE) / slices, *settings.slice_thickness)), 3)
    field_of_view = rng.uniform(*settings.field_of_view)
    pixel = round(float(field_of_view / settings.size), 4)
    phase = int(rng.choice(len(PHASES), p=(0.2, 0.3, 0.5)))
    fat = float(rng.uniform(8, 24))
    scale = float(field_of_view / 2 * rng.uniform(0.9, 0.97) / (TRUNK[0] + fat))
    offset = (float(rng.normal(0, 3)), float(rng.normal(0, 3)), float(rng.uniform(-8, 8)))
    half_range = (slices * thickness / 2 - thickness) / scale
    visible = (offset[2] / scale - half_range, offset[2] / scale + half_range)
    return Phantom(
        exam=exam,
        shape=(slices, settings.size, settings.size),
        spacing=(thickness, pixel, pixel),
        orientation=str(rng.choice(ORIENTATIONS, p=(0.35, 0.35, 0.15, 0.15))),
        centre=tuple(np.round(rng.uniform((-15, -160, -400), (15, -120, -100)), 1).tolist()),
        phase=PHASES[phase],
        scale=scale,
        offset=offset,
        anatomy=_draw_anatomy(rng, settings, phase, fat, scale, visible),
        noise=settings.noise,
        noise_seed=int(rng.integers(2**32)),
    )


def _draw_anatomy(
    rng: np.random.Generator,
    settings: PhantomSettings,
    phase: int,
    fat: float,
    scale: float,
    visible: tuple[float, float],
) -> Anatomy:
    """Draw a patient, the lesions last, because they need the liver to lie in."""
    shapes = Organs()
    bend = partial(_draw_waves, rng, 6, (120, 260), 3.0)
    healthy = Anatomy(
        organs=Organs(**{part.name: _vary(rng, getattr(shapes, part.name)) for part in fields(shapes)}),
        tissues=Tissues(**{name: float(rng.normal(hu[phase], sd)) for name, (hu, sd) in TISSUES.items()}),
        fat=fat,
        gas_level=float(rng.uniform(-40, -5)),
        portal_tree=_draw_tree(rng, PORTAL),
        hepatic_veins=_draw_tree(rng, HEPATIC),
        lesions=(),
        warp=(bend(), bend(), bend()),
        liver_surface=_draw_waves(rng, 8, (55, 140), 2.5),
        bowel=_draw_waves(rng, 8, (38, 70), 9.0),
        rib_phase=float(rng.uniform(0, RIB_PITCH)),
    )
    return replace(healthy, lesions=_draw_lesions(rng, settings, healthy, phase, scale, visible))


def _draw_lesions(
    rng: np.random.Generator,
    settings: PhantomSettings,
    healthy: Anatomy,
    phase: int,
    scale: float,
    visible: tuple[float, float],
) -> tuple[Lesion, ...]:
    """Place lesions apart from each other and at most half outside the liver, among the visible slices."""
    free = rng.random() < settings.lesion_free
    wanted = 0 if free or not settings.max_lesions else int(rng.integers(1, settings.max_lesions, endpoint=True))
    spots = rng.uniform((-140, -95, -75), (90, 90, 75), (4000, 3)).astype(np.float32)
    depth = -Patient(replace(healthy, warp=None), (spots[:, 0], spots[:, 1], spots[:, 2])).liver
    shown = (spots[:, 2] > visible[0]) & (spots[:, 2] < visible[1])
    spots, depth = spots[shown], depth[shown]
    low, high = settings.lesion_radius
    lesions: list[Lesion] = []
    for _ in range(wanted):
        radius = float(low + (high - low) * rng.beta(2.4, 1.5)) / scale
        apart = np.ones(len(spots), dtype=bool)
        for other in lesions:
            gap = np.linalg.norm(spots - np.array(other.body.centre, np.float32), axis=1)
            apart &= gap > 1.2 * (radius + max(other.body.radii))
        fitting = spots[apart & (depth > min(0.6 * radius, 0.8 * depth.max()))]
        if not len(fitting):
            continue
        stretch = rng.uniform(0.85, 1.2, 3)
        radii = radius * stretch / np.cbrt(stretch.prod())
        hyperdense = rng.random() < HYPERDENSE[phase]
        contrast = float(rng.uniform(*(HYPER_CONTRAST if hyperdense else HYPO_CONTRAST)))
        lesions.append(
            Lesion(
                body=Ellipsoid(_vector(fitting[rng.integers(len(fitting))]), _vector(radii)),
                surface=_draw_waves(rng, 5, (1.5 * radius, 3 * radius), 0.07 * radius),
                contrast=contrast,
                edge=float(rng.uniform(0.8, 1.6)),
            )
        )
    return tuple(lesions)


def _draw_tree(rng: np.random.Generator, paths: tuple[Path, ...]) -> tuple[Tube, ...]:
    """Move the joints of a tree; tubes that share one stay together."""
    joints = sorted({joint for start, end, _ in paths for joint in (start, end)})
    moved = {joint: _vector(rng.normal(joint, 4)) for joint in joints}
    return tuple(Tube(moved[start], moved[end], radii) for start, end, radii in paths)


def _draw_waves(rng: np.random.Generator, count: int, lengths: tuple[float, float], amplitude: float) -> Waves:
    """Draw plane waves in random directions with wavelengths in the given range of mm."""
    directions = rng.normal(size=(count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    vectors = directions * (2 * np.pi / rng.uniform(*lengths, (count, 1)))
    return Waves(tuple(map(_vector, vectors)), tuple(rng.uniform(0, 2 * np.pi, count).tolist()), amplitude)


def _vary(rng: np.random.Generator, part: Ellipsoid) -> Ellipsoid:
    """Move and stretch an organ a little."""
    return replace(
        part,
        centre=_vector(rng.normal(part.centre, 3)),
        radii=_vector(rng.uniform(0.92, 1.08, 3) * part.radii),
    )


def _vector(values: NDArray[np.floating]) -> Vector:
    """Return three numbers as a plain tuple."""
    x, y, z = (float(value) for value in values)
    return x, y, z
