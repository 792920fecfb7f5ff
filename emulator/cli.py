"""`fpbay board`: run an emulated board, on this terminal or as a port for other programs."""

import signal
import sys
import threading
from pathlib import Path

import click

from emulator.coverage import coverage
from emulator.errors import EmulatorError
from emulator.gateway import PtyGateway
from emulator.pace import Pace
from emulator.urls.emu_url import EmuUrl, parse_url
from emulator.urls.opening import start


@click.command()
@click.argument("part", default="stm32f103c8")
@click.option(
    "--firmware",
    type=click.Path(path_type=Path),
    metavar="ELF",
    help="Run this ELF file instead of the loader that comes with FPBay.",
)
@click.option(
    "--pty",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Offer the board's serial line as a pseudo-terminal at PATH.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0, 1000),
    default=1.0,
    show_default=True,
    help="Virtual seconds in a second of yours; 0 is as fast as it goes.",
)
@click.option(
    "--coverage",
    "is_coverage",
    is_flag=True,
    help="List what of the part is modelled and what is not, and run nothing.",
)
def board(
    part: str, firmware: Path | None, pty: Path | None, rate: float, is_coverage: bool
) -> None:
    r"""Run an emulated board until Ctrl-C.

    Without --pty, what the board prints is printed here and what you type is sent to it.
    With --pty, any program that opens serial ports can use PATH as if a board were plugged in.

    \b
    Examples:
      fpbay board
      fpbay board --coverage
      fpbay board stm32f103c8 --pty /tmp/board &
      fpbay info --port /tmp/board
    """
    try:
        url = parse_url(f"emu://{part}")
        if is_coverage:
            for line in coverage(url.part):
                click.echo(line)
            return
        pace = start(EmuUrl(url.part, firmware, rate=rate))
        over = threading.Event()

        def end(_number: int, _frame: object) -> None:
            over.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
        try:
            if pty is None:
                _on_terminal(pace, over)
            else:
                _on_pty(pace, pty, over)
        finally:
            pace.close()
    except EmulatorError as error:
        raise click.ClickException(str(error)) from error


def _on_pty(pace: Pace, path: Path, over: threading.Event) -> None:
    gateway = PtyGateway(path)
    click.echo(f"board on {path} ({gateway.device}), 115200 baud; Ctrl-C ends it", err=True)
    try:
        gateway.serve(pace, over.is_set)
    finally:
        gateway.close()


def _on_terminal(pace: Pace, over: threading.Event) -> None:
    def send_input() -> None:
        for line in sys.stdin:
            pace.write(line.encode(errors="replace"))

    threading.Thread(target=send_input, daemon=True).start()
    while not over.is_set():
        output = pace.read(max(1, pace.waiting), 0.1)
        sys.stdout.write(output.decode(errors="replace"))
        sys.stdout.flush()
