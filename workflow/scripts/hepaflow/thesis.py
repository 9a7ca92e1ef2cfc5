"""The figures that the thesis reports, for comparison: ten exams of LiTS17 that it does not name."""

from collections.abc import Mapping
from types import MappingProxyType

FUSION = "fusion"

DICE: Mapping[tuple[str, str], Mapping[str, float]] = MappingProxyType(
    {
        ("liver", "raw"): {
            "inception_v3": 0.9441,
            "densenet201": 0.9494,
            "resnet152": 0.9554,
            "resnext101_32x8d": 0.9528,
        },
        ("liver", "clean"): {
            "inception_v3": 0.9504,
            "densenet201": 0.9525,
            "resnet152": 0.9559,
            "resnext101_32x8d": 0.9527,
            FUSION: 0.9567,
        },
        ("lesion", "clean"): {
            "inception_v3": 0.5738,
            "densenet201": 0.7015,
            "resnet152": 0.7512,
            "resnext101_32x8d": 0.7461,
            FUSION: 0.7583,
        },
    }
)
"""Mean Dice over the test exams by stage and processing, and architecture (thesis tables 1 and 2)."""
