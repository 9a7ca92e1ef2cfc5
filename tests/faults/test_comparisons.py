"""Segmentations by others beside references: scored where they lie on each other, and refused elsewhere."""

import logging
from pathlib import Path

import comparisons
import pandas as pd
import pytest
from cases import ACCEPTED, REFUSED, Case, Tell, ids, neutral

from hepaflow.cli import main


@pytest.mark.parametrize("case", comparisons.COMPARISONS.cases, ids=ids)
def test_comparison(
    case: Case,
    tmp_path: Path,
    tell: Tell,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name in ("predictions", "references"):
        (tmp_path / name).mkdir()
    options = case.do(tmp_path)
    folders = [str(tmp_path / name) for name in ("predictions", "references")]
    with caplog.at_level(logging.WARNING):
        status = main(["evaluate", *folders, "--out", str(tmp_path / "out"), *options])
    message = capsys.readouterr().err
    assert (status == 1) == (case.outcome == REFUSED), message
    if case.outcome == REFUSED:
        assert "Traceback" not in message
        assert list((tmp_path / "out").iterdir()) == []
        tell(case, neutral(message[message.index("hepaflow: error") :], tmp_path))  # behind the bar
        return
    scores = pd.read_csv(tmp_path / "out/metrics.csv").query("metric == 'dice'")
    assert (scores["value"] == 1).all()
    assert len(scores) == (1 if "--lesion" in options else 2)
    notes = [line for line in message.splitlines() if line.startswith("note: ")]
    told = "; ".join([*notes, *caplog.messages])
    assert bool(told) == (case.outcome != ACCEPTED), told
    tell(case, told)
