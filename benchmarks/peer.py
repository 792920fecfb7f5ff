"""The public `fpbinject` command line, from the registry, in a venv of its own under build/."""

import fcntl
import subprocess
import venv
from pathlib import Path

PACKAGE = "fpbinject==1.6.11"
FOLDER = Path(__file__).parent.parent / "build" / PACKAGE.replace("==", "-")
INSTALL_S = 300


def install_peer(folder: Path = FOLDER) -> Path:
    """Return its program, installed now if it never was; one process at a time.

    CalledProcessError and TimeoutExpired say that it cannot be had here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    program, done = folder / "bin" / "fpbinject", folder / "installed"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            venv.create(folder, with_pip=True)
            pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", PACKAGE]
            subprocess.run(pip, check=True, capture_output=True, text=True, timeout=INSTALL_S)
            done.touch()
    return program
