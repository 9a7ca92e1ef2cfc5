"""Arrays of an exam and the grid they lie on."""
