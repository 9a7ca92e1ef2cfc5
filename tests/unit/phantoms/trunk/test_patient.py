"""Patients of the trunk: what is drawn from a seed, painted and labelled."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from hepaflow.phantoms.trunk.abdomen import draw_retroperitoneum
from hepaflow.phantoms.trunk.bowel import fill
from hepaflow.phantoms.trunk.draws import Draws
from hepaflow.phantoms.trunk.frame import _sheet, draw_frame
from hepaflow.phantoms.trunk.layers import Layer, paint
from hepaflow.phantoms.trunk.lesions import Lesion, Wanted, _body, _visible
from hepaflow.phantoms.trunk.liver import draw_outline
from hepaflow.phantoms.trunk.patient import Patient, draw_patient
from hepaflow.phantoms.trunk.scanner import View, _take_crumbs_away, draw_warp, render
from hepaflow.phantoms.trunk.shapes import Ellipsoid, Within
from hepaflow.phantoms.trunk.space import Shared, Space
from hepaflow.phantoms.trunk.tissues import draw_tissues

SEEDS = range(8)
VIEW = View((40, 56, 72), (8.0, 6.0, 6.0), (0.0, 0.0, 0.0))


@cache
def patient(seed: int) -> Patient:
    return draw_patient(Draws(np.random.default_rng(seed)))


@cache
def seen(seed: int, view: View = VIEW) -> tuple[torch.Tensor, torch.Tensor]:
    return render(patient(seed), view, torch.Generator().manual_seed(0))


def test_a_seed_gives_one_patient() -> None:
    fresh = draw_patient(Draws(np.random.default_rng(3)))
    again = render(fresh, VIEW, torch.Generator().manual_seed(0))

    assert all(torch.equal(first, second) for first, second in zip(seen(3), again, strict=True))
    assert not torch.equal(seen(3)[0], seen(4)[0])


def test_painting_leaves_shared_distances_as_they_are() -> None:
    ball = Shared(Ellipsoid((0, 0, 0), (60, 60, 60)))
    space = VIEW.space()
    before = space.shared(ball).clone()

    paint(torch.zeros(VIEW.shape), space, Layer(ball, 50.0), torch.zeros(VIEW.shape))

    assert torch.equal(space.shared(ball), before)


def test_half_of_a_tissue_shows_at_its_surface() -> None:
    view = View((1, 1, 41), (1.0, 1.0, 1.0), (10.0, 0.0, 0.0))
    image = torch.full(view.shape, -100.0)

    paint(image, view.space(), Layer(Ellipsoid((0, 0, 0), (10, 10, 10)), 100.0, edge=0.5), torch.zeros(view.shape))

    line = image[0, 0]
    assert line[20].item() == pytest.approx(0, abs=1)  # x = 10 mm
    assert line[10].item() == pytest.approx(100, abs=1)
    assert line[32].item() == pytest.approx(-100, abs=1)


def test_a_soft_tissue_ends_at_its_organ_with_a_normal_edge() -> None:
    view = View((1, 1, 61), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    organ, area = Ellipsoid((0, 0, 0), (20, 20, 20)), Ellipsoid((10, 0, 0), (25, 25, 25))
    image = torch.zeros(view.shape)

    paint(image, view.space(), Layer(area, 100.0, edge=8.0, within=organ), torch.zeros(view.shape))

    line = image[0, 0]
    assert line[50].item() == pytest.approx(50, abs=1)  # the organ's surface, at 20 mm
    assert line[35:].max().item() > 85  # inside of both
    assert line[25].item() == pytest.approx(100 / (1 + np.exp(-10 / 8)), abs=4)  # 10 mm inside of the area
    assert line[55:].max() < 1  # 5 mm outside of the organ


def test_soft_lesions_fade_without_steps() -> None:
    view = View((81, 81, 81), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    for seed in range(8):
        space, image = view.space(), torch.zeros(view.shape)
        form = _body(Draws(np.random.default_rng(seed)), np.zeros(3), 12.0)

        paint(image, space, Layer(form, 100.0, edge=4.5), torch.zeros(view.shape))

        everywhere = 100 * torch.sigmoid(-form.distance(space) / 4.5)  # not only where the layer is computed
        assert (image - everywhere).abs().max() < 1


def test_some_lesions_grow_into_the_liver_without_a_form_of_their_own() -> None:
    """Their surface is uneven by a fifth of their radius, that of the others by at most a seventh."""
    uneven = [_body(Draws(np.random.default_rng(seed)), np.zeros(3), 10.0).waves.amplitude for seed in range(200)]

    assert 0.15 < np.mean(np.array(uneven) > 1.4) < 0.35
    assert max(uneven) <= 2.2


@pytest.mark.parametrize("seed", SEEDS)
def test_livers_are_of_a_size_and_show_their_tissue(seed: int) -> None:
    image, label = seen(seed)
    millilitres = (label > 0).sum().item() * np.prod(VIEW.spacing) / 1000

    assert 300 < millilitres < 4500
    inside = torch.nn.functional.max_pool3d(-(label == 1).float()[None, None], 3, 1, 1)[0, 0] == -1
    typical = image[inside].median().item()
    assert typical == pytest.approx(patient(seed).tissues["liver"], abs=12)


def test_patients_differ() -> None:
    volumes = [(seen(seed)[1] > 0).sum().item() for seed in SEEDS]
    tissues = [patient(seed).tissues["liver"] for seed in range(40)]
    phases = {patient(seed).tissues.phase for seed in range(40)}

    assert max(volumes) > 1.5 * min(volumes)
    assert np.std(tissues) > 20
    assert phases == {"native", "arterial", "portal venous", "late"}


def test_lesions_lie_in_the_liver_and_are_of_all_kinds() -> None:
    kinds, radii, without = set(), [], 0
    for seed in range(70):
        found = patient(seed).lesions
        without += not found
        kinds |= {lesion.kind for lesion in found}
        radii += [lesion.radius for lesion in found]

    assert kinds == {"dark", "bright", "rim", "necrotic", "cyst", "mixed", "calcified", "target"}
    assert 5 < without < 30
    assert min(radii) < 4
    assert 35 < max(radii) <= 60
    for seed in SEEDS:
        space = VIEW.space()
        outside = space.shared(patient(seed).liver) > 0.5
        assert not ((seen(seed)[1] == 2) & outside).any()


def test_most_lesions_are_small_and_whole_and_small_ones_are_whole() -> None:
    radii, whole = [], []
    space = Space(*torch.tensor(np.random.default_rng(0).uniform(-1, 1, (3, 600)), dtype=torch.float32))
    for seed in range(60):
        for lesion in patient(seed).lesions:
            assert isinstance(lesion.shape, Within)
            low, high = (torch.tensor(end) for end in (lesion.shape.shape.box.low, lesion.shape.shape.box.high))
            axes = zip(space.points, (low + high) / 2, (high - low) / 2, strict=True)
            points = Space(*(middle + half * axis for axis, middle, half in axes))
            lesion_alone = lesion.shape.shape.distance(points) < 0
            radii.append(lesion.radius)
            whole.append(float((lesion.shape.distance(points) < 0).sum() / lesion_alone.sum()))

    assert 0.75 < np.mean(np.array(radii) <= 15) < 0.97
    assert max(radii) > 35
    assert np.mean(np.array(whole) < 0.75) < 0.2
    assert np.mean(np.array(whole) < 1) > 0.05
    # But for some of several bodies, and where the liver is thin.
    assert np.mean(np.array(whole)[np.array(radii) < 7] == 1) > 0.95


def test_radii_beyond_the_usual_ones_are_drawn_if_asked_for() -> None:
    wanted = Wanted(8, (18, 30), 0.0)
    radii = [
        lesion.radius
        for seed in range(6)
        for lesion in draw_patient(Draws(np.random.default_rng(seed)), wanted).lesions
    ]

    assert 17.99 < min(radii) < 20 < max(radii) < 30.01


def test_what_is_inside_of_lesions_is_not_like_healthy_liver() -> None:
    kinds = set()
    for seed in range(60):
        healthy = patient(seed).tissues["liver"]
        for lesion in patient(seed).lesions:
            if lesion.kind != "calcified":
                seen = lesion.layers[:1] if lesion.kind == "mixed" else lesion.layers  # parts of these are like it
                assert min(abs(layer.hu - healthy) for layer in seen) >= 15 - 1e-6
                kinds.add(lesion.kind)
    assert len(kinds) == 7


def test_parts_of_mixed_lesions_differ_from_each_other_and_lie_within() -> None:
    differences, space = [], VIEW.space()
    for seed in range(60):
        for lesion in patient(seed).lesions:
            if lesion.kind == "mixed":
                whole, *parts = lesion.layers
                outside = whole.shape.distance(space) > 0
                assert not any(((part.shape.distance(space) < 0) & outside).any() for part in parts)
                differences += [part.hu - whole.hu for part in parts]
    assert len(differences) > 10
    assert min(differences) < -5
    assert max(differences) > 5


@pytest.mark.parametrize(("healthy", "expected"), [(110.0, 10.0), (15.0, -5.0), (5.0, 25.0), (30.0, 10.0)])
def test_fluid_keeps_away_from_the_liver(healthy: float, expected: float) -> None:
    assert _visible(10.0, healthy, 0.0) == expected
    assert abs(_visible(10.0, healthy, 120.0) - healthy) == 120


def test_noise_asks_for_contrast_or_size_or_leaves_a_lesion_out() -> None:
    """A lesion that would be lost in the noise has more contrast; a small one is larger; else there is none."""

    def of(least: Callable[[float], float]) -> list[list[Lesion]]:
        return [
            list(draw_patient(Draws(np.random.default_rng(seed)), Wanted(8, (3, 30), 0.0), least).lesions)
            for seed in range(8)
        ]

    def contrasts(patients: list[list[Lesion]]) -> list[float]:
        return [
            max(abs(layer.hu - patient(seed).tissues["liver"]) for layer in lesion.layers)
            for seed, lesions in enumerate(patients)
            for lesion in lesions
        ]

    plain = of(lambda _: 0.0)
    assert min(contrasts(plain)) < 40
    assert min(contrasts(of(lambda _: 80.0))) >= 80 - 1e-6
    larger = of(lambda radius: 900 / radius)
    assert min(lesion.radius for lesions in larger for lesion in lesions) >= 10
    assert max(lesion.radius for lesions in of(lambda radius: 2699 / radius) for lesion in lesions) <= 30
    assert min(lesion.radius for lesions in plain for lesion in lesions) < 4
    assert not any(of(lambda _: 91.0))


def test_lesions_stand_out_from_the_mottle() -> None:
    plain = 0
    for seed in range(60):
        found = patient(seed)
        liver = next(layer for layer in found.layers if layer.shape is found.liver)
        for lesion in found.lesions:
            if lesion.kind in {"dark", "bright"}:
                (layer,) = lesion.layers
                contrast = abs(layer.hu - liver.hu)
                assert contrast >= 16
                assert contrast >= 4 * max(liver.mottle, layer.mottle)
                plain += 1
    assert plain > 60


def test_the_outside_of_a_necrotic_lesion_is_seen_in_the_noise() -> None:
    least, outer = 40.0, []
    for seed in range(60):
        found = draw_patient(Draws(np.random.default_rng(seed)), Wanted(8, (3, 30), 0.0), lambda _: least)
        outer += [
            found.tissues["liver"] - lesion.layers[0].hu for lesion in found.lesions if lesion.kind == "necrotic"
        ]
    assert len(outer) > 10
    assert min(outer) >= least - 1e-6


def test_some_neighbours_are_as_bright_as_the_liver() -> None:
    """The vena cava in three of ten patients, beside those in whom it is by chance; contents of the bowel, too."""
    tissues = [draw_tissues(Draws(np.random.default_rng(seed)), 1.5) for seed in range(400)]
    alike = np.mean([abs(one["cava"] - one["liver"]) < 20 for one in tissues])
    assert 0.4 < alike < 0.55

    ball = Ellipsoid((0, 0, 0), (20, 20, 20))
    bright = replace(tissues[0], hu=tissues[0].hu | {"liver": 200.0})
    filled = [
        fill(Draws(np.random.default_rng(seed)), bright, ball, 3, {"like liver": 1.0}, 0)[0].hu
        for seed in range(40)
    ]
    assert abs(np.mean(filled) - 200) < 12
    assert 4 < np.std(filled) < 24


def test_what_is_uneven_and_no_lesion_is_weaker_than_any() -> None:
    uneven = 0
    for seed in range(60):
        found = patient(seed)
        lesions = {id(layer) for lesion in found.lesions for layer in lesion.layers}
        for layer in found.layers:
            if layer.within is found.liver and id(layer) not in lesions:
                assert abs(layer.hu - found.tissues["liver"]) <= 12
                assert layer.edge >= 6
                uneven += 1
    assert 8 < uneven < 30


def test_no_organ_is_cut_open_by_the_liver() -> None:
    """Bowel, stomach, pancreas and spleen end beside it; the liver is painted over all of them."""
    view = View((50, 56, 72), (5.0, 5.0, 5.0), (0.0, 0.0, -20.0))
    for seed in range(3):
        found, space = patient(seed), view.space()
        inside = space.shared(found.liver) < -3
        hollow = {found.tissues["bowel_wall"], found.tissues["pancreas"], found.tissues["spleen"]}
        before = found.layers[: next(i for i, layer in enumerate(found.layers) if layer.shape is found.liver)]
        organs = [layer for layer in before if layer.hu in hollow and layer.shape.box.high[2] > -150]
        assert len(organs) > 8
        for layer in organs:
            if part := space.within(layer.shape.box, 0):
                place, points = part
                if (
                    layer.hu != found.tissues["bowel_wall"] or layer.shape.box.high[2] < 110
                ):  # the gullet is longer
                    assert not ((layer.shape.distance(points) < 0) & inside[place]).any()


def test_pieces_of_a_liver_at_the_sides_of_what_is_seen_stay() -> None:
    view = View((9, 20, 20), (5.0, 5.0, 5.0), (0.0, 0.0, 0.0))
    liver = torch.full(view.shape, 50.0)
    liver[2:8, 4:12, 4:12] = -5  # the liver
    liver[4, 15, 15] = -5  # a crumb
    liver[4, 19, 8] = liver[4, 8, 19] = liver[8, 15, 15] = -5  # parts of something that is not seen

    _take_crumbs_away(liver, view)

    assert (liver[4, 19, 8], liver[4, 8, 19], liver[8, 15, 15], liver[4, 6, 6]) == (-5, -5, -5, -5)
    assert liver[4, 15, 15] > 50


def test_lesions_with_a_wall_of_another_side_are_large_enough_to_show_both() -> None:
    """Across a wall of 2 mm, wall and inside would average to the liver."""
    found = [lesion for seed in range(120) for lesion in patient(seed).lesions if lesion.kind in ("rim", "target")]
    assert len(found) > 8
    for lesion in found:
        assert lesion.radius >= 8
        wall, inside = lesion.layers
        assert inside.shape.by <= -3
        assert min(abs(wall.hu - inside.hu), abs(inside.hu - wall.hu)) >= 2 * 15


def test_lungs_reach_down_to_most_livers() -> None:
    """Height of what lies between the liver's top and the lung."""
    gaps = []
    for seed in range(10):
        found = draw_patient(Draws(np.random.default_rng([7, seed])), Wanted(0))
        view = View((60, 30, 30), (3.0, 6.0, 6.0), (-60.0, 0.0, 40.0))
        image, label = render(found, view, torch.Generator().manual_seed(0))
        top = (len(label) - 1 - (label.flip(0) > 0).to(torch.uint8).argmax(0)).tolist()
        for y, x in np.argwhere((label > 0).any(0).numpy()):
            above = image[top[y][x] + 1 :, y, x] < -500
            if above.any():
                gaps.append(3.0 * above.to(torch.uint8).argmax().item())
    assert np.median(gaps) < 8


def test_edges_are_as_sharp_as_they_are_said_to_be() -> None:
    view = View((1, 1, 41), (1.0, 1.0, 0.5), (10.0, 0.0, 0.0))
    ball, slopes = Ellipsoid((0, 0, 0), (10, 10, 10)), []
    for sharpness in (1.0, 2.0):
        image = torch.zeros(view.shape)
        paint(image, view.space(), Layer(ball, 100.0, edge=1.5), torch.zeros(view.shape), sharpness)
        slopes.append(image[0, 0].diff().abs().max().item())
    assert slopes[1] == pytest.approx(2 * slopes[0], rel=0.05)
    assert {round(patient(seed).sharpness) for seed in range(20)} >= {1, 2, 3}


def test_sheets_of_fat_lie_within_the_muscles_of_the_wall() -> None:
    frame = draw_frame(Draws(np.random.default_rng(0)))
    space = VIEW.space()
    muscle = (space.shared(frame.wall) < 0) & (space.shared(frame.cavity) > 0)
    for seed in range(6):
        sheet = _sheet(Draws(np.random.default_rng(seed)), frame).distance(space) < 0
        assert not (sheet & ~muscle).any()
        assert 0 < (sheet & muscle).sum() < 0.5 * muscle.sum()


def test_gallbladders_hang_from_the_liver() -> None:
    shares, lower = [], []
    for seed in range(80):
        draws = Draws(np.random.default_rng(seed))
        gallbladder, outline = draw_retroperitoneum(draws).gallbladder, draw_outline(draws)[0]
        if gallbladder is None:
            continue
        assert isinstance(gallbladder, Shared)
        points = draws.rng.uniform(gallbladder.box.low, gallbladder.box.high, (2000, 3))
        space = Space(*torch.tensor(points, dtype=torch.float32).unbind(1))
        own, in_liver = gallbladder.shape.distance(space) < 0, outline.distance(space) < 0
        shares.append((own & in_liver).sum().item() / own.sum().item())
        if 0.1 < shares[-1] < 0.9:
            lower.append((space.z[own & in_liver].mean() - space.z[own & ~in_liver].mean()).item())

    assert 0.15 < np.median(shares) < 0.45
    assert np.mean(np.array(shares) < 0.9) > 0.85
    assert np.mean(np.array(lower) > 5) > 0.8  # what is not in the liver is below


def test_the_pelvis_and_the_neck_have_no_liver() -> None:
    for height in (-330.0, 260.0):
        for seed in (0, 1):
            image, label = seen(seed, replace(VIEW, shape=(12, 56, 72), middle=(0.0, 0.0, height)))
            assert not label.any()
            assert (image > -200).float().mean() > 0.03  # there is a body


def test_a_volume_does_not_depend_on_the_grid() -> None:
    coarse = seen(5)[1] > 0
    fine_view = View((80, 112, 144), (4.0, 3.0, 3.0), VIEW.middle)
    fine = seen(5, fine_view)[1] > 0

    assert coarse.sum().item() * 8 == pytest.approx(fine.sum().item(), rel=0.04)


def test_a_warp_bends_the_patient_a_little() -> None:
    warp = draw_warp(Draws(np.random.default_rng(1)))
    plain, warped = seen(2)[1] > 0, seen(2, replace(VIEW, warp=warp))[1] > 0
    overlap = 2 * (plain & warped).sum() / (plain.sum() + warped.sum())

    assert 0.7 < overlap < 0.995
