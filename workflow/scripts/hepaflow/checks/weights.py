"""ImageNet's weights, where torchvision looks for them, and models that networks start from."""

from pathlib import Path

from hepaflow.checks.check import NOTE, OK, WRONG, Found
from hepaflow.files import sha256
from hepaflow.methods.thesis import plan_of
from hepaflow.model.started import check_starts
from hepaflow.settings.network import is_model
from hepaflow.settings.workflow import Settings
from hepaflow.words import counted


def weights(settings: Settings) -> Found:
    """Yield whether the files are there, and whole; whether models have the networks that start from them."""
    from hepaflow.networks.pretrained import imagenet_file  # torch takes seconds to import

    networks = [one.network for one in settings.networks.values()]
    wanted = sorted({network.arch for network in networks if network.weights == "imagenet"})
    files = [imagenet_file(arch) for arch in wanted]
    if broken := [file for file in files if file.is_file() and not is_whole(file)]:
        yield WRONG, f"cut short or changed: {broken[0]}; remove it, then `hepaflow fetch`"
    if missing := [file for file in files if not file.is_file()]:
        yield (
            NOTE,
            f"{len(missing)} of {len(files)} files of ImageNet's weights are not there, such as {missing[0]}; "
            "`hepaflow fetch` gets them, or the first training does, where it has internet access",
        )
    if files and not broken and not missing:
        yield OK, f"{counted(len(files), 'file')} of ImageNet's weights in {files[0].parent}"
    if not files:
        yield OK, "none of ImageNet's are needed"
    if started := sorted({network.weights for network in networks if is_model(network.weights)}):
        check_starts(plan_of(settings))
        yield OK, f"{', '.join(started)}: the networks that start from there fit"


def is_whole(file: Path) -> bool:
    """Return whether a file of torchvision's has the digest whose beginning ends its name."""
    return sha256(file).startswith(file.stem.rpartition("-")[2])
