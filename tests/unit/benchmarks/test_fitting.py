"""The length of a training that is to end in a given time."""

import pytest
from benchmarks.fitting import Pace, nearest, pace_of

PACE = Pace(start=4.0, epoch=0.5, batch=0.25)


def test_seconds_add_up() -> None:
    assert PACE.seconds(epochs=10, batches=6) == 4 + 10 * (0.5 + 6 * 0.25)


@pytest.mark.parametrize("epochs", [1, 7, 30])
@pytest.mark.parametrize("batches", [1, 5, 28])
def test_the_time_of_a_training_gives_that_training(epochs: int, batches: int) -> None:
    assert PACE.within(PACE.seconds(epochs, batches), epochs) == (epochs, batches)


@pytest.mark.parametrize("seconds", [30.0, 77.7, 300.0, 1234.5])
def test_a_training_ends_within_half_a_mini_batch_of_each_epoch(seconds: float) -> None:
    epochs, batches = PACE.within(seconds, 24)
    assert epochs == 24
    assert abs(PACE.seconds(epochs, batches) - seconds) <= 24 * PACE.batch / 2


@pytest.mark.parametrize(("seconds", "epochs"), [(4 + 3 * 0.75, 3), (4 + 0.75, 1), (4.0, 1), (0.0, 1)])
def test_epochs_are_fewer_where_there_is_no_time_for_all(seconds: float, epochs: int) -> None:
    assert PACE.within(seconds, 30) == (epochs, 1)


@pytest.mark.parametrize(("seconds", "epochs"), [(4 + 12 * 7, 12), (4 + 12.4 * 7, 12), (0, 1)])
def test_whole_epochs_of_a_time(seconds: float, epochs: int) -> None:
    assert PACE.whole_epochs(seconds, batches=26) == epochs


def test_short_trainings_tell_the_pace() -> None:
    one, three = PACE.seconds(1, 8), PACE.seconds(3, 8)
    slow_at_first = [9.0, 8 * PACE.batch, 8 * PACE.batch]
    assert pace_of(8, one, three, slow_at_first) == PACE


def test_a_busy_machine_gives_no_negative_times() -> None:
    pace = pace_of(4, one=1.0, several=10.0, own=[2.0, 6.0, 6.0])
    assert pace.start == pace.epoch == 0
    assert pace.batch == 1.5


def test_nearest_takes_the_size_on_either_side() -> None:
    assert nearest(50, range(1, 20), lambda width: width**2) == 7
    assert nearest(1000, range(1, 20), lambda width: width**2) == 19


def test_a_pace_twice_as_slow_takes_twice_as_long() -> None:
    assert PACE.scaled(2).seconds(3, 7) == 2 * PACE.seconds(3, 7)
