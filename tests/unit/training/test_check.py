"""Networks that are tried before the first job."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hepaflow.errors import UserError
from hepaflow.settings.workflow import read_settings
from hepaflow.training.check import check_networks

SCRIPTS = Path(__file__).parents[3] / "workflow/scripts"


def with_unet(**arguments: Any) -> dict[str, Any]:
    network = {"arch": "monai", "monai": {"name": "UNet", "arguments": {"channels": [4, 8], **arguments}}}
    return {"size": 32, "contrast": {"tiles": 8}, "methods": {"x": {"network": network}}}


def test_a_network_that_cannot_be_built_stops_the_run() -> None:
    check_networks(read_settings(with_unet(strides=[2])))
    with pytest.raises(UserError, match="MONAI cannot build UNet") as caught:
        check_networks(read_settings(with_unet(strides=[])))
    assert "correct `methods.x.network.monai.arguments`" in str(caught.value)


def test_a_network_is_tried_on_the_pieces_of_each_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []
    monkeypatch.setattr("hepaflow.networks.from_monai.check", lambda _, **shown: tried.append(shown))
    config = with_unet(strides=[2])
    config["methods"]["x"] |= {
        "sampling": {"kind": "slabs", "slices": 3},
        "training": {"start": "backbone"},
        "stages": {"lesion": {"sampling": {"kind": "slices"}, "data": {"kind": "voi_slices", "size": 48}}},
    }
    check_networks(read_settings(config))
    assert tried == [{"channels": 1, "shape": (48, 48)}, {"channels": 3, "shape": (32, 32)}]


def test_several_devices_are_refused_for_a_network_that_would_be_another() -> None:
    config = with_unet(strides=[2], norm=["instance", {"track_running_stats": True}])
    check_networks(read_settings(config))
    with pytest.raises(UserError, match="gathers statistics") as caught:
        check_networks(read_settings(config | {"compute": {"devices": 2}}))
    assert "other arguments in `methods.x.network.monai.arguments`" in str(caught.value)


def test_reading_settings_imports_no_torch_nor_do_checks_without_a_network_of_monai() -> None:
    code = (
        "import sys; from hepaflow.settings.workflow import read_settings; "
        "from hepaflow.training.check import check_networks; check_networks(read_settings({})); "
        f"read_settings({json.dumps(with_unet(strides=[2]))}); "
        "sys.exit('torch' in sys.modules or 'monai' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, check=False).returncode == 0
