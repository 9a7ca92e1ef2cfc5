"""An exam through a model, step by step: on a few slices, with small networks."""

from pathlib import Path

from benchmarks.segment_exam import STEPS, measured, untrained_model

from hepaflow.settings.workflow import read_settings

UNET = {"arch": "plain_unet", "weights": "none", "unet": {"channels": [2, 4]}}


def test_every_step_is_timed(tmp_path: Path) -> None:
    settings = read_settings({"backbones": {}, "model": "one", "size": 32, "methods": {"one": {"network": UNET}}})
    model = untrained_model(tmp_path, settings, "one")
    found = measured(tmp_path, model, slices=4, trained=False, precision=None)
    steps = {words for name, words in STEPS.items() if name != "voi_slices"}  # the method has the thesis' slices
    others = {"read", "load the networks", "write label map, measurements and page"}
    assert found.rows.keys() == steps | others
    assert all((seconds >= 0).all() for seconds in found.rows.values())
    assert 0 < found.segmented <= sum(wall for wall, _ in found.rows.values())
