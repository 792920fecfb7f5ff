"""The process that an emulated board has for itself: the other end of elsewhere.py.

It ends when it is told to, and when whoever started it is gone.
"""

import logging
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from multiprocessing.connection import Connection

from emulator.errors import EmulatorError
from emulator.pace import Pace, Realtime
from emulator.urls.elsewhere import Failure, Output, Remark, Running, Start
from emulator.urls.emu_url import parse_url
from emulator.urls.opening import build

Say = Callable[[object], None]


class RemarkHandler(logging.Handler):
    """Passes on what is logged: whoever started this process decides what becomes of it."""

    def __init__(self, say: Say) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say(Remark(record.name, record.levelno, self.format(record)))


def main() -> None:
    """Run the board that the connection asks for; its number is the argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who started this
    connection, lock = Connection(int(sys.argv[1])), threading.Lock()

    def say(message: object) -> None:
        with lock, suppress(OSError):  # nobody listens any more: the end is near
            connection.send(message)

    logging.basicConfig(level=logging.INFO, handlers=[RemarkHandler(say)], format="%(message)s")
    try:
        pace = switch_on(connection.recv())
    except EmulatorError as error:
        say(Failure(str(error)))
        return
    say(Running())
    threading.Thread(target=pass_on, args=(pace, say), daemon=True).start()
    with closing(pace), suppress(EOFError, OSError):
        while (action := connection.recv()) is not None:
            with suppress(EmulatorError):  # `pass_on` has said so
                pace.tell(action)


def switch_on(start: Start) -> Realtime:
    """Put the board together, and have it keep its pace."""
    url = replace(parse_url(start.url), firmware=start.firmware)
    return Realtime(build(url, start.settings), url.rate)


def pass_on(pace: Pace, say: Say) -> None:
    """Say what the board sends, until it ends."""
    try:
        while first := pace.read(1, None):
            say(Output(first + pace.read(pace.waiting, 0)))
    except EmulatorError as error:
        say(Failure(str(error)))


if __name__ == "__main__":
    main()
