"""`fpbay`: the command line. Exit codes: 0 success and nothing else, 1 failed, 2 wrong usage."""

import click

from server.commands.group import Commands


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


if __name__ == "__main__":
    main()
