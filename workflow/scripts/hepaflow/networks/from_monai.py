"""Any 2-D network of MONAI, by its name and the arguments of its class."""

from collections.abc import Sequence
from inspect import signature
from typing import Any

from hepaflow.system.plain_matplotlib import matplotlib  # noqa: F401 (MONAI imports it, too)

# isort: split
import torch
from monai.networks import nets
from monai.utils.module import OptionalImportError
from torch import Tensor, nn

from hepaflow.errors import UserError
from hepaflow.networks.backbone import check_size
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

    Raises
    ------
    UserError
        If MONAI does not build it.
    """

    def __init__(self, settings: MonaiNetwork, channels: int = 1) -> None:
        super().__init__()
        self.channels = channels
        try:
            self.model = _build(getattr(nets, settings.name), settings.arguments, channels)
        except OptionalImportError as error:
            raise _lacking(settings.name, error) from error
        except Exception as error:  # whatever MONAI raises on these arguments
            raise UserError(
                f"MONAI cannot build {settings.name} with the arguments {settings.arguments} ({reason_of(error)})",
                expected="arguments that its documentation allows",
                remedy="correct `monai.arguments` of this network",
            ) from error

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        """Map slices (b, channels, h, w) to float32 logits, as any network does (`networks/registry.py`)."""
        check_size(x, self.channels)
        found: Tensor | Sequence[Tensor] = self.model(x)
        if isinstance(found, Tensor):
            return found.float()
        return [one.float() for one in found] if self.training and len(found) > 1 else found[0].float()


def _build(network: type[nn.Module], arguments: dict[str, Any], channels: int) -> nn.Module:
    """Build a network with the user's arguments, and those for slices and logits of one structure."""
    there = signature(network).parameters
    filled = {
        **({DIMENSIONS: 2} if DIMENSIONS in there else {}),
        **{name: channels for name in [name for name in INPUTS if name in there][:1]},
        **{name: 1 for name in [name for name in OUTPUTS if name in there][:1]},
        # Some would download weights by default.
        **({PRETRAINED: False} if PRETRAINED in there else {}),
    }
    return network(**{**filled, **_with_tuples(arguments)})


def _with_tuples(value: Any) -> Any:
    """Return arguments with tuples in the place of lists, which JSON has, and some of MONAI's classes refuse."""
    if isinstance(value, list):
        return tuple(map(_with_tuples, value))
    return {key: _with_tuples(one) for key, one in value.items()} if isinstance(value, dict) else value


def check(settings: MonaiNetwork, channels: int, size: int) -> None:
    """Refuse a network of MONAI that cannot be built, or does not give logits of the slices' size.

    It is tried without values, on torch's device `meta`; or with them on the CPU if it needs some.

    Parameters
    ----------
    settings : MonaiNetwork
    channels : int
        Channels of the input.
    size : int
        Rows and columns of a slice.

    Raises
    ------
    UserError
        Saying what MONAI has against it, or which shapes it gives.
    """
    network = FromMonai(settings, channels)
    try:
        found = _shapes(network.to("meta"), channels, size)
    except Exception:  # not every operation does without values
        found = _tried_with_values(settings, channels, size)
    wanted = [(2, 1, size, size)]
    halved = [(2, 1, size // 2**level, size // 2**level) for level in range(len(found[True]))]
    if found[False] != wanted or found[True] != halved:
        raise UserError(
            f"MONAI's {settings.name} with the arguments {settings.arguments} makes {_told(found)} of two slices "
            f"of {size} pixels",
            expected=f"logits of shape {wanted[0]}; in training, further ones may follow, each of half the size",
            remedy="set other arguments in `monai.arguments`, or another network",
        )


def _shapes(network: nn.Module, channels: int, size: int) -> dict[bool, list[tuple[int, ...]]]:
    """Return the shapes of what a network makes of two slices, in training and else."""
    device = next(network.parameters()).device
    found = {}
    for training in (True, False):
        with torch.no_grad():
            logits = network.train(training)(torch.zeros(2, channels, size, size, device=device))
        found[training] = [tuple(one.shape) for one in ([logits] if isinstance(logits, Tensor) else logits)]
    return found


def _tried_with_values(settings: MonaiNetwork, channels: int, size: int) -> dict[bool, list[tuple[int, ...]]]:
    try:
        return _shapes(FromMonai(settings, channels), channels, size)
    except UserError:
        raise
    except OptionalImportError as error:
        raise _lacking(settings.name, error) from error
    except Exception as error:  # whatever MONAI or torch raise on slices of this size
        raise UserError(
            f"MONAI's {settings.name} with the arguments {settings.arguments} fails on slices of {size} pixels "
            f"({reason_of(error)})",
            expected="a network that takes slices of this size",
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
