"""How often Python looks for garbage."""

import subprocess
import sys

# Called last, as what is registered first is: after the one that `collect_seldom` registers.
ENDING = """
import atexit, gc
atexit.register(lambda: print(gc.get_threshold()[0], gc.get_freeze_count() > 1000, len(gc.get_objects())))
from hepaflow.garbage import collect_seldom
collect_seldom()
"""


def test_process_ends_without_looking_through_what_it_holds() -> None:
    told = subprocess.run([sys.executable, "-c", ENDING], capture_output=True, text=True, check=True).stdout
    threshold, frozen, left = told.split()
    assert (threshold, frozen) == ("100000", "True")
    assert int(left) < 100  # what the collection at the end of the process will look through
