"""The configuration of a run, beside that of the thesis."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from hepaflow.methods.words import leaves, value_in_words

ABSENT = "not set"
DIFFERS, SAME = "differs", "the same"


def configuration_table(run: Mapping[str, Any], thesis: Mapping[str, Any]) -> pd.DataFrame:
    """Return every setting of a run beside the thesis': a row for a key.

    Parameters
    ----------
    run, thesis : mapping
        Settings as JSON has them, without nulls.

    Returns
    -------
    DataFrame of str
        Columns key, this run, the thesis, and compared: "differs", or "the same". Keys that differ come first; the
        order is that of the settings.
    """
    own, default = (dict(leaves(settings)) for settings in (run, thesis))
    groups = list(dict.fromkeys(key.partition(".")[0] for key in default | own))
    rows = [
        {
            "key": key,
            "this run": value_in_words(own[key]) if key in own else ABSENT,
            "the thesis": value_in_words(default[key]) if key in default else ABSENT,
            "compared": DIFFERS if own.get(key, ABSENT) != default.get(key, ABSENT) else SAME,
        }
        for key in sorted(own | default, key=lambda key: groups.index(key.partition(".")[0]))
    ]
    table = pd.DataFrame(rows, columns=["key", "this run", "the thesis", "compared"])
    return table.sort_values("compared", kind="stable", ignore_index=True)
