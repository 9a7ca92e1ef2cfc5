"""One log a job: messages and tracebacks go to the rule's log file, a user's mistake also to the screen."""

import logging
import os
import sys
from pathlib import Path
from types import TracebackType

from hepaflow.errors import UserError


def log_to(path: Path | str) -> None:
    """Send this process' log to a file.

    An error that a user can mend ends the process with its message and without a traceback; any other error
    leaves its traceback in the log and one line with the log's path on the screen.
    """
    if os.environ.get("LOCAL_RANK", "0") != "0":  # one of several processes of a job: the first one writes the log
        logging.basicConfig(level=logging.ERROR)
        return
    logging.basicConfig(
        filename=path,
        filemode="w",
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        encoding="utf-8",
    )
    logging.captureWarnings(True)

    def on_error(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if issubclass(kind, UserError):
            logging.error("%s", error)
            print(f"\nhepaflow cannot go on:\n{error}\n", file=sys.stderr)
        else:
            logging.error("the job failed", exc_info=(kind, error, traceback))
            print(f"\n{kind.__name__}: {error}\n(traceback in {path})\n", file=sys.stderr)

    sys.excepthook = on_error
