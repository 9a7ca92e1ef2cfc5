"""Processes that work together on the CPU, as the devices of one training do, forked from this one."""

import os
import socket
import sys
import time
import traceback
from collections.abc import Callable

LIMIT = 300.0
"""Seconds after which processes that wait for each other are ended."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(count: int, work: Callable[[int], None], **environment: str) -> list[int]:
    """Start `work` in as many processes, each with its number; return their process ids."""
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": str(count), **environment}
    started = []
    for rank in range(count):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.environ.update(shared, LOCAL_RANK=str(rank), RANK=str(rank), NODE_RANK="0")
                work(rank)
                status = 0
            except SystemExit as ended:
                status = int(ended.code or 0)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        started.append(child)
    return started


def wait(processes: list[int], limit: float = LIMIT) -> list[int]:
    """Wait for processes; return how they ended, as subprocess does: negative for a signal."""
    until = time.monotonic() + limit
    ended: dict[int, int] = {}
    while len(ended) < len(processes):
        for process in processes:
            if process not in ended and (found := os.waitpid(process, os.WNOHANG))[0]:
                ended[process] = os.waitstatus_to_exitcode(found[1])
        if time.monotonic() > until:
            for process in processes:
                if process not in ended:
                    os.kill(process, 9)
                    os.waitpid(process, 0)
            raise AssertionError(f"{len(processes) - len(ended)} of {len(processes)} processes wait for ever")
        time.sleep(0.01)
    return [ended[process] for process in processes]


def together(count: int, work: Callable[[int], None], **environment: str) -> None:
    """Do `work` in as many processes to the end."""
    assert wait(start(count, work, **environment)) == [0] * count
