"""What another program says, passed on until it is hushed."""

import os
import termios
import threading
from contextlib import suppress

_CHUNK = 65536
_LAST = 2.0
"""Seconds to wait for the last words of a program that has ended: processes of its own may outlive it."""
_SHOW_CURSOR = b"\x1b[?25h\x1b[0m"
"""To a terminal: show the cursor, which a program with moving bars hides, and no colour."""


class Relay:
    """Passes on what a program writes to one output of this process.

    Where that is a terminal, the program writes to a terminal, too, of the same size: bars and colours stay.

    Parameters
    ----------
    output : int
        Descriptor: 1 or 2.

    Attributes
    ----------
    end : int
        Descriptor that the program writes to.
    """

    def __init__(self, output: int) -> None:
        self._output = output
        self._terminal = os.isatty(output)
        self._own, self.end = os.openpty() if self._terminal else os.pipe()
        self._hushed = False
        if self._terminal:
            modes = termios.tcgetattr(self.end)
            modes[1] &= ~termios.OPOST  # the real terminal ends lines its own way
            termios.tcsetattr(self.end, termios.TCSANOW, modes)
            self._fit()
        self._thread = threading.Thread(target=self._pass_on, daemon=True)

    def start(self) -> None:
        """Begin to pass on; the program has its end by now, and this process gives up its own."""
        os.close(self.end)
        self._thread.start()

    def hush(self) -> None:
        """Pass nothing on any more. May be called within a signal's handler."""
        self._hushed = True

    def finish(self) -> None:
        """Pass on what the program has said last, now that it has ended."""
        self._thread.join(_LAST)
        if self._hushed and self._terminal:
            with suppress(OSError):
                os.write(self._output, _SHOW_CURSOR)

    def _fit(self) -> None:
        """Give the program's terminal the size of the real one."""
        with suppress(OSError, termios.error):
            size = termios.tcgetwinsize(self._output)
            if size != termios.tcgetwinsize(self._own):
                termios.tcsetwinsize(self._own, size)

    def _pass_on(self) -> None:
        with suppress(OSError):  # a terminal without a program ends so
            while data := os.read(self._own, _CHUNK):
                if self._terminal:
                    self._fit()
                while data and not self._hushed:
                    try:
                        data = data[os.write(self._output, data) :]
                    except OSError:  # nobody reads any more; the program goes on all the same
                        self._hushed = True
