"""Folders of finished runs, as small as `hepaflow compare` takes them: records, scores, the survey."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hepaflow.evaluation.scores import write_scores
from hepaflow.files import sha256

EXAMS = ("a", "b", "c", "d", "e", "f", "g", "h")
"""Test exams."""
COUNTS = {"common_voxels": 90.0, "voxels": 100.0, "reference_voxels": 100.0}


def scores(
    methods: Mapping[str, Mapping[str, float]], *, metrics: Sequence[str] = ("dice", "assd_mm"), shift: float = 0.0
) -> pd.DataFrame:
    """Return scores of both structures: the Dice of each method by exam; lesions are 0.1 worse."""
    rows = []
    for method, by_exam in methods.items():
        for exam, value in by_exam.items():
            for structure, less in (("liver", 0.0), ("lesion", 0.1)):
                own = {name: value - less + shift for name in metrics} | COUNTS
                if structure == "lesion":
                    found = {f"found_lesions_{threshold}": 1.0 for threshold in ("any", "half")}
                    own |= {"lesions": 2.0, "reference_lesions": 4.0, "burden_error": less - value, **found}
                for processing in ("raw", "clean"):
                    rows += [
                        (exam, structure, method, processing, metric, number) for metric, number in own.items()
                    ]
    return pd.DataFrame(rows, columns=["exam", "structure", "method", "processing", "metric", "value"])


def dice(seed: int = 0, exams: Sequence[str] = EXAMS, more: float = 0.0) -> dict[str, float]:
    """Return a Dice for each exam."""
    drawn = np.random.default_rng(seed).uniform(0.6, 0.8, len(exams))
    return {exam: float(value) + more for exam, value in zip(exams, drawn, strict=True)}


class FinishedRun:
    """A folder with the results of a finished run; `change` edits a record."""

    def __init__(
        self,
        folder: Path,
        methods: Mapping[str, Mapping[str, float]] | None = None,
        *,
        table: pd.DataFrame | None = None,
        images: Mapping[str, str] | None = None,
        result: str = "fusion",
        train: Sequence[str] = ("t", "u"),
        phantoms: bool = False,
        arch: str = "resnet50",
        weights: str = "weights",
    ) -> None:
        self.folder, self.place = folder, f"results/{folder.name}"
        methods = methods if methods is not None else {"fusion": dice(), "net": dice(1)}
        self.table = table if table is not None else scores(methods)
        tested = list(self.table["exam"].unique())
        images = images or {}
        for exam in (*train, *tested):
            self._exam(exam, images.get(exam, exam), phantoms=phantoms)
        networks = [name for name in self.table["method"].unique() if name != "fusion"]
        for stage in ("liver", "lesion"):
            for network in networks:
                inputs = {
                    f"{self.place}/preprocessed/{stage}/{exam}.safetensors": f"slices {exam}" for exam in train
                }
                self._record(
                    "train",
                    {"stage": stage, "network": network},
                    {"seed": 1, "network": {"arch": arch}, "training": {"epochs": 2, "loss": "bce"}},
                    inputs,
                    {f"{self.place}/models/{stage}/{network}.safetensors": f"{weights} {network}"},
                    seconds=3600.0,
                )
        for method in self.table["method"].unique():
            for exam in tested:
                read = {
                    f"{self.place}/models/{stage}/{name}.safetensors": f"{weights} {name}"
                    for stage in ("liver", "lesion")
                    for name in (networks if method == "fusion" else [method])
                }
                self._record(
                    "evaluate",
                    {"method": method, "exam": exam},
                    {},
                    self._inputs(exam, images.get(exam, exam)) | read,
                    {f"{self.place}/metrics/{method}/{exam}.csv": "scores"},
                )
        (folder / "tables").mkdir(parents=True, exist_ok=True)
        write_scores(self.table, folder / "tables/metrics.csv")
        metrics = {
            f"{self.place}/metrics/{method}/{exam}.csv": "scores"
            for method in self.table["method"].unique()
            for exam in tested
        }
        made = {f"{self.place}/tables/metrics.csv": sha256(folder / "tables/metrics.csv")}
        self._record("summarise", {}, {}, metrics, made)
        self._record("bundle", {}, {"result": result}, {}, {})

    def _inputs(self, exam: str, content: str) -> dict[str, str]:
        return {f"data/{exam}.nii.gz": f"image {content}", f"data/{exam}.label.nii.gz": f"label {content}"}

    def _exam(self, exam: str, content: str, *, phantoms: bool) -> None:
        path = self.folder / "exams" / f"{exam}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        found = {"image_sha256": f"image {content}", "label_sha256": f"label {content}"}
        path.write_text(json.dumps(found))
        inputs = self._inputs(exam, content)
        if phantoms:
            self._record("phantom", {"exam": exam}, {}, {}, inputs)
        for data in ("liver", "lesion"):
            made = {f"{self.place}/preprocessed/{data}/{exam}.safetensors": f"slices {exam}"}
            self._record("preprocess", {"data": data, "exam": exam}, {"size": 64}, inputs, made)

    def _record(
        self,
        rule: str,
        wildcards: Mapping[str, str],
        settings: Mapping[str, Any],
        inputs: Mapping[str, str],
        outputs: Mapping[str, str],
        seconds: float = 36.0,
    ) -> None:
        record = {
            "rule": rule, "wildcards": wildcards, "settings": settings, "inputs": inputs, "outputs": outputs,
            "code": {"script": "0", f"hepaflow.{rule}": "0"}, "versions": {"numpy": "2.0"},
            "seconds": seconds, "peak_memory_mib": 1024, "restored": None, "device": "a processor", "threads": 1,
        }  # fmt: skip
        path = self._path(rule, *wildcards.values())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record))

    def _path(self, rule: str, *what: str) -> Path:
        records = self.folder / "records"
        return records / rule / f"{'.'.join(what)}.json" if what else records / f"{rule}.json"

    def change(self, rule: str, *what: str, **parts: Any) -> None:
        """Change parts of a record: mappings are merged, anything else is replaced."""
        path = self._path(rule, *what)
        record = json.loads(path.read_text())
        for name, value in parts.items():
            record[name] = record[name] | value if isinstance(value, dict) else value
        path.write_text(json.dumps(record))
