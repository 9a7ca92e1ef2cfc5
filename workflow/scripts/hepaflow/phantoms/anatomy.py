"""The anatomy of a synthetic upper abdomen: shapes as distance functions, painted in Hounsfield units.

Lengths are millimetres in a reference adult. x runs to the patient's left, y to the back, z to the head;
the origin is the midline, half-way between belly and back, at mid-height of the liver. A distance function is
negative inside its shape and positive outside.
"""

from dataclasses import dataclass, replace
from functools import cached_property, reduce

import numpy as np
from scipy.special import expit

from hepaflow.phantoms.shapes import Ellipsoid, FloatArray, Points, Tube, Waves, intersection, paint, union

TRUNK = (146.0, 102.0)  # half-axes of the muscular wall; fat and skin lie around it
WALL = 14.0  # thickness of the muscular wall with its ribs
RIB_PITCH = 26.0
VERTEBRA_PITCH = 34.0


@dataclass(frozen=True)
class Lesion:
    """A lesion of the liver: its body, the unevenness of its surface and its look."""

    body: Ellipsoid
    surface: Waves
    contrast: float
    """Difference to the liver in HU."""
    edge: float
    """Width of its edge in mm."""

    def distance(self, points: Points) -> FloatArray:
        """Return the distance to the lesion's surface in mm."""
        return self.body.distance(points) + self.surface.field(points)


@dataclass(frozen=True)
class Organs:
    """The organs made of one ellipsoid each; the defaults are the reference adult."""

    right_lobe: Ellipsoid = Ellipsoid((-66, -4, -4), (72, 84, 66), (0.18, -0.12))
    left_lobe: Ellipsoid = Ellipsoid((4, -46, 14), (76, 36, 42))
    hilum: Ellipsoid = Ellipsoid((18, 30, -26), (52, 46, 62), (-0.2, 0.1))
    gallbladder: Ellipsoid = Ellipsoid((-40, -42, -36), (13, 18, 22), (0.0, 0.3))
    spleen: Ellipsoid = Ellipsoid((94, 36, 12), (30, 46, 46), (-0.2, 0.15))
    fundus: Ellipsoid = Ellipsoid((60, 10, 38), (33, 42, 28), (0.1, 0.2))
    stomach: Ellipsoid = Ellipsoid((56, -34, 0), (32, 30, 48), (0.35, 0.3))
    right_kidney: Ellipsoid = Ellipsoid((-60, 50, -62), (26, 25, 50), (0.2, 0.15))
    left_kidney: Ellipsoid = Ellipsoid((60, 50, -50), (26, 25, 52), (-0.2, 0.15))
    heart: Ellipsoid = Ellipsoid((26, -34, 96), (54, 44, 38))
    left_dome: Ellipsoid = Ellipsoid((64, 0, -30), (74, 92, 92))


@dataclass(frozen=True)
class Tissues:
    """Hounsfield units of the tissues whose values differ between patients and contrast phases."""

    liver: float
    portal_vein: float
    hepatic_vein: float
    aorta: float
    cava: float
    spleen: float
    cortex: float
    medulla: float
    pancreas: float
    muscle: float
    stomach_wall: float
    stomach_fluid: float
    fat: float
    lung: float


@dataclass(frozen=True)
class Anatomy:
    """All shapes and tissue values of one patient."""

    organs: Organs
    tissues: Tissues
    fat: float
    """Thickness of the subcutaneous fat in mm."""
    gas_level: float
    """Height y above which (towards the belly) the stomach holds gas, in mm."""
    portal_tree: tuple[Tube, ...]
    hepatic_veins: tuple[Tube, ...]
    lesions: tuple[Lesion, ...]
    warp: tuple[Waves, Waves, Waves] | None
    liver_surface: Waves
    bowel: Waves
    rib_phase: float

    def bend(self, points: Points) -> Points:
        """Move points by the patient's warp, so that no shape stays geometric; not at all without one."""
        if self.warp is None:
            return points
        x, y, z = (axis + waves.field(points) for axis, waves in zip(points, self.warp, strict=True))
        return x, y, z


class Patient:
    """The distance functions of one anatomy on given points, each computed once.

    Parameters
    ----------
    anatomy : Anatomy
    points : tuple of three ndarray of float32
        x, y, z in mm of the reference adult, all of one shape.
    """

    def __init__(self, anatomy: Anatomy, points: Points) -> None:
        self.anatomy = anatomy
        self.points = anatomy.bend(points)

    @cached_property
    def trunk(self) -> FloatArray:
        """Distance to the outside of the muscular wall, measured along the ray from the midline."""
        x, y, _ = self.points
        level = (np.abs(x / TRUNK[0]) ** 2.4 + np.abs(y / TRUNK[1]) ** 2.4 + np.float32(1e-8)) ** (1 / 2.4)
        return np.asarray(np.hypot(x, y) * (1 - 1 / level), dtype=np.float32)

    @cached_property
    def cava(self) -> FloatArray:
        """Distance to the inferior vena cava."""
        return Tube((-22, 26, -200), (-16, 20, 75), (12, 13)).distance(self.points)

    @cached_property
    def right_kidney(self) -> FloatArray:
        """Distance to the right kidney."""
        return self.anatomy.organs.right_kidney.distance(self.points)

    @cached_property
    def gallbladder(self) -> FloatArray:
        """Distance to the gallbladder."""
        return self.anatomy.organs.gallbladder.distance(self.points)

    @cached_property
    def stomach(self) -> FloatArray:
        """Distance to the outside of the stomach."""
        organs = self.anatomy.organs
        return union(organs.fundus.distance(self.points), organs.stomach.distance(self.points), 14)

    @cached_property
    def liver(self) -> FloatArray:
        """Distance to the liver's surface, vessels and lesions included."""
        x, y, z = self.points
        organs = self.anatomy.organs
        lobe = organs.left_lobe
        # The left lobe thins towards its tip: sections are stretched before they meet the ellipsoid.
        thin = 1 - 0.5 * np.clip((x - lobe.centre[0] + 20) / lobe.radii[0], 0, 1)
        tapered = (
            x,
            lobe.centre[1] + (y - lobe.centre[1]) / thin,
            lobe.centre[2] + (z - lobe.centre[2]) / thin,
        )
        whole = union(organs.right_lobe.distance(self.points), lobe.distance(tapered) * thin, 16)
        whole = whole + self.anatomy.liver_surface.field(self.points)
        fissure = Tube((-10, -96, 6), (-20, -36, 6), (4.5, 1.5)).distance((x, y, np.maximum(z, 6)))
        whole = intersection(whole, -organs.hilum.distance(self.points), 10)
        kidney = organs.right_kidney
        x0, y0, z0 = kidney.centre
        perirenal = replace(kidney, centre=(x0 + 8, y0 + 16, z0 + 2), radii=(40, 38, 58))
        for neighbour, gap in (
            (self.right_kidney, 4),
            (perirenal.distance(self.points), 0),
            (self.gallbladder, 1),
            (self.cava, 0.5),
            (fissure, 0),
            (organs.heart.distance(self.points), 4),
        ):
            whole = intersection(whole, gap - neighbour, 2)
        return intersection(whole, self.trunk + WALL + 2, 5)

    @cached_property
    def lesions(self) -> list[FloatArray]:
        """Distances to the lesions, each cut at the liver's surface."""
        return [np.maximum(lesion.distance(self.points), self.liver) for lesion in self.anatomy.lesions]

    def image(self) -> FloatArray:
        """Paint the patient from the outside inwards.

        Returns
        -------
        ndarray of float32, shape of the points
            Hounsfield units without noise.
        """
        image = np.full_like(self.points[0], -1000)
        self._paint_wall(image)
        self._paint_chest(image)
        self._paint_spine(image)
        self._paint_abdomen(image)
        self._paint_liver(image)
        return image

    def _paint_wall(self, image: FloatArray) -> None:
        """Skin, subcutaneous fat, muscle with ribs, and the fat that fills the cavity."""
        x, y, z = self.points
        tissues = self.anatomy.tissues
        skin = self.trunk - self.anatomy.fat
        paint(image, skin, 10)
        paint(image, skin + 2.5, tissues.fat)
        paint(image, self.trunk, tissues.muscle)
        # Ribs descend from the spine to the flank and the belly, where they turn to cartilage.
        height = z - 0.55 * y + 0.35 * np.abs(x) + self.anatomy.rib_phase
        across = height - RIB_PITCH * np.round(height / RIB_PITCH)
        rib = np.hypot((self.trunk + WALL / 2 + 1) * 1.4, across) - 5.5
        rib = np.maximum(rib, -35 - 1.6 * z - y)
        bone = expit((y + 62) / np.float32(4))
        paint(image, rib, 130 + 380 * bone)
        paint(image, rib + 3, 110 + 120 * bone)
        paint(image, self.trunk + WALL, tissues.fat, 1.5)

    def _paint_chest(self, image: FloatArray) -> None:
        """Lung bases above the diaphragm, which follows the liver on the right, and the heart."""
        x, y, z = self.points
        organs, tissues = self.anatomy.organs, self.anatomy.tissues
        heart = organs.heart.distance(self.points)
        # Below its centre the dome goes straight down along the wall.
        dome = organs.left_dome.distance((x, y, np.maximum(z, organs.left_dome.centre[2])))
        mediastinum = Ellipsoid((2, 30, 100), (30, 58, 150)).distance(self.points)
        recess = 12 - 0.45 * y - z
        parts = (self.trunk + WALL, 3.5 - self.liver, -dome, 4 - heart, -mediastinum, recess)
        lung = reduce(np.maximum, parts)
        paint(image, lung - 3.5, tissues.muscle)
        paint(image, lung, tissues.lung, 1.5)
        paint(image, heart, 0.5 * (tissues.aorta + tissues.cava))

    def _paint_spine(self, image: FloatArray) -> None:
        """Vertebrae with cortex, discs, arch and canal, among the muscles of the back."""
        x, y, z = self.points
        muscle = self.anatomy.tissues.muscle
        mirrored = (np.abs(x), y, z)
        paint(image, Ellipsoid((33, 84, 0), (30, 17, 2000)).distance(mirrored), muscle)
        paint(image, Tube((26, 62, -10), (36, 62, -150), (4, 26)).distance(mirrored), muscle)
        body = Ellipsoid((0, 55, 0), (22, 17, 2000)).distance(self.points)
        level = np.asarray(z - VERTEBRA_PITCH * np.round(z / VERTEBRA_PITCH), dtype=np.float32)
        canal = Ellipsoid((0, 80, 0), (10, 8.5, 2000)).distance(self.points)
        arch = union(canal - 5, Tube((0, 88, 0), (0, 101, 0), (4, 3)).distance((x, y, level * 0.2)), 4)
        process = Tube((14, 80, 0), (40, 86, 0), (5, 4)).distance((mirrored[0], y, level * 0.6))
        paint(image, union(arch, process, 4), 420)
        paint(image, body, 520)
        paint(image, body + 3, 190)
        paint(image, np.maximum(body, VERTEBRA_PITCH / 2 - 4.5 - np.abs(level)), 85, 1.5)
        paint(image, canal, 25)

    def _paint_abdomen(self, image: FloatArray) -> None:
        """Bowel, pancreas, spleen, stomach, kidneys, gallbladder and the great vessels."""
        _, y, z = self.points
        organs, tissues = self.anatomy.organs, self.anatomy.tissues
        loops = self.anatomy.bowel.field(self.points)
        room = reduce(np.maximum, (self.trunk + WALL + 6, z + 22 - 0.2 * y, y - 25, 5 - self.stomach))
        paint(image, np.maximum(room, 2 - loops), tissues.stomach_wall)
        paint(image, np.maximum(room + 4, 8 - loops), tissues.stomach_fluid)
        paint(image, reduce(np.maximum, (room + 4, 8 - loops, y + 45)), -850)
        for tube in (
            Tube((-24, -4, -44), (14, -12, -30), (14, 10)),
            Tube((14, -12, -30), (78, 22, -8), (10, 8)),
        ):
            paint(image, tube.distance(self.points), tissues.pancreas)
        wall = self.trunk + WALL + 3
        spleen = intersection(organs.spleen.distance(self.points), 4 - self.stomach, 6)
        paint(image, intersection(intersection(spleen, wall, 6), 4 - self._left_kidney, 4), tissues.spleen)
        stomach = np.maximum(intersection(self.stomach, wall, 6), 1 - self.liver)
        paint(image, stomach, tissues.stomach_wall)
        paint(image, stomach + 4.5, tissues.stomach_fluid)
        paint(image, np.maximum(stomach + 4.5, y - self.anatomy.gas_level), -960)
        for kidney, inward in ((self.right_kidney, -1), (self._left_kidney, 1)):
            paint(image, kidney, tissues.cortex)
            paint(image, kidney + 7, tissues.medulla, 2)
            side = -34 * inward
            sinus = Ellipsoid((-side * 1.35, 44, -56), (16, 9, 24)).distance(self.points)
            paint(image, sinus, tissues.fat, 1.5)
        paint(image, self.gallbladder, 10)
        paint(image, self.cava, tissues.cava)
        paint(image, Tube((6, 26, -200), (10, 30, 200), (9.5, 12)).distance(self.points), tissues.aorta)

    @cached_property
    def _left_kidney(self) -> FloatArray:
        return self.anatomy.organs.left_kidney.distance(self.points)

    def _paint_liver(self, image: FloatArray) -> None:
        """Liver, its vessels inside it and the portal vein on its way to it, then the lesions."""
        tissues = self.anatomy.tissues
        portal = reduce(np.minimum, (tube.distance(self.points) for tube in self.anatomy.portal_tree))
        paint(image, portal, tissues.portal_vein)
        paint(image, self.liver, tissues.liver)
        paint(image, np.maximum(portal, self.liver), tissues.portal_vein)
        veins = reduce(np.minimum, (tube.distance(self.points) for tube in self.anatomy.hepatic_veins))
        paint(image, np.maximum(veins, self.liver), tissues.hepatic_vein)
        for lesion, distance in zip(self.anatomy.lesions, self.lesions, strict=True):
            paint(image, distance, tissues.liver + lesion.contrast, lesion.edge)
