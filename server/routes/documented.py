"""What the OpenAPI document says beside a route's own answer: its errors, with an example each."""

from dataclasses import dataclass

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example

from server.errors import (
    BoardBusyError,
    BodyTooLargeError,
    CompileError,
    ConnectingError,
    ForbiddenError,
    HeadTooLargeError,
    InDoubtError,
    JournalError,
    KeyReusedError,
    MediaTypeError,
    MisdirectedError,
    NoElfError,
    NotConnectedError,
    NothingLostError,
    OutcomeUnknownError,
    PortError,
    RefusedError,
    ReplyTimeoutError,
    RequestError,
    RequestTimeoutError,
    ServerError,
    TooManyBoardsError,
    TooManyStreamsError,
    UnauthorizedError,
    UnknownBoardError,
    UnknownJobError,
    UnknownTaskError,
    VerifyError,
)
from server.problems import MEDIA_TYPE


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem document, RFC 9457; beside these it has the data of its error."""

    type: str
    title: str
    status: int
    detail: str


BAD_REQUEST = RequestError("slot: Expected `int`, got `str`")
ALWAYS: tuple[ServerError, ...] = (
    BAD_REQUEST,
    UnauthorizedError("this server asks for its token"),
    ForbiddenError("requests from pages of http://evil.example are refused"),
    HeadTooLargeError(16 * 1024),
    MisdirectedError("this server is not 'evil.example'"),
    ServerError("an unexpected error; the server's log has the details"),
    JournalError("jobs.sqlite3", "database or disk is full", "give another folder with --data"),
)
WITH_BODY: tuple[ServerError, ...] = (
    RequestTimeoutError(10),
    BodyTooLargeError(1 << 20),
    MediaTypeError("send application/json, not text/plain"),
)
OF_A_BOARD: tuple[ServerError, ...] = (UnknownBoardError("b9", ["b1"]),)
OF_A_CONNECTED_BOARD: tuple[ServerError, ...] = (
    *OF_A_BOARD,
    NotConnectedError(),
    ConnectingError("/dev/ttyACM0"),
    BoardBusyError("0123456789ab"),
)
ASKING_THE_BOARD: tuple[ServerError, ...] = (
    *OF_A_CONNECTED_BOARD,
    RefusedError("enable", "slot 5 is empty"),
    PortError("/dev/ttyACM0", "the connection broke", "check the cable"),
    ReplyTimeoutError("info", 2),
)
WRITING: tuple[ServerError, ...] = (InDoubtError("/dev/ttyACM0", "0123456789ab"),)
SWITCHING: tuple[ServerError, ...] = (
    *ASKING_THE_BOARD,
    *WRITING,
    OutcomeUnknownError("enable", "the board did not answer"),
    VerifyError("slot 0, of", 0x0800_0100, "off", "on"),
)
CONNECTING: tuple[ServerError, ...] = (
    *ASKING_THE_BOARD,
    TooManyBoardsError(16),
    CompileError("the firmware does not build"),
)
ORDERING: tuple[ServerError, ...] = (
    *OF_A_CONNECTED_BOARD,
    *WRITING,
    NoElfError("/dev/ttyACM0"),
    KeyReusedError("a click", "0123456789ab"),
)
REAPPLYING: tuple[ServerError, ...] = (*ORDERING, NothingLostError("no patch was lost"))
OF_A_JOB: tuple[ServerError, ...] = (UnknownJobError("none"), UnknownTaskError("a", 7, 2))
STREAMING: tuple[ServerError, ...] = (TooManyStreamsError(32),)


def problems(*errors: ServerError, body: bool = False) -> dict[int, ResponseSpec]:
    """Return the documentation of these errors and of those that any route may answer with."""
    by_status: dict[int, list[ServerError]] = {}
    for error in (*ALWAYS, *(WITH_BODY if body else ()), *errors):
        by_status.setdefault(error.status, []).append(error)
    return {status: _described(found) for status, found in by_status.items()}


def _described(errors: list[ServerError]) -> ResponseSpec:
    unique = {error.code: error for error in errors}
    return ResponseSpec(
        data_container=Problem,
        description=" / ".join(error.title for error in unique.values()),
        media_type=MEDIA_TYPE,
        generate_examples=False,
        examples=[
            Example(id=code, summary=error.title, value=error.problem())
            for code, error in unique.items()
        ],
    )
