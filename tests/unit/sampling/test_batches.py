"""Mini-batches with a share of chosen slices, and epochs of a set length; all slices once: `test_slices`."""

import math
from collections import Counter
from itertools import chain
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hepaflow.sampling.batches import EpochBatches

SHOWN = range(0, 100, 9)
"""Those of a hundred slices that show the structure: twelve."""


def epoch_of(batches: EpochBatches, epoch: int, done: int = 0) -> list[list[int]]:
    batches.epoch, batches.done = epoch, done
    return list(batches)


def batches_of(**given: Any) -> EpochBatches:
    return EpochBatches(range(100), 8, **{"seed": 1, "oversampled": SHOWN, "share": 1 / 3, **given})


@pytest.mark.parametrize(
    ("batch_size", "share", "expected"),
    [(32, 0.33, 11), (2, 0.33, 1), (8, 0.25, 2), (100, 0.07, 7), (8, 1.0, 8), (8, 0.01, 1), (30, 0.1, 3)],
)
def test_the_last_places_of_a_batch_are_its_share_rounded_up(batch_size: int, share: float, expected: int) -> None:
    """Where rounding of floats makes 7.000000000000001 of seven, it is seven."""
    some = EpochBatches(range(100), batch_size, seed=1, batches=3, oversampled=[100, 101], share=share)
    for batch in epoch_of(some, 0):
        assert [number >= 100 for number in batch] == [False] * (batch_size - expected) + [True] * expected


@settings(deadline=None, max_examples=50)
@given(
    slices=st.integers(2, 200),
    batch_size=st.integers(4, 40),
    world=st.integers(1, 4),
    share=st.floats(0.01, 1),
    batches=st.none() | st.integers(1, 20),
    seed=st.integers(0, 2**32 - 1),
    epoch=st.integers(0, 300),
)
def test_every_batch_has_its_share_and_devices_share_it_as_without(
    slices: int, batch_size: int, world: int, share: float, batches: int | None, seed: int, epoch: int
) -> None:
    shown = range(0, slices, 5)

    def of(**which: Any) -> list[list[int]]:
        chosen = EpochBatches(
            range(slices), batch_size, seed, batches=batches, oversampled=shown, share=share, **which
        )
        return epoch_of(chosen, epoch)

    whole = of()
    plain = epoch_of(EpochBatches(range(slices), batch_size, seed, batches=batches), epoch)
    assert [len(batch) for batch in whole] == [len(batch) for batch in plain]
    for batch in whole:
        wanted = math.ceil(share * len(batch) - 1e-9)
        assert set(batch) <= set(range(slices))
        assert set(batch[len(batch) - wanted :]) <= set(shown)
    for rank in range(world):
        assert of(rank=rank, world=world) == [batch[rank::world] for batch in whole]


def test_an_epochs_draws_depend_on_seed_and_epoch_alone() -> None:
    went_through = batches_of()
    epochs = [epoch_of(went_through, epoch) for epoch in range(5)]
    assert len({str(epoch) for epoch in epochs}) == 5
    assert epoch_of(batches_of(), 3) == epochs[3]
    assert epoch_of(batches_of(seed=2), 3) != epochs[3]
    for done in range(14):
        assert epoch_of(batches_of(), 3, done) == epochs[3][done:]


def test_no_slice_is_oversampled_twice_before_all_are_once() -> None:
    drawn = [number for batch in epoch_of(batches_of(), 0) for number in batch[-math.ceil(len(batch) / 3) :]]
    assert len(drawn) > 2 * len(SHOWN)
    for first in range(0, len(drawn), len(SHOWN)):
        assert len(set(drawn[first : first + len(SHOWN)])) == len(drawn[first : first + len(SHOWN)])


def test_other_places_are_for_different_slices() -> None:
    others = [number for batch in epoch_of(batches_of(), 0) for number in batch[: -math.ceil(len(batch) / 3)]]
    assert len(set(others)) == len(others)
    assert any(number in SHOWN for number in others)  # they are for any


@pytest.mark.parametrize("batches", [1, 5, 13, 40])
def test_an_epoch_of_a_set_length_has_full_batches_of_slices_that_come_equally_often(batches: int) -> None:
    drawn = epoch_of(EpochBatches(range(100), 8, seed=1, batches=batches), 0)
    assert [len(batch) for batch in drawn] == [8] * batches
    times = Counter({number: 0 for number in range(100)})
    times.update(chain.from_iterable(drawn))
    assert max(times.values()) - min(times.values()) <= 1


def test_a_set_length_of_one_pass_is_that_pass() -> None:
    every = EpochBatches(range(96), 8, seed=1)
    assert epoch_of(EpochBatches(range(96), 8, seed=1, batches=12), 2) == epoch_of(every, 2)
    assert epoch_of(EpochBatches(range(96), 8, seed=1, batches=5), 2) == epoch_of(every, 2)[:5]


@pytest.mark.parametrize("world", [1, 3])
@pytest.mark.parametrize("done", [0, 2])
def test_repeats_count_how_often_a_slice_came_before_on_any_device(world: int, done: int) -> None:
    few: dict[str, Any] = {"batches": 5, "oversampled": [0], "share": 0.25}
    whole = list(chain.from_iterable(epoch_of(EpochBatches(range(7), 8, 1, **few), 0)))
    expected = [whole[:place].count(number) for place, number in enumerate(whole)]
    assert max(expected) > 10
    in_batches = [expected[first : first + 8] for first in range(0, len(whole), 8)]
    for rank in range(world):
        some = EpochBatches(range(7), 8, 1, rank=rank, world=world, **few)
        some.done = done
        assert list(some.repeats()) == [batch[rank::world] for batch in in_batches[done:]]


def test_slices_in_their_order_begin_again_where_batches_ask_for_more() -> None:
    batches = EpochBatches([5, 6, 7], 2, 0, shuffle=False, batches=4)
    assert list(batches) == [[5, 6], [7, 5], [6, 7], [5, 6]]
