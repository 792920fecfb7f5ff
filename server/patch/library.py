"""Arithmetic helpers that compilers call and small firmware lacks.

64-bit division, floating point, memcpy and their kin come from the compiler-rt that ziglang
brings as source. It is built once per user, in about four seconds, and kept in the cache folder.
"""

import functools
import os
import shutil
import subprocess
import tempfile
import zlib
from importlib.metadata import version
from pathlib import Path

from server.errors import ToolchainError
from server.patch.tools import run_tool, zig_program

SOFT = ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m3")  # runs on all later cores, too
HARD = ("-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4+vfp4d16sp")
OPTIONS = ("-OReleaseSmall", "-fstrip", "-ffunction-sections", "-fdata-sections")
BUILD_TIMEOUT_S = 180


@functools.lru_cache(maxsize=2)
def compiler_rt(*, is_hard_float: bool) -> Path:
    """Return the archive of helpers for a way to pass floats, built now if it never was."""
    folder = _cache_folder()
    options = (*(HARD if is_hard_float else SOFT), *OPTIONS)
    recipe = zlib.crc32(" ".join(options).encode())
    archive = folder / f"compiler_rt-{version('ziglang')}-{recipe:08x}.a"
    if not archive.exists():
        _build(archive, options)
    return archive


def _build(archive: Path, options: tuple[str, ...]) -> None:
    """Build beside the archive and rename, so that two builds at once do no harm."""
    scratch = Path(tempfile.mkdtemp(prefix="build-", dir=archive.parent))
    zig = zig_program()
    caches = ("--cache-dir", scratch / "local", "--global-cache-dir", scratch / "global")
    sources = zig.parent / "lib" / "compiler_rt.zig"
    output = scratch / "out.a"
    command: tuple[str | Path, ...] = (
        zig,
        "build-lib",
        sources,
        *options,
        *caches,
        f"-femit-bin={output}",
    )
    try:
        finished = run_tool(command, scratch, BUILD_TIMEOUT_S)
        if finished.status:
            raise ToolchainError("the helper library cannot be built", stderr=finished.stderr)
        output.replace(archive)
    except (subprocess.TimeoutExpired, OSError) as error:
        raise ToolchainError(f"the helper library cannot be built: {error}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _cache_folder() -> Path:
    """Return the user's cache folder; one for this process only where there is none."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "fpbay"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="fpbay-"))
    return folder if os.access(folder, os.W_OK) else Path(tempfile.mkdtemp(prefix="fpbay-"))
