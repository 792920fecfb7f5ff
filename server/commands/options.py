"""Options that more than one command has."""

from pathlib import Path

import click

from server.device.protocol import MIN_BAUDRATE

port_option = click.option(
    "--port", required=True, metavar="URL", help="The board: a serial port, or a URL."
)
baudrate_option = click.option(
    "--baudrate",
    default=115200,
    show_default=True,
    type=click.IntRange(min=MIN_BAUDRATE),
    metavar="BAUD",
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
