"""Every file of the small run is what it was: a change that is to change no result is held to that."""

import pytest
from digests import digests, kept, machine
from smoke_run import Checkout


def test_every_file_is_what_it_was(completed: Checkout) -> None:
    made_on, expected = kept()
    if made_on != machine():
        pytest.skip(f"the list was made on another machine: {made_on}; this is {machine()}")
    assert digests(completed.folder) == expected


def test_every_file_is_listed(completed: Checkout) -> None:
    assert list(digests(completed.folder)) == list(kept()[1])
