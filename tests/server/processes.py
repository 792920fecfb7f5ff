"""`fpbay serve` as a process of its own, which can be killed."""

import re
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

STARTUP_LINE = re.compile(r"http://127\.0\.0\.1:[1-9]\d*/\S*")


@contextmanager
def served(*arguments: str, data: str = ":memory:") -> Generator[tuple[subprocess.Popen[str], str]]:
    """Run `fpbay serve`; the URL is what it prints."""
    serve = ["serve", "--http", "127.0.0.1:0", "--data", data]
    command = [sys.executable, "-m", "server.cli", *serve, *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            found = STARTUP_LINE.search(process.stdout.readline())
            assert found
            yield process, found[0]
        finally:
            process.kill()
