"""A run that was killed goes on, and ends as if nothing had happened."""

import os
import signal
import subprocess
import sys
import time

import pytest
from smoke_run import SMOKE, Checkout


@pytest.mark.slow
def test_killed_run_ends_with_the_same_networks(fresh: Checkout, completed: Checkout) -> None:
    models = fresh.folder / "results/smoke/models"
    wanted = "results/smoke/models/lesion/dense.safetensors"  # which starts from its liver network
    command = [sys.executable, "-m", "snakemake", wanted, "--cores", "2", "--configfile", "config/smoke.yaml"]
    with open(fresh.folder / "killed.log", "w") as log:
        run = subprocess.Popen(command, cwd=fresh.folder, stdout=log, stderr=log, start_new_session=True)
        try:
            until = time.monotonic() + 240
            while not list(models.glob("liver/*.training/state.safetensors")):
                assert run.poll() is None, (fresh.folder / "killed.log").read_text()
                assert time.monotonic() < until, "no training state within four minutes"
                time.sleep(0.05)
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)  # Snakemake and its jobs, without a chance to tidy up
            run.wait()
    kept = [path.parent for path in models.glob("liver/*.training/state.safetensors")]
    assert kept

    unlocked = fresh.snakemake("--unlock")
    assert unlocked.returncode == 0, unlocked.stdout
    whole = completed.folder / "results/smoke/models"
    networks = [whole / stage / f"{folder.stem}.safetensors" for folder in kept for stage in ("liver", "lesion")]
    ended = fresh.snakemake(*(str(path.relative_to(completed.folder)) for path in networks))
    assert ended.returncode == 0, ended.stdout
    resumed = (fresh.folder / f"results/smoke/logs/train/liver.{kept[0].stem}.log").read_text()
    assert "going on after epoch" in resumed
    assert not any(folder.exists() for folder in kept)
    for path in networks:
        own = models / path.relative_to(whole)
        assert own.read_bytes() == path.read_bytes(), own.name
    trained = 2 * len(kept)  # the rest was not asked for
    assert fresh.planned()["train"] == 2 * len([*SMOKE["backbones"], *SMOKE["methods"]]) - trained
