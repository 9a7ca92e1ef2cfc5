"""The table of Dice for the same compute, and what it says of the aims."""

from benchmarks.dice_table import Trial, aims, dice_table


def trial(liver: float, lesion: float, seconds: float = 100.0) -> Trial:
    return Trial({"liver": seconds, "lesion": 2 * seconds}, {"liver": liver, "lesion": lesion})


OURS = [trial(0.970, 0.95, 90.0), trial(0.980, 0.95, 110.0)]


def test_a_row_has_means_and_the_spread_of_the_seeds() -> None:
    header, _, alone, several = dice_table({"alone": [trial(0.9, 0.5)], "several": OURS}).splitlines()
    assert header == ("| method | seeds | liver: core seconds | lesion: core seconds | liver Dice | lesion Dice |")
    assert alone == "| alone | 1 | 100 | 200 | 0.900 | 0.500 |"
    assert several == "| several | 2 | 100 | 200 | 0.975 (0.970-0.980) | 0.950 (0.950-0.950) |"


def test_aims_are_met_or_missed_by_the_means() -> None:
    told = aims({"ours": OURS, "rival": [trial(0.96, 0.95)]}, "ours", "rival", {"liver": 0.975, "lesion": 0.96})
    assert told == (
        "Aims for `ours`: liver at least 0.975: met; liver above rival: met; "
        "lesion at least 0.960: **missed**; lesion above rival: **missed**."
    )


def test_without_a_least_dice_equal_is_enough() -> None:
    told = aims({"ours": OURS, "rival": [trial(0.99, 0.95)]}, "ours", "rival")
    assert told == "Aims for `ours`: liver not below rival: **missed**; lesion not below rival: met."


def test_nothing_is_said_of_what_was_not_measured() -> None:
    assert aims({"rival": OURS}, "ours", "rival", {"liver": 0.9, "lesion": 0.9}) == ""
    assert aims({"ours": OURS}, "ours", "rival") == ""
