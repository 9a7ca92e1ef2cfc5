"""Write a model whose networks lie between those of an earlier model and of one that was trained further from it.

    PYTHONPATH=workflow/scripts:. python benchmarks/mean_model.py EARLIER FURTHER OUT liver=0.25 lesion=0.4

Each weight is (1 - share) times that of EARLIER and share times that of FURTHER; stages that are not named have
EARLIER's. On images unlike those of the training, such networks can be better than either (Wortsman et al. 2022,
Robust fine-tuning of zero-shot models, doi:10.1109/CVPR52688.2022.00780). To score and bundle the model, let a run
start from OUT, with no epochs.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from safetensors.torch import load, save_file
from torch import Tensor

from hepaflow.errors import UserError
from hepaflow.files import sha256
from hepaflow.methods.plan import networks_of, votes_of
from hepaflow.model.bundle import read_bundle, write_bundle
from hepaflow.model.members import CARD, LICENCE, PROVENANCE
from hepaflow.model.origin import ORIGIN
from hepaflow.names import network_member
from hepaflow.version import version

MEAN, SHARES, FIRST = "mean of", "shares of the second", "trainings of the first"
"""Where the provenance says of which models the networks are the mean, by the digests of their files, and how
those of the first were trained. All else is the second's, but for trainings of stages that are the first's."""

_LICENCE = Path(__file__).parents[1] / "LICENSE"


def mean_of(earlier: dict[str, Tensor], further: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """Return weights between two networks' in the type of the second; what is counted is the second's.

    Raises
    ------
    ValueError
        If they are not of one kind.
    """
    shapes = [{name: weights.shape for name, weights in network.items()} for network in (earlier, further)]
    if shapes[0] != shapes[1]:
        raise ValueError("networks of two kinds")
    return {
        name: ((1 - share) * earlier[name].double() + share * weights.double()).to(weights.dtype)
        if weights.is_floating_point()
        else weights
        for name, weights in further.items()
    }


def write_mean(earlier: Path, further: Path, out: Path, shares: Mapping[str, float]) -> None:
    """Write the model; shares are those of the second, by stage.

    Raises
    ------
    UserError
        If a file is no model, or the second has fused networks, or others than the first or than are asked for.
    """
    first, second = read_bundle(earlier), read_bundle(further)
    if votes_of(second.plan):
        raise UserError("a model of fused networks", file=further, expected="one without learned votes")
    stages = {stage for _, stage in networks_of(second.plan)}
    if unknown := shares.keys() - stages:
        raise UserError(
            f"no network for {', '.join(sorted(unknown))}", file=further, expected=", ".join(sorted(stages))
        )
    trained = {name: told for name, told in first.provenance.items() if name.startswith("train ")}
    as_in_first = {
        f"train {stage} {method}" for method, stage in networks_of(second.plan) if not shares.get(stage)
    }
    provenance = second.provenance | {name: trained[name] for name in as_in_first & trained.keys()}
    provenance |= {MEAN: [sha256(earlier), sha256(further)], SHARES: dict(shares), FIRST: trained}
    texts = {PROVENANCE: json.dumps(provenance, indent=1, sort_keys=True)}
    told = ", ".join(f"{share:.0%} for {stage}" for stage, share in shares.items())
    texts[CARD] = f"{second.card}\nIts networks lie between those of two models. Share of this one: {told}.\n"
    if second.origin is not None:
        texts[ORIGIN] = json.dumps(second.origin.as_json(), indent=1, sort_keys=True)
    with TemporaryDirectory() as folder:
        files = {LICENCE: _LICENCE}
        for number, (method, stage) in enumerate(networks_of(second.plan)):
            name = network_member(stage, method)
            try:
                weights = mean_of(
                    load(first.network(stage, method)), load(second.network(stage, method)), shares.get(stage, 0)
                )
            except (ValueError, KeyError) as error:
                raise UserError(f"no network like that of the other model ({error})", file=earlier) from None
            files[name] = Path(folder) / f"{number}.safetensors"
            save_file(weights, files[name])
        write_bundle(out, second.plan, files=files, texts=texts, version=version())


def main() -> None:
    """Write the model that the command asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("earlier", "further", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("shares", nargs="+", type=_share, metavar="STAGE=SHARE")
    chosen = parser.parse_args()
    try:
        write_mean(chosen.earlier, chosen.further, chosen.out, dict(chosen.shares))
    except UserError as error:
        sys.exit(str(error))


def _share(text: str) -> tuple[str, float]:
    stage, _, share = text.partition("=")
    number = float(share)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share from 0 to 1")
    return stage, number


if __name__ == "__main__":
    main()
