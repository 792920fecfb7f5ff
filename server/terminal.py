"""What the command line prints: for people, or one JSON object a line for programs."""

import contextlib
import sys
from collections.abc import Callable
from typing import Protocol

import click
import msgspec

from server.board_info import InfoDocument, SlotDocument
from server.errors import BuildError, ServerError
from server.inject import InjectResult, ProgressEvent, StageEvent, WarningEvent

InjectEvent = StageEvent | ProgressEvent | WarningEvent


class Printer(Protocol):
    """Prints how an injection goes. Results to stdout, what is wrong to stderr."""

    watching: bool  # the board's own output is wanted

    def event(self, event: InjectEvent) -> None: ...
    def log(self, text: str) -> None: ...
    def success(self, result: InjectResult) -> None: ...
    def failure(self, error: ServerError) -> None: ...


class JsonPrinter:
    """One object a line: the events of the HTTP stream, `end` last of the injection's."""

    def __init__(self) -> None:
        self.watching = False

    def event(self, event: InjectEvent) -> None:
        print_json(event)

    def log(self, text: str) -> None:
        if self.watching:
            print_json({"type": "log", "text": text})

    def success(self, result: InjectResult) -> None:
        print_json({"type": "end", "state": "succeeded", "result": result})

    def failure(self, error: ServerError) -> None:
        print_json({"type": "end", "state": "failed", **error.failure()})


class TextPrinter:
    """A line a stage; a bar for the upload where stdout is a terminal."""

    def __init__(self) -> None:
        self.watching = False
        self._bar = contextlib.ExitStack()  # empty while there is none
        self._advance: Callable[[int], None] | None = None
        self._done = 0

    def event(self, event: InjectEvent) -> None:
        match event:
            case StageEvent():
                self._close_bar()
                click.echo(f"{event.stage:8} {event.message}")
            case ProgressEvent():
                self._progress(event)
            case WarningEvent():
                self._close_bar()
                click.echo(f"warning: {event.message}", err=True)

    def log(self, text: str) -> None:
        if self.watching:
            click.echo(f"board    {text}")

    def success(self, result: InjectResult) -> None:
        self._close_bar()
        slots = " and ".join(str(slot) for slot in result.slots)
        times = ", ".join(f"{stage} {ms:.0f}" for stage, ms in result.stages.items())
        click.echo(
            f"done     {result.function} at 0x{result.original:08X} now runs the patch at"
            f" 0x{result.address:08X}: {result.size} bytes, slot {slots},"
            f" {result.elapsed_ms:.0f} ms ({times})"
        )

    def failure(self, error: ServerError) -> None:
        self._close_bar()
        if isinstance(error, BuildError) and error.stderr:
            click.echo(error.stderr.rstrip(), err=True)

    def _progress(self, event: ProgressEvent) -> None:
        if not sys.stdout.isatty():
            return
        if self._advance is None:
            bar = click.progressbar(length=event.total, label=f"{event.stage:8}")
            self._advance = self._bar.enter_context(bar).update
            self._done = 0
        self._advance(event.done - self._done)
        self._done = event.done

    def _close_bar(self) -> None:
        self._bar.close()
        self._advance = None


def show_info(info: InfoDocument, *, as_json: bool) -> None:
    """Print what a board says about itself."""
    if as_json:
        print_json(info)
        return
    unit = info.fpb
    state = "on" if unit.enabled else "off"
    click.echo(f"{info.version}, built {info.build}")
    click.echo(
        f"FPB version {unit.version}, {state}: {unit.code} instruction and"
        f" {unit.literal} literal comparators, remap table at {info.remap.table}"
    )
    if info.memory is not None:
        memory = info.memory
        click.echo(f"{memory.free} of {memory.size} bytes at 0x{memory.address:08X} are free")
    if info.elf_matches is not None:
        click.echo(f"the ELF is {'the' if info.elf_matches else 'NOT the'} board's firmware")
    for slot in info.slots:
        click.echo(_slot_line(slot))


def _slot_line(slot: SlotDocument) -> str:
    if slot.original is None or slot.target is None:
        return f"slot {slot.slot}   -"
    state = "on" if slot.enabled else "off"
    pair = "" if slot.pair is None else f", second half of slot {slot.pair}"
    name = f"{slot.function} " if slot.function else ""
    return (
        f"slot {slot.slot} {state:>3} {name}0x{slot.original:08X} -> 0x{slot.target:08X},"
        f" {slot.size} bytes{pair}"
    )


def print_json(value: object) -> None:
    """Print one line of JSON at once, also into a pipe."""
    click.echo(msgspec.json.encode(value).decode())
