"""Build the C files into a shared library, once per content, with the compiler that ziglang brings.

`python -m emulator.native.build` builds it ahead of time; otherwise the first board does.
"""

import ctypes
import hashlib
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from emulator.errors import EmulatorError

FOLDER = Path(__file__).parent
SOURCES, HEADERS = (tuple(sorted(FOLDER.glob(f"*.{kind}"))) for kind in "ch")
FLAGS = (
    *(
        "-std=c11",
        "-O2",
        "-g0",
        "-fomit-frame-pointer",
        "-shared",
        "-fPIC",
        "-Wall",
        "-Wextra",
        "-Werror",
    ),
    "-mcpu=baseline",  # the library may be used on another machine of the same kind
)


def library_path() -> Path:
    """Return the shared library of today's sources, building it when it is not there yet.

    Errors: EmulatorError when neither the package's folder nor the user's cache can be written,
    or when the compiler fails.
    """
    name = f"clock-{_content_hash()}.so"
    folders = (FOLDER / "build", _user_cache())
    for folder in folders:
        if (folder / name).exists():
            return folder / name
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return _build(folder / name)
    raise EmulatorError(f"nowhere to build the native clock: none of {folders} can be written")


def _content_hash() -> str:
    files = b"".join(path.read_bytes() for path in (*SOURCES, *HEADERS))
    content = files + " ".join(FLAGS).encode() + sys.platform.encode()
    return hashlib.sha256(content).hexdigest()[:16]


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fpbay"


def _build(library: Path) -> Path:
    """Compile into a folder of its own, then rename: two processes may build at once."""
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        fresh = Path(folder) / library.name
        sources = [str(path) for path in SOURCES]
        command = [sys.executable, "-m", "ziglang", "cc", *FLAGS, "-o", str(fresh), *sources]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise EmulatorError(f"the native clock does not compile:\n{result.stderr}")
        fresh.replace(library)
    return library


@cache
def load() -> ctypes.PyDLL:
    """Load the library; one of its functions is for Unicorn to find.

    Calls keep the interpreter's lock: they are over at once.
    """
    return ctypes.PyDLL(str(library_path()), ctypes.RTLD_GLOBAL)


if __name__ == "__main__":
    sys.stdout.write(f"{library_path()}\n")
