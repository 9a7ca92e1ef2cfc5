"""The colours of what is segmented, in every figure and page."""

LIVER, LESION = "#009e73", "#d55e00"
"""Green and red as in the thesis (4.10), of a hue and brightness that colour-blind readers tell apart."""

COLOURS = {"liver": LIVER, "lesion": LESION}
"""By structure."""
