"""A message tells everything that is known, and nothing that a terminal would obey."""

from pathlib import Path

from hepaflow.errors import UserError


def test_a_message_has_a_line_for_what_is_known() -> None:
    error = UserError("a hole", expected="none", remedy="fill it", exam="one", file=Path("a.nii"))
    assert str(error) == "exam: one\nfile: a.nii\nfound: a hole\nexpected: none\nwhat to do: fill it"
    assert str(UserError("a hole")) == "found: a hole"


def test_names_are_shown_without_control_characters() -> None:
    error = UserError("a hole", exam="größe\x1b[31m", file="a\nfound: b\x00")
    assert str(error) == "exam: größe\\x1b[31m\nfile: a\\nfound: b\\x00\nfound: a hole"
