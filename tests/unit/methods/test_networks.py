"""Networks that are tried before the first job."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hepaflow.errors import UserError
from hepaflow.methods.networks import check_networks
from hepaflow.settings.workflow import read_settings

SCRIPTS = Path(__file__).parents[3] / "workflow/scripts"


def with_unet(**arguments: Any) -> dict[str, Any]:
    network = {"arch": "monai", "monai": {"name": "UNet", "arguments": {"channels": [4, 8], **arguments}}}
    return {"size": 32, "contrast": {"tiles": 8}, "methods": {"x": {"network": network}}}


def test_a_network_that_cannot_be_built_stops_the_run() -> None:
    check_networks(read_settings(with_unet(strides=[2])))
    with pytest.raises(UserError, match="MONAI cannot build UNet") as caught:
        check_networks(read_settings(with_unet(strides=[])))
    assert "correct `methods.x.network.monai.arguments`" in str(caught.value)


def test_reading_settings_imports_no_torch_nor_do_checks_without_a_network_of_monai() -> None:
    code = (
        "import sys; from hepaflow.settings.workflow import read_settings; "
        "from hepaflow.methods.networks import check_networks; check_networks(read_settings({})); "
        f"read_settings({json.dumps(with_unet(strides=[2]))}); "
        "sys.exit('torch' in sys.modules or 'monai' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, check=False).returncode == 0
