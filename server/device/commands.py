"""The loader's commands as calls that hold on a bad line. Each is as many attempts as are safe.

- Refused for its CRC, or for words that were not sent: it changed nothing and is repeated, except
  `upload`: there the board frees the allocation, so the caller starts again at `alloc`.
- No reply, or one that does not fit, to a command that may be done twice (`ping`, `echo`, `info`,
  `slots`, `read`, `alloc`): it is repeated.
- The same for one that may not: the board is asked what it did. If nothing tells, the outcome is
  unknown, and that is the error.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from typing import TypeVar

from server.device.attempts import Allocation, Attempts, Place
from server.device.protocol import MAX_REQUEST
from server.device.session import Session
from server.device.slots import Info, Mode, Slot
from server.errors import (
    CorruptedError,
    DeviceError,
    OutcomeUnknownError,
    RefusedError,
    RemoteProtocolError,
    ReplyTimeoutError,
    is_silent,
)

ATTEMPTS = 3
REPEATABLE = (ReplyTimeoutError, RemoteProtocolError)  # for what may be done twice
AROUND_DATA = len("fl -c upload -a 0x00000000 -d  -r 0x0000\n")
TAG = len("-t 65535 ")
AROUND_ECHO = len("fl -c echo -d \n")
MAX_DATA = 1024  # bytes in one command or reply
SHORTER = (255, 127, 63)  # bytes of a line, where a longer one does not arrive whole

T = TypeVar("T")


class Device:
    """The board at the other end of a session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._once = Attempts(session)
        self.seen: Info | None = None  # what the board said of itself last

    def ping(self) -> None:
        """Get a sign of life."""
        _repeat(self._once.ping, REPEATABLE)

    def echo(self, data: bytes) -> None:
        """Send bytes and check that they arrived."""
        _repeat(partial(self._once.echo, data), REPEATABLE)

    def hello(self) -> str:
        """Return the greeting of the function that is made to be patched."""
        return self._once.hello()

    def info(self) -> Info:
        """Return what the board says of itself now; what only a reset changes is asked once."""
        if self.seen is None or not self.seen.is_terse:
            return self.identify()
        now = _repeat(partial(self._once.slots, self.seen), REPEATABLE)
        if now is None:
            return self.identify()
        self.seen = now
        return now

    def identify(self) -> Info:
        """Ask for the loader, the unit and the slots; go on as the answer says it can."""
        info = _repeat(self._once.info, REPEATABLE)
        if info.limits is None:  # the line may have been measured
            self.session.speak(info.level, min(self.session.max_request, MAX_REQUEST))
        else:
            self.session.speak(info.level, info.limits.line + 1)
        self.seen = info
        return info

    def measure_line(self) -> None:
        """Find out how long a line may be to arrive whole: ask, or else try, which does no harm."""
        if self.info().limits is not None:
            return
        for size in (MAX_REQUEST, *SHORTER):
            self.session.speak(1, size)
            try:
                self._once.echo(bytes((size - AROUND_ECHO) // 2))
            except (*REPEATABLE, RefusedError) as error:
                if is_silent(error):
                    raise
            else:
                return

    def read(self, address: int, length: int, *, force: bool = False) -> bytes:
        """Read memory, as the program running there would; `force`: anywhere, registers too."""
        end, size = address + length, self._max_data
        return b"".join(
            _repeat(partial(self._once.read, at, min(size, end - at), force=force), REPEATABLE)
            for at in range(address, end, size)
        )

    def read_places(self, places: Sequence[Place]) -> list[bytes]:
        """Read a few short places, registers too; where the board can, at once, as whole words."""
        if self.seen is None or not self.seen.is_terse:
            return [self.read(at, size, force=True) for at, size in places]
        words = [(at & ~0b11, at % 4 + size + 0b11 & ~0b11) for at, size in places]
        data = _repeat(partial(self._once.read_places, words), REPEATABLE)
        ends = accumulate(length for _, length in words)
        return [
            data[end - length + at % 4 :][:size]
            for (at, size), (_, length), end in zip(places, words, ends, strict=True)
        ]

    def write(self, address: int, data: bytes) -> None:
        """Write memory, as the program running there would."""
        for offset in range(0, len(data), self._chunk):
            at, chunk = address + offset, data[offset : offset + self._chunk]
            self._settle(
                "write",
                partial(self._once.write, at, chunk),
                partial(self._holds, at, chunk),
                again=False,  # the program may have changed it since
            )

    def alloc(self, size: int) -> Allocation:
        """Take memory for a patch. An earlier allocation that went into no slot is freed."""
        return _repeat(partial(self._once.alloc, size), REPEATABLE)

    def upload(
        self,
        allocation: Allocation,
        offset: int,
        data: bytes,
        progress: Callable[[int, int], None],
    ) -> None:
        """Fill an allocation from `offset` on; report bytes done and bytes in all, line by line.

        A CorruptedError means that the board has freed the allocation.
        """
        for start in range(0, len(data), self._chunk):
            chunk = data[start : start + self._chunk]
            self._once.upload(allocation, offset + start, chunk)
            progress(start + len(chunk), len(data))

    def release(self) -> None:
        """Free an allocation that went into no slot."""
        self._once.release()

    def patch(self, comp: int, original: int, target: int, mode: Mode = "trampoline") -> None:
        """Redirect a function. Where the reply is lost, what the board did is for the caller."""
        _repeat(partial(self._once.patch, comp, original, target, mode))

    def enable(self, comp: int | None, *, on: bool) -> None:
        """Switch a slot on or off; all of them if `comp` is None."""
        self._settle(
            "enable",
            partial(self._once.enable, comp, on=on),
            lambda: all(
                comp is None if slot.empty else slot.enabled is on for slot in self._slots(comp)
            ),
        )

    def unpatch(self, comp: int | None) -> None:
        """Clear a slot and free its memory; all of them if `comp` is None."""
        self._settle(
            "unpatch",
            partial(self._once.unpatch, comp),
            lambda: all(slot.empty for slot in self._slots(comp)),
        )

    @property
    def _max_data(self) -> int:
        limits = None if self.seen is None else self.seen.limits
        return MAX_DATA if limits is None else min(limits.data, MAX_DATA)

    @property
    def _chunk(self) -> int:
        """Return how much data fits a line: base64 makes 4 characters of 3 bytes."""
        around = AROUND_DATA + TAG * self.session.is_tagging
        return min((self.session.max_request - around) // 4 * 3, self._max_data)

    def _holds(self, address: int, data: bytes) -> bool:
        return self.read(address, len(data)) == data

    def _slots(self, comp: int | None) -> tuple[Slot, ...]:
        """Ask for a slot, or for all of them."""
        slots = self.info().slots
        return slots if comp is None else slots[comp : comp + 1]

    def _settle(
        self,
        command: str,
        attempt: Callable[[], None],
        is_done: Callable[[], bool],
        *,
        again: bool = True,
    ) -> None:
        """Run what must not be done twice: where the reply is lost, see what the board did."""
        doubt: DeviceError | None = None
        for _ in range(ATTEMPTS):
            try:
                _repeat(attempt)
            except (*REPEATABLE, RefusedError) as error:
                is_refused = isinstance(error, (CorruptedError, RefusedError))
                if doubt is None and (is_refused or is_silent(error)):
                    raise  # it was not done; later it may be refused because it had been
                doubt = error
            else:
                return
            try:
                if is_done():
                    return
            except DeviceError as error:
                raise OutcomeUnknownError(command, str(doubt)) from error
            if not again:
                raise OutcomeUnknownError(command, str(doubt)) from doubt
        if doubt is not None:
            raise doubt


def _repeat(
    attempt: Callable[[], T], errors: tuple[type[DeviceError], ...] = (CorruptedError,)
) -> T:
    """Try again what the line corrupted, or lost."""
    for _ in range(ATTEMPTS - 1):
        try:
            return attempt()
        except errors as error:
            if is_silent(error):
                raise
    return attempt()
