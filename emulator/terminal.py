"""An emulated board on this process's own terminal: what it prints is printed, input is sent."""

import os
import select
import sys
import time

from emulator.gateway import CHUNK, Gateway
from emulator.link import Link

STDIN = 0
BOOT_S = 0.2  # what is typed or piped in before a firmware listens would be lost


class Terminal(Gateway):
    """Standard input and output, which may be pipes or files."""

    def __init__(self) -> None:
        self._booted_s = time.monotonic() + BOOT_S
        self._poll = select.poll()
        self._poll.register(STDIN, select.POLLIN)

    def take(self, line: Link) -> None:
        if not line.has_spoken and time.monotonic() < self._booted_s:
            return
        for _ in self._poll.poll(0):
            if data := self._read():
                line.send(data)
            else:
                self._poll.unregister(STDIN)

    def _read(self) -> bytes:
        """Return what was typed, nothing where no more will come."""
        try:
            return os.read(STDIN, CHUNK)
        except OSError:  # it is closed, or a terminal that has gone
            return b""

    def give(self, output: bytes) -> None:
        sys.stdout.buffer.write(output)
        sys.stdout.flush()

    def close(self) -> None:
        """Standard input and output are not ours to close."""
