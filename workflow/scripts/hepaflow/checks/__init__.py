"""What a run needs of a machine and of its files, looked at before hours are spent; `hepaflow check`."""
