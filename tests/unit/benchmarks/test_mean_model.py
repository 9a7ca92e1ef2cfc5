"""Networks between two others: each weight by its share, stages that are not named as they were."""

import json
from pathlib import Path

import pytest
import torch
from benchmarks.mean_model import FIRST, MEAN, SHARES, mean_of, write_mean
from safetensors.torch import load
from small_model import small_model, small_plan

from hepaflow.errors import UserError
from hepaflow.files import sha256
from hepaflow.model.bundle import read_bundle
from hepaflow.model.members import PROVENANCE

ALONE = {"methods": {"one": {"network": {"arch": "unet", "weights": "none"}}}, "model": "one"}


def test_each_weight_lies_between_the_two() -> None:
    first = {"w": torch.tensor([0.0, 4.0], dtype=torch.float16), "seen": torch.tensor(3)}
    second = {"w": torch.tensor([1.0, 8.0], dtype=torch.float16), "seen": torch.tensor(9)}

    found = mean_of(first, second, 0.25)

    assert found["w"].tolist() == [0.25, 5.0]
    assert found["w"].dtype == torch.float16
    assert found["seen"].item() == 9
    with pytest.raises(ValueError, match="two kinds"):
        mean_of(first, {"w": torch.zeros(3), "seen": torch.tensor(9)}, 0.5)


def _between(first: torch.Tensor, second: torch.Tensor, share: float) -> torch.Tensor:
    return torch.lerp(first, second, share) if first.is_floating_point() else second


def trained(seed: int) -> dict[str, dict[str, int]]:
    """Return what a provenance says of the trainings."""
    return {f"train {stage} one": {"seed": seed} for stage in ("liver", "lesion")}


def test_the_model_has_the_mean_of_named_stages_and_the_earlier_others(tmp_path: Path) -> None:
    plan = small_plan("one", **ALONE)
    earlier, further = (
        small_model(tmp_path / name, plan=plan, seed=seed, **{PROVENANCE: json.dumps(trained(seed))})
        for name, seed in (("a", 1), ("b", 7))
    )

    write_mean(earlier, further, tmp_path / "mean.zip", {"lesion": 0.4})

    first, second, found = (read_bundle(path) for path in (earlier, further, tmp_path / "mean.zip"))
    for stage, share in (("liver", 0.0), ("lesion", 0.4)):
        a, b, mean = (load(model.network(stage, "one")) for model in (first, second, found))
        for name, weights in mean.items():
            torch.testing.assert_close(weights, _between(a[name], b[name], share))
    assert found.provenance[MEAN] == [sha256(earlier), sha256(further)]
    assert found.provenance[SHARES] == {"lesion": 0.4}
    assert found.provenance[FIRST] == trained(1)
    assert found.provenance["train liver one"] == {"seed": 1}
    assert found.provenance["train lesion one"] == {"seed": 7}
    assert json.loads(json.dumps(found.provenance)) == found.provenance


def test_a_stage_that_the_model_lacks_is_told(tmp_path: Path) -> None:
    model = small_model(tmp_path / "a", plan=small_plan("one", **ALONE))
    with pytest.raises(UserError, match="no network for coarse"):
        write_mean(model, model, tmp_path / "mean.zip", {"coarse": 0.5, "liver": 0.5})


def test_fused_networks_have_no_mean(tmp_path: Path) -> None:
    model = small_model(tmp_path / "a")
    with pytest.raises(UserError, match="a model of fused networks"):
        write_mean(model, model, tmp_path / "mean.zip", {})
