"""How commands fail: with one line and exit code 1, never with a traceback."""

import logging
import os
from typing import IO, Any

import click

from server.errors import ServerError

DEBUG = "FPBAY_DEBUG"  # environment: show the traceback of what should never happen

logger = logging.getLogger(__name__)


class Failure(click.ClickException):
    """What ends a command with exit code 1: one line that says what is wrong, and the remedy."""

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"error: {self.format_message()}", file=file, err=True)


class Commands(click.Group):
    """Turns errors into messages; a traceback is no message."""

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
