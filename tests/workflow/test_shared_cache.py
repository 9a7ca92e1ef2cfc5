"""The shared cache, with real runs: what was computed once is restored, and only if it is what it was."""

import pytest
from smoke_run import EXAMS, SMOKE, Checkout

CACHED = ("preprocess", "train", "predict", "fit_fusion")


def cache_of(completed: Checkout) -> str:
    return str(completed.folder.parent / "cache")


def networks(made: Checkout) -> dict[str, bytes]:
    models = made.folder / "results/smoke/models"
    return {str(path.relative_to(models)): path.read_bytes() for path in models.rglob("*.safetensors")}


def run(made: Checkout, *arguments: str) -> str:
    ended = made.snakemake(*arguments)
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


@pytest.mark.slow
def test_a_backbone_that_is_changed_back_is_restored(copied: Checkout, completed: Checkout) -> None:
    cache = cache_of(completed)
    changed = {"arch": "unet", "weights": "none", "training": {"liver": {"epochs": 1}}}
    copied.configure(cache=cache, backbones={**SMOKE["backbones"], "plain": changed})
    planned = copied.planned()
    assert planned["train"] == 2
    masks = [f"results/smoke/maps/lesion/{name}.test.npz" for name in SMOKE["backbones"]]
    run(copied, *masks)  # what stands in their way, and no more
    assert copied.records("train")["train/liver.plain"]["restored"] is None
    assert networks(copied) != networks(completed)

    copied.configure(cache=cache)
    for table in ("table_configuration", "table_plan"):  # they were not made of the change
        planned.pop(table, None)
    assert copied.planned() >= planned
    run(copied, *masks, "results/smoke/fusion/lesion.json")  # all that the cache keeps
    assert networks(copied) == networks(completed)
    for name, record in copied.records("train", "predict").items():
        if ".plain" in name:
            assert record["restored"], name
            log = (copied.folder / f"results/smoke/logs/{name}.log").read_text()
            assert "restored from the cache" in log
            assert "epoch" not in log
    assert not set(CACHED) & set(copied.planned())


def test_a_restored_training_leaves_no_earlier_state(copied: Checkout, completed: Checkout) -> None:
    copied.configure(cache=cache_of(completed))
    weights = "results/smoke/models/liver/plain.safetensors"
    (copied.folder / weights).unlink()
    state = (copied.folder / weights).with_suffix(".training")
    state.mkdir()
    (state / "state.safetensors").write_bytes(b"of a training that was stopped, with other settings")
    run(copied, weights)
    assert copied.records("train")["train/liver.plain"]["restored"]
    assert not state.exists()


def test_a_run_after_a_change_equals_its_plan_and_restores_what_is_the_same(
    copied: Checkout, completed: Checkout
) -> None:
    """A threshold that removes nothing on these exams: what follows from it runs, and is restored."""
    copied.configure(
        cache=cache_of(completed), postprocessing={**SMOKE["postprocessing"], "liver": {"max_distance": 190}}
    )
    planned = copied.planned()
    assert planned["predict"] == 3  # the method beside the backbones has steps of its own
    assert "train" not in planned
    said = run(copied)
    assert {rule: said.count(f"rule {rule}:") for rule in planned} == planned
    changed = copied.records("predict", "preprocess")
    again = [name for name, record in changed.items() if record["restored"]]
    assert sorted(again) == [
        "predict/lesion.dense.test",
        "predict/lesion.plain.test",
        "predict/lesion.untrained.test",
        "preprocess/lesion.four",
        "preprocess/lesion.three",
    ]
    assert copied.planned() == {}


def test_another_clone_is_served_what_is_whole(completed: Checkout, fresh: Checkout) -> None:
    fresh.configure(cache=cache_of(completed))
    record = completed.records("train")["train/liver.plain"]
    weights = completed.folder / next(name for name in record["outputs"] if name.endswith(".safetensors"))
    (entry,) = [
        path.parent
        for path in (completed.folder.parent / "cache").glob("*/*/weights")
        if path.read_bytes() == weights.read_bytes()
    ]
    whole = (entry / "weights").read_bytes()
    (entry / "weights").write_bytes(whole[:-8])

    kept = [
        path for rule in CACHED for path in sorted((completed.folder / "results/smoke/records" / rule).iterdir())
    ]
    run(fresh, *(str(path.relative_to(completed.folder)) for path in kept if path.suffix == ".json"))
    records = fresh.records(*CACHED)
    fused = 2 * len(SMOKE["backbones"])  # in two stages; each trained, and used on either split
    apart = 2 * len(SMOKE["methods"])  # used on the test exams alone, with lesion slices of their own
    slices = 2 * len(EXAMS) + 2
    assert len(records) == slices + 3 * fused + 2 * apart + 2
    assert [name for name, found in records.items() if not found["restored"]] == ["train/liver.plain"]
    assert "damaged" in (fresh.folder / "results/smoke/logs/train/liver.plain.log").read_text()
    assert networks(fresh) == networks(completed)
    assert (entry / "weights").read_bytes() == whole  # computed anew, and stored again
