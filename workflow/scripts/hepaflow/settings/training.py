"""Settings of the training of one network."""

from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from hepaflow.settings.augmentation import Augmentation
from hepaflow.settings.average import Average
from hepaflow.settings.base import SettingsModel
from hepaflow.settings.drawn import Drawn
from hepaflow.settings.loss import Loss
from hepaflow.settings.network import NetworkSettings
from hepaflow.settings.optimiser import Optimiser
from hepaflow.settings.preprocessing import PreprocessSettings
from hepaflow.settings.sampling import Flips, Sampling, Slices
from hepaflow.settings.schedule import Schedule
from hepaflow.settings.slices import WithRegion

Precision = Literal["fp32", "tf32", "bf16"]
RoundedWeights = Literal["fp16"]


class TrainingSettings(SettingsModel):
    """How the networks of one stage are trained; by default as in the thesis (4.6.1)."""

    epochs: int = Field(ge=0)
    """Passes over all training slices (thesis 4.6.1: liver 200, lesion 20); 0 keeps the initial weights."""
    batch_size: int = Field(default=32, ge=2)
    """Slices in a mini-batch, over all devices together (thesis 4.5)."""
    learning_rate: float = Field(gt=0)
    """Learning rate at the start, or the largest of a schedule (thesis 4.6.1: liver 0.05, lesion 0.1)."""
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Momentum of SGD (thesis 4.6.1)."""
    decay_factor: float = Field(gt=0, le=1)
    """Factor on the learning rate at every step, without a `schedule` (thesis 4.6.1: liver 0.95, lesion 0.5)."""
    decay_every: int = Field(ge=1)
    """Epochs between two steps of the learning rate, without a `schedule` (thesis 4.6.1: liver 10, lesion 1)."""
    loss: Loss = "bce"
    """Loss on the logits: binary cross-entropy, soft Dice, their sum, others (not stated; as for the fusion)."""
    validation_share: float = Field(default=0, ge=0, lt=1)
    """Share of the training exams held out to report a validation loss (the thesis holds out none)."""
    start: Literal["backbone", "coarse", "liver"] = "backbone"
    """Initial weights: the backbone's, or those of the method's network of this earlier stage (4.6.1: lesion
    networks start from the liver's)."""
    optimiser: Optimiser | None = None
    """Optimiser; null for SGD with `momentum`, without weight decay and Nesterov momentum (thesis 4.6.1)."""
    schedule: Schedule | None = None
    """Learning rate over the training; null for steps by `decay_factor` and `decay_every` (thesis 4.6.1)."""
    augmentation: Annotated[tuple[Augmentation, ...], Field(strict=False)] | None = None
    """Random changes to the training slices, in this order; null for none (thesis 4.5)."""
    oversample: float | None = Field(default=None, gt=0, le=1)
    """Share of every mini-batch drawn from slices that show the structure; null for no oversampling."""
    batches_per_epoch: int | None = Field(default=None, ge=1)
    """Mini-batches per epoch; null for as many as contain all training slices once."""
    clip_gradients: float | None = Field(default=None, gt=0)
    """Largest norm of a step's gradient; larger ones are scaled down (Pascanu et al. 2013); null for no limit."""
    drawn: Drawn | None = None
    """Phantoms that are generated during training, one for each patch, and never stored; null for the training
    exams. An epoch has `batches_per_epoch`."""
    average: Average | None = None
    """Average of the weights over the steps, which becomes the result; null for the weights of the last step."""


def _optional(model: type[SettingsModel]) -> dict[str, Any]:
    """Return the fields of a model, each allowed to be absent."""
    return {
        name: (field.rebuild_annotation() | None, Field(default=None, description=field.description))
        for name, field in model.model_fields.items()
    }


TrainingOverrides = create_model(
    "TrainingOverrides",
    __base__=SettingsModel,
    __doc__="Training settings of one network that differ from its stage; absent keys have the stage's values.",
    **_optional(TrainingSettings),
)


class TrainSettings(SettingsModel):
    """What the training of one network depends on."""

    network: NetworkSettings
    sampling: Sampling = Slices()
    with_region: WithRegion = None
    """Whether the last channel of what it sees is the mask of an earlier stage; null for no."""
    drawn_as: PreprocessSettings | None = None
    """The data that drawn patches are like; null where none are drawn."""
    training: TrainingSettings
    precision: Precision
    seed: int


class PredictSettings(SettingsModel):
    """What the maps of one network depend on, besides its weights and the data."""

    network: NetworkSettings
    sampling: Sampling = Slices()
    with_region: WithRegion = None
    """Whether the last channel of what it sees is the mask of an earlier stage; null for no."""
    precision: Precision
    flips: Flips | None = None
    """How pieces are mirrored beside being shown as they are; null for not at all."""
    weights: RoundedWeights | None = None
    """What its weights are rounded to; null for what the training has written."""
