"""Distance functions of the trunk: what is inside, and that computing a part gives what computing all does."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from hepaflow.phantoms.trunk.draws import Draws
from hepaflow.phantoms.trunk.shapes import AnyOf, Ellipsoid, Grown, Made, Tube, Union, Within, without
from hepaflow.phantoms.trunk.space import EVERYWHERE, Grid, Shape, Shared, Space

TURNED = Ellipsoid((4, -3, 8), (30, 12, 20), turn=(20, -35, 50))
LEANING = Ellipsoid((0, 0, 0), (10, 14, 30), lean=(0.4, -0.2))
ROD = Tube((-20, 5, -10), (25, -5, 30), (6, 2))
FLAT = Tube((-20, 0, 0), (20, 0, 5), (8, 8), flat=2.0)
SHAPES = {
    "turned": TURNED,
    "leaning": LEANING,
    "rod": ROD,
    "flat": FLAT,
    "union": Union(TURNED, ROD, 8),
    "any of": AnyOf((TURNED, ROD, FLAT)),
    "within": Within(TURNED, LEANING, 1, 3),
    "without": without(TURNED, ROD, 1, 3),
    "grown": Grown(ROD, 3, Draws(np.random.default_rng(1)).waves(4, (20, 40), 1.0)),
}


def cloud(count: int = 30000, reach: float = 60) -> Space:
    points = np.random.default_rng(0).uniform(-reach, reach, (count, 3)).astype(np.float32)
    x, y, z = torch.tensor(points).unbind(1)
    return Space(x, y, z)


def grid_of(counts: tuple[int, int, int] = (20, 24, 28), step: float = 4.0) -> Space:
    z, y, x = (torch.arange(count, dtype=torch.float32) * step - step * (count - 1) / 2 for count in counts)
    points = torch.meshgrid(z, y, x, indexing="ij")
    return Space(points[2], points[1], points[0], Grid(z, y, x, np.eye(3), (0.0, 0.0, 0.0)))


def test_the_surface_of_an_ellipsoid_is_at_its_radii() -> None:
    ball = Ellipsoid((1, 2, 3), (5, 7, 9))
    x, y, z = torch.tensor([[6.0, 2, 3], [1, 9, 3], [1, 2, 12], [1, 2, 3]]).unbind(1)

    distance = ball.distance(Space(x, y, z))

    assert distance[:3].abs().max() < 1e-3
    assert distance[3] < 0


def test_a_tube_is_as_far_as_its_line_less_its_radius() -> None:
    tube = Tube((0, 0, 0), (0, 0, 10), (4, 2))
    x, y, z = torch.tensor([[7.0, 0, 0], [0, 5, 5], [0, 0, 15]]).unbind(1)

    assert tube.distance(Space(x, y, z)) == pytest.approx([3, 2, 3], abs=1e-3)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_nothing_is_inside_beyond_the_box(shape: Shape) -> None:
    space = cloud()
    inside = shape.distance(space) < 0
    points = torch.stack(space.points, 1)[inside].numpy()

    assert 20 < len(points) < 30000
    assert (points >= np.array(shape.box.low) - 1e-3).all()
    assert (points <= np.array(shape.box.high) + 1e-3).all()


def test_sets_are_those_of_their_parts() -> None:
    space = cloud()
    first, second = TURNED.distance(space) < 0, ROD.distance(space) < 0

    assert torch.equal(Union(TURNED, ROD).distance(space) < 0, first | second)
    assert torch.equal(AnyOf((TURNED, ROD)).distance(space) < 0, first | second)
    assert torch.equal(Within(TURNED, ROD).distance(space) < 0, first & second)
    assert torch.equal(without(TURNED, ROD).distance(space) < 0, first & (ROD.distance(space) > 0))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_part_has_the_distances_of_the_whole(shape: Shape) -> None:
    space = grid_of()
    whole = shape.distance(space)
    found = space.within(shape.box, 0)

    assert found
    place, part = found
    assert torch.allclose(shape.distance(part), whole[place], atol=1e-3)
    outside = torch.ones_like(whole, dtype=torch.bool)
    outside[place] = False
    assert (whole[outside] > -1e-3).all()


def test_what_is_shared_is_computed_once_and_cut_to_every_part() -> None:
    calls = []

    class Counted(Ellipsoid):
        def distance(self, space: Space) -> torch.Tensor:
            calls.append(space)
            return super().distance(space)

    ball = Counted((0, 0, 0), (20, 20, 20))
    shared = Shared(ball, margin=0)
    space = grid_of()
    place, part = space.within(Ellipsoid((10, 10, 10), (9, 9, 9)).box, 0) or pytest.fail("nothing is there")

    cut = shared.distance(part)

    assert torch.equal(cut, shared.distance(space)[place])
    assert len(calls) == 1
    expected = Ellipsoid(ball.centre, ball.radii).distance(space)
    assert torch.equal(shared.distance(space) < 0, expected < 0)


def test_a_field_on_a_grid_is_that_of_its_points() -> None:
    turn = Rotation.from_euler("zy", (20, -10), degrees=True).as_matrix()
    waves = Draws(np.random.default_rng(3)).waves(7, (30, 90), 2.5)
    plain = grid_of()
    assert plain.grid
    points = torch.stack(plain.points, -1).double() @ torch.tensor(turn).T + torch.tensor((5.0, -7.0, 11.0))
    x, y, z = points.float().unbind(-1)

    quick = waves.on(Grid(plain.grid.z, plain.grid.y, plain.grid.x, turn, (5.0, -7.0, 11.0)))

    assert torch.allclose(quick, waves.field(Space(x, y, z)), atol=1e-3)
    assert quick.std().item() == pytest.approx(2.5, rel=0.35)


@pytest.mark.parametrize("counts", [(20, 24, 28), (9, 8, 7), (1, 2, 3)])
def test_distances_to_a_plane_are_interpolated_without_error(counts: tuple[int, int, int]) -> None:
    plane = Shared(Made(EVERYWHERE, lambda space: 0.8 * space.x - 0.6 * space.z + 3))
    exact, rough = grid_of(counts), grid_of(counts)
    rough.interpolated = True
    if 2 in counts:  # the last one of two is not known, and follows no line
        found, wanted = (space.shared(plane)[:, :1] for space in (rough, exact))
    else:
        found, wanted = rough.shared(plane), exact.shared(plane)
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=0)


def test_interpolated_distances_to_a_round_surface_err_by_a_share_of_a_step() -> None:
    exact, rough = grid_of(), grid_of()
    rough.interpolated = True
    ball = Shared(Ellipsoid((3, -2, 1), (30, 30, 30)))
    near = exact.shared(ball).abs() < 8
    error = (rough.shared(ball) - exact.shared(ball)).abs()[near].max()
    assert 0 < error < 8.0**2 / 8 * 2 / 22  # of linear interpolation over 8 mm, where two curvatures are 1 / 22 mm
