"""The group of commands: where each is, and how one fails.

A command's file is imported when it is asked for: the server's libraries take longer to import than
a board takes to answer. One that fails says so in one line, never with a traceback.
"""

import logging
import os
from importlib import import_module
from typing import IO, Any

import click

from server.errors import ServerError

PLACES = {
    "board": "emulator.cli:board",
    "info": "server.commands.patching:info",
    "inject": "server.commands.patching:inject",
    "serve": "server.commands.serve:serve",
    "unpatch": "server.commands.patching:unpatch",
}
DEBUG = "FPBAY_DEBUG"  # environment: show the traceback of what should never happen

logger = logging.getLogger(__name__)


class Failure(click.ClickException):
    """What ends a command with exit code 1: one line that says what is wrong, and the remedy."""

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"error: {self.format_message()}", file=file, err=True)


class Commands(click.Group):
    """Commands by name, each imported from its place."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted(PLACES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in PLACES:
            return None
        module, _, name = PLACES[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ServerError as error:
            raise Failure(str(error)) from error
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            logger.debug("unexpected", exc_info=True)
            if DEBUG in os.environ:
                raise
            raise Failure(
                f"unexpected {type(error).__name__}: {error}; this is a mistake in fpbay,"
                f" {DEBUG}=1 shows where"
            ) from error
