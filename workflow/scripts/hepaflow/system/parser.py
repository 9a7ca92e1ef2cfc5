"""A parser of command lines that says what a misspelt command or option may have meant."""

import re
from argparse import ArgumentParser
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, NoReturn

_CHOICE = re.compile(r"invalid choice: '(?P<found>[^']*)' \(choose from (?P<allowed>.*)\)$", re.DOTALL)


_LIKE = 0.65
"""Share of letters from which on a name counts as a misspelt one (0 to 1)."""


def meant(found: str, known: Iterable[str]) -> str:
    """Return what a misspelt name may have meant, as a question; empty where nothing is like it.

    Examples
    --------
    >>> meant("backbone", ["backbones", "size"])
    'did you mean `backbones`?'
    >>> meant("colour", ["backbones", "size"])
    ''
    """
    like = get_close_matches(found, list(known), n=1, cutoff=_LIKE)
    return f"did you mean `{like[0]}`?" if like else ""


class Parser(ArgumentParser):
    """As argparse's. A command refuses the options that it does not know itself, with its own usage."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse arguments; none is left over."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            options = [name for action in self._actions for name in action.option_strings]
            hints = [meant(one.partition("=")[0], options) for one in unknown if one.startswith("-")]
            self.error("; ".join([f"unrecognized arguments: {' '.join(unknown)}", *filter(None, hints)]))
        return found, unknown

    def error(self, message: str) -> NoReturn:
        """Say how the command is called, and what is wrong; end with status 2."""
        if found := _CHOICE.search(message):
            hint = meant(found["found"], re.findall(r"[\w-]+", found["allowed"]))
            message = "; ".join(filter(None, [message, hint]))
        super().error(message)
