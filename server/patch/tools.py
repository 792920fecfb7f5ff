"""Run a tool of the toolchain: confined, bounded, and whatever it started ended with it."""

import importlib.util
import os
import select
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from server.errors import RequestError, ToolchainError
from server.patch.confine import confined, limit

MAX_TEXT = 0x1_0000  # of what a tool says; more is not read


@dataclass(frozen=True, slots=True)
class Finished:
    """What a tool left behind."""

    status: int
    stdout: str
    stderr: str


def zig_program() -> Path:
    """Return the compiler that the package ziglang brings."""
    spec = importlib.util.find_spec("ziglang")
    if spec is None or spec.origin is None:
        raise RequestError("the package ziglang is not installed: pip install ziglang")
    return Path(spec.origin).parent / "zig"


def run_tool(
    command: Sequence[str | Path],
    folder: Path,
    timeout_s: float,
    readable: Sequence[Path] = (),
) -> Finished:
    """Run a tool in a folder; whatever it started is ended with it.

    It opens files of its own installation, of the system's, of the folder, and `readable`.
    TimeoutExpired is the caller's: only it knows what the tool was busy with.
    """
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    environment |= {"TMPDIR": str(folder), "HOME": str(folder)}
    words = [str(word) for word in command]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            words,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )

    with TemporaryFile() as stdout, TemporaryFile() as stderr:
        try:
            process = confined(start, [*_installation(words[0]), *readable], folder)
        except OSError as error:
            raise ToolchainError(f"{words[0]} cannot be run: {error.strerror}") from error
        limit(process)
        with process:
            try:
                _wait(process, timeout_s)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        said, complained = _text(stdout, folder), _text(stderr, folder)
    if process.returncode < 0:
        name = signal.Signals(-process.returncode).name
        raise ToolchainError(f"{command[0]} was ended by {name}", stderr=complained)
    return Finished(process.returncode, said, complained)


def _wait(process: subprocess.Popen[bytes], timeout_s: float) -> None:
    """Wait for its end. Popen looks for that ever less often; Linux says when it comes."""
    if hasattr(os, "pidfd_open"):
        ended = os.pidfd_open(process.pid)
        try:
            poll = select.poll()
            poll.register(ended, select.POLLIN)
            poll.poll(timeout_s * 1000)
        finally:
            os.close(ended)
        timeout_s = 0
    process.wait(timeout_s)


def answer(program: str, *question: str) -> str:
    """Return what a program says to one option."""
    with tempfile.TemporaryDirectory(prefix="fpbay-") as folder:
        try:
            return run_tool([program, *question], Path(folder), timeout_s=10).stdout.strip()
        except subprocess.TimeoutExpired as error:
            raise ToolchainError(f"{program} does not answer {question[0]}") from error


def _installation(program: str) -> list[Path]:
    """Return the folders where a program and what belongs to it may be."""
    found = Path(shutil.which(program) or program).resolve().parent
    return [found, *(found.parent / name for name in ("lib", "libexec", "arm-none-eabi"))]


def _text(output: IO[bytes], folder: Path) -> str:
    """Return what a tool said; of much, the lines at its beginning and end, where the error is."""
    length = output.seek(0, os.SEEK_END)
    output.seek(0)
    said = output.read(MAX_TEXT if length <= MAX_TEXT else MAX_TEXT // 2)
    if length > MAX_TEXT:
        output.seek(-MAX_TEXT // 2, os.SEEK_END)
        first, last = said.rpartition(b"\n")[0], output.read().partition(b"\n")[2]
        said = b"\n".join((first, b"[the middle is left out]", last))
    return said.decode("utf-8", errors="replace").replace(f"{folder}/", "")
