"""Names that results, tables and pages share, each list defined once."""

STAGES = ("liver", "lesion")
FUSION = "fusion"
"""The method that fuses the masks of the networks."""

PROCESSINGS = {"raw": "without post-processing", "clean": "with post-processing"}
GIVEN = "given"
"""Processing of another system's segmentations: as they are."""
