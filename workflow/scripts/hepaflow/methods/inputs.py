"""The files that a run reads and no rule makes: exams, weights, segmentations by others."""

import os
import shlex
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from hepaflow.errors import UserError
from hepaflow.exams.sheet import ExamSheet
from hepaflow.exams.walk import walk
from hepaflow.methods.given_files import check_predictions, prediction_file
from hepaflow.methods.learned_from import learned_from_exams, phantoms_drawn
from hepaflow.methods.plan import Step, model_of
from hepaflow.preprocessing.registry import NEED_SPACING
from hepaflow.settings.network import is_model
from hepaflow.settings.plan import Plan
from hepaflow.settings.workflow import WITHOUT_FILE, Settings
from hepaflow.system.paths import normal
from hepaflow.volumes.nifti_name import SUFFIXES, stem
from hepaflow.words import counted

_CLOCKS_DIFFER = 60
"""Seconds that a file server's clock may be ahead of this machine's."""


@dataclass(frozen=True)
class Input:
    """A file, or a folder with a DICOM series, that the user provides.

    Attributes
    ----------
    what : str
        What it is, in words.
    path : str
    expected, remedy : str
        What would be right, and what to do, if it is not there.
    exam : str
        The exam that it belongs to; empty for weights.
    folder : bool
        Whether it may be a folder.
    text : bool
        Whether it has to be text in UTF-8.
    """

    what: str
    path: str
    expected: str
    remedy: str
    exam: str = ""
    folder: bool = False
    text: bool = False

    @property
    def fault(self) -> str:
        """Why a job cannot read it; empty if it can."""
        # os.path's tests are False, too, for a name that no file can have.
        if os.path.isdir(self.path):
            if not self.folder:
                return f"no such {self.what}: a folder is there"
            return "" if walk(Path(self.path)).files else f"no such {self.what}: an empty folder is there"
        if os.path.isfile(self.path):
            if not os.access(self.path, os.R_OK):
                return f"no right to read the {self.what}"
            return "" if not self.text or _is_text(self.path) else f"no text in UTF-8 in the {self.what}"
        if os.path.islink(self.path):
            return f"no such {self.what}: a broken link to {os.readlink(self.path)}"
        return f"no such {self.what}"


def _is_text(path: str) -> bool:
    try:
        Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False
    return True


class Inputs:
    """The files that the rules of a run read, but do not make.

    Parameters
    ----------
    settings : Settings
    plan : Plan
        That of the settings.
    exams : ExamSheet
    parts : sequence of str, optional
        Files of the workflow itself that rules read.
    """

    def __init__(self, settings: Settings, plan: Plan, exams: ExamSheet, parts: Sequence[str] = ()) -> None:
        self._settings, self._plan, self._exams, self._parts = settings, plan, exams, parts
        # Once: rules ask for each path many times, and each answer takes a look at the file system.
        self._files = {
            name: {cell: self._in_data(cell) for cell in (exams[name].image, exams[name].label) if cell}
            for name in exams.names()
        }

    def image(self, exam: str) -> str:
        """Return the path of an exam's CT volume."""
        return self._files[exam][self._exams[exam].image]

    def images(self, exam: str) -> list[str]:
        """Return the files of an exam's CT volume: one, or those that are read of a folder with a DICOM series."""
        image = self.image(exam)
        return sorted(map(str, walk(Path(image)).files)) if os.path.isdir(image) else [image]

    def label(self, exam: str) -> str | None:
        """Return the path of an exam's label map, if it has one."""
        label = self._exams[exam].label
        return self._files[exam][label] if label else None

    def weights(self, stage: str, network: str) -> str | None:
        """Return the path of the file of weights that a network starts from, if it starts from one."""
        training = self._plan.methods[network][stage].training
        weights = "none" if training is None else training.settings.network.weights
        return None if weights in WITHOUT_FILE else weights

    def unknown_weights(self, networks: Iterable[Step]) -> bool:
        """Return whether any of the networks starts from a file of weights; what a model has seen is known."""
        weights = (self.weights(stage, network) for network, stage in networks)
        return any(one is not None and not is_model(one) for one in weights)

    def prediction(self, given: str, exam: str) -> str:
        """Return the path of another system's segmentation of an exam; if there is none, where it is expected."""
        folder = Path(self._settings.predictions[given].folder)
        return str(prediction_file(folder, exam) or folder / f"{exam}{SUFFIXES[0]}")

    @property
    def card(self) -> str | None:
        """The path of the text that the model's card ends with; None for none."""
        return self._settings.card

    @cached_property
    def phantoms(self) -> dict[str, tuple[str, str]]:
        """Where the image and the label of each phantom exam are made; a run of real exams has none.

        An exam of the split `new` is a phantom only if the sheet gives it a phantom's image path.
        """
        if self._settings.phantoms is None:
            return {}
        data = self._settings.data
        every = {
            exam: (normal(f"{data}/{exam}.image.nii.gz"), normal(f"{data}/{exam}.label.nii.gz"))
            for exam in self._exams.names()
        }
        read = {self.image(exam) for exam in every}
        return {
            exam: paths for exam, paths in every.items() if self._exams[exam].split != "new" or paths[0] in read
        }

    @cached_property
    def made(self) -> frozenset[str]:
        """The paths of all phantom exams."""
        return frozenset(path for paths in self.phantoms.values() for path in paths)

    def __iter__(self) -> Iterator[Input]:
        """Yield every file that must be there before the first job."""
        for exam in self._exams.names():
            for what, path in (("image", self.image(exam)), ("label", self.label(exam))):
                if path and path not in self.made:
                    yield self._exam_file(exam, what, path)
        for name, settings in self._settings.networks.items():
            key = f"backbones.{name}" if name in self._settings.backbones else f"methods.{name}.network"
            for path in dict.fromkeys(
                filter(None, (self.weights(one, name) for one in self._settings.stages(name)))
            ):
                yield Input(
                    f"file of weights ({key}.weights: {settings.network.weights})",
                    path,
                    "`imagenet`, `none`, or the path of a file with weights or of a model",
                    f"write `{path.lower()}`, in small letters"
                    if path.lower() in WITHOUT_FILE
                    else "correct the path in the configuration, or set `weights` to `imagenet` or `none`",
                )
        for given in self._settings.predictions:
            for exam in self._exams.names("test"):
                yield Input(
                    f"label map of predictions.{given}",
                    self.prediction(given, exam),
                    "{exam}.nii.gz or {exam}.nii for every test exam of the sheet",
                    "put the files there under the exams' names, or remove this entry of `predictions`",
                    exam,
                )

        if self.card:
            yield Input(
                "text for the model's card (card)",
                self.card,
                "a text file in UTF-8, for instance in Markdown",
                "correct the path in the configuration, save the file in UTF-8, or leave `card` out",
                text=True,
            )
        for path in self._parts:
            yield Input("part of the workflow", path, "every file of the project", "put it back: `git checkout`")

    def check(self) -> None:
        """Check that every file is there and can be read, and that exams have files of their own.

        Raises
        ------
        UserError
            If not; it names the first such file, and how many there are. Or if exams share a file, by any name.
        """
        for name, prediction in self._settings.predictions.items():
            check_predictions(name, Path(prediction.folder), self._exams.names("test"))
        faults = [(one, fault) for one in self if (fault := one.fault)]
        if faults:
            one, fault = faults[0]
            others = f" (and {len(faults) - 1} more such files)" if len(faults) > 1 else ""
            raise UserError(
                f"{fault}{others}", exam=one.exam, file=one.path, expected=one.expected, remedy=one.remedy
            )
        self._check_owners()

    def check_new(self) -> None:
        """Check that the exams which are only segmented have the spacing that the run's model may need.

        The survey, which all other exams go through, looks for it in these.

        Raises
        ------
        UserError
            If the header of a NIfTI file gives none, or cannot be read; it names the first such file.
        """
        data = model_of(self._plan, self._settings.result).data.values()
        if not {one.preprocess.preprocessing.kind for one in data} & NEED_SPACING:
            return
        from hepaflow.volumes.volume import read_grid  # nibabel takes a while to import

        for exam in self._exams.names("new"):
            image = self.image(exam)
            if stem(image) is None or image in self.made:
                continue
            if read_grid(Path(image), exam=exam).trusted_spacing is None:
                raise UserError(
                    "a header that gives no spacing which could be trusted",
                    exam=exam,
                    file=image,
                    expected="the distances between voxels in millimetres: the model of this run resamples exams",
                    remedy="correct the header (`pixdim`, sform or qform), or leave the exam out of the sheet",
                )

    def _check_owners(self) -> None:
        owners: dict[str, str] = {}
        for name in self._exams.names():
            exam = self._exams[name]
            for cell in filter(None, (exam.image, exam.label)):
                path = self._files[name][cell]
                owner = owners.setdefault(os.path.realpath(path), f"{name}: {cell}")
                if owner != f"{name}: {cell}" or exam.image == exam.label:
                    raise UserError(
                        f"a file that the sheet lists already, as {owner}",
                        exam=name,
                        file=path,
                        expected="a file of its own for each image and each label: "
                        "else an exam could be trained on and scored",
                        remedy="name every exam's own files in the sheet, or remove the exam that is listed twice",
                    )

    def _exam_file(self, exam: str, what: str, path: str) -> Input:
        new = self._exams[exam].split == "new"
        remedy = "correct the path in the exam sheet, or set `data` to the folder that its paths are relative to"
        expected = "an existing file" + (", or a folder with a DICOM series" if new and what == "image" else "")
        if self._settings.phantoms is not None:
            expected += f", or {exam}.image.nii.gz and {exam}.label.nii.gz, which the run makes for `phantoms`"
        return Input(what, path, expected, remedy, exam, folder=new and what == "image")

    def _in_data(self, cell: str) -> str:
        return normal(os.path.join(self._settings.data, os.path.expanduser(cell)))


def check_times(paths: Iterable[str]) -> None:
    """Check that files which jobs are about to read have no time in the future.

    Snakemake refuses results that are older than what they are made from, and removes them.

    Raises
    ------
    UserError
        If some have; it names the first, and how many there are.
    """
    now = time.time()
    late = sorted(path for path in set(paths) if os.stat(path).st_mtime > now + _CLOCKS_DIFFER)
    if late:
        when = datetime.fromtimestamp(os.stat(late[0]).st_mtime, UTC).isoformat(" ", "minutes")
        others = f" (and {len(late) - 1} more such files)" if len(late) > 1 else ""
        raise UserError(
            f"a time in the future, {when}{others}",
            file=late[0],
            expected="a time before now: Snakemake removes results that are older than what they are made from",
            remedy=f"`touch {shlex.quote(late[0])}`, which runs nothing again, or set this machine's clock",
        )


def exams_in_words(settings: Settings, plan: Plan, model: Plan, exams: ExamSheet) -> str:
    """Return what a model is trained on and tested with.

    Parameters
    ----------
    settings : Settings
    plan : Plan
        The run's.
    model : Plan
        The part of it that segments an exam, or all of it.
    exams : ExamSheet
    """
    whose = "phantoms drawn by hepaflow: no patient's exam" if settings.phantoms else _of_sheet(settings)
    test = len(exams.names("test"))
    if learned_from_exams(plan, model):
        return f"{counted(len(exams.names('train')), 'exam')} to train and {test} to test, {whose}"
    if phantoms_drawn(plan, model):
        whose = "drawn by hepaflow, too: no patient's exam" if settings.phantoms else whose
        return f"phantoms that were drawn during the training; {counted(test, 'exam')} to test, {whose}"
    return f"networks of an earlier model, taken as they are; {counted(test, 'exam')} to test, {whose}"


def _of_sheet(settings: Settings) -> str:
    return f"of the sheet {Path(settings.exams).name}"
