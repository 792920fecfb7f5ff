"""A firmware image: what is programmed into a part's flash, and the names in it.

Errors are `ImageError` and name what would be right.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from emulator.errors import ImageError
from firmware.target import Target, target_of

# Elf32_Sym: st_name, st_value, st_size, st_info, st_other, st_shndx.
SYMBOL = struct.Struct("<IIIBBH")
STT_FUNC, STT_SECTION, STT_FILE = 2, 3, 4  # low bits of st_info
ELF_MAGIC = b"\x7fELF"
EF_ARM_ABI_FLOAT_HARD = 0x400  # of e_flags
UNKNOWN_TARGET = Target()
AGAIN = "copy it again, or rebuild it"


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes and the address they are programmed at."""

    address: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Image:
    """An ELF file, read once."""

    path: Path
    segments: tuple[Segment, ...]
    symbols: Mapping[str, int]  # functions without the Thumb bit; where a name repeats, the last
    functions: tuple[tuple[int, int, str], ...]  # (address, size, name), by address
    target: Target = UNKNOWN_TARGET

    def function_at(self, address: int) -> str | None:
        """Return the name of the function whose code holds an address."""
        for begin, size, name in self.functions:
            if begin <= address < begin + max(size, 2):
                return name
        return None


def load_image(path: Path) -> Image:
    """Read an ELF file for a little-endian Arm core."""
    magic = b""
    try:
        if path.exists() and not path.is_file():  # a FIFO may never open
            raise ImageError(path, "not a file", "give the path of an ELF file")
        with path.open("rb") as file:
            magic = file.read(len(ELF_MAGIC))
            return _read(path, ELFFile(file))
    except FileNotFoundError:
        raise ImageError(path, "no such file", "give the path of an ELF file") from None
    except OSError as error:
        raise ImageError(path, f"cannot be read ({error.strerror})", "check the path") from error
    except ELFError as error:
        if magic == ELF_MAGIC:
            raise ImageError(path, f"truncated or damaged ({error})", AGAIN) from error
        remedy = "give the linker's .elf or .axf output, not a .bin or .hex"
        raise ImageError(path, f"not an ELF file ({error})", remedy) from error
    except ValueError as error:  # a path with a NUL in it
        raise ImageError(path, f"cannot be read ({error})", "check the path") from error


def _read(path: Path, elf: ELFFile) -> Image:
    if elf["e_machine"] != "EM_ARM":
        machine = str(elf["e_machine"]).removeprefix("EM_")
        raise ImageError(path, f"built for {machine}", "build it for a Cortex-M part")
    if not elf.little_endian:
        raise ImageError(path, "big-endian", "build it little-endian, as the part is")
    loaded = [s for s in elf.iter_segments() if s["p_type"] == "PT_LOAD" and s["p_filesz"]]
    if not loaded:
        raise ImageError(path, "nothing to load", "link it; an object file has no addresses")
    if any(len(segment.data()) != segment["p_filesz"] for segment in loaded):
        raise ImageError(path, "truncated", AGAIN)
    segments = tuple(Segment(segment["p_paddr"], segment.data()) for segment in loaded)
    symbols, functions = _read_symbols(elf)
    return Image(path, segments, symbols, functions, _read_target(elf))


def _read_target(elf: ELFFile) -> Target:
    section = elf.get_section_by_name(".ARM.attributes")
    is_hard_float = bool(elf["e_flags"] & EF_ARM_ABI_FLOAT_HARD)
    return target_of(b"" if section is None else section.data(), is_hard_float)


def _read_symbols(elf: ELFFile) -> tuple[dict[str, int], tuple[tuple[int, int, str], ...]]:
    """Read the symbol tables. By hand: pyelftools takes some 30 us for each symbol."""
    symbols: dict[str, int] = {}
    functions: list[tuple[int, int, str]] = []
    for table in (t for t in elf.iter_sections() if isinstance(t, SymbolTableSection)):
        names, entries = table.stringtable.data(), table.data()
        whole = len(entries) // SYMBOL.size * SYMBOL.size
        for at, value, size, info, _, _ in SYMBOL.iter_unpack(entries[:whole]):
            name = names[at : names.find(b"\0", at)].decode(errors="replace")
            kind = info & 0xF
            if not name or name.startswith("$") or kind in {STT_SECTION, STT_FILE}:
                continue
            if kind == STT_FUNC:
                functions.append((value & ~1, size, name))
            symbols[name] = value & ~1 if kind == STT_FUNC else value
    return symbols, tuple(sorted(functions))
