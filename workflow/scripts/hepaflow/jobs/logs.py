"""One log a job: messages and tracebacks go to the rule's log file, a user's mistake also to the screen."""

import logging
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from hepaflow.errors import UserError
from hepaflow.jobs.machine import fault_of


def log_to(path: Path | str, outputs: Iterable[Path | str] = ()) -> None:
    """Send this process' log to a file.

    An error that a user can mend, or a fault of the machine, ends the process with its message and without a
    traceback; any other error leaves its traceback in the log and one line with the log's path on the screen.

    Parameters
    ----------
    path : Path or str
    outputs : iterable of Path or str
        What this process writes besides: where there is no space, one is told.
    """
    folders = [Path(one).parent for one in (path, *outputs)]

    if os.environ.get("LOCAL_RANK", "0") != "0":  # one of several processes of a job: the first one writes the log
        logging.basicConfig(level=logging.ERROR)
        return

    def on_error(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            logging.error("ended by Ctrl-C")
            return
        fault = error if isinstance(error, UserError) else fault_of(error, folders)
        if fault is not None:
            logging.error("%s", fault)
            print(f"\nhepaflow cannot go on:\n{fault}\n", file=sys.stderr)
        else:
            logging.error("the job failed", exc_info=(kind, error, traceback))
            print(f"\n{kind.__name__}: {error}\n(traceback in {path})\n", file=sys.stderr)

    sys.excepthook = on_error
    logging.raiseExceptions = False  # a log that cannot be written (disk full) is no reason for a traceback
    logging.basicConfig(
        filename=path,
        filemode="w",
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        encoding="utf-8",
    )
    logging.captureWarnings(True)
