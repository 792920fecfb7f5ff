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

from collections.abc import Sequence
from dataclasses import asdict, dataclass
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


# --- Requests -----------------------------------------------------------------------------------


class RequestError(ServerError):
    """What was asked is malformed, or cannot be done as asked."""

    code = "bad-request"
    status = 400
    title = "Bad request"


class UnauthorizedError(RequestError):
    """The request lacks the token."""

    code = "unauthorized"
    status = 401
    title = "Token missing or wrong"


class ForbiddenError(RequestError):
    """The request comes from a page that is not ours."""

    code = "forbidden"
    status = 403
    title = "Not allowed"


class BodyTooLargeError(RequestError):
    """The request's body is larger than any honest one."""

    code = "body-too-large"
    status = 413
    title = "Request body too large"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"the request's body is larger than {limit} bytes")

    def extra(self) -> dict[str, object]:
        return {"limit": self.limit}


class HeadTooLargeError(RequestError):
    """The request's head is larger than any honest one."""

    code = "head-too-large"
    status = 431
    title = "Request head too large"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"the request's head is larger than {limit} bytes: send fewer cookies")

    def extra(self) -> dict[str, object]:
        return {"limit": self.limit}


class RequestTimeoutError(RequestError):
    """The request's body did not come to its end in time."""

    code = "request-timeout"
    status = 408
    title = "Request took too long"
    retryable = True

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        super().__init__(f"the request's body did not arrive within {timeout_s:g} s; send it again")

    def extra(self) -> dict[str, object]:
        return {"timeout_s": self.timeout_s}


class MediaTypeError(RequestError):
    """The request's body is not JSON."""

    code = "media-type"
    status = 415
    title = "Content type not supported"


class MisdirectedError(RequestError):
    """The request names another host than this server."""

    code = "misdirected"
    status = 421
    title = "Not the host that was asked for"


class TooManyStreamsError(RequestError):
    """All event streams that the server keeps open are taken."""

    code = "too-many-streams"
    status = 503
    title = "Too many streams"
    retryable = True

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"all {limit} event streams are taken; close one, or try again later")

    def extra(self) -> dict[str, object]:
        return {"limit": self.limit}


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


class UnknownJobError(RequestError):
    """No such job."""

    code = "unknown-job"
    status = 404
    title = "Unknown job"

    def __init__(self, job: str) -> None:
        self.job = job
        super().__init__(f"there is no job {job!r}")

    def extra(self) -> dict[str, object]:
        return {"job": self.job}


class UnknownTaskError(RequestError):
    """The job has no such task."""

    code = "unknown-task"
    status = 404
    title = "Unknown task"

    def __init__(self, job: str, task: int, tasks: int) -> None:
        self.job = job
        self.task = task
        has = f"its tasks are 0 to {tasks - 1}" if tasks else "it runs no batch"
        super().__init__(f"job {job} has no task {task}: {has}")

    def extra(self) -> dict[str, object]:
        return {"job": self.job, "task": self.task}


class KeyReusedError(RequestError):
    """An Idempotency-Key came a second time, with another request."""

    code = "key-reused"
    status = 422
    title = "Idempotency-Key used for another request"

    def __init__(self, key: str, job: str) -> None:
        self.key = key
        self.job = job
        super().__init__(
            f"{key!r} is the key of job {job}, which was another request: take a new one"
        )

    def extra(self) -> dict[str, object]:
        return {"key": self.key, "job": self.job}


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
        super().__init__(f"all {limit} boards are taken: disconnect one, or name it in ?board=")

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


class NoElfError(RequestError):
    """The request needs the firmware's ELF and none was given."""

    code = "no-elf"
    status = 409
    title = "No ELF of the firmware"

    def __init__(self, port: str | None = None) -> None:
        self.port = port
        of = f" for {port}" if port else ""
        super().__init__(f"no ELF is known{of}: connect with the ELF of the firmware it runs")

    def extra(self) -> dict[str, object]:
        return {"port": self.port}


class ElfError(RequestError):
    """The file given as ELF cannot be used."""

    code = "bad-elf"
    title = "ELF not usable"

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}")

    def extra(self) -> dict[str, object]:
        return {"path": self.path, "reason": self.reason}


class UnknownSymbolError(RequestError):
    """The firmware has no function of that name that could be meant."""

    code = "unknown-symbol"
    status = 404
    title = "Unknown function"

    def __init__(
        self,
        name: str,
        close: Sequence[str] = (),
        reason: str = "the firmware has no such function",
    ) -> None:
        self.name = name
        self.close = list(close)
        self.reason = reason
        hint = f"; did you mean {' or '.join(self.close)}?" if self.close else ""
        super().__init__(f"{name}: {reason}{hint}")

    def extra(self) -> dict[str, object]:
        return {"name": self.name, "close": self.close, "reason": self.reason}


class NotPatchableError(RequestError):
    """The function exists and the FPB cannot redirect it."""

    code = "not-patchable"
    status = 422
    title = "Function cannot be patched"

    def __init__(self, name: str, address: int, reason: str) -> None:
        self.name = name
        self.address = address
        self.reason = reason
        super().__init__(f"{name} at 0x{address:08X} cannot be patched: {reason}")

    def extra(self) -> dict[str, object]:
        return {"name": self.name, "address": self.address, "reason": self.reason}


class NoFreeSlotError(RequestError):
    """No comparator is left for the patch, or the one asked for is taken."""

    code = "no-free-slot"
    status = 409
    title = "No free slot"

    def __init__(self, reason: str, slots: int, needed: int = 1) -> None:
        self.reason = reason
        self.slots = slots
        self.needed = needed
        super().__init__(f"{reason}: remove a patch first")

    def extra(self) -> dict[str, object]:
        return {"reason": self.reason, "slots": self.slots, "needed": self.needed}


class NoMemoryError(RequestError):
    """The board has no room for the patch."""

    code = "no-memory"
    status = 409
    title = "Patch too large for the board"

    def __init__(self, needed: int, free: int | None = None) -> None:
        self.needed = needed
        self.free = free
        has = "" if free is None else f", {free} are free"
        super().__init__(
            f"the patch needs {needed} bytes of the board's memory in one piece{has}:"
            " make it smaller, or remove another patch"
        )

    def extra(self) -> dict[str, object]:
        return {"needed": self.needed, "free": self.free}


class ImageMismatchError(RequestError):
    """The board runs another image than the ELF's."""

    code = "wrong-elf"
    status = 409
    title = "The ELF is not the board's firmware"

    def __init__(self, elf: str, difference: str) -> None:
        self.elf = elf
        self.difference = difference
        super().__init__(
            f"{elf} is not what the board runs ({difference}):"
            " connect with the ELF of the very build that was programmed"
        )

    def extra(self) -> dict[str, object]:
        return {"elf": self.elf, "difference": self.difference}


# --- Jobs ---------------------------------------------------------------------------------------


class JobCancelledError(ServerError):
    """Somebody asked the job to stop, and it stopped."""

    code = "cancelled"
    status = 409
    title = "Job cancelled"
    retryable = True


class JobInterruptedError(ServerError):
    """The server ended while the job ran."""

    code = "interrupted"
    title = "Job interrupted"
    retryable = True

    def __init__(self, board: BoardState) -> None:
        self.board = board
        left = {
            "unknown": "what it left on the board is not known: verify the board first",
            "unchanged": "it had written nothing to the board: start it again",
        }.get(board, f"the board was left {board}")
        super().__init__(f"the server stopped while the job ran; {left}")


class BatchError(ServerError):
    """Some tasks of a batch did not succeed; each says why."""

    code = "batch"
    status = 502
    title = "Batch incomplete"
    retryable = True

    def __init__(self, succeeded: int, total: int) -> None:
        self.succeeded = succeeded
        self.total = total
        super().__init__(f"{total - succeeded} of {total} tasks did not succeed; each says why")

    def extra(self) -> dict[str, object]:
        return {"succeeded": self.succeeded, "total": self.total}


class JournalError(ServerError):
    """The journal of jobs cannot be read or written."""

    code = "journal"
    title = "Journal not usable"

    def __init__(self, path: str, reason: str, remedy: str) -> None:
        self.path = path
        self.reason = reason
        self.remedy = remedy
        super().__init__(f"{path}: {reason}; {remedy}")

    def extra(self) -> dict[str, object]:
        return {"path": self.path, "reason": self.reason, "remedy": self.remedy}


# --- Builds -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message of the compiler or linker, where it points at a place."""

    file: str
    line: int  # from 1
    column: int  # from 1; 0: the tool named none
    severity: str  # error, warning, note, as the tool spells it
    text: str


class BuildError(ServerError):
    """The source did not become a patch."""

    code = "build"
    status = 422
    title = "Build failed"
    stage: ClassVar[str] = "compile"

    def __init__(
        self, reason: str, *, stderr: str = "", diagnostics: Sequence[Diagnostic] = ()
    ) -> None:
        self.reason = reason
        self.stderr = stderr
        self.diagnostics = list(diagnostics)
        super().__init__(reason)

    def extra(self) -> dict[str, object]:
        return {
            "stage": self.stage,
            "stderr": self.stderr,
            "diagnostics": [asdict(diagnostic) for diagnostic in self.diagnostics],
        }


class ToolchainError(BuildError):
    """The compiler or linker could not be run, or did not come to an end."""

    code = "toolchain"
    status = 500
    title = "Compiler not usable"


class CompileError(BuildError):
    """The compiler refused the source."""

    code = "compile"
    title = "Source does not compile"


class LinkError(BuildError):
    """The patch does not link against the firmware.

    `undefined` names what neither the patch nor the firmware defines.
    """

    code = "link"
    title = "Patch does not link"
    stage = "link"

    def __init__(
        self,
        reason: str,
        *,
        stderr: str = "",
        diagnostics: Sequence[Diagnostic] = (),
        undefined: Sequence[str] = (),
    ) -> None:
        self.undefined = list(undefined)
        super().__init__(reason, stderr=stderr, diagnostics=diagnostics)

    def extra(self) -> dict[str, object]:
        return {**super().extra(), "undefined": self.undefined}


class OriginalError(BuildError):
    """The patch calls an original whose first instructions cannot run elsewhere."""

    code = "original"
    title = "Original cannot be called"
    stage = "link"

    def __init__(self, name: str, address: int, instruction: str, reason: str) -> None:
        self.name = name
        self.address = address
        self.instruction = instruction
        super().__init__(
            f"FPB_ORIGINAL({name}): {name} at 0x{address:08X} cannot be called once it is patched,"
            f" since {instruction}: {reason}; write what is needed of it into the patch instead"
        )

    def extra(self) -> dict[str, object]:
        own = {"name": self.name, "address": self.address, "instruction": self.instruction}
        return {**super().extra(), **own}


# --- The board and the way to it ----------------------------------------------------------------


class DeviceError(ServerError):
    """The board, or the way to it, failed."""

    code = "device"
    status = 502
    title = "Board failed"


class PortError(DeviceError):
    """The port cannot be opened, or is gone."""

    code = "port"
    status = 503
    title = "Port not usable"
    retryable = True

    def __init__(self, port: str, reason: str, remedy: str) -> None:
        self.port = port
        self.reason = reason
        self.remedy = remedy
        super().__init__(f"{port}: {reason}; {remedy}")

    def extra(self) -> dict[str, object]:
        return {"port": self.port, "reason": self.reason, "remedy": self.remedy}


class ReplyTimeoutError(DeviceError):
    """The board did not answer a command in time."""

    code = "reply-timeout"
    status = 504
    title = "Board does not answer"
    retryable = True

    def __init__(
        self, command: str, timeout_s: float, heard: Sequence[str] = (), *, is_silent: bool = False
    ) -> None:
        self.command = command
        self.timeout_s = timeout_s
        self.heard = list(heard)
        self.is_silent = is_silent  # it does not even echo: asking again now is no use
        said = f"; it printed {self.heard[-1]!r} last" if self.heard else ""
        super().__init__(f"the board did not answer {command!r} within {timeout_s:g} s{said}")

    def extra(self) -> dict[str, object]:
        return {"command": self.command, "timeout_s": self.timeout_s, "heard": self.heard}


def is_silent(error: Exception) -> bool:
    """Return whether a board was found not to answer at all; then nothing more was sent to it."""
    return isinstance(error, ReplyTimeoutError) and error.is_silent


class OutcomeUnknownError(DeviceError):
    """A command may have been done or not; nothing that was read tells."""

    code = "outcome-unknown"
    status = 504
    title = "Outcome unknown"

    def __init__(self, command: str, reason: str) -> None:
        self.command = command
        self.reason = reason
        super().__init__(
            f"whether the board did {command!r} is not known ({reason}):"
            " look at its memory or its slots before going on"
        )

    def extra(self) -> dict[str, object]:
        return {"command": self.command, "reason": self.reason}


class RefusedError(DeviceError):
    """The board answered [FLERR]."""

    code = "refused"
    title = "Board refused the command"

    def __init__(self, command: str, text: str) -> None:
        self.command = command
        self.text = text
        super().__init__(f"the board refused {command!r}: {text or 'it gave no reason'}")

    def extra(self) -> dict[str, object]:
        return {"command": self.command, "text": self.text}


class RemoteProtocolError(DeviceError):
    """What the board sent is not an answer to what it was asked."""

    code = "device-protocol"
    title = "Board's answer makes no sense"

    def __init__(self, reason: str, command: str | None = None) -> None:
        self.reason = reason
        self.command = command
        super().__init__(f"{command!r}: {reason}" if command else reason)

    def extra(self) -> dict[str, object]:
        return {"reason": self.reason, "command": self.command}


class CorruptedError(RemoteProtocolError):
    """A CRC did not match, on either side: the line changed a byte. Repeating is the cure."""

    code = "corrupted"
    title = "Data corrupted on the line"
    retryable = True


class VerifyError(DeviceError):
    """The board says the patch is in; what was read back says otherwise."""

    code = "verify"
    title = "Verification failed"

    def __init__(self, what: str, address: int, expected: str, found: str) -> None:
        self.what = what
        self.address = address
        self.expected = expected
        self.found = found
        super().__init__(f"{what} at 0x{address:08X} is {found}, should be {expected}")

    def extra(self) -> dict[str, object]:
        return {
            "what": self.what,
            "address": self.address,
            "expected": self.expected,
            "found": self.found,
        }


class LocalProtocolError(ServerError):
    """This program used the protocol in a way it forbids."""

    code = "protocol-misuse"
    title = "Mistake in the server"
