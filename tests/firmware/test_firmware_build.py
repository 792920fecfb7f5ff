"""The build: reproducible, atomic, and honest about what it cannot do."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import firmware.build
from firmware.build import FirmwareBuildError, firmware_elf, flash_image, intel_hex, main

SUFFIXES = (".elf", ".map", ".bin", ".hex")


def build_elsewhere(directory: Path) -> Path:
    """Build a copy of the sources, with a compiler that has no cache yet."""
    source = Path(firmware.build.__file__).parent
    shutil.copytree(source, directory / "firmware", ignore=shutil.ignore_patterns("build"))
    environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": str(directory / "zig-cache")}
    command = [sys.executable, "-m", "firmware.build"]
    subprocess.run(command, cwd=directory, env=environment, check=True, capture_output=True)
    return directory / "firmware" / "build" / "stm32f103c8" / "fpbay.elf"


def test_two_builds_in_different_directories_are_identical_to_the_byte(
    elf: Path, tmp_path: Path
) -> None:
    other = build_elsewhere(tmp_path / "some where else")
    for suffix in SUFFIXES:
        assert other.with_suffix(suffix).read_bytes() == elf.with_suffix(suffix).read_bytes()


def test_elf_names_no_path_of_the_machine_it_was_built_on(elf: Path) -> None:
    assert str(Path(firmware.build.__file__).parent).encode() not in elf.read_bytes()


def test_bin_and_hex_are_what_the_elf_programs(elf: Path) -> None:
    address, image = flash_image(elf)
    assert address == 0x0800_0000
    assert elf.with_suffix(".bin").read_bytes() == image
    assert from_intel_hex(elf.with_suffix(".hex").read_text()) == (address, image)


def test_intel_hex_crosses_a_64_kib_boundary() -> None:
    data = bytes(range(40))
    assert from_intel_hex(intel_hex(0x0800_FFF0, data)) == (0x0800_FFF0, data)


def from_intel_hex(text: str) -> tuple[int, bytes]:
    upper, start, data = 0, None, b""
    for line in text.splitlines():
        record = bytes.fromhex(line.removeprefix(":"))
        assert sum(record) & 0xFF == 0
        assert len(record) == record[0] + 5
        if record[3] == 0x04:
            upper = int.from_bytes(record[4:6], "big") << 16
        elif record[3] == 0x00:
            address = upper + int.from_bytes(record[1:3], "big")
            start = address if start is None else start
            assert address == start + len(data)
            data += record[4:-1]
    assert start is not None
    return start, data


def test_current_elf_is_not_built_again(elf: Path) -> None:
    before = elf.stat().st_mtime_ns
    assert firmware_elf() == elf
    assert elf.stat().st_mtime_ns == before


def test_changed_source_is_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "firmware"
    shutil.copytree(firmware.build.SOURCE_DIRECTORY, source)
    monkeypatch.setattr(firmware.build, "SOURCE_DIRECTORY", source)
    before = firmware_elf().read_bytes()
    blink = source / "demo" / "blink.c"
    blink.write_text(blink.read_text().replace("return 500;", "return 501;"))
    assert firmware_elf().read_bytes() != before


def test_source_that_does_not_compile_is_an_error_and_the_old_elf_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "firmware"
    shutil.copytree(firmware.build.SOURCE_DIRECTORY, source, ignore=shutil.ignore_patterns("build"))
    monkeypatch.setattr(firmware.build, "SOURCE_DIRECTORY", source)
    elf = firmware_elf()
    before = elf.read_bytes()
    (source / "main.c").write_text("int main(void) { return x; }\n")
    with pytest.raises(FirmwareBuildError) as caught:
        firmware_elf()
    assert "main.c:1:" in caught.value.stderr
    assert elf.read_bytes() == before
    assert not list(elf.parent.glob("new-*"))


def test_read_only_installation_builds_into_the_cache_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "firmware"
    shutil.copytree(firmware.build.SOURCE_DIRECTORY, source, ignore=shutil.ignore_patterns("build"))
    (source / "build").write_text("a file, so that no directory can be made here, not even by root")
    monkeypatch.setattr(firmware.build, "SOURCE_DIRECTORY", source)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    elf = firmware_elf()
    assert elf.is_relative_to(tmp_path / "cache")
    assert firmware_elf() == elf


def test_unknown_part_names_those_there_are() -> None:
    with pytest.raises(ValueError, match="stm32f103c8"):
        firmware_elf("stm32h7")


def test_unknown_variant_names_those_there_are() -> None:
    with pytest.raises(ValueError, match="level1"):
        firmware_elf(variant="level0")


def test_variant_and_other_program_are_built_beside_the_firmware(elf: Path) -> None:
    program = Path(__file__).parent / "abi"
    others = [firmware_elf(variant="level1"), firmware_elf(program=program)]
    assert len({elf, *others}) == len({path.read_bytes() for path in (elf, *others)}) == 3
    assert [path.parent.name for path in others] == ["stm32f103c8-level1", "stm32f103c8-abi"]


def test_command_prints_the_sizes(elf: Path) -> None:
    result = CliRunner().invoke(main)
    assert result.exit_code == 0
    assert str(elf) in result.output
    assert f"image      0x08000000 {len(elf.with_suffix('.bin').read_bytes()):>7}" in result.output


def test_command_fails_for_an_unknown_part() -> None:
    assert CliRunner().invoke(main, ["z80"]).exit_code == 1
