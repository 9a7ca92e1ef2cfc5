"""GPUs that torch cannot use end a job before it computes on the CPU. No card is needed, only what tools say."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from hepaflow.errors import UserError
from hepaflow.jobs import driver
from hepaflow.jobs.driver import Card, Seen, check_gpus, driver_cards, has_code, look, look_apart, oldest_driver
from hepaflow.jobs.gpus import VISIBLE

A100 = Seen("2.14.1", "13.0", ("NVIDIA A100",), (40 << 10,))
NONE = Seen("2.14.1+cu130", "13.0")
TOO_OLD = "CUDA initialization: The NVIDIA driver on your system is too old (found version 12020)."


@pytest.fixture(autouse=True)
def _no_kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(driver, "KERNEL", tmp_path / "gpus")


def machine(monkeypatch: pytest.MonkeyPatch, folder: Path, listed: str, described: str) -> None:
    """Put an nvidia-smi in front that lists and describes these cards."""
    tool = folder / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\ncase \"$1\" in\n-L) printf '{listed}';;\n*) printf '{described}';;\nesac\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def sees(seen: Seen) -> Callable[[], Seen]:
    return lambda: seen


def not_asked() -> Seen:
    raise AssertionError


def test_what_keeps_to_the_cpu_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "cards", not_asked)
    assert check_gpus("cpu", looking=not_asked, environment={VISIBLE: "0"}) is None


@pytest.mark.parametrize("hidden", ["", "-1", "NoDevFiles"])
def test_where_no_card_is_or_all_are_hidden_the_cpu_computes_unless_there_must_be_one(hidden: str) -> None:
    environment = {VISIBLE: hidden}
    assert check_gpus("auto", looking=not_asked, environment=environment) is None
    with pytest.raises(UserError, match=r"no GPU(.*\n)+expected: .*accelerator: gpu") as caught:
        check_gpus("gpu", looking=not_asked, environment=environment)
    assert VISIBLE in str(caught.value)
    assert "accelerator: auto" in str(caught.value)


@pytest.mark.parametrize("accelerator", ["auto", "gpu"])
def test_a_card_that_torch_sees_is_used(accelerator: str) -> None:
    assert check_gpus(accelerator, looking=sees(A100), environment={VISIBLE: "0"}) == A100


@pytest.mark.parametrize("accelerator", ["auto", "gpu"])
def test_a_driver_that_is_too_old_is_told_with_what_to_do(
    accelerator: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine(monkeypatch, tmp_path, "GPU 0: A (UUID: GPU-aa)\\n", "NVIDIA A100, 535.104.05, 40960\\n")
    blind = Seen("2.14.1+cu130", "13.0", said=TOO_OLD)
    with pytest.raises(UserError) as caught:
        check_gpus(accelerator, looking=sees(blind), environment={})
    for part in ("NVIDIA A100", "driver 535.104.05", "CUDA 13.0", TOO_OLD, "580 or later", "accelerator: cpu"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("seen", "described", "remedy"),
    [
        (Seen("2.14.1+cpu", ""), "A, 590.1, 1\\n", "make setup"),
        (NONE, "A, 590.1, 1\\n", "system's log"),
        (NONE, "", "apptainer exec --nv"),
    ],
)
def test_other_reasons_have_other_remedies(
    seen: Seen, described: str, remedy: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine(monkeypatch, tmp_path, "", described)
    with pytest.raises(UserError) as caught:
        check_gpus("auto", looking=sees(seen), environment={VISIBLE: "0"})
    assert remedy in str(caught.value)
    assert "accelerator: cpu" in str(caught.value)


def test_a_container_without_the_machine_s_cards_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine(monkeypatch, tmp_path, "", "")
    assert check_gpus("auto", looking=not_asked, environment={}) is None
    (tmp_path / "gpus/0000:01:00.0").mkdir(parents=True)
    with pytest.raises(UserError, match=r"sees none(.*\n)+.*--gpus all"):
        check_gpus("auto", looking=sees(NONE), environment={})
    assert check_gpus("auto", looking=not_asked, environment={VISIBLE: ""}) is None  # hidden on purpose


def test_a_card_without_code_for_it_is_refused() -> None:
    old = Seen("2.14.1", "13.0", ("Tesla V100",), (1,), ("Tesla V100 (7.0)",))
    with pytest.raises(UserError, match=r"Tesla V100 \(7.0\): torch 2.14.1 has no code"):
        check_gpus("auto", looking=sees(old), environment={VISIBLE: "0"})


LOCKED = ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"]
"""What the locked torch tells of itself."""


@pytest.mark.parametrize(
    ("capability", "found"),
    [
        *[((6, 1), False), ((7, 0), False), ((7, 5), True), ((8, 0), True), ((8, 9), True)],
        *[((9, 0), True), ((10, 3), True), ((11, 0), False), ((12, 1), True)],
    ],
)
def test_the_locked_torch_has_code_from_turing_on(capability: tuple[int, int], found: bool) -> None:
    assert has_code(capability, LOCKED) is found


def test_what_a_driver_can_compile_runs_on_later_cards_and_nothing_is_known_of_other_names() -> None:
    assert has_code((13, 0), [*LOCKED, "compute_120"])
    assert has_code((9, 0), ["sm_90a"])
    assert not has_code((9, 0), ["gfx942"])
    assert has_code((9, 0), [])


def test_cards_are_described_by_the_driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    machine(monkeypatch, tmp_path, "", "NVIDIA H100, 580.95.05, 81559\\nGrid, 1.2, [N/A]\\nodd\\n")
    assert driver_cards() == [Card("NVIDIA H100", "580.95.05", 81559), Card("Grid", "1.2", 0)]
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\nexit 9\n")
    assert driver_cards() == []


@pytest.mark.parametrize(("cuda", "driver_"), [("11.8", 450), ("12.6", 525), ("13.0", 580), ("14.1", 0), ("", 0)])
def test_the_oldest_driver_is_that_of_the_major_version(cuda: str, driver_: int) -> None:
    assert oldest_driver(cuda) == driver_


TORCH = """
import sys, types, warnings
__version__ = "2.14.1"
version = types.SimpleNamespace(cuda="13.0")

def is_available():
    warnings.warn("CUDA is  slow today")
    return True

def card(name, major):
    return types.SimpleNamespace(name=name, major=major, minor=0, total_memory=3 << 20)

cuda = types.SimpleNamespace(
    is_available=is_available,
    device_count=lambda: 2,
    get_arch_list=lambda: ["sm_80"],
    get_device_properties=lambda number: (card("V", 7), card("A", 8))[number],
)
"""
"""In the place of torch on a machine with a card of Volta and one of Ampere."""


def test_torch_is_asked_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text(TORCH)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert look_apart() == Seen("2.14.1", "13.0", ("V", "A"), (3, 3), ("V (7.0)",), "CUDA is slow today")


def test_torch_without_a_card_is_told_with_its_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert look() == Seen(torch.__version__, torch.version.cuda or "")


def test_a_torch_that_cannot_be_imported_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(driver.sys, "executable", str(tmp_path / "python"))
    (tmp_path / "python").write_text("#!/bin/sh\necho 'ImportError: libcudart.so.13' >&2\nexit 1\n")
    (tmp_path / "python").chmod(0o755)
    with pytest.raises(UserError, match=r"libcudart.so.13(.*\n)+.*make setup"):
        look_apart()
