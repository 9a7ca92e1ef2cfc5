"""How often Python looks for garbage."""

import atexit
import gc


def collect_seldom() -> None:
    """Look for garbage less often, and not when the process ends.

    Importing torch makes a million objects that stay until then. Looking through them over and over takes half a
    second, and once more at the end a whole one. What is no part of a cycle is freed at once, as ever.
    """
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)
