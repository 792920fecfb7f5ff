"""Requests for a board that is not there, not free, or not to be trusted."""

from collections.abc import Sequence

from server.errors.base import RequestError


class NotConnectedError(RequestError):
    """The request needs a board and none is connected."""

    code = "not-connected"
    status = 409
    title = "No board connected"

    def __init__(self, port: str | None = None, reason: str | None = None) -> None:
        self.port = port
        self.reason = reason
        lost = f"the connection to {port} was lost" if port else "no board is connected"
        super().__init__(f"{lost}{f' ({reason})' if reason else ''}: connect one first")

    def extra(self) -> dict[str, object]:
        return {"port": self.port, "reason": self.reason}


class ConnectingError(RequestError):
    """The request needs a board that is being connected."""

    code = "connecting"
    status = 409
    title = "Board not connected yet"
    retryable = True

    def __init__(self, port: str | None) -> None:
        self.port = port
        super().__init__(f"{port} is being connected: ask again when it is")

    def extra(self) -> dict[str, object]:
        return {"port": self.port}


class NothingLostError(RequestError):
    """There is no patch to apply again."""

    code = "nothing-lost"
    status = 409
    title = "No patch was lost"


class BoardBusyError(RequestError):
    """Another job has the board."""

    code = "board-busy"
    status = 409
    title = "Board busy"
    retryable = True

    def __init__(self, job: str) -> None:
        self.job = job
        super().__init__(f"job {job} has the board: wait for its end and try again")

    def extra(self) -> dict[str, object]:
        return {"job": self.job}


class UnknownBoardError(RequestError):
    """The server has no board of that id."""

    code = "unknown-board"
    status = 404
    title = "Unknown board"

    def __init__(self, board: str, boards: Sequence[str]) -> None:
        self.board_id = board
        self.boards = list(boards)
        super().__init__(f"there is no board {board!r}: there are {', '.join(boards)}")

    def extra(self) -> dict[str, object]:
        return {"board": self.board_id, "boards": self.boards}


class TooManyBoardsError(RequestError):
    """The server has all the boards it takes."""

    code = "too-many-boards"
    status = 409
    title = "Too many boards"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(
            f"there is no room for more than {limit} boards: ask for fewer, disconnect one,"
            " or name it in ?board="
        )

    def extra(self) -> dict[str, object]:
        return {"limit": self.limit}


class InDoubtError(RequestError):
    """A job was killed with its server; who writes to the board now may make it worse."""

    code = "board-unknown"
    status = 409
    title = "State of the board not known"

    def __init__(self, port: str, job: str) -> None:
        self.port = port
        self.job = job
        super().__init__(
            f"what job {job} left on {port} is not known:"
            ' run a job of kind "verify" first, or write anyway with "force": true'
        )

    def extra(self) -> dict[str, object]:
        return {"port": self.port, "job": self.job}
