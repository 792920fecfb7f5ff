"""The process that an emulated board has for itself: the other end of elsewhere.py.

It ends when it is told to, and when whoever started it is gone.
"""

import logging
import select
import sys
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection

from emulator.errors import EmulatorError
from emulator.link import Link
from emulator.realtime import keep_up
from emulator.urls.elsewhere import Failure, Output, Remark, Running, Start
from emulator.urls.emu_url import parse_url
from emulator.urls.opening import build

logger = logging.getLogger(__name__)


class Starter(logging.Handler):
    """Whoever started this process: the board's host, and the one to whom it says what it logs."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection, self.is_gone = connection, False
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)

    def say(self, message: object) -> None:
        with suppress(OSError):  # nobody listens any more, which the next `take` notices
            self._connection.send(message)

    def emit(self, record: logging.LogRecord) -> None:
        self.say(Remark(record.name, record.levelno, self.format(record)))

    # What a board asks of its host.

    def wait(self, seconds: float) -> None:
        self._poll.poll(1000 * seconds)

    def take(self, line: Link) -> None:
        try:
            while not self.is_gone and self._poll.poll(0):
                if (action := self._connection.recv()) is None:
                    self.is_gone = True
                else:
                    action(line)
        except (EOFError, OSError):
            self.is_gone = True

    def give(self, output: bytes) -> None:
        self.say(Output(output))


def main() -> None:
    """Run the board that the connection asks for; its number is the argument."""
    connection = Connection(int(sys.argv[1]))
    starter = Starter(connection)
    logging.basicConfig(level=logging.INFO, handlers=[starter], format="%(message)s")
    try:
        run(connection.recv(), starter)
    except EmulatorError as error:
        starter.say(Failure(str(error)))
    except Exception as error:
        logger.exception("the emulated board stopped")
        words = "this is a mistake in FPBay, and the log says where"
        starter.say(Failure(f"the emulated board stopped: {error!r}; {words}"))


def run(start: Start, starter: Starter) -> None:
    """Put the board together and keep its pace until whoever started it has had enough."""
    url = replace(parse_url(start.url), firmware=start.firmware)
    board = build(url, start.settings)
    starter.say(Running())
    keep_up(board, url.rate, starter, lambda: starter.is_gone)


if __name__ == "__main__":
    main()
