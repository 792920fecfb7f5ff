"""Parser and codecs under random lines: no crash, no overflow, nothing malformed accepted."""

import subprocess
import sys
from pathlib import Path

import pytest

from firmware.build import SOURCE_DIRECTORY, WARNING_FLAGS

PORTABLE = ("base64.c", "command.c", "line.c")
FUZZER = Path(__file__).with_name("fuzz.c")
TIMEOUT_S = 900


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("fuzz") / "loader.so"
    checks = ["-fsanitize=undefined,integer", "-fno-sanitize=unsigned-shift-base"]
    checks += ["-fno-sanitize=unsigned-integer-overflow", "-fsanitize-trap=all"]
    flags = ["-std=c11", "-O1", "-shared", "-fPIC", "-I.", *WARNING_FLAGS, *checks]
    command = [sys.executable, "-m", "ziglang", "cc", *flags, *PORTABLE, str(FUZZER)]
    subprocess.run([*command, "-o", str(library)], cwd=SOURCE_DIRECTORY, check=True)
    return library


@pytest.mark.parametrize(
    ("seed", "lines"),
    [
        pytest.param(1, 20_000, id="short"),
        pytest.param(2, 1_000_000, id="million", marks=pytest.mark.slow),
    ],
)
def test_every_random_line_is_refused_or_understood(library: Path, seed: int, lines: int) -> None:
    command = [sys.executable, "-m", "tests.firmware.fuzz", str(library), str(seed), str(lines)]
    root = SOURCE_DIRECTORY.parent
    done = subprocess.run(
        command, cwd=root, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > lines // 20  # a fuzzer that only makes noise would test nothing
