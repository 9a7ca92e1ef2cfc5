"""The errors that a user can cause and correct."""

from collections.abc import Callable


class UserError(Exception):
    """A mistake in the exams, the sheet or the settings, reported without a traceback.

    Parameters
    ----------
    found : str
        What is wrong, with the value that was found.
    expected : str, optional
        What would have been right.
    remedy : str, optional
        What to do about it.
    exam, file : str, optional
        Where it was found.
    """

    def __init__(
        self,
        found: str,
        *,
        expected: str = "",
        remedy: str = "",
        exam: str = "",
        file: object = "",
    ) -> None:
        lines = [
            f"{label}: {text}"
            for label, text in (
                ("exam", _visible(exam)),
                ("file", _visible(str(file))),
                ("found", found),
                ("expected", expected),
                ("what to do", remedy),
            )
            if text
        ]
        super().__init__("\n".join(lines))
        self.found = found
        self._parts = {"expected": expected, "remedy": remedy, "exam": exam, "file": str(file)}

    def reworded(self, change: Callable[[str], str]) -> "UserError":
        """Return the same error with every text of it changed."""
        return UserError(change(self.found), **{name: change(text) for name, text in self._parts.items()})


def _visible(name: str) -> str:
    """Return a name without characters that a terminal would obey."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in name)
