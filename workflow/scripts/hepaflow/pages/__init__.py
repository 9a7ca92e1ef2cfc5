"""The web pages of a run that hold tables and figures: the twin of a table, and the summary. Each is one file."""
