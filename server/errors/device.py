"""What the board, or the way to it, failed at."""

from collections.abc import Sequence

from server.errors.base import ServerError


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
