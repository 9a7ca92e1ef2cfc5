"""One log for each job: messages and tracebacks go to the rule's log file, a user's mistake also to the screen."""

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

    A user's mistake, or a fault of the machine, ends the process with its message and without a traceback; any
    other error leaves its traceback in the log and one line with the log's path on the screen. Where several
    processes do one job, the first writes the log; what ends another is only shown on the screen.

    Parameters
    ----------
    path : Path or str
    outputs : iterable of Path or str
        Other files that this process writes: if there is no space left, the message names those places.
    """
    folders = [Path(one).parent for one in (path, *outputs)]
    rank = int(os.environ.get("LOCAL_RANK", "0"))

    def on_error(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            logging.error("ended by Ctrl-C")
            return
        fault = error if isinstance(error, UserError) else fault_of(error, folders)
        if rank and fault is not None:
            print(f"\nhepaflow cannot go on, on device {rank + 1}:\n{fault}\n", file=sys.stderr)
        elif rank:
            sys.__excepthook__(kind, error, traceback)
        elif fault is not None:
            logging.error("%s", fault)
            print(f"\nhepaflow cannot go on:\n{fault}\n", file=sys.stderr)
        else:
            logging.error("the job failed", exc_info=(kind, error, traceback))
            print(f"\n{kind.__name__}: {error}\n(traceback in {path})\n", file=sys.stderr)

    sys.excepthook = on_error
    if rank:
        logging.basicConfig(level=logging.ERROR)
        return
    logging.raiseExceptions = False  # a log that cannot be written (disk full) is no reason for a traceback
    logging.basicConfig(
        filename=path,
        filemode="w",
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        encoding="utf-8",
    )
    logging.captureWarnings(True)
