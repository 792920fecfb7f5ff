"""An installation that is no checkout: what the wheel lacks, nobody has."""

import os
import re
import shutil
import site
import subprocess
import sys
import venv
from pathlib import Path

import httpx
import pytest

from tests.server.clients import BLINK_FAST, Json, follow, wait_until

ROOT = Path(__file__).parents[1]
NOT_COPIED = shutil.ignore_patterns(".*", "build", "*.egg-info", "__pycache__", "tests")
URL = re.compile(r"http://\S+:\d+")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an environment's programs, into which the wheel was installed."""
    folder = tmp_path_factory.mktemp("wheel")
    source, environment = folder / "source", folder / "environment"
    shutil.copytree(ROOT, source, symlinks=True, ignore=NOT_COPIED)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", folder, source], check=True)
    (wheel,) = folder.glob("*.whl")
    venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    subprocess.run([*pip, "--python", python, "install", "--no-deps", wheel], check=True)
    # What it depends on is taken from here; the checkout is not, since only a folder that Python
    # itself finds has its .pth files read.
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()))
    return environment / "bin"


def status_of(client: httpx.Client) -> Json:
    found: Json = client.get("/api/status").json()
    return found


def test_installed_server_has_the_page_and_injects(installed: Path, tmp_path: Path) -> None:
    serve: list[str | Path] = [installed / "fpbay", "serve", "--port", "emu://stm32f103c8?rate=20"]
    options = ["--http", "127.0.0.1:0", "--data", ":memory:"]
    paths = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    with subprocess.Popen(
        [*serve, *options],
        cwd=tmp_path,
        env={**os.environ, **paths, "PYTHONPATH": ""},
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            found = URL.search(server.stdout.readline())
            assert found
            with httpx.Client(base_url=found[0], timeout=60) as client:
                for file in (ROOT / "static").rglob("*.*"):
                    path = f"/static/{file.relative_to(ROOT / 'static')}"
                    answer = client.get(path)
                    assert (answer.status_code, answer.content) == (200, file.read_bytes()), path
                assert client.get("/").content == (ROOT / "static" / "index.html").read_bytes()
                # The first start builds the board's firmware.
                wait_until(lambda: status_of(client)["state"] != "connecting", timeout_s=60)
                status = status_of(client)
                assert status["state"] == "connected", status
                assert not status["elf"].startswith(str(ROOT))
                end = follow(client, "/api/fpb/inject/stream", {"source": BLINK_FAST})[-1]
                assert (end["type"], end["state"]) == ("end", "succeeded")
        finally:
            server.terminate()
