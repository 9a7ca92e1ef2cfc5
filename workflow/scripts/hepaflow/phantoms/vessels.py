"""The vessels of the liver: tubes by both ends, in mm of the reference adult, and their radii there."""

from hepaflow.phantoms.shapes import Vector

Path = tuple[Vector, Vector, tuple[float, float]]

PORTAL: tuple[Path, ...] = (
    ((8, 0, -40), (-28, 0, -10), (7.5, 7)),
    ((-28, 0, -10), (-66, 6, 0), (6.5, 5.5)),
    ((-66, 6, 0), (-98, -26, 6), (5, 2.5)),
    ((-66, 6, 0), (-104, 34, 10), (5, 2.5)),
    ((-66, 6, 0), (-92, 22, -36), (4.5, 2.5)),
    ((-66, 6, 0), (-84, -40, -26), (4.5, 2.5)),
    ((-28, 0, -10), (-12, -34, 12), (5.5, 4.5)),
    ((-12, -34, 12), (30, -50, 16), (4.5, 2.5)),
)
"""Portal vein from behind the pancreas to the hilum, and its branches in both lobes."""

HEPATIC: tuple[Path, ...] = (
    ((-22, 18, 44), (-70, 18, 30), (5.5, 5)),
    ((-70, 18, 30), (-108, 14, 4), (5, 2.5)),
    ((-22, 16, 44), (-44, -18, 30), (5, 4.5)),
    ((-44, -18, 30), (-58, -54, 8), (4.5, 2.5)),
    ((-20, 14, 44), (-4, -22, 34), (4.5, 4)),
    ((-4, -22, 34), (24, -54, 26), (4, 2)),
)
"""Right, middle and left hepatic vein, which meet in the vena cava below the diaphragm."""
