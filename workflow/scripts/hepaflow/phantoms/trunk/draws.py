"""What is random in a patient, drawn one after the other from one generator."""

import numpy as np

from hepaflow.phantoms.shapes import Vector
from hepaflow.phantoms.trunk.shapes import Ellipsoid, Tube, Waves


class Draws:
    """Random numbers of one patient.

    Parameters
    ----------
    rng : numpy.random.Generator
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def between(self, low: float, high: float) -> float:
        """Return a number between two others, each as likely."""
        return float(self.rng.uniform(low, high))

    def factor(self, largest: float) -> float:
        """Return a factor between 1/largest and largest, as often below as above one."""
        return float(largest ** self.rng.uniform(-1, 1))

    def around(self, mean: float, spread: float) -> float:
        """Return a number from a normal distribution."""
        return float(self.rng.normal(mean, spread))

    def chance(self, share: float) -> bool:
        """Return whether something happens that does in this share of patients."""
        return bool(self.rng.random() < share)

    def count(self, low: int, high: int) -> int:
        """Return a whole number, both ends included."""
        return int(self.rng.integers(low, high, endpoint=True))

    def one_of(self, choices: dict[str, float]) -> str:
        """Return one of several, by their shares."""
        shares = np.array(list(choices.values()))
        return list(choices)[int(self.rng.choice(len(shares), p=shares / shares.sum()))]

    def moved(self, point: Vector, spread: float) -> Vector:
        """Return a point moved by a normal distribution along each axis."""
        x, y, z = (float(value) for value in self.rng.normal(point, spread))
        return x, y, z

    def ellipsoid(
        self,
        centre: Vector,
        radii: Vector,
        lean: tuple[float, float] = (0.0, 0.0),
        *,
        size: float = 1.15,
        stretch: float = 1.1,
        shift: float = 6.0,
        turn: float = 8.0,
    ) -> Ellipsoid:
        """Return an ellipsoid of another size, form, place and direction than the typical one."""
        scale = self.factor(size)
        return Ellipsoid(
            self.moved(centre, shift),
            tuple(radius * scale * self.factor(stretch) for radius in radii),  # type: ignore[arg-type]
            lean,
            tuple(self.around(0, turn) for _ in range(3)),  # type: ignore[arg-type]
        )

    def tubes(
        self, points: list[Vector], radii: list[float], *, shift: float = 4.0, flat: float = 1.0
    ) -> tuple[Tube, ...]:
        """Return a chain of tubes through points that are moved; radii are those at the points."""
        moved = [self.moved(point, shift) for point in points]
        return tuple(
            Tube(start, end, (first, last), flat)
            for start, end, first, last in zip(moved, moved[1:], radii, radii[1:], strict=False)
        )

    def waves(self, count: int, lengths: tuple[float, float], amplitude: float) -> Waves:
        """Return plane waves in random directions, with lengths in mm."""
        directions = self.rng.normal(size=(count, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        vectors = directions * (2 * np.pi / self.rng.uniform(*lengths, (count, 1)))
        return Waves(
            tuple((float(x), float(y), float(z)) for x, y, z in vectors),
            tuple(self.rng.uniform(0, 2 * np.pi, count).tolist()),
            amplitude,
        )
