"""Devices, precision and determinism of a job."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from hepaflow.networks.compute import (
    arithmetic,
    fitting_batch,
    has_bf16_instructions,
    make_fabric,
    memory_format,
    prediction_batch,
    prepare,
)
from hepaflow.networks.normalisation import InnermostInstanceNorm
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.training import Precision

torch.set_num_threads(1)
CPU = ComputeSettings(accelerator="cpu", workers=0)


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    matmul, cudnn = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = matmul, cudnn
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(1)


def test_the_cpu_is_used_where_asked_for() -> None:
    assert make_fabric("fp32", CPU).device.type == "cpu"


def test_a_gpu_is_used_where_there_is_one() -> None:
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert make_fabric("fp32", ComputeSettings()).device.type == expected


def test_algorithms_are_deterministic_and_on_the_cpu_without_exception() -> None:
    make_fabric("fp32", CPU)
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.is_deterministic_algorithms_warn_only_enabled()
    assert not torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    assert not torch.backends.cudnn.benchmark
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


@pytest.mark.parametrize(("precision", "allowed"), [("fp32", False), ("tf32", True), ("bf16", False)])
def test_tf32_is_used_only_where_asked_for(precision: Precision, allowed: bool) -> None:
    make_fabric(precision, CPU)
    assert torch.backends.cuda.matmul.allow_tf32 is allowed
    assert torch.backends.cudnn.allow_tf32 is allowed


@pytest.mark.parametrize(("precision", "inside"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_bf16_is_mixed_with_fp32(precision: Precision, inside: torch.dtype) -> None:
    seen = []

    class Probe(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            result = super().forward(x)
            seen.append(result.dtype)
            return result

    network = Probe(2, 2)
    result = make_fabric(precision, CPU).setup_module(network)(torch.ones(1, 2))
    assert seen == [inside]
    assert network.weight.dtype == torch.float32
    assert result.dtype == torch.float32


CPUINFO = {
    "flags\t\t: fpu avx512f avx512_bf16\n": True,
    "flags\t\t: fpu avx2 amx_bf16\n": True,
    "model name\t: bf16\nflags\t\t: fpu avx2 avx512f\n": False,
    "Features\t: fp asimd bf16\n": True,
    "Features\t: fp asimd\n": False,
    "": None,
}


@pytest.mark.parametrize(("told", "known"), CPUINFO.items())
def test_bf16_is_warned_of_where_the_processor_is_known_to_have_no_instructions_for_it(
    told: str, known: bool | None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: told)
    assert has_bf16_instructions() is known
    make_fabric("fp32", CPU)
    assert caplog.messages == []
    make_fabric("bf16", CPU)
    assert ("slower than fp32" in caplog.text) is (known is False)


def test_nothing_is_known_of_a_processor_on_other_systems_than_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    assert has_bf16_instructions() is None


def test_threads_are_set() -> None:
    make_fabric("fp32", CPU, threads=2)
    assert torch.get_num_threads() == 2


def test_a_slurm_job_is_one_process_whatever_its_variables_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Snakemake submits one task; Fabric would take the variables to mean that SLURM starts the processes."""
    for name, value in (("NTASKS", "1"), ("PROCID", "0"), ("LOCALID", "0"), ("JOB_NAME", "job"), ("JOB_ID", "7")):
        monkeypatch.setenv(f"SLURM_{name}", value)
    fabric = make_fabric("fp32", CPU, devices=2)
    assert fabric.world_size == 2
    environment = fabric.strategy.cluster_environment  # type: ignore[attr-defined]
    assert not environment.creates_processes_externally


def test_channels_last_changes_the_layout_and_not_the_function() -> None:
    network = nn.Conv2d(3, 4, 3)
    x = torch.rand(2, 3, 8, 8)
    before = network(x)
    prepared = prepare(network, CPU.model_copy(update={"channels_last": True}))
    assert prepared.weight.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(prepared(x.to(memory_format=torch.channels_last)), before)


def test_channels_last_of_patches_is_that_of_three_dimensions() -> None:
    network, x = nn.Conv3d(3, 4, 3), torch.rand(2, 3, 8, 8, 8)
    before, chosen = network(x), CPU.model_copy(update={"channels_last": True})
    layout = memory_format(network, chosen, 3)
    assert layout is torch.channels_last_3d
    assert memory_format(network, CPU, 3) is torch.contiguous_format
    prepared = prepare(network, chosen, 3)
    assert prepared.weight.is_contiguous(memory_format=layout)
    torch.testing.assert_close(prepared(x.to(memory_format=layout)), before)


def test_the_layout_is_chosen_by_the_device_and_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, training, predicting = ComputeSettings(), nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3).eval()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert memory_format(predicting, asked) == torch.channels_last
    assert memory_format(training, asked) == torch.contiguous_format
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert memory_format(predicting, asked) == torch.contiguous_format
    assert memory_format(predicting, CPU) == torch.channels_last
    for network in (training, predicting):
        for asked_for, expected in ((True, torch.channels_last), (False, torch.contiguous_format)):
            assert memory_format(network, CPU.model_copy(update={"channels_last": asked_for})) == expected


def test_networks_with_instance_normalisation_are_trained_with_channels_innermost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.InstanceNorm2d(4, affine=True)).double()
    x = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert memory_format(network, ComputeSettings()) == torch.contiguous_format
    assert isinstance(prepare(network, ComputeSettings(channels_last=True))[1], nn.InstanceNorm2d)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert memory_format(network, CPU) == torch.channels_last
    (network(x) ** 3).sum().backward()
    before = [parameter.grad.clone() for parameter in network.parameters() if parameter.grad is not None]
    network.zero_grad()
    prepared = prepare(network, CPU)
    assert isinstance(prepared[1], InnermostInstanceNorm)
    assert memory_format(network, CPU) == torch.channels_last
    (prepared(x.to(memory_format=torch.channels_last)) ** 3).sum().backward()
    for parameter, expected in zip(network.parameters(), before, strict=True):
        torch.testing.assert_close(parameter.grad, expected, rtol=1e-9, atol=1e-9)


def test_nothing_is_done_unasked() -> None:
    network = nn.Conv2d(3, 4, 3)
    assert prepare(network, CPU) is network
    assert network.weight.is_contiguous()


@pytest.mark.parametrize(("size", "slices"), [(256, 2), (64, 32), (512, 1), (1024, 1)])
def test_a_batch_of_predictions_on_the_cpu_has_the_pixels_of_two_slices(size: int, slices: int) -> None:
    assert prediction_batch(CPU, size**2) == slices


@pytest.mark.parametrize(("size", "slices"), [(256, 64), (64, 1024), (512, 16), (1024, 4)])
def test_a_batch_of_predictions_on_a_gpu_has_the_pixels_of_64_slices(
    monkeypatch: pytest.MonkeyPatch, size: int, slices: int
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert prediction_batch(ComputeSettings(), size**2) == slices
    assert prediction_batch(CPU, 256**2) == 2  # keeps to the CPU


def test_a_batch_is_what_the_settings_ask_for_and_fits_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = CPU.model_copy(update={"predict_batch_size": 7})
    assert prediction_batch(asked, 256**2) == 7
    monkeypatch.setenv("SLURM_MEM_PER_NODE", "2700")  # MiB: half of it has room for five slices of 265
    assert fitting_batch(asked, 256**2).predict_batch_size == 5
    assert fitting_batch(CPU, 256**2).predict_batch_size == 2


@pytest.mark.parametrize(("threads", "devices", "each"), [(6, 1, 6), (6, 2, 3), (7, 3, 2), (1, 3, 1)])
def test_threads_are_divided_by_devices(
    monkeypatch: pytest.MonkeyPatch, threads: int, devices: int, each: int
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    make_fabric("fp32", CPU, devices=devices, threads=threads)
    assert asked == [each]


def test_without_a_number_of_threads_torch_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    make_fabric("fp32", CPU)
    assert asked == []


def test_arithmetic_tells_what_changes_last_bits() -> None:
    torch.set_num_threads(1)
    told = arithmetic(ComputeSettings(accelerator="cpu", devices=3), torch.device("cpu"))
    assert told["devices"] == 3
    assert told["threads"] == 1
    assert told["torch"] == torch.__version__
    assert told["on"].startswith("CPU")
    other = arithmetic(ComputeSettings(accelerator="cpu", devices=3, channels_last=True), torch.device("cpu"))
    assert {name for name in told if told[name] != other[name]} == {"channels_last"}
    workers = arithmetic(ComputeSettings(accelerator="cpu", devices=3, workers=0), torch.device("cpu"))
    assert workers == told  # loading changes nothing
