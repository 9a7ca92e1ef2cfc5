"""Print the files that the rules of a run mark for its report: `promised.py FOLDER`."""

import contextlib
import io
import sys
from pathlib import Path

from snakemake.api import SnakemakeApi
from snakemake.io import is_flagged
from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, ResourceSettings

folder = Path(sys.argv[1])
with contextlib.redirect_stdout(io.StringIO()), SnakemakeApi(OutputSettings()) as api:
    workflow = api.workflow(
        resource_settings=ResourceSettings(cores=1),
        config_settings=ConfigSettings(configfiles=[folder / "config/smoke.yaml"]),
        snakefile=folder / "Snakefile",
        workdir=folder,
    )
    workflow.dag(DAGSettings()).execute_workflow(executor="dryrun")
    marked = [
        str(path) for job in workflow._workflow.dag.jobs for path in job.output if is_flagged(path, "report")
    ]
print("\n".join(marked))
