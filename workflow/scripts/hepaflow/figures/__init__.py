"""The figures of a run: data in, a matplotlib figure out. What they share stands in `style`."""
