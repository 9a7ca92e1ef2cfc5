"""Names of files that no job made: the same for the same content, wherever a file lies and however old it is."""

from collections.abc import Mapping

import pytest

from hepaflow.jobs.known import Known, changed, known

A, B, C = ("a" * 64, "b" * 64, "c" * 64)


def compared(now: Mapping[str, str], names: list[str], digests: Mapping[str, str]) -> list[str]:
    """Return what Snakemake compares with the names in its note, for files with these digests now."""
    return sorted(one.name for one in known(list(now), names, digests, now.__getitem__).values())


def test_a_first_run_knows_files_by_their_place_and_reads_none() -> None:
    def unread(path: str) -> str:
        raise AssertionError(path)

    assert known(["data/a.nii"], [], {}, unread) == {"data/a.nii": Known("data/a.nii", same=False)}


def test_an_unchanged_file_keeps_its_name() -> None:
    found = known(["a", "b"], ["a", "b", "results/c"], {"a": A, "b": B}, {"a": A, "b": B}.__getitem__)
    assert found == {"a": Known("a", same=True), "b": Known("b", same=True)}


def test_another_content_is_another_name_and_the_same_again_the_old_one() -> None:
    now, names, digests = {"a": B, "b": C}, ["a", "b"], {"a": A, "b": C}
    assert compared(now, names, digests) == [changed("a", B), "b"]
    assert not known(["a", "b"], names, digests, now.__getitem__)["a"].same
    # The job has run: Snakemake's note has the new name, and the new content of the file at its place.
    assert compared(now, [changed("a", B), "b"], now) == [changed("a", B), "b"]
    assert compared({"a": A, "b": C}, [changed("a", B), "b"], now) == [changed("a", A), "b"]


def test_a_file_that_moved_is_known_by_where_it_lay() -> None:
    found = known(["new/a"], ["old/a"], {"old/a": A}, {"new/a": A}.__getitem__)
    assert found == {"new/a": Known("old/a", same=True)}
    assert found["new/a"].path == "old/a"
    # A job that ran for another reason since has the new place in its note, under the old name; and so on.
    assert compared({"new/a": A}, ["old/a"], {"new/a": A}) == ["old/a"]
    assert compared({"newer/a": A}, ["old/a"], {"new/a": A}) == ["old/a"]


def test_a_file_that_changed_and_moved_later_is_still_known() -> None:
    names = [changed("old/a", B)]
    found = known(["new/a"], names, {"old/a": B}, {"new/a": B}.__getitem__)["new/a"]
    assert (found.name, found.path, found.same) == (names[0], "old/a", True)
    assert compared({"new/a": B}, names, {"new/a": B}) == names


def test_a_file_that_moved_and_changed_is_another() -> None:
    assert compared({"new/a": B}, ["old/a"], {"old/a": A}) == ["new/a"]


def test_a_folder_that_moved_keeps_all_names() -> None:
    digests = {"old/a": A, "old/b": B, "old/c": A}
    now = {"new/a": A, "new/b": B, "new/c": A}
    assert compared(now, list(digests), digests) == sorted(digests)
    assert compared(now, list(digests), now) == sorted(digests)  # and the job has run since


def test_files_of_the_same_content_are_counted() -> None:
    assert compared({"new/a": A, "new/b": A}, ["old/a"], {"old/a": A}) == ["new/b", "old/a"]
    assert compared({"a": A, "b": A}, ["a", "b"], {"a": A, "b": B}) == ["a", changed("b", A)]


@pytest.mark.parametrize("now", [{"a": B, "b": A}, {"a": A, "b": A}, {"a": B, "b": B}])
def test_contents_that_change_places_are_noticed(now: Mapping[str, str]) -> None:
    assert compared(now, ["a", "b"], {"a": A, "b": B}) != ["a", "b"]


def test_one_of_two_that_changed_earlier_keeps_its_own_name() -> None:
    names = [changed("a", C), "old/b"]
    now = {"b": B, "a": C}
    assert compared(now, names, now) == sorted(names)
    assert known(["b", "a"], names, now, now.__getitem__)["b"].path == "old/b"
