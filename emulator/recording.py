"""Recorded sessions: what a host did with a board's line and what it heard, at its virtual times.

JSON lines. The first says of which board; then each is an action (`do`, `with`) or a byte that was
heard, at `ns` of virtual time; the last one has the run's trace hash. A replay does the same to a
fresh board at the same times, and says where what it hears differs.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Self, TextIO, cast

from emulator.board import Board
from emulator.errors import BoardError, RecordingError
from emulator.image import Image
from emulator.link import ACTIONS, Received

VERSION = 1
NS_PER_MS = 1_000_000
Line = dict[str, Any]


def _digest(image: Image) -> str:
    """Return what tells one firmware from another: a hash of what is programmed."""
    digest = hashlib.sha256()
    for segment in image.segments:
        digest.update(segment.address.to_bytes(4, "little") + segment.data)
    return digest.hexdigest()


def _header(board: Board) -> Line:
    return {
        "recording": VERSION,
        "part": board.part.name,
        "hse_hz": board.hse_hz,
        "firmware": str(board.image.path),
        "sha256": _digest(board.image),
    }


class Recorder:
    """Writes down a board's session from its first cycle on."""

    def __init__(self, board: Board, file: TextIO) -> None:
        if board.clock.cycles:
            raise BoardError("a recording begins when the board is switched on; it already runs")
        self._board, self._file = board, file
        self._write(_header(board))
        for name, arguments in board.line.settings:
            self._on_action(name, arguments)
        board.line.on_action, board.line.on_heard = self._on_action, self._on_heard

    def close(self) -> None:
        """Write the end; the file stays open."""
        line = self._board.line
        line.on_action = line.on_heard = None
        self._write({"ns": self._board.clock.ns, "end": self._board.trace_hash})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _on_action(self, name: str, arguments: tuple[Any, ...]) -> None:
        given = [value.hex() if isinstance(value, bytes) else value for value in arguments]
        self._write({"ns": self._board.clock.ns, "do": name, "with": given})

    def _on_heard(self, received: Received) -> None:
        self._write({"ns": received.ns, "heard": f"{received.byte:02x}"})

    def _write(self, line: Line) -> None:
        self._file.write(json.dumps(line) + "\n")


class Replayed(NamedTuple):
    """What a replay came to: all as it was recorded."""

    ns: int
    heard: int  # bytes
    is_ended: bool  # the recording has an end, whose hash is this run's too


def replay(
    board: Board, lines: Iterable[str], on_heard: Callable[[bytes], object] = bytes
) -> Replayed:
    """Do to a fresh board what was recorded. RecordingError names the first difference."""
    numbered = ((number, _parsed(number, text)) for number, text in enumerate(lines, start=1))
    nothing: Line = {}
    _check_header(board, next((header for _, header in numbered), nothing))
    player = _Player(board, on_heard)
    for number, line in numbered:
        try:
            player.play(line)
        except (KeyError, TypeError, ValueError, BoardError) as error:
            raise RecordingError(f"line {number} is not one of a recording ({error!r})") from error
    return Replayed(board.clock.ns, player.heard, player.is_ended)


def _parsed(number: int, text: str) -> Line:
    try:
        line = json.loads(text)
    except ValueError as error:
        raise RecordingError(f"line {number} is no JSON ({error}); it may be cut short") from error
    if not isinstance(line, dict):
        raise RecordingError(f"line {number} is not one of a recording; give what --record wrote")
    return cast(Line, line)


def _check_header(board: Board, header: Line) -> None:
    if header.get("recording") != VERSION:
        raise RecordingError(
            f"no recording that this version reads (its number is {header.get('recording')}, "
            f"not {VERSION}); give what --record wrote"
        )
    ours = _header(board)
    for name in ("part", "hse_hz"):
        if header.get(name) != ours[name]:
            raise RecordingError(
                f"recorded with {name} {header.get(name)}, this board has {ours[name]}; "
                "replay it on a board that is alike"
            )
    if header.get("sha256") != ours["sha256"]:
        raise RecordingError(
            f"recorded with another firmware than {ours['firmware']}; "
            f"give the one it was made with, {header.get('firmware')} as it was then"
        )


class _Player:
    """Takes one line of a recording after the other."""

    def __init__(self, board: Board, on_heard: Callable[[bytes], object]) -> None:
        self._board, self._on_heard = board, on_heard
        self.heard = 0
        self.is_ended = False

    def play(self, line: Line) -> None:
        expected = None
        if "heard" in line:
            expected = Received(int(line["ns"]), int(line["heard"], 16))
        self._board.run_until(int(line["ns"]))
        self._compare(expected)
        if "do" in line:
            self._do(line["do"], line["with"])
        elif "end" in line:
            self._end(line["end"])

    def _compare(self, expected: Received | None) -> None:
        received = self._board.line.received
        found = received.popleft() if received else None
        if found != expected:
            raise RecordingError(
                f"the run differs: the recording has {_shown(expected)}, this run {_shown(found)}"
            )
        if found is not None:
            self.heard += 1
            self._on_heard(bytes([found.byte]))

    def _do(self, name: str, arguments: list[Any]) -> None:
        if name not in ACTIONS:
            raise ValueError(f"no action {name!r}")
        given = [bytes.fromhex(arguments[0])] if name == "send" else arguments
        getattr(self._board.line, name)(*given)

    def _end(self, trace_hash: str) -> None:
        self.is_ended = True
        if self._board.trace_hash != trace_hash:
            raise RecordingError(
                f"the run differs: it sounds the same, but its trace hash is "
                f"{self._board.trace_hash}, the recording's {trace_hash}"
            )


def _shown(received: Received | None) -> str:
    if received is None:
        return "nothing"
    byte = bytes([received.byte])
    return f"{byte!r} at {received.ns / NS_PER_MS:.6f} ms"
