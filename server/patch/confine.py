"""Confine a tool that works on a stranger's source: what it may use, and which files it may open.

Whoever may inject may run code on the board; that is no leave to read the host's files, as
`#include "/etc/passwd"` or `.incbin` would. Files are Linux's Landlock's to guard, where the kernel
has it; elsewhere a tool opens what this process may.

Sources: Linux, include/uapi/linux/landlock.h.
"""

import ctypes
import os
import resource
import struct
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

MEMORY = 1 << 30  # address space of each process: ten times what a patch takes
OUTPUT = 64 << 20  # of each file it writes
CPU_S = 240  # of each process; longer than any timeout here

SYS_CREATE_RULESET, SYS_ADD_RULE, SYS_RESTRICT_SELF = 444, 445, 446  # on every architecture
ASK_VERSION, RULE_PATH_BENEATH = 1, 1
FS_EXECUTE, FS_WRITE_FILE, FS_READ_FILE = 1 << 0, 1 << 1, 1 << 2
PR_SET_NO_NEW_PRIVS = 38
SYSTEM = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/dev/urandom")
SINK = "/dev/null"

T = TypeVar("T")


def limit(process: subprocess.Popen[bytes]) -> None:
    """Bound what a process that has just started may use, and those that it starts."""
    limits = {
        resource.RLIMIT_AS: MEMORY,
        resource.RLIMIT_FSIZE: OUTPUT,
        resource.RLIMIT_CPU: CPU_S,
        resource.RLIMIT_CORE: 0,
    }
    if not hasattr(resource, "prlimit"):  # only Linux limits another process
        return
    with suppress(ProcessLookupError):  # it has come to its end already
        for which, most in limits.items():
            resource.prlimit(process.pid, which, (most, most))


def guards_files() -> bool:
    """Return whether this system can keep a tool from opening files."""
    return bool(_libc().syscall(SYS_CREATE_RULESET, None, 0, ASK_VERSION) > 0)


def confined(start: Callable[[], T], readable: Sequence[Path], writable: Path) -> T:
    """Call `start` in a thread whose children open nothing but the system's and these files."""

    def run() -> T:
        _restrict_this_thread(readable, writable)
        return start()

    with ThreadPoolExecutor(1, "confined") as pool:  # a restricted thread is of no further use
        return pool.submit(run).result()


def _restrict_this_thread(readable: Sequence[Path], writable: Path) -> None:
    """Restrict this thread, for ever; what the process's other threads do is not touched."""
    if not guards_files():
        return
    libc = _libc()
    handled = struct.pack("Q", FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE)
    ruleset = libc.syscall(SYS_CREATE_RULESET, handled, len(handled), 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "the compiler cannot be confined")
    try:
        for path in (*map(Path, SYSTEM), *readable):
            _allow(libc, ruleset, path, FS_READ_FILE | FS_EXECUTE)
        _allow(libc, ruleset, Path(SINK), FS_READ_FILE | FS_WRITE_FILE)
        _allow(libc, ruleset, writable, FS_READ_FILE | FS_WRITE_FILE | FS_EXECUTE)
        if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.syscall(
            SYS_RESTRICT_SELF, ruleset, 0
        ):
            raise OSError(ctypes.get_errno(), "the compiler cannot be confined")
    finally:
        os.close(ruleset)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, access: int) -> None:
    with suppress(FileNotFoundError):  # not every system has all of these
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            rule = struct.pack("=Qi", access, descriptor)
            if libc.syscall(SYS_ADD_RULE, ruleset, RULE_PATH_BENEATH, rule, 0):
                raise OSError(ctypes.get_errno(), f"{path} cannot be opened to the compiler")
        finally:
            os.close(descriptor)
