"""The boards of one server, each with an id and a thread of its own. There is always a first."""

import asyncio
import re
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager

from server.boards import Board
from server.errors import PortError, TooManyBoardsError, UnknownBoardError
from server.link import Target
from server.status import Status

BOARD_ID = re.compile(r"b[1-9]\d*", re.ASCII)


class Fleet:
    """Boards by id: b1, b2, … in the order they were asked for. Used in the event loop only."""

    def __init__(self, make: Callable[[str], Board], max_boards: int = 16) -> None:
        self._make = make
        self._max_boards = max_boards
        self._boards: dict[str, Board] = {}
        self._add()

    @property
    def all(self) -> list[Board]:
        return list(self._boards.values())

    def statuses(self) -> list[Status]:
        return [board.status() for board in self.all]

    def get(self, board: str | None = None) -> Board:
        """Return the board of an id; the first if none is given."""
        if board is None:
            return self.all[0]
        if board not in self._boards:
            raise UnknownBoardError(board, list(self._boards))
        return self._boards[board]

    def at(self, port: str, but: Collection[Board] = ()) -> Board | None:
        """Return a board that is connected at a port."""
        return next(
            (
                board
                for board in self.all
                if board not in but and (status := board.status()).port == port
                if status.state == "connected"
            ),
            None,
        )

    def vacant(self, port: str, but: Collection[Board] = ()) -> Board:
        """Return where to connect a port: the board that was lost there, a free one, a new one."""
        vacant = [board for board in self.all if board.is_vacant and board not in but]
        lost_there = [board for board in vacant if board.status().port == port]
        free = [board for board in vacant if board.status().state == "disconnected"]
        found = lost_there or free
        return found[0] if found else self._add()

    @contextmanager
    def growing(self) -> Generator[None]:
        """Let go of the boards that are added meanwhile, if it comes to nothing."""
        before = set(self._boards)
        try:
            yield
        except BaseException:
            for board in self._boards.keys() - before:
                self._boards.pop(board).stop()
            raise

    async def connect(self, target: Target, board: str | None = None) -> Status:
        """Connect a board: in place of the one named, or beside those that are connected."""
        port = target.port
        where = self.vacant(port) if board is None else self.get(board)
        try:
            return await where.connect(target)
        except PortError as error:
            if (owner := self.at(port)) is None:
                raise
            remedy = f"it is board {owner.id} of this server: ?board={owner.id} connects it anew"
            raise PortError(port, error.reason, remedy) from error

    def stop(self) -> None:
        for board in self.all:
            board.stop()

    async def stopped(self, timeout_s: float) -> bool:
        """Wait until all ports are closed; tell whether they are."""
        return all(await asyncio.gather(*(board.stopped(timeout_s) for board in self.all)))

    def _add(self) -> Board:
        if len(self._boards) >= self._max_boards:
            raise TooManyBoardsError(self._max_boards)
        board = self._make(f"b{len(self._boards) + 1}")
        self._boards[board.id] = board
        return board
