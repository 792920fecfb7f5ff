"""`fpbay board`: run an emulated board, on this terminal or as a port for other programs."""

import signal
import sys
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import click

from emulator.board import Board
from emulator.coverage import coverage
from emulator.errors import BoardError, EmulatorError
from emulator.gateway import Gateway, PtyGateway
from emulator.realtime import keep_up
from emulator.recording import Recorder, replay
from emulator.tcp_gateway import Rfc2217Gateway, TcpGateway, is_loopback, tcp_address
from emulator.terminal import Terminal
from emulator.urls.emu_url import EmuUrl, PaceKind, parse_url
from emulator.urls.opening import build

NS_PER_S = 1_000_000_000


@click.command(
    epilog="\b\n"
    "Examples:\n"
    "  fpbay board\n"
    "  fpbay board --coverage\n"
    "  fpbay board stm32f103c8 --pty /tmp/board &\n"
    "  fpbay info --port /tmp/board\n"
    "  fpbay board 'stm32f103c8?dtr=reset&faults=flip:0.001' --rfc2217 127.0.0.1:4000\n"
    "  fpbay board --record session.jsonl; fpbay board --replay session.jsonl\n"
)
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
@click.option("--tcp", metavar="HOST:PORT", help="Offer its bytes on a TCP port.")
@click.option(
    "--rfc2217", metavar="HOST:PORT", help="The same with baud rate, DTR and RTS (RFC 2217)."
)
@click.option(
    "--rate",
    type=click.FloatRange(0, 1000),
    help="Virtual seconds in a second of yours; 0 is as fast as it goes.  [default: 1]",
)
@click.option(
    "--coverage",
    "is_coverage",
    is_flag=True,
    help="List what of the part is modelled and what is not, and run nothing.",
)
@click.option(
    "--record",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write down what goes over the line, with virtual times, as JSON lines.",
)
@click.option(
    "--replay",
    "recording",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Do again what was recorded, print it, and say where the run differs.",
)
def board(
    part: str,
    firmware: Path | None,
    pty: Path | None,
    tcp: str | None,
    rfc2217: str | None,
    rate: float | None,
    record: Path | None,
    recording: Path | None,
    is_coverage: bool,
) -> None:
    """Run an emulated board until Ctrl-C.

    Without --pty, --tcp or --rfc2217, what the board prints is printed here and what you type is
    sent to it. With one of them, any program that opens serial ports can use the board as if it
    were plugged in; one at a time. PART may carry the options of an emu:// URL.
    """
    places = [option for option in (pty, tcp, rfc2217, recording) if option is not None]
    if len(places) > 1:
        raise click.UsageError("give one of --pty, --tcp, --rfc2217 and --replay")
    if recording is not None and (record is not None or rate is not None):
        raise click.UsageError("a replay has its own times and needs neither --record nor --rate")
    try:
        url = _url(part, firmware, rate)
        if is_coverage:
            for line in coverage(url.part):
                click.echo(line)
            return
        if recording is not None:
            _replay(url, recording)
            return
        over = _until_a_signal()
        with closing(_gateway(pty, tcp, rfc2217)) as gateway, _switched_on(url, record) as emulated:
            keep_up(emulated, url.rate, gateway, over.is_set)
    except EmulatorError as error:
        raise click.ClickException(str(error)) from error


def _url(part: str, firmware: Path | None, rate: float | None) -> EmuUrl:
    url = parse_url(f"emu://{part}")
    if url.pace is PaceKind.LOCKSTEP:
        raise BoardError("pace=lockstep is for a port that is read; leave it out, or give rate=0")
    return replace(
        url,
        firmware=url.firmware if firmware is None else firmware,
        rate=url.rate if rate is None else rate,
    )


def _gateway(pty: Path | None, tcp: str | None, rfc2217: str | None) -> Gateway:
    """Open the place where other programs find the board, or this terminal."""
    if pty is not None:
        gateway = PtyGateway(pty)
        click.echo(f"board on {pty} ({gateway.device}), 115200 baud; Ctrl-C ends it", err=True)
        return gateway
    address = tcp or rfc2217
    if address is None:
        return Terminal()
    host, port = tcp_address(address)
    scheme, kind = ("socket", TcpGateway) if tcp else ("rfc2217", Rfc2217Gateway)
    server = kind(host, port)
    click.echo(f"board on {scheme}://{server.address}; Ctrl-C ends it", err=True)
    if not is_loopback(host):
        click.echo("warning: everybody who reaches this address has the board", err=True)
    return server


def _until_a_signal() -> threading.Event:
    """Return what SIGINT and SIGTERM set."""
    over = threading.Event()

    def end(_number: int, _frame: object) -> None:
        over.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    return over


@contextmanager
def _switched_on(url: EmuUrl, record: Path | None) -> Generator[Board]:
    """Switch the board on; the recording ends when nothing runs any more."""
    emulated = build(url)
    try:
        file = None if record is None else record.open("w", encoding="utf-8", buffering=1)
    except OSError as error:
        raise BoardError(f"cannot write {record}: {error.strerror}") from error
    with file or nullcontext(), Recorder(emulated, file) if file else nullcontext():
        yield emulated


def _replay(url: EmuUrl, path: Path) -> None:
    def show(output: bytes) -> None:
        sys.stdout.write(output.decode(errors="replace"))
        sys.stdout.flush()

    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            done = replay(build(url), file, show)
    except OSError as error:
        raise BoardError(f"cannot read {path}: {error.strerror}") from error
    ending = "and the same run" if done.is_ended else "so far; the recording has no end"
    seconds = done.ns / NS_PER_S
    click.echo(f"replayed {seconds:.3f} s: the same {done.heard} bytes, {ending}", err=True)
