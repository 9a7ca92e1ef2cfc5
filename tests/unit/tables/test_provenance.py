"""The records of a run's jobs, summed up."""

import json
from pathlib import Path
from typing import Any

import pytest

from hepaflow.tables.provenance import provenance_table


def record(**changes: Any) -> dict[str, Any]:
    common = {
        "rule": "train",
        "began": "2026-01-02T10:00:00+00:00",
        "seconds": 90.0,
        "restored": None,
        "peak_memory_mib": 100,
        "device": "one",
        "code": {"script": "1"},
        "versions": {"torch": "2.14.1"},
    }
    return common | changes


@pytest.fixture
def table(tmp_path: Path) -> Any:
    records = [
        record(),
        record(
            began="2026-01-01T10:00:00+00:00",
            seconds=30.0,
            peak_memory_mib=300,
            device="other",
            versions={"torch": "2.15"},
            restored="2026-01-03T10:00:00+00:00",
        ),
        record(rule="survey", began="2025-12-31T10:00:00+00:00", versions={}),
    ]
    for number, one in enumerate(records):
        (tmp_path / f"{number}.json").write_text(json.dumps(one))
    return provenance_table(sorted(tmp_path.glob("*.json"))).set_index("rule")


def test_rules_come_in_the_order_of_their_first_job(table: Any) -> None:
    assert list(table.index) == ["survey", "train"]


def test_jobs_are_counted_and_their_times_added(table: Any) -> None:
    train = table.loc["train"]
    assert (train["jobs"], train["restored"], train["all jobs, min"], train["peak memory, MiB"]) == (
        2,
        1,
        2.0,
        300,
    )
    assert train["longest job, min"] == 1.5
    assert (train["first"][:10], train["last"][:10]) == ("2026-01-01", "2026-01-02")


def test_every_device_and_version_is_named(table: Any) -> None:
    assert table.loc["train", "device"] == "one; other"
    assert table.loc["train", "versions"] == "torch 2.14.1, torch 2.15"


def test_the_code_of_a_rule_has_one_fingerprint(table: Any) -> None:
    assert len(table.loc["train", "code"]) == 12
