"""The figures of a run: data in, a matplotlib figure out. What they share stands in `style`."""

from hepaflow.system.plain_matplotlib import (
    matplotlib as matplotlib,  # before any module of this folder imports it
)
