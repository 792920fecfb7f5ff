"""Everything that can go wrong above the serial port: one class per outcome a user can act on.

An error carries data and makes its text from it. The class says what the error is to a client:
`code` (a word that never changes), `status` (HTTP), `title` (the class of error in words). The
same error becomes a problem document (RFC 9457), the fields of a stream's last event, or a line
on a terminal; nothing else in the server maps errors.

    ServerError 500 internal
    ├── RequestError 400 bad-request           what was asked cannot be done as asked
    ├── BuildError 422 build                   the source did not become a patch
    ├── DeviceError 502 device                 the board, or the way to it, failed
    └── LocalProtocolError 500 protocol-misuse a mistake in this program
"""

from server.errors.base import (
    BoardState,
    RequestError,
    ServerError,
)
from server.errors.boards import (
    BoardBusyError,
    ConnectingError,
    InDoubtError,
    NotConnectedError,
    NothingLostError,
    TooManyBoardsError,
    UnknownBoardError,
)
from server.errors.build import (
    BuildError,
    CompileError,
    Diagnostic,
    LinkError,
    OriginalError,
    ToolchainError,
)
from server.errors.device import (
    CorruptedError,
    DeviceError,
    LocalProtocolError,
    OutcomeUnknownError,
    PortError,
    RefusedError,
    RemoteProtocolError,
    ReplyTimeoutError,
    VerifyError,
    is_silent,
)
from server.errors.firmware import (
    ElfError,
    ImageMismatchError,
    NoElfError,
    NoFreeSlotError,
    NoMemoryError,
    NotPatchableError,
    UnknownSymbolError,
)
from server.errors.http import (
    BodyTooLargeError,
    ForbiddenError,
    HeadTooLargeError,
    MediaTypeError,
    MisdirectedError,
    RequestTimeoutError,
    TooManyStreamsError,
    UnauthorizedError,
)
from server.errors.jobs import (
    BatchError,
    JobCancelledError,
    JobInterruptedError,
    JournalError,
    KeyReusedError,
    UnknownJobError,
    UnknownTaskError,
)

__all__ = [
    "BatchError",
    "BoardBusyError",
    "BoardState",
    "BodyTooLargeError",
    "BuildError",
    "CompileError",
    "ConnectingError",
    "CorruptedError",
    "DeviceError",
    "Diagnostic",
    "ElfError",
    "ForbiddenError",
    "HeadTooLargeError",
    "ImageMismatchError",
    "InDoubtError",
    "JobCancelledError",
    "JobInterruptedError",
    "JournalError",
    "KeyReusedError",
    "LinkError",
    "LocalProtocolError",
    "MediaTypeError",
    "MisdirectedError",
    "NoElfError",
    "NoFreeSlotError",
    "NoMemoryError",
    "NotConnectedError",
    "NotPatchableError",
    "NothingLostError",
    "OriginalError",
    "OutcomeUnknownError",
    "PortError",
    "RefusedError",
    "RemoteProtocolError",
    "ReplyTimeoutError",
    "RequestError",
    "RequestTimeoutError",
    "ServerError",
    "TooManyBoardsError",
    "TooManyStreamsError",
    "ToolchainError",
    "UnauthorizedError",
    "UnknownBoardError",
    "UnknownJobError",
    "UnknownSymbolError",
    "UnknownTaskError",
    "VerifyError",
    "is_silent",
]
