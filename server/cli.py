"""`fpbay`: the command line. Exit codes: 0 success and nothing else, 1 failed, 2 wrong usage."""

from collections.abc import Callable
from pathlib import Path
from typing import TextIO, get_args

import click
from platformdirs import user_data_path

from emulator.cli import board
from server import logs
from server.app import serve as serve_http
from server.board_info import describe
from server.commands import Commands
from server.device.slots import Mode
from server.errors import RequestError, ServerError
from server.inject import InjectRequest
from server.inject import inject as inject_patch
from server.link import Link, Target, open_link
from server.patch.compile import Toolchain
from server.settings import DEFAULT_HOST, DEFAULT_PORT, Settings
from server.terminal import JsonPrinter, TextPrinter, show_info


@click.group(
    cls=Commands,
    epilog="\b\n"
    "Start here:\n"
    "  fpbay serve --port emu://stm32f103c8        then open the page it names\n"
    "  fpbay inject examples/blink_fast.c --port emu://stm32f103c8 --watch 2\n",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="fpbay", message="%(prog)s %(version)s")
def main() -> None:
    """Replace C functions of a running Cortex-M, through its FPB, while it runs.

    PORT is a board's serial port (/dev/ttyACM0), any URL of pyserial (socket://host:port), or an
    emulated board (emu://stm32f103c8), which behaves the same and needs no hardware.
    """


main.add_command(board)

port_option = click.option(
    "--port", required=True, metavar="URL", help="The board: a serial port, or a URL."
)
baudrate_option = click.option(
    "--baudrate", default=115200, show_default=True, type=click.IntRange(min=1), metavar="BAUD"
)
elf_option = click.option(
    "--elf",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="ELF",
    help="The firmware the board runs, as its linker wrote it. An emulated board knows its own.",
)
toolchain_option = click.option(
    "--toolchain",
    default="zig",
    show_default=True,
    metavar="NAME",
    help="What compiles patches: zig, arm-none-eabi-gcc, or a path to the latter.",
)
fragment_option = click.option(
    "--fragment",
    type=click.IntRange(min=1),
    metavar="BYTES",
    help="Write so many bytes at once, for adapters that lose some of a long line.",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON on stdout, for other programs."
)


def http_address(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[str, int]:
    """Read HOST:PORT."""
    host, colon, port = value.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 1 << 16):
        raise click.BadParameter(f"{value!r} is not HOST:PORT, such as 127.0.0.1:8000")
    return host.removeprefix("[").removesuffix("]"), int(port)


@main.command(
    epilog="\b\n"
    "Examples:\n"
    "  fpbay serve --port emu://stm32f103c8\n"
    "  fpbay serve --port /dev/ttyACM0 --elf build/firmware.elf\n"
    "  FPBAY_TOKEN=... fpbay serve --http 0.0.0.0:8000\n"
)
@click.option("--port", metavar="URL", help="The board to connect at the start.")
@baudrate_option
@click.option(
    "--http",
    "address",
    default=f"{DEFAULT_HOST}:{DEFAULT_PORT}",
    show_default=True,
    callback=http_address,
    metavar="HOST:PORT",
    help="Where to listen; port 0 takes any free one.",
)
@elf_option
@toolchain_option
@fragment_option
@click.option(
    "--reconnect", is_flag=True, help="Connect again when the port vanished and came back."
)
@click.option(
    "--token",
    envvar="FPBAY_TOKEN",
    show_envvar=True,
    metavar="TOKEN",
    help="Ask every client for it. Needed to listen on more than this machine.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=lambda: user_data_path("fpbay"),
    show_default="this user's data directory",
    metavar="DIR",
    help="Where the jobs are noted down; `:memory:` forgets them at the end.",
)
@click.option("--log-json", is_flag=True, help="Log to stderr as JSON, one object a line.")
def serve(
    port: str | None,
    baudrate: int,
    address: tuple[str, int],
    elf: Path | None,
    toolchain: str,
    fragment: int | None,
    reconnect: bool,
    token: str | None,
    data: Path,
    *,
    log_json: bool,
) -> None:
    """Serve the page and the HTTP interface until Ctrl-C."""
    logs.configure(as_json=log_json)
    host, number = address
    settings = Settings(
        host=host,
        port=number,
        token=token or None,
        board=port,
        baudrate=baudrate,
        elf=elf,
        fragment=fragment,
        reconnect=reconnect,
        toolchain=toolchain,
        data=data,
    )
    try:
        serve_http(settings, lambda url: click.echo(f"FPBay is at {url}"))
    except RequestError as error:
        raise click.UsageError(str(error)) from error


@main.command(
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


@main.command(
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


@main.command(
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


if __name__ == "__main__":
    main()
