"""The figures that the thesis reports, for comparison: ten exams of LiTS17 that it does not name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from hepaflow.names import FUSION

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
"""Mean Dice over the test exams by structure and processing, and architecture (thesis tables 1 and 2)."""


class Quoted(NamedTuple):
    """Dice that a paper reports, as the thesis quotes it."""

    method: str
    liver: str
    lesion: str
    reference: str


LITERATURE = (
    Quoted("U-Net and graph cut", "0.9505", "", "Liu et al. 2019, doi:10.1016/j.eswa.2019.01.055"),
    Quoted("TDP-CNN", "0.965", "0.689", "Meng et al. 2020, doi:10.1002/acm2.12784"),
    Quoted("SAR-U-Net", "0.9571", "", "Wang et al. 2021, doi:10.1016/j.cmpb.2021.106268"),
    Quoted("3D RA-UNet", "0.961", "0.595", "Jin et al. 2020, doi:10.3389/fbioe.2020.605132"),
    Quoted("2.5D residual U-Net", "", "0.67", "Han 2017, arXiv:1704.07239"),
    Quoted("2.5D U-Net", "0.953", "0.784 ± 0.16", "Wardhana et al. 2021, doi:10.1007/s11548-020-02292-y"),
    Quoted("X-Net", "0.971", "0.843", "Chi et al. 2021, doi:10.1016/j.neucom.2021.06.021"),
)
"""Other methods (thesis table 3), each scored by its authors."""
