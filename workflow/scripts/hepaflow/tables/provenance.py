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
        of them were computed (UTC), the minutes of computing of all of them and of the longest (an interrupted
        training counts since its last start), the largest memory of one of them in MiB, what they computed on, the
        fingerprint of their code, and the versions of what they computed with.
    """
    jobs: dict[str, list[dict[str, Any]]] = {}
    for path in records:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
        jobs.setdefault(record["rule"], []).append(record)
    rows = [_row(rule, those) for rule, those in jobs.items()]
    return pd.DataFrame(rows).sort_values("first", kind="stable", ignore_index=True)


def _row(rule: str, jobs: list[dict[str, Any]]) -> dict[str, Any]:
    versions = {f"{name} {version}" for job in jobs for name, version in job["versions"].items()}
    code = sorted({json.dumps(job["code"], sort_keys=True) for job in jobs})
    return {
        "rule": rule,
        "jobs": len(jobs),
        "restored": sum(job["restored"] is not None for job in jobs),
        "first": min(job["began"] for job in jobs),
        "last": max(job["began"] for job in jobs),
        "all jobs, min": round(sum(job["seconds"] for job in jobs) / 60, 2),
        "longest job, min": round(max(job["seconds"] for job in jobs) / 60, 2),
        "peak memory, MiB": max(job["peak_memory_mib"] for job in jobs),
        "device": "; ".join(sorted({job["device"] for job in jobs})),
        "code": sha256("".join(code).encode()).hexdigest()[:12],
        "versions": ", ".join(sorted(versions)),
    }
