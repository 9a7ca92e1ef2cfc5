"""The colours of what is segmented, in every figure and page."""

LIVER, LESION = "#009e73", "#d55e00"
"""For the thesis' green and red (4.10), a green and an orange that colour-blind readers tell apart."""

COLOURS = {"liver": LIVER, "lesion": LESION}
"""By structure."""
