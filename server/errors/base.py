"""What all errors are to a client, and what a failed job leaves on its board."""

from typing import ClassVar, Literal

BoardState = Literal["unchanged", "staging", "active", "unknown"]
"""What a failed job leaves behind on the board.

unchanged: as it was before the job. staging: memory is taken, no function is redirected to it.
active: the new patch runs, though the job failed. unknown: the board did not say.
"""


class ServerError(Exception):
    """Base of all errors; raised as itself only for what nobody foresaw."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    retryable: ClassVar[bool] = False  # the same request may well succeed without any change

    board: BoardState = "unchanged"  # set by the job that failed
    aftermath: str = ""  # what it could not undo, in words

    def __str__(self) -> str:
        text = super().__str__()
        return f"{text}; {self.aftermath}" if self.aftermath else text

    def extra(self) -> dict[str, object]:
        """Return the error's data, ready for JSON."""
        return {}

    def problem(self) -> dict[str, object]:
        """Return the problem document. RFC 9457, 3."""
        return {
            "type": f"/errors/{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": str(self),
            **self.extra(),
        }

    def failure(self) -> dict[str, object]:
        """Return what the last event of a failed job says, beside its type and state."""
        return {
            "code": self.code,
            "message": str(self),
            **self.extra(),
            "retryable": self.retryable,
            "board": self.board,
        }


class RequestError(ServerError):
    """What was asked is malformed, or cannot be done as asked."""

    code = "bad-request"
    status = 400
    title = "Bad request"
