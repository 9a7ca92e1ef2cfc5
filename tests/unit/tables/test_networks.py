"""The table of networks: parameters are those that were learned, hours those of all epochs."""

from pathlib import Path

import pytest
from safetensors.torch import save_file

from hepaflow.networks.network import build_network
from hepaflow.settings.network import NetworkSettings
from hepaflow.tables.networks import count_parameters, network_table


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """Return the file of a network with normalisation, and how many parameters torch counts."""
    network = build_network(NetworkSettings(arch="densenet121", weights="none"))
    path = tmp_path_factory.mktemp("network") / "weights.safetensors"
    save_file(network.state_dict(), path)
    return path, sum(parameter.numel() for parameter in network.parameters())


def test_what_is_counted_while_training_is_no_parameter(weights: tuple[Path, int]) -> None:
    path, expected = weights
    assert count_parameters(path) == expected


def record(loss: object) -> dict[str, object]:
    return {
        "wildcards": {"stage": "liver", "network": "mine"},
        "settings": {"network": {"arch": "densenet121"}, "training": {"loss": loss, "batch_size": 4}},
        "peak_memory_mib": 2048,
        "device": "a processor",
        "began": "2026-01-02T10:00:00+00:00",
        "restored": None,
    }


@pytest.mark.parametrize(
    ("loss", "words"), [("bce", "bce"), ([{"kind": "bce"}, {"kind": "tversky", "alpha": 0.3}], "bce + tversky")]
)
def test_a_row_tells_how_it_was_trained_and_at_what_cost(
    weights: tuple[Path, int], tmp_path: Path, loss: object, words: str
) -> None:
    history = tmp_path / "history.csv"
    history.write_text("epoch,learning_rate,loss,validation_loss,seconds\n1,0.1,0.5,,1800\n2,0.1,0.25,,3600\n")
    (row,) = network_table([(record(loss), weights[0], history)]).to_dict("records")
    assert (row["epochs"], row["last loss"], row["training, hours"]) == (2, 0.25, 1.5)
    assert (row["loss"], row["peak memory, GiB"], row["from the cache"]) == (words, 2, "")
    assert row["parameters, millions"] == pytest.approx(weights[1] / 1e6, abs=0.005)


def test_a_network_that_was_taken_as_it_is_has_no_loss(weights: tuple[Path, int], tmp_path: Path) -> None:
    history = tmp_path / "history.csv"
    history.write_text("epoch,learning_rate,loss,validation_loss,seconds\n")
    (row,) = network_table([(record("bce"), weights[0], history)]).to_dict("records")
    assert (row["epochs"], row["last loss"], row["training, hours"]) == (0, None, 0)
