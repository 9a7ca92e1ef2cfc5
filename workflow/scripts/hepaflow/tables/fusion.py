"""The table of the fusion's weights."""

from collections.abc import Mapping

import pandas as pd

from hepaflow.masks.fusion import Fusion


def weight_table(fusions: Mapping[str, Fusion]) -> pd.DataFrame:
    """Return the fusion weights of both stages, before and after the fit (thesis chapter 5)."""
    rows = [
        {
            "stage": stage,
            "backbone": backbone,
            "start": 1 / len(fusion.methods),
            "weight": share,
            "fitted": weight,
        }
        for stage, fusion in fusions.items()
        for backbone, share, weight in zip(fusion.methods, fusion.normalised, fusion.weights, strict=True)
    ]
    return pd.DataFrame(rows)
