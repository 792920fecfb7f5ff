"""The server's own log: for people, or a JSON object a line, with the job and board at work."""

import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime

import msgspec

job_id: ContextVar[str | None] = ContextVar("job_id", default=None)
board_id: ContextVar[str | None] = ContextVar("board_id", default=None)


class JsonFormatter(logging.Formatter):
    """One record, one line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, str] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (job := job_id.get()) is not None:
            line["job"] = job
        if (board := board_id.get()) is not None:
            line["board"] = board
        if record.exc_info is not None:
            line["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        return msgspec.json.encode(line).decode()


def configure(*, as_json: bool) -> None:
    """Log to stderr: warnings for people, what happens to jobs and boards too for programs."""
    handler = logging.StreamHandler(sys.stderr)
    if as_json:
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.INFO if as_json else logging.WARNING)
