"""`fpbay serve`."""

from pathlib import Path

import click
from platformdirs import user_data_path

from server import logs
from server.commands.options import baudrate_option, elf_option, fragment_option, toolchain_option
from server.errors import RequestError
from server.serving import serve as serve_http
from server.settings import DEFAULT_HOST, DEFAULT_PORT, Settings


def http_address(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[str, int]:
    """Read HOST:PORT."""
    host, colon, port = value.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 1 << 16):
        raise click.BadParameter(f"{value!r} is not HOST:PORT, such as 127.0.0.1:8000")
    return host.removeprefix("[").removesuffix("]"), int(port)


@click.command(
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
