"""The whole workflow through the queue, and a second run after one network was changed."""

from collections import Counter

import pytest
from cluster import SITE, ClusterProject

BACKBONES = {name: {"arch": "unet", "weights": "none"} for name in ("plain", "other")}
TRAINING = {
    "liver": {"epochs": 2, "batch_size": 8},
    "lesion": {"epochs": 1, "batch_size": 8},
}
# As docs/slurm.md has it: what takes seconds shares a job. Each of these starts two more Snakemakes.
GROUPS = dict.fromkeys(("phantom", "survey", "liver_slices"), "exams") | dict.fromkeys(
    ("restore", "evaluate", "tables", "provenance"), "scores"
)


@pytest.fixture(scope="module")
def finished(cluster: None, tmp_path_factory: pytest.TempPathFactory) -> ClusterProject:
    """Return a finished run; its lesion slices had too little memory at first."""
    made = ClusterProject(tmp_path_factory.mktemp("whole") / "run", backbones=BACKBONES, training=TRAINING)
    too_little = {"lesion_slices": {"mem_mb": "120 * 10 ** (attempt - 1)"}}
    figures = [path.stem for path in (made.folder / "workflow/scripts").glob("figure_*.py")]
    made.site(
        **{
            "groups": GROUPS | dict.fromkeys(figures, "scores"),
            "group-components": {"exams": 2, "scores": 100},
            "set-resources": SITE["set-resources"] | too_little,
        }
    )
    made.run()
    return made


def test_networks_had_a_gpu_and_nothing_else_had(finished: ClusterProject) -> None:
    networks = Counter()
    for job in finished.submitted():
        if job.rule in ("train", "predict"):
            assert (job.gpus, job.partition) == (1, "gpu"), job
            networks[job.rule] += 1
        else:
            assert (job.gpus, job.partition) == (0, "cpu"), job
    assert networks == {"train": 4, "predict": 8}


def test_everything_is_there(finished: ClusterProject) -> None:
    assert (finished.results / "tables/lesion.csv").is_file()
    assert (finished.results / "segmentations/fusion/two.nii.gz").is_file()
    assert finished.checkout.planned() == {}


def test_too_little_memory_is_more_the_next_time(finished: ClusterProject) -> None:
    jobs = [job for job in finished.submitted() if job.rule == "lesion_slices"]
    for exam in ("one", "two"):
        first, second = (job for job in jobs if job.wildcards == exam)
        assert (first.memory, first.state) == ("120M", "OUT_OF_MEMORY")
        assert (second.memory, second.state) == ("1200M", "COMPLETED")


def test_a_changed_network_submits_what_follows_from_it(finished: ClusterProject) -> None:
    before = {job.number for job in finished.submitted()}
    changed = {"other": BACKBONES["other"] | {"training": {"lesion": {"epochs": 2}}}}
    finished.configure(backbones=BACKBONES | changed, training=TRAINING)
    finished.run()
    submitted = {(job.rule, job.wildcards) for job in finished.submitted() if job.number not in before}
    alone = {(rule, wildcards) for rule, wildcards in submitted if not rule.startswith("group_")}
    assert alone == {
        ("train", "lesion_other"),
        ("predict", "lesion_other_train"),
        ("predict", "lesion_other_test"),
        ("postprocess", "lesion_other_test"),
        ("fit_fusion", "lesion"),
        ("fuse", "lesion_test"),
        ("postprocess", "lesion_fusion_test"),
    }
    assert len(submitted - alone) == 1  # scores, tables and figures, in one job
    assert finished.checkout.planned() == {}
