"""Any network of MONAI, by its name and the arguments of its class."""

from collections.abc import Sequence
from inspect import signature
from math import prod
from typing import Any

from hepaflow.system.plain_matplotlib import matplotlib  # noqa: F401 (MONAI imports it, too)

# isort: split
import torch
from monai.networks import nets
from monai.utils.module import OptionalImportError
from torch import Tensor, nn

from hepaflow.errors import UserError
from hepaflow.networks.backbone import check_size
from hepaflow.networks.unshuffled import shuffled, unshuffled
from hepaflow.settings.monai import MonaiNetwork

DIMENSIONS = "spatial_dims"
INPUTS = ("in_channels", "num_channels")
OUTPUTS = ("out_channels", "num_classes")
PRETRAINED = "pretrained"
"""What `settings/monai.py` calls so, too; here they decide what is built, and code fingerprints follow them."""


class FromMonai(nn.Module):
    """A network of MONAI as this package's networks are.

    Parameters
    ----------
    settings : MonaiNetwork
    channels : int
        Channels of the input.
    dimensions : int
        Of the input, besides its channels: 2 or 3.

    Raises
    ------
    UserError
        If MONAI does not build it, or the settings' factors are of other dimensions.
    """

    def __init__(self, settings: MonaiNetwork, channels: int = 1, dimensions: int = 2) -> None:
        super().__init__()
        self.channels, self.dimensions = channels, dimensions
        self.factors = settings.unshuffle or [1] * dimensions
        if len(self.factors) != dimensions:
            raise UserError(
                f"`monai.unshuffle: {self.factors}` for {dimensions} dimensions",
                expected=f"{dimensions} factors",
                remedy="correct `monai.unshuffle` of this network",
            )
        neighbours = prod(self.factors)
        try:
            self.model = _build(
                getattr(nets, settings.name), settings.arguments, channels * neighbours, neighbours, dimensions
            )
        except OptionalImportError as error:
            raise _lacking(settings.name, error) from error
        except Exception as error:  # whatever MONAI raises on these arguments
            raise UserError(
                f"MONAI cannot build {settings.name} with the arguments {settings.arguments} ({reason_of(error)})",
                expected="arguments that its documentation allows",
                remedy="correct `monai.arguments` of this network",
            ) from error

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        """Map slices (b, channels, h, w) or patches to float32 logits, as any network (`networks/registry.py`).

        Which sides of patches it takes, its class knows.
        """
        if self.dimensions == 2:
            check_size(x, self.channels)
        elif x.ndim != 2 + self.dimensions or x.shape[1] != self.channels:
            raise ValueError(
                f"found patches of shape {tuple(x.shape)}, expected (batch, {self.channels}, slices, rows, "
                "columns)"
            )
        found: Tensor | Sequence[Tensor] = self.model(unshuffled(x, self.factors))
        if isinstance(found, Tensor):
            return self._logits(found)
        return [self._logits(one) for one in found] if self.training and len(found) > 1 else self._logits(found[0])

    def _logits(self, found: Tensor) -> Tensor:
        return shuffled(found, self.factors).float()


def _build(
    network: type[nn.Module], arguments: dict[str, Any], inputs: int, outputs: int, dimensions: int
) -> nn.Module:
    """Build a network with the user's arguments, and those for its axes and channels."""
    there = signature(network).parameters
    filled = {
        **({DIMENSIONS: dimensions} if DIMENSIONS in there else {}),
        **{name: inputs for name in [name for name in INPUTS if name in there][:1]},
        **{name: outputs for name in [name for name in OUTPUTS if name in there][:1]},
        # Some would download weights by default.
        **({PRETRAINED: False} if PRETRAINED in there else {}),
    }
    return network(**{**filled, **_with_tuples(arguments)})


def _with_tuples(value: Any) -> Any:
    """Return arguments with tuples in the place of lists, which JSON has, and some of MONAI's classes refuse."""
    if isinstance(value, list):
        return tuple(map(_with_tuples, value))
    return {key: _with_tuples(one) for key, one in value.items()} if isinstance(value, dict) else value


def check(settings: MonaiNetwork, channels: int, shape: tuple[int, ...]) -> None:
    """Refuse a network of MONAI that cannot be built, or does not give logits of its input's shape.

    It is tried without values, on torch's device `meta`; or with them on the CPU if it needs some.

    Parameters
    ----------
    settings : MonaiNetwork
    channels : int
        Channels of the input.
    shape : tuple of int
        Rows and columns of a slice; or slices, rows and columns of a patch.

    Raises
    ------
    UserError
        Saying what MONAI has against it, or which shapes it gives.
    """
    network = FromMonai(settings, channels, len(shape))
    try:
        found = _shapes(network.to("meta"), channels, shape)
    except Exception:  # not every operation does without values
        found = _tried_with_values(settings, channels, shape)
    wanted = [(2, 1, *shape)]
    halved = [(2, 1, *(side // 2**level for side in shape)) for level in range(len(found[True]))]
    if found[False] != wanted or found[True] != halved:
        raise UserError(
            f"MONAI's {settings.name} with the arguments {settings.arguments} makes {_told(found)} of two "
            f"{shown_in_words(shape)}",
            expected=f"logits of shape {wanted[0]}; in training, further ones may follow, each of half the size",
            remedy="set other arguments in `monai.arguments`, or another network",
        )


def shown_in_words(shape: tuple[int, ...]) -> str:
    """Return what a network sees in words: slices of 256 pixels, patches of 64×96×96 voxels."""
    if len(shape) == 2:
        return f"slices of {shape[0]} pixels"
    return f"patches of {'×'.join(map(str, shape))} voxels"


def _shapes(network: nn.Module, channels: int, shape: tuple[int, ...]) -> dict[bool, list[tuple[int, ...]]]:
    """Return the shapes of what a network makes of two slices or patches, in training and else."""
    device = next(network.parameters()).device
    found = {}
    for training in (True, False):
        with torch.no_grad():
            logits = network.train(training)(torch.zeros(2, channels, *shape, device=device))
        found[training] = [tuple(one.shape) for one in ([logits] if isinstance(logits, Tensor) else logits)]
    return found


def _tried_with_values(
    settings: MonaiNetwork, channels: int, shape: tuple[int, ...]
) -> dict[bool, list[tuple[int, ...]]]:
    try:
        return _shapes(FromMonai(settings, channels, len(shape)), channels, shape)
    except UserError:
        raise
    except OptionalImportError as error:
        raise _lacking(settings.name, error) from error
    except Exception as error:  # whatever MONAI or torch raise on slices of this size
        raise UserError(
            f"MONAI's {settings.name} with the arguments {settings.arguments} fails on {shown_in_words(shape)} "
            f"({reason_of(error)})",
            expected="a network that takes slices or patches of this size",
            remedy="set other arguments in `monai.arguments`, or another `size`",
        ) from error


def _told(found: dict[bool, list[tuple[int, ...]]]) -> str:
    texts = {training: " and ".join(map(str, shapes)) for training, shapes in found.items()}
    return texts[False] if texts[True] == texts[False] else f"{texts[False]}, in training {texts[True]},"


def _lacking(name: str, error: OptionalImportError) -> UserError:
    """Return what to tell the user of a package that MONAI does not bring along."""
    return UserError(
        f"MONAI's {name} needs a Python package that is not installed ({reason_of(error)})",
        expected="the package beside MONAI, wherever networks are trained or predict",
        remedy="install it with pip into the environment of hepaflow, or choose another network",
    )


def reason_of(error: Exception) -> str:
    """Return the first line of what MONAI or torch have raised."""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
