"""What a run was made with: the records of its jobs, one line a rule."""

import json
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd


def provenance_table(records: Iterable[Path | str]) -> pd.DataFrame:
    """Sum up the records of a run's jobs.

    Parameters
    ----------
    records : iterable of Path or str
        Records, as every job writes one.

    Returns
    -------
    DataFrame
        One row a rule: its jobs, how many of them were restored from the shared cache, when the first and the last
        of them were computed (UTC), their time of computing in minutes, the largest memory of one of them in MiB,
        what they computed on, the fingerprint of their code, and the versions of what they computed with.
    """
    found = pd.DataFrame([json.loads(Path(path).read_text(encoding="utf-8")) for path in records])
    rows = [_row(rule, jobs) for rule, jobs in found.groupby("rule")]
    return pd.DataFrame(sorted(rows, key=lambda row: row["first"]))


def _row(rule: Any, jobs: pd.DataFrame) -> dict[str, Any]:
    versions = sorted({f"{name} {version}" for one in jobs["versions"] for name, version in one.items()})
    code = sorted({json.dumps(one, sort_keys=True) for one in jobs["code"]})
    return {
        "rule": rule,
        "jobs": len(jobs),
        "restored": int(jobs["restored"].notna().sum()),
        "first": jobs["began"].min(),
        "last": jobs["began"].max(),
        "minutes": round(jobs["seconds"].sum() / 60, 2),
        "MiB": int(jobs["peak_memory_mib"].max()),
        "device": "; ".join(sorted(set(jobs["device"]))),
        "code": sha256("".join(code).encode()).hexdigest()[:12],
        "versions": ", ".join(versions),
    }
