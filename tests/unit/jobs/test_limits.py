"""Time limits and further attempts of trainings."""

import pytest

from hepaflow.jobs.limits import DAY, drawing_minutes, retries, time_limit, training_minutes


def test_limits_grow_with_every_attempt_up_to_a_day() -> None:
    assert [time_limit(500, attempt) for attempt in (1, 2, 3, 4)] == [500, 1000, DAY, DAY]


def test_the_thesis_on_lits17_has_time_on_an_a100_in_fp32() -> None:
    """Its longest training takes 246 hours there (docs/slurm.md): eleven days, of which four attempts had four."""
    minutes = training_minutes(121, 200)
    attempts = 1 + retries(3, minutes)
    assert sum(time_limit(minutes, attempt) for attempt in range(1, attempts + 1)) > 2 * 246 * 60


@pytest.mark.parametrize(
    ("asked", "minutes", "expected"),
    [(3, DAY, 3), (3, DAY + 1, 4), (3, 100 * DAY, 30), (50, 100 * DAY, 50), (1, 60, 3), (0, 100 * DAY, 0)],
)
def test_a_training_is_tried_as_often_as_its_days_need(asked: int, minutes: int, expected: int) -> None:
    assert retries(asked, minutes) == expected


def test_a_training_that_draws_phantoms_has_time_for_each() -> None:
    assert drawing_minutes(0) == 60
    assert drawing_minutes(2000) == 60 + 66
