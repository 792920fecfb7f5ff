"""`fpbay inject`, `info` and `unpatch`: one board, one thing to do, no server."""

from collections.abc import Callable
from pathlib import Path
from typing import TextIO, get_args

import click

from server.board_info import describe
from server.commands.options import (
    baudrate_option,
    elf_option,
    fragment_option,
    json_option,
    port_option,
    toolchain_option,
)
from server.device.slots import Mode
from server.errors import ServerError
from server.inject import InjectRequest
from server.inject import inject as inject_patch
from server.link import Link, Target, open_link
from server.patch.compile import Toolchain
from server.terminal import JsonPrinter, TextPrinter, show_info


@click.command(
    epilog="\b\n"
    "Examples:\n"
    "  fpbay inject examples/blink_fast.c --port emu://stm32f103c8 --watch 2\n"
    "  fpbay inject greet.c --port /dev/ttyACM0 --elf build/firmware.elf --function greet\n"
    "  fpbay inject - --port socket://bench:4000 --elf fw.elf --json < patch.c\n"
)
@click.argument("source", type=click.File(encoding="utf-8"))
@port_option
@baudrate_option
@elf_option
@toolchain_option
@click.option("--function", metavar="NAME", help="The function to replace.")
@click.option("--slot", type=click.IntRange(0, 255), metavar="N", help="The slot to use.")
@click.option(
    "--mode",
    type=click.Choice(get_args(Mode)),
    default="trampoline",
    show_default=True,
    help="How calls are led to the patch.",
)
@fragment_option
@click.option(
    "--watch",
    default=0.0,
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Show what the board prints for so long afterwards.",
)
@json_option
def inject(
    source: TextIO,
    port: str,
    baudrate: int,
    elf: Path | None,
    toolchain: str,
    function: str | None,
    slot: int | None,
    mode: Mode,
    fragment: int | None,
    watch: float,
    as_json: bool,
) -> None:
    """Compile the C file SOURCE and have the board run it in place of its own function.

    The function replaced is the one after the comment /* FPB_INJECT */, or --function, or the only
    one that the firmware has too. Success means that a call was followed to the patch.

    With --json, each event is one line of JSON, the last one has "type": "end".
    """
    try:
        request = InjectRequest(source.read(), function, slot, mode)
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{source.name} is not UTF-8 text: {error.reason}") from error
    printer = JsonPrinter() if as_json else TextPrinter()
    try:
        target = Target(port, baudrate, elf, fragment)
        link = open_link(target, Toolchain.named(toolchain), printer.log)
    except ServerError as error:
        printer.failure(error)
        raise
    with link.session:
        try:
            printer.success(inject_patch(request, link, printer.event))
        except ServerError as error:
            printer.failure(error)
            raise
        printer.watching = True
        link.session.listen(watch)


@click.command(
    epilog="\b\n"
    "Examples:\n"
    "  fpbay info --port /dev/ttyACM0 --elf build/firmware.elf\n"
    "  fpbay info --port emu://stm32f103c8 --json\n"
)
@port_option
@baudrate_option
@elf_option
@json_option
def info(port: str, baudrate: int, elf: Path | None, as_json: bool) -> None:
    """Show what a board is, and what is patched."""
    with_board(port, baudrate, elf, lambda link: show_info(describe(link), as_json=as_json))


@click.command(
    epilog="\b\n"
    "Examples:\n"
    "  fpbay unpatch --port /dev/ttyACM0 --slot 0\n"
    "  fpbay unpatch --port /dev/ttyACM0 --all\n"
)
@port_option
@baudrate_option
@click.option("--slot", type=click.IntRange(0, 255), metavar="N", help="The slot to clear.")
@click.option("--all", "everything", is_flag=True, help="Clear all slots.")
@json_option
def unpatch(port: str, baudrate: int, slot: int | None, everything: bool, as_json: bool) -> None:
    """Give functions their original code back and free the memory of the patches."""
    if (slot is not None) == everything:
        raise click.UsageError("give either --slot N or --all")

    def work(link: Link) -> None:
        link.device.unpatch(slot)
        show_info(describe(link), as_json=as_json)

    with_board(port, baudrate, None, work)


def with_board(port: str, baudrate: int, elf: Path | None, work: Callable[[Link], None]) -> None:
    """Do one thing with a board and close the port."""
    link = open_link(Target(port, baudrate, elf), Toolchain.named("zig"), lambda _: None)
    with link.session:
        work(link)
