"""Child processes, each with its own CUDA: what breaks, hangs or fills the memory in one leaves the others alone.

They are forked from a server that has imported everything and has touched no GPU, and start in a moment.
"""

import json
import multiprocessing
import os
import signal
import time
from importlib import import_module
from pathlib import Path
from typing import Any

_CONTEXT = multiprocessing.get_context("forkserver")
# Or a question whether there is CUDA would start it, and what is forked afterwards could not use it.
os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
_CONTEXT.set_forkserver_preload(["gpu.work", "hepaflow.networks.deeplab", "hepaflow.networks.unet"])

_LONGEST = 500
"""Characters of an error that are kept."""


class EndedError(Exception):
    """A child that ended without a result."""


class TimeOverError(Exception):
    """A child that was stopped."""


class Child:
    """A function of `gpu.work` that runs in a process of its own.

    Parameters
    ----------
    folder : Path
        For its result and its output.
    name : str
        Its own among those that share the folder.
    function : str
    **arguments : object
        For that function.
    """

    def __init__(self, folder: Path, name: str, function: str, /, **arguments: Any) -> None:
        self._result, self._log = folder / f"{name}.json", folder / f"{name}.log"
        self._result.unlink(missing_ok=True)
        given = (function, arguments, self._result, self._log, multiprocessing.get_start_method())
        self._process = _CONTEXT.Process(target=_run, args=given)
        self._process.start()

    def result(self, until: float) -> Any:
        """Wait for the result.

        Parameters
        ----------
        until : float
            `time.monotonic()` at which the process is killed.

        Raises
        ------
        EndedError
            If there is none; it says why.
        TimeOverError
            If it is that time.
        """
        self._wait(until)
        if not self._result.exists():
            raise EndedError(self._last_words())
        told = json.loads(self._result.read_text(encoding="utf-8"))
        if "error" in told:
            raise EndedError(told["error"])
        return told["found"]

    def killed(self, until: float) -> bool:
        """Wait for the end, as `result` does; return whether it was SIGKILL."""
        self._wait(until)
        return self._process.exitcode == -signal.SIGKILL

    def _wait(self, until: float) -> None:
        self._process.join(max(0.0, until - time.monotonic()))
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
            raise TimeOverError

    def kill(self) -> None:
        """End it, if it has not ended."""
        self._process.kill()
        self._process.join()

    def _last_words(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f"it ended with {self._process.exitcode}{': ' if lines else ''}{''.join(lines[-1:])[:_LONGEST]}"


def _run(function: str, arguments: dict[str, Any], result: Path, log: Path, start_method: str) -> None:
    multiprocessing.set_start_method(start_method, force=True)  # its own children start as those of a job
    with open(log, "wb") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    try:
        told = {"found": getattr(import_module("gpu.work"), function)(**arguments)}
    except BaseException as error:
        told = {"error": f"{type(error).__name__}: {'; '.join(str(error).splitlines())}"[:_LONGEST]}
    result.write_text(json.dumps(told), encoding="utf-8")
    # Python would ask processes that load slices to end, which they ignore, and would wait for them.
    for process in multiprocessing.active_children():
        process.kill()
    os._exit(0)
