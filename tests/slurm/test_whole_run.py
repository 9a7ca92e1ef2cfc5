"""The workflow through the queue, and a second run after a network was changed."""

import re
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from cluster import BACKBONES, SITE, TRAINING, ClusterProject, Run, slurm
from smoke_run import SMOKE


@pytest.fixture(scope="module")
def finished(whole: Run) -> ClusterProject:
    """Return the finished run."""
    assert whole.process.wait(timeout=1200) == 0, whole.project.said()
    return whole.project


def test_networks_had_a_gpu_and_nothing_else_had(finished: ClusterProject) -> None:
    networks: Counter[str] = Counter()
    for job in finished.submitted():
        if job.rule in ("train", "predict"):
            assert (job.gpus, job.partition) == (1, "gpu"), job
            networks[job.rule] += 1
        else:
            assert (job.gpus, job.partition) == (0, "cpu"), job
    assert networks == {"train": 2, "predict": 4}


def test_everything_is_there(finished: ClusterProject) -> None:
    assert (finished.results / "tables/lesion.csv").is_file()
    assert (finished.results / "segmentations/fusion/two.nii.gz").is_file()
    assert finished.checkout.planned(*finished.scored()) == {}


def test_too_little_memory_is_more_the_next_time(finished: ClusterProject) -> None:
    jobs = [job for job in finished.submitted() if job.rule == "preprocess"]
    for wildcards in ("lesion_one", "lesion_two"):
        first, second = (job for job in jobs if job.wildcards == wildcards)
        assert (first.memory, second.memory, second.state) == ("120M", "1200M", "COMPLETED")
        told = (finished.folder / f"slurm_logs/rule_preprocess/{wildcards}/{first.number}.log").read_text()
        assert "memory limit" in told


def test_a_changed_network_submits_what_follows_from_it(finished: ClusterProject) -> None:
    before = {job.number for job in finished.submitted()}
    changed = {"plain": BACKBONES["plain"] | {"training": {"lesion": {"epochs": 2}}}}
    finished.configure(backbones=changed, training=TRAINING, compute={"workers": 0, "devices": 2})
    finished.run(*finished.scored(), "--slurm-efficiency-report")
    submitted = Counter((job.rule, job.wildcards) for job in finished.submitted() if job.number not in before)
    alone = {(rule, wildcards) for rule, wildcards in submitted if rule in ("train", "predict")}
    assert alone == {
        ("train", "lesion_plain"),
        ("predict", "lesion_plain_train"),
        ("predict", "lesion_plain_test"),
    }
    together = sorted(rule for rule, _ in submitted if rule not in ("train", "predict"))
    assert [group.removeprefix("group_").partition("_")[0] for group in together] == ["fusions", "tables", "test"]
    assert submitted.total() == 6
    assert finished.checkout.planned(*finished.scored()) == {}


def test_the_efficiency_report_has_a_row_for_each_job(finished: ClusterProject) -> None:
    """Of each that ran on the day on which the report was written: docs/slurm.md says so."""
    (report,) = finished.folder.glob("efficiency_report_*.csv")
    rows = pd.read_csv(report)
    day = datetime.fromtimestamp(report.stat().st_mtime).date()
    of_that_day = {
        job.number for job in finished.submitted()[-6:] if datetime.fromisoformat(job.end).date() == day
    }
    assert set(rows["MainJobID"].astype(str)) == of_that_day
    assert (rows["MaxRSS_MB"] > 10).all()


def test_all_jobs_of_a_run_are_found_by_the_name_that_snakemake_prints(finished: ClusterProject) -> None:
    name = re.findall(r"SLURM run ID: (hepaflow_\S+)", finished.said())[-1]
    told = slurm(
        "sacct", "--name", name, "--starttime", "now-30days", "--noheader", "--allocations", "--format", "JobID"
    )
    assert told.split() == [job.number for job in finished.submitted()[-6:]]


def test_two_devices_train_one_network_in_one_job(finished: ClusterProject) -> None:
    (last,) = (job for job in finished.submitted()[-6:] if job.rule == "train")
    assert (last.gpus, last.cores, last.state) == (2, 2, "COMPLETED")
    assert "--nodes=1" in slurm(
        "sacct", "--jobs", last.number, "--allocations", "--noheader", "--format=SubmitLine%2000"
    )
    log = (finished.results / "logs/train/lesion.plain.log").read_text()
    assert "on 2 × cpu; starting" in log  # SLURM gave two pretended GPUs
    assert len((finished.results / "models/lesion/plain.history.csv").read_text().splitlines()) == 1 + 2


@pytest.mark.slow
def test_the_report_is_made_in_the_queue_too(finished: ClusterProject) -> None:
    finished.run()
    assert (finished.results / "report.html").is_file()
    assert finished.checkout.planned() == {}


@pytest.mark.slow
def test_a_job_that_starts_after_the_configuration_was_edited_stops(cluster: None, tmp_path: Path) -> None:
    project = ClusterProject(tmp_path / "run")
    project.site(**{"default-resources": SITE["default-resources"] | {"slurm_extra": "'--begin=now+15'"}})
    process = project.start("results/smoke/exams/one.json", "--retries", "0")
    until = time.monotonic() + 120
    while not project.submitted():
        assert process.poll() is None, project.said()
        assert time.monotonic() < until, project.said()
        time.sleep(0.5)
    project.configure(
        backbones=BACKBONES, training=TRAINING, compute={"workers": 0}, phantoms=SMOKE["phantoms"] | {"size": 40}
    )
    assert process.wait(timeout=300) == 1, project.said()
    told = (project.results / "logs/phantom/one.log").read_text()
    assert "settings that changed after this run was planned" in told
    assert not (project.folder / "data/phantoms/one.image.nii.gz").exists()
