"""How good segmentations are: scores of an exam, of a folder, and what they say together."""
