"""Trainings on several devices, with a disk that fails, with losses that are no numbers; settings of no sense."""

import builtins
import errno
import logging
import math
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import several
import torch
from cases import ACCEPTED, GOES_ON, REFUSED, STOPS, WARNED, Case, Table, Tell, ids, neutral
from unit.training.test_devices import Tiny, assert_same_network, job, small, trained
from unit.training.test_trainer import Training, write_exams

from hepaflow.errors import UserError
from hepaflow.figures.style import save
from hepaflow.figures.training import training_figure
from hepaflow.settings.together import check_held_out, remarks
from hepaflow.settings.workflow import read_settings
from hepaflow.training import trainer as training
from hepaflow.training.losses import LOSSES
from hepaflow.training.state import TrainingState

SAME = "the network of one device, but for rounding"
OTHER_LOSS = "each device's mean counted alike, whatever its share: weights differed by up to 1.3e-3"
SHARED = (
    Case(
        "a mini-batch of which three devices have 3, 3 and 2 slices",
        SAME,
        do=lambda: ((8,), {}),
        mended=OTHER_LOSS,
    ),
    Case(
        "a Dice loss on two or three devices",
        SAME,
        do=lambda: ((6, 4), {"loss": "dice"}),
        mended="each device asked for the Dice of its own slices",
    ),
    Case(
        "a last mini-batch with fewer slices than devices",
        SAME,
        do=lambda: ((6, 4), {"batch_size": 8}),
        mended="joined the one before, so that another number of devices took another number of steps",
    ),
    Case(
        "fewer held-out slices than devices",
        SAME,
        do=lambda: ((6, 5, 1), {"validation_share": 0.3, "batch_size": 6}),
        mended="the devices waited for each other for ever",
    ),
)
RESUMED = Case(
    "SIGKILL to a training on three devices, which then goes on",
    GOES_ON,
    mended="another network, by up to 0.012: gradients were added up in another order after a process' first step",
)
ONE_TERM = Case("SIGTERM to one of three devices", GOES_ON)
ONE_FAILS = Case("one of three devices is killed", "all end")
UNREAD = Case(
    "a disk that cannot read the states of a training",
    STOPS,
    ("cannot be read", "the training goes on"),
    mended="started from zero, and replaced both states",
)
ELSEWHERE = Case(
    "a training that goes on with another number of devices or threads",
    "goes on, with a warning in the log and a note in its record",
    ("devices: 2 → 1",),
    mended="went on without a word",
)
NOT_FINITE = Case(
    "a loss that becomes no number within an epoch",
    STOPS,
    ("in epoch 2",),
    mended="trained to the end of the epoch; asked to end before, it saved a state that could not recover",
)
BROKEN = Case(
    "a last step after which weights are no numbers",
    STOPS,
    ("no finite numbers",),
    mended="the weights were written as a result",
)
ZERO = Case(
    "a loss, a validation loss or a learning rate of exactly 0",
    ACCEPTED,
    mended="the figure of the losses ended with a traceback, after all training",
)


def setting(name: str, config: dict[str, Any], *words: str, mended: str) -> Case:
    return Case(name, REFUSED, words, lambda: config, mended)


SETTINGS = (
    setting(
        "contrast.tiles: 64 for slices of 64 pixels",
        {"size": 64, "contrast": {"tiles": 64}},
        "contrast.tiles",
        mended="lesion slices without an image: two grey levels, by chance",
    ),
    setting(
        "postprocessing.lesion.min_area of more pixels than a slice has",
        {"size": 64, "postprocessing": {"lesion": {"min_area": 5000}}},
        "4096",
        mended="every lesion was removed",
    ),
    setting(
        "compute.devices: 17 for a batch_size of 32",
        {"compute": {"devices": 17}},
        "two for each",
        mended="refused by the training, after all slices were made",
    ),
    setting(
        "training.lesion.epochs: 1200, with a learning rate that is halved after each",
        {"training": {"lesion": {"epochs": 1200}}},
        "learning rate is 0",
        mended="epochs that change nothing, then a traceback of the figure of the losses",
    ),
)
ONE_EXAM = Case(
    "validation_share with a single training exam",
    REFUSED,
    ("validation_share",),
    mended="no exam was held out, without a word",
)
RATES = Case(
    "head.rates as wide as the features", WARNED, ("nothing but their own pixel",), mended="without a word"
)

TRAININGS = Table(
    "Trainings",
    "Small networks with batch normalisation and dropout, trained by processes in the role of devices. Several "
    "are compared with one, and resumed trainings with uninterrupted ones.",
    (
        *SHARED,
        RESUMED,
        ONE_TERM,
        ONE_FAILS,
        UNREAD,
        ELSEWHERE,
        NOT_FINITE,
        BROKEN,
        ZERO,
        *SETTINGS,
        ONE_EXAM,
        RATES,
    ),
)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(training, "build_network", lambda *_: Tiny())
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def slices(tmp_path: Path) -> list[Path]:
    return write_exams(tmp_path / "slices", 6, 5)


@pytest.mark.parametrize("case", SHARED, ids=ids)
def test_shares(case: Case, tmp_path: Path, tell: Tell) -> None:
    counts, changes = case.do()
    exams = write_exams(tmp_path / "slices", *counts)
    one, two, three = (
        trained(tmp_path / str(devices), exams, small(epochs=2, **changes), devices) for devices in (1, 2, 3)
    )
    assert_same_network(one, two)
    assert_same_network(one, three)
    tell(case, "")


def test_killed(tmp_path: Path, slices: list[Path], tell: Tell) -> None:
    whole = trained(tmp_path / "whole", slices, small(), 3)
    done = Training(tmp_path / "killed", slices, small())
    saved = TrainingState.save

    def killed(self: TrainingState, *arguments: Any) -> None:
        saved(self, *arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingState, "save", killed)
        assert all(several.wait(several.start(3, job(done, slices, small(), 3))))
    several.together(3, job(done, slices, small(), 3))
    assert done.weights.read_bytes() == whole.weights.read_bytes()
    tell(RESUMED, "")


@pytest.mark.parametrize(("case", "number"), [(ONE_TERM, signal.SIGTERM), (ONE_FAILS, signal.SIGKILL)], ids=str)
def test_one_device(tmp_path: Path, slices: list[Path], tell: Tell, case: Case, number: int) -> None:
    whole = trained(tmp_path / "whole", slices, small(), 3)
    done = Training(tmp_path / "ended", slices, small())
    step, seen = torch.optim.SGD.step, iter(range(1, 1000))

    def ending(self: torch.optim.SGD, *arguments: Any) -> Any:
        if next(seen) == 3 and os.environ["LOCAL_RANK"] == "1":
            os.kill(os.getpid(), number)
        return step(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.SGD, "step", ending)
        assert all(several.wait(several.start(3, job(done, slices, small(), 3))))
    several.together(3, job(done, slices, small(), 3))
    assert done.weights.read_bytes() == whole.weights.read_bytes()
    tell(case, "")


def stopped_after_an_epoch(folder: Path, slices: list[Path], **arguments: Any) -> Training:
    done = Training(folder, slices, small(), **arguments)
    done.interrupt(1)
    return done


def test_states_that_cannot_be_read(
    tmp_path: Path, slices: list[Path], tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Training(tmp_path / "whole", slices, small())
    done = stopped_after_an_epoch(tmp_path / "stopped", slices)
    opened = builtins.open

    def fail(file: Any, *arguments: Any, **more: Any) -> Any:
        if str(file).endswith(("state.safetensors", "previous.safetensors")):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return opened(file, *arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(builtins, "open", fail)
        patch.setattr("hepaflow.training.state.time.sleep", lambda _: None)
        with pytest.raises(UserError) as caught:
            done.run()
    assert done.run() == whole.run()
    tell(UNREAD, neutral(str(caught.value), tmp_path))


def test_other_devices(tmp_path: Path, slices: list[Path], tell: Tell, caplog: pytest.LogCaptureFixture) -> None:
    done = Training(tmp_path / "elsewhere", slices, small())
    given = {"on": "CPU", "threads": 4, "torch": "2"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "arithmetic", lambda *_: {"devices": 2, **given})
        done.interrupt(1)
        patch.setattr(training, "arithmetic", lambda *_: {"devices": 1, **given})
        with caplog.at_level(logging.WARNING):
            done.run()
    tell(ELSEWHERE, neutral(caplog.records[-1].getMessage(), tmp_path))


def test_a_loss_that_is_no_number(
    tmp_path: Path, slices: list[Path], tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    criterion, seen = LOSSES["bce"], iter(range(1, 1000))
    monkeypatch.setattr(training, "_LOOK_EVERY", 1)
    monkeypatch.setitem(LOSSES, "bce", lambda *pair: criterion(*pair) * (math.nan if next(seen) == 4 else 1.0))
    done = Training(tmp_path / "diverging", slices, small(batch_size=4))
    with pytest.raises(UserError) as caught:
        done.run()
    assert next(seen) == 5  # the batch was the last
    assert (done.side / "state.safetensors").exists()
    tell(NOT_FINITE, neutral(str(caught.value), tmp_path))


def test_weights_that_are_no_numbers(
    tmp_path: Path, slices: list[Path], tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = torch.optim.SGD.step

    def broken(self: torch.optim.SGD, *arguments: Any) -> Any:
        done = step(self, *arguments)
        self.param_groups[0]["params"][0].data.fill_(math.inf)
        return done

    monkeypatch.setattr(torch.optim.SGD, "step", broken)
    done = Training(tmp_path / "broken", slices, small(epochs=1, batch_size=11))
    with pytest.raises(UserError) as caught:
        done.run()
    assert not done.weights.exists()
    tell(BROKEN, neutral(str(caught.value), tmp_path))


def test_zero(tmp_path: Path, tell: Tell) -> None:
    whole = pd.DataFrame(
        {"epoch": [1, 2], "learning_rate": [0.1, 0.05], "loss": [0.5, 0.2], "validation_loss": np.nan}
    )
    for column in ("loss", "validation_loss", "learning_rate"):
        figure = training_figure({"dense": whole.assign(**{column: [0.3, 0.0]})}, "liver")
        save(figure, tmp_path / "training.svg", title="training")
    tell(ZERO, "")


@pytest.mark.parametrize("case", SETTINGS, ids=ids)
def test_settings(case: Case, tell: Tell) -> None:
    with pytest.raises(UserError) as caught:
        read_settings(case.do())
    tell(case, neutral(str(caught.value), Path("/nowhere")))


def test_held_out_of_one(tell: Tell) -> None:
    settings = read_settings({"training": {"liver": {"validation_share": 0.2}}})
    with pytest.raises(UserError) as caught:
        check_held_out(settings, 1)
    tell(ONE_EXAM, neutral(str(caught.value), Path("/nowhere")))


def test_rates(tell: Tell) -> None:
    (remark,) = remarks(read_settings({"size": 64}))
    tell(RATES, remark)
