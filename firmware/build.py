"""Build the firmware with the clang and lld of the `ziglang` package; no system compiler.

`python -m firmware.build` builds and prints what fits where. Two builds of the same sources are
identical to the byte, wherever they happen: objects are compiled in a fixed order with relative
paths, and the only thing that stands for a version is the hash of all inputs.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import click
from elftools.elf.elffile import ELFFile

SOURCE_DIRECTORY = Path(__file__).resolve().parent
NAME = "fpbay"

VARIANTS: Mapping[str, tuple[str, ...]] = {
    "": (),
    "level1": ("-DPOLICY_LEVEL=1",),  # a stand-in for boards in the field; see policy.h
}

TARGETS: Mapping[str, tuple[str, ...]] = {
    "stm32f103c8": ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m3"),
    "stm32f405": ("-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4+vfp4d16sp"),
    "stm32l552": ("-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m33+fp_armv8d16sp"),
}
SHARED: Mapping[str, tuple[str, ...]] = {  # folders that parts have in common, beside their own
    "stm32f103c8": ("core", "stm32", "usart_v1", "stm32f103"),
    "stm32f405": ("core", "stm32", "usart_v1", "gpio_v2"),
    "stm32l552": ("core", "stm32", "usart_v2", "gpio_v2"),
}
CODE_FLAGS = (
    *("-std=c11", "-ffreestanding", "-Os", "-g", "-ffunction-sections", "-fdata-sections"),
    *("-fno-sanitize=all", "-fno-stack-protector"),  # zig cc turns both on by itself
    *("-fno-unwind-tables", "-fno-asynchronous-unwind-tables"),
    *("-ffile-compilation-dir=.", "-fno-ident"),
)
WARNING_FLAGS = (
    *("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wundef"),
    *("-Wstrict-prototypes", "-Wmissing-prototypes", "-Wcast-align", "-Wcast-qual", "-Werror"),
)
LINK_FLAGS = ("--gc-sections", "--build-id=none", "--fatal-warnings", "-z", "max-page-size=4")


class FirmwareBuildError(RuntimeError):
    """A compiler or linker refused the firmware; `stderr` holds its words."""

    def __init__(self, stage: str, stderr: str) -> None:
        super().__init__(f"firmware does not {stage}:\n{stderr}")
        self.stage = stage
        self.stderr = stderr


def firmware_elf(
    part: str = "stm32f103c8", *, variant: str = "", program: Path | None = None
) -> Path:
    """Return the firmware's ELF for `part`, building it first if any source changed.

    Beside it lie the same image as .bin and .hex, and the linker's .map. `program` is the folder
    of another program around the loader than the demo.
    """
    if not (SOURCE_DIRECTORY / part / "layout.ld").is_file():
        raise ValueError(f"no firmware for part {part!r}; there is one for: {', '.join(parts())}")
    if variant not in VARIANTS:
        raise ValueError(f"no variant {variant!r} of the firmware; there are: {sorted(VARIANTS)}")
    plan = _Plan(part, variant, SOURCE_DIRECTORY / "demo" if program is None else program)
    build_hash = plan.hash_of_inputs()
    refused: OSError | None = None
    for directory in plan.output_directories():
        elf = directory / f"{NAME}.elf"
        if _is_current(elf, build_hash):
            return elf
        try:
            directory.mkdir(parents=True, exist_ok=True)
            # Built aside and renamed into place: who builds at the same time, or reads, sees whole
            # files. The stamp comes last, so an interrupted build is done again.
            with tempfile.TemporaryDirectory(dir=directory, prefix="new-") as scratch:
                _build(plan, build_hash, Path(scratch))
                for suffix in (".map", ".bin", ".hex", ".elf", ".stamp"):
                    (Path(scratch) / f"{NAME}{suffix}").replace(elf.with_suffix(suffix))
        except OSError as error:  # installed read-only: try the next directory
            refused = error
        else:
            return elf
    raise FirmwareBuildError("find a directory to be built in", str(refused))


def parts() -> list[str]:
    """Return the names of the parts there is firmware for."""
    return sorted(script.parent.name for script in SOURCE_DIRECTORY.glob("*/layout.ld"))


def _is_current(elf: Path, build_hash: str) -> bool:
    stamp = elf.with_suffix(".stamp")
    return elf.is_file() and stamp.is_file() and stamp.read_text("ascii") == build_hash


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to build: the loader, what parts share, the part's own files, and a program."""

    part: str
    variant: str
    program: Path

    @property
    def name(self) -> str:
        program = "" if self.program == SOURCE_DIRECTORY / "demo" else self.program.name
        return "-".join(filter(None, (self.part, self.variant, program)))

    @property
    def directories(self) -> list[Path]:
        shared = [SOURCE_DIRECTORY / name for name in SHARED[self.part]]
        return [SOURCE_DIRECTORY, *shared, self.program, SOURCE_DIRECTORY / self.part]

    @property
    def flags(self) -> list[str]:
        includes = [f"-I{_relative(path)}" for path in self.directories]
        return [
            *TARGETS[self.part],
            *CODE_FLAGS,
            *WARNING_FLAGS,
            *VARIANTS[self.variant],
            *includes,
        ]

    @property
    def script_folders(self) -> list[str]:
        """Where a linker script finds what it includes."""
        return [f"-L{directory}" for directory in self.directories]

    def output_directories(self) -> list[Path]:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return [SOURCE_DIRECTORY / "build" / self.name, cache / "fpbay" / "firmware" / self.name]

    def sources(self, *patterns: str) -> Iterator[Path]:
        """Yield the source files in an order that is the same everywhere."""
        for directory in self.directories:
            yield from sorted(path for pattern in patterns for path in directory.glob(pattern))

    def hash_of_inputs(self) -> str:
        digest = hashlib.sha256(Path(__file__).read_bytes())
        digest.update(f"{self.name} ziglang {version('ziglang')}".encode())
        for path in self.sources("*.c", "*.h", "*.ld"):
            content = path.read_bytes()
            name = _relative(path).as_posix()
            digest.update(f"{name} {len(content)}\n".encode() + content)
        return digest.hexdigest()[:16]


def _relative(path: Path) -> Path:
    """Return a path as the compiler gets it: the same on every machine."""
    return Path(os.path.relpath(path, SOURCE_DIRECTORY))


def _build(plan: _Plan, build_hash: str, scratch: Path) -> None:
    """Compile, link and convert into `scratch`."""
    sources = [_relative(path) for path in plan.sources("*.c")]
    objects = [Path(f"{n}-{source.stem}.o") for n, source in enumerate(sources)]
    flags = [*plan.flags, f'-DFIRMWARE_BUILD="{build_hash}"']

    def compile_one(source: Path, output: Path) -> None:
        arguments = ["cc", *flags, "-c", str(source), "-o", str(scratch / output)]
        _run("compile", arguments, cwd=SOURCE_DIRECTORY)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_one, sources, objects))

    elf = scratch / f"{NAME}.elf"
    script = SOURCE_DIRECTORY / plan.part / "layout.ld"
    # In the scratch directory, so that no path of this machine enters the map.
    command = [
        "ld.lld",
        *LINK_FLAGS,
        "-T",
        str(script),
        *plan.script_folders,
        f"-Map={NAME}.map",
        "-o",
        elf.name,
    ]
    _run("link", [*command, *map(str, objects)], cwd=scratch)

    address, image = flash_image(elf)
    elf.with_suffix(".bin").write_bytes(image)
    elf.with_suffix(".hex").write_text(intel_hex(address, image), "ascii")
    elf.with_suffix(".stamp").write_text(build_hash, "ascii")


def _run(stage: str, arguments: list[str], *, cwd: Path) -> None:
    command = [sys.executable, "-m", "ziglang", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise FirmwareBuildError(stage, done.stderr)


def flash_image(elf: Path) -> tuple[int, bytes]:
    """Return the address and the bytes that the ELF programs into flash, without gaps."""
    with elf.open("rb") as file:
        loads = sorted(
            (segment["p_paddr"], segment.data())
            for segment in ELFFile(file).iter_segments("PT_LOAD")
            if segment["p_filesz"]
        )
    address = loads[0][0]
    image = b""
    for start, data in loads:
        if start != address + len(image):
            raise FirmwareBuildError("fill its image", f"gap before {start:#010x}")
        image += data
    return address, image


def intel_hex(address: int, data: bytes) -> str:
    """Return `data` as Intel HEX records of 16 bytes. Source: Intel, Hexadecimal Object File."""

    def record(kind: int, offset: int, payload: bytes) -> str:
        body = bytes([len(payload), *offset.to_bytes(2, "big"), kind]) + payload
        return f":{(body + bytes([-sum(body) & 0xFF])).hex().upper()}\n"

    lines: list[str] = []
    upper = -1
    for offset in range(0, len(data), 16):
        if (address + offset) >> 16 != upper:
            upper = (address + offset) >> 16
            lines.append(record(0x04, 0, upper.to_bytes(2, "big")))
        lines.append(record(0x00, (address + offset) & 0xFFFF, data[offset : offset + 16]))
    return "".join([*lines, record(0x01, 0, b"")])


def section_sizes(elf: Path) -> list[tuple[str, int, int]]:
    """Return name, address and size of every section that occupies memory on the part."""
    with elf.open("rb") as file:
        return [
            (section.name, section["sh_addr"], section["sh_size"])
            for section in ELFFile(file).iter_sections()
            if section["sh_flags"] & 0x2 and section["sh_size"]  # SHF_ALLOC
        ]


@click.command()
@click.argument("part", default="stm32f103c8")
@click.option(
    "--variant",
    type=click.Choice(sorted(VARIANTS)),
    default="",
    help="level1: a stand-in for boards in the field, with their limits.",
)
def main(part: str, variant: str) -> None:
    """Build the firmware for PART and print what fits where."""
    try:
        elf = firmware_elf(part, variant=variant)
    except (FirmwareBuildError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    address, image = flash_image(elf)
    click.echo(f"{elf}\n\n{'section':<10} {'address':>10} {'bytes':>7}")
    for name, start, size in section_sizes(elf):
        click.echo(f"{name:<10} {start:#010x} {size:>7}")
    click.echo(f"{'image':<10} {address:#010x} {len(image):>7}")


if __name__ == "__main__":
    main()
