"""From a patient to an exam: which part of the body is seen, on which grid, and what the scanner adds."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation
from torch import Tensor

from hepaflow.phantoms.shapes import Vector
from hepaflow.phantoms.trunk.draws import Draws
from hepaflow.phantoms.trunk.layers import paint
from hepaflow.phantoms.trunk.patient import Patient
from hepaflow.phantoms.trunk.shapes import Waves
from hepaflow.phantoms.trunk.space import FAR, Grid, Space

PROFILE = 2.6
"""Thickness of a slice relative to the standard deviation of the blur along the body."""

_SEEN = 5.0
"""Ratio of signal to noise from which on observers see a disc (Rose 1948)."""
_STREAK = 40.0
"""Length in mm of the streaks that too few photons leave."""
_AVERAGED = 70.0
"""Most grains of noise over which observers average: of something large, they see no fainter contrast."""

_CRUMB = 25_000.0
"""Volume in mm³ below which a piece of a liver beside a larger one is no part of it."""


@dataclass(frozen=True)
class View:
    """The grid on which a patient is seen: slices to the head, rows to the back, columns to the left."""

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    """Of slices, rows and columns, in mm."""
    middle: Vector
    """x, y, z of the middle of the grid, in mm of the reference adult."""
    scale: float = 1.0
    """Size of the patient relative to the reference adult."""
    turn: float = 0.0
    """Of the patient on the table, about the body's axis, in degrees."""
    tilt: float = 0.0
    """Of the patient's axis to one side, in degrees."""
    warp: tuple[Waves, Waves, Waves] | None = None
    isocentre: tuple[float, float] = (0.0, 0.0)
    """y, x of the scanner's axis, relative to the middle of the grid, in mm; of the patient, not of the adult."""
    device: str = "cpu"
    interpolated: bool = False
    """Whether the distances that shapes share are computed at every other point, and interpolated (`Space`)."""

    def axes(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return z, y, x of slices, rows and columns, relative to the middle, in mm of the reference adult."""
        found = [
            (torch.arange(count, device=self.device, dtype=torch.float32) - (count - 1) / 2) * (step / self.scale)
            for count, step in zip(self.shape, self.spacing, strict=True)
        ]
        return found[0], found[1], found[2]

    def rotation(self) -> NDArray[np.float64]:
        """Return the matrix that takes x, y, z of the grid to directions of the body."""
        found: NDArray[np.float64] = Rotation.from_euler("zy", (self.turn, self.tilt), degrees=True).as_matrix()
        return found

    def space(self) -> Space:
        """Return the points of the body that are seen."""
        z, y, x = self.axes()
        turn = self.rotation()
        grid = Grid(z, y, x, turn, self.middle)
        steps = (x[None, None, :], y[None, :, None], z[:, None, None])
        points = [
            sum((float(part) * step for part, step in zip(row, steps, strict=True)), start=torch.tensor(middle))
            for row, middle in zip(turn, self.middle, strict=True)
        ]
        if self.warp is not None:
            points = [axis + waves.on(grid) for axis, waves in zip(points, self.warp, strict=True)]
        x, y, z = (axis.expand(self.shape).contiguous() for axis in points)
        return Space(x, y, z, grid, interpolated=self.interpolated)


def render(patient: Patient, view: View, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Paint what is seen of a patient.

    Returns
    -------
    image : Tensor of float32, shape (slices, rows, columns)
        HU, without noise.
    label : Tensor of uint8, shape (slices, rows, columns)
        0 background, 1 liver, 2 lesion.
    """
    space = view.space()
    _take_crumbs_away(space.shared(patient.liver), view)
    mottle = smooth_noise(view.shape, [3.0 / step for step in view.spacing], generator, view.device)
    image = torch.full_like(space.x, -1000)
    for layer in patient.layers:
        paint(image, space, layer, mottle, patient.sharpness)
    label = (space.shared(patient.liver) < 0).to(torch.uint8)
    for lesion in patient.lesions:
        if found := space.within(lesion.shape.box, 0):
            place, part = found
            label[place][lesion.shape.distance(part) < 0] = 2
    return image, label


def _take_crumbs_away(liver: Tensor, view: View) -> None:
    """Put small pieces of a liver outside, in place: where its form is cut to its cavity, a rim can fall apart.

    Pieces at the ends and sides of what is seen stay, as they are parts of something larger.
    """
    pieces, count = ndimage.label((liver < 0).cpu().numpy())
    if count < 2:
        return
    voxels = np.bincount(pieces.ravel(), minlength=count + 1)
    small = voxels * np.prod(view.spacing) < _CRUMB
    at_sides = [np.unique(pieces.take((0, -1), axis)) for axis in range(3)]
    small[[0, *np.concatenate(at_sides), voxels[1:].argmax() + 1]] = False
    if not small.any():
        return
    crumbs = small[pieces]
    nearest = ndimage.distance_transform_edt(
        pieces == 0, sampling=view.spacing, return_distances=False, return_indices=True
    )
    crumbs |= small[pieces[tuple(nearest)]]  # with what is blurred around them
    liver[torch.from_numpy(crumbs).to(liver.device)] = FAR


def smooth_noise(
    shape: tuple[int, int, int], sigmas: list[float], generator: torch.Generator, device: str = "cpu"
) -> Tensor:
    """Return Gaussian noise, smoothed by ``sigmas`` voxels along each axis, of standard deviation one."""
    noise = torch.randn(shape, generator=generator).to(device)
    noise = blur(noise, sigmas)
    return noise / noise.std().clamp(min=1e-6)


def blur(image: Tensor, sigmas: list[float]) -> Tensor:
    """Return an image blurred by Gaussians of ``sigmas`` voxels along each axis, within its borders."""
    for axis, sigma in enumerate(sigmas):
        if sigma < 0.15 or image.shape[axis] == 1:
            continue
        places = torch.arange(image.shape[axis], device=image.device, dtype=torch.float32)
        # A product with a matrix is quicker than a convolution of so few voxels.
        weights = torch.exp(-0.5 * ((places[:, None] - places[None]) / sigma) ** 2)
        weights[weights < 1e-4] = 0
        weights = weights / weights.sum(1, keepdim=True)
        image = torch.tensordot(image, weights, ([axis], [1])).movedim(-1, axis)
    return image


@dataclass(frozen=True)
class Shading:
    """Values that are wrong over a large part of an exam: what is left of beam hardening and scatter.

    A dark band crosses the body, as between arms or hips, and the values vary slowly everywhere.
    """

    band: float
    """HU in the middle of the band, mostly below zero; 0 for no band."""
    middle: tuple[float, float]
    """z, y of the band's middle relative to the middle of the grid, in mm."""
    slope: float
    """How far it rises to the back for each mm to the left."""
    size: tuple[float, float]
    """Standard deviations along the body and from front to back, in mm."""
    unevenness: Waves
    """HU elsewhere."""

    def on(self, z: Tensor, y: Tensor, x: Tensor) -> Tensor:
        """Return it in HU, shape (slices, rows, columns), where the axes are in mm from the middle of the grid."""
        across = (y[:, None] - self.middle[1] - self.slope * x[None]) / self.size[1]
        along = (z - self.middle[0]) / self.size[0]
        band = torch.exp(-0.5 * along**2)[:, None, None] * torch.exp(-0.5 * across**2)[None]
        return self.band * band + self.unevenness.on(Grid(z, y, x, np.eye(3), (0.0, 0.0, 0.0)))


@dataclass(frozen=True)
class Acquisition:
    """What a scanner adds."""

    slice_profile: float
    """Standard deviation of the blur along the body, in mm."""
    kernel: float
    """Standard deviation of the blur within slices, in mm."""
    noise: float
    """Standard deviation in HU."""
    grain: float
    """Standard deviation of the noise's smoothness, in mm."""
    starvation: float
    """Noise in HU of lines across the widest parts of the body."""
    motion: float
    """Shift of slices by breath, in mm."""
    field: float | None
    """Radius of the field of view in mm, outside which nothing is seen."""
    shading: Shading | None

    def least_contrast(self, radius: float, pixel: float) -> float:
        """Return from which contrast on a ball is seen in the noise of a slice (Rose 1948).

        Parameters
        ----------
        radius : float
            Of the ball, in mm. In slices that are thicker than it is, it loses contrast.
        pixel : float
            Side of a pixel in mm.

        Returns
        -------
        float
            In HU.
        """
        grains = min(np.pi * radius**2 / max(4 * np.pi * self.grain**2, pixel**2), _AVERAGED)
        deep = 4 / 3 * radius  # as a ball is on average
        share = deep / max(deep, PROFILE * self.slice_profile)
        return float(_SEEN * np.hypot(self.noise, self.starvation) / (np.sqrt(grains) * share))


def draw_acquisition(draws: Draws, noise: float | None = None, thickness: float | None = None) -> Acquisition:
    """Draw how an exam is taken.

    Parameters
    ----------
    draws : Draws
    noise : float, optional
        Standard deviation of the noise in HU; drawn, if none is given.
    thickness : float, optional
        Of slices, in mm; drawn, if none is given.
    """
    if thickness is None:
        thickness = float(np.exp(draws.between(np.log(0.7), np.log(8.0))))
    if noise is None:
        noise = float(np.exp(draws.between(np.log(3), np.log(30))))
    return Acquisition(
        slice_profile=thickness / PROFILE,
        kernel=float(np.exp(draws.between(np.log(0.3), np.log(1.2)))),
        noise=noise,
        grain=draws.between(0.3, 1.6),
        starvation=draws.between(3, 15) if draws.chance(0.12) else 0.0,
        motion=draws.between(1, 7) if draws.chance(0.12) else 0.0,
        field=draws.between(145, 240) if draws.chance(0.6) else None,
        shading=_draw_shading(draws) if draws.chance(0.4) else None,
    )


def _draw_shading(draws: Draws) -> Shading:
    return Shading(
        band=draws.between(-60, 12) if draws.chance(0.6) else 0.0,
        middle=(draws.around(0, 80), draws.around(0, 50)),
        slope=draws.around(0, 0.12),
        size=(draws.between(40, 200), draws.between(12, 45)),
        unevenness=draws.waves(6, (120, 400), draws.between(0, 8)),
    )


def acquire(image: Tensor, patient: Patient, view: View, taken: Acquisition, generator: torch.Generator) -> Tensor:
    """Return an image as a scanner would show it, in HU from -1024 to 3071; it moves no slices (`breathe`)."""
    z, y, x = (axis * view.scale for axis in view.axes())
    image = blur(
        image,
        [taken.slice_profile / view.spacing[0], taken.kernel / view.spacing[1], taken.kernel / view.spacing[2]],
    )
    if taken.shading:
        image = image + taken.shading.on(z, y, x)
    # Slices of the grid that lie in one of the exam have its noise, which is as strong on whatever grid it shows.
    sigmas = [max(0.3, taken.slice_profile / view.spacing[0]), *(taken.grain / step for step in view.spacing[1:])]
    image = image + smooth_noise(view.shape, sigmas, generator, view.device) * taken.noise
    for metal in patient.metal:
        image = image + _streaks(metal.middle, metal.strength, view, z, y, x, generator)
    if taken.starvation:
        # Streaks across the body, strongest in its widest rows; along a row they fade and come again.
        width = (image > -500).float().sum(2, keepdim=True)
        streaks = smooth_noise(
            view.shape, [0.3, 1.5 / view.spacing[1], _STREAK / view.spacing[2]], generator, view.device
        )
        image = image + streaks * taken.starvation * (width / width.max().clamp(min=1)) ** 2
    return torch.where(seen(view, taken), image, torch.full_like(image, -1024)).clamp(-1024, 3071)


def seen(view: View, taken: Acquisition) -> Tensor:
    """Return which rows and columns are within the field of view, as a grid of one slice."""
    _, y, x = (axis * view.scale for axis in view.axes())
    radius = torch.hypot(y[:, None] - view.isocentre[0], x[None] - view.isocentre[1])
    return (radius < (np.inf if taken.field is None else taken.field))[None]


def breathe(
    image: Tensor, label: Tensor, view: View, taken: Acquisition, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Shift slices of an image and its label from front to back, as patients breathe while the table moves.

    Where a slice leaves the grid's end, its last row is repeated.
    """
    if not taken.motion:
        return image, label
    phase = torch.rand((), generator=generator) * 6.28
    length = 2 + 6 * torch.rand((), generator=generator)
    slices = torch.arange(view.shape[0])[:, None]
    shifts = (torch.sin(slices / length * 6.28 + phase) * (taken.motion / view.spacing[1])).round().long()
    rows = (torch.arange(view.shape[1])[None] - shifts).clamp(0, view.shape[1] - 1)
    return image[slices, rows], label[slices, rows]


def _streaks(
    middle: Vector, strength: float, view: View, z: Tensor, y: Tensor, x: Tensor, generator: torch.Generator
) -> Tensor:
    """Rays of dark and bright from a piece of metal, in the slices near it."""
    x0, y0, z0 = ((m - c) * view.scale for m, c in zip(middle, view.middle, strict=True))
    dy, dx = (y - y0)[:, None], (x - x0)[None]
    angle, radius = torch.atan2(dy, dx), torch.hypot(dy, dx).clamp(min=10)
    orders = torch.randint(2, 24, (6,), generator=generator).tolist()
    phases = (torch.rand(6, generator=generator) * 6.28).tolist()
    rays = sum(torch.cos(order * angle + phase) for order, phase in zip(orders, phases, strict=True)) / 2
    near = torch.exp(-(((z - z0) / 14) ** 2))
    return near[:, None, None] * (rays * strength * 10 / radius)[None]


def draw_warp(draws: Draws, strength: float = 4.0) -> tuple[Waves, Waves, Waves]:
    """Draw a patient's warp, so that no shape stays geometric."""
    x, y, z = (draws.waves(10, (70, 280), strength * draws.between(0.4, 1.3)) for _ in range(3))
    return x, y, z
