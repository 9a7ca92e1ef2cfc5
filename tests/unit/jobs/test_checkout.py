"""Which files of the project a run reads."""

from pathlib import Path

import pytest

from hepaflow.jobs.checkout import here_or_in


def test_a_file_of_the_user_counts_before_that_of_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout, here = tmp_path / "checkout", tmp_path / "here"
    for folder, names in ((checkout, ("both", "shipped")), (here, ("both", "own"))):
        folder.mkdir()
        for name in names:
            (folder / name).touch()
    monkeypatch.chdir(here)
    assert here_or_in(checkout, "both") == "both"
    assert here_or_in(checkout, "own") == "own"
    assert here_or_in(checkout, "shipped") == "../checkout/shipped"
    assert here_or_in(checkout, "none") == "none"
    assert here_or_in(checkout, str(here / "own")) == str(here / "own")
    monkeypatch.chdir(checkout)
    assert here_or_in(checkout, "shipped") == "shipped"  # as runs of their own have always written it
