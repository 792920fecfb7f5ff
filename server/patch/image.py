"""The firmware a patch is made for: its symbols and its flash contents, read from its ELF file.

Not modelled: C++ names are kept as the linker knows them, mangled; untyped assembler labels get
no Thumb bit, so only functions with a type can be called from a patch.
"""

import difflib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from elftools.common.exceptions import ELFError
from elftools.construct import ConstructError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Symbol as ElfSymbol
from elftools.elf.sections import SymbolTableSection

from firmware.target import Target, target_of
from server.errors import ElfError, NotPatchableError, RequestError, UnknownSymbolError

BRANCH_SIZE = 4  # bytes of the B.W that leads a call to a patch
CODE_REGION_END = 0x2000_0000  # a comparator of the FPB holds address bits [28:2] only
LARGEST_GAP = 0x10_0000  # segments farther apart are not one flash, e.g. option bytes
EF_ARM_ABI_FLOAT_HARD = 0x400
THUMB = 1
# The library reads what the file says without doubting it, so a damaged file fails in many ways.
UNREADABLE = (ELFError, ConstructError, ValueError, KeyError, TypeError, AttributeError, IndexError)

Kind = Literal["function", "variable"]
KINDS: dict[str, Kind] = {"STT_FUNC": "function", "STT_OBJECT": "variable"}


@dataclass(frozen=True, slots=True)
class Symbol:
    """A named place in the firmware."""

    name: str
    address: int  # without the Thumb bit
    size: int  # 0 for what assembler code did not size
    kind: Kind

    @property
    def value(self) -> int:
        """What a pointer to it holds: functions with the Thumb bit."""
        return self.address | THUMB if self.kind == "function" else self.address


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes and the address they are programmed to."""

    address: int
    data: bytes

    @property
    def end(self) -> int:
        return self.address + len(self.data)


@dataclass(frozen=True, slots=True, eq=False)
class FirmwareImage:
    """What the ELF says about the program on the board. Immutable.

    A name that stands for several places (statics of several files) is in `ambiguous` only; a
    global of the same name takes precedence over statics, as it does in C.
    """

    path: Path
    functions: Mapping[str, Symbol]
    variables: Mapping[str, Symbol]
    ambiguous: Mapping[str, tuple[Symbol, ...]]
    symbols: Mapping[str, int]  # for the linker: functions with the Thumb bit, variables plain
    segments: tuple[Segment, ...]  # ascending
    flash_address: int
    flash: bytes  # the whole image as programmed, gaps 0xFF
    target: Target  # what it was built for
    _code: tuple[Symbol, ...] = field(repr=False)  # all functions, ambiguous ones too, ascending
    _marks: tuple[tuple[int, bool], ...] = field(repr=False)  # where code (or data) begins

    def function(self, name: str) -> Symbol:
        """Return the function of that name, if the FPB can redirect it."""
        if name in self.ambiguous:
            places = " and ".join(f"0x{s.address:08X}" for s in self.ambiguous[name])
            raise UnknownSymbolError(
                name, reason=f"the firmware has several of that name: {places}"
            )
        if name in self.variables:
            raise UnknownSymbolError(name, reason="it is a variable, not a function")
        if name not in self.functions:
            raise UnknownSymbolError(name, close=close_names(name, self.functions))
        symbol = self.functions[name]
        if symbol.address >= CODE_REGION_END:
            raise NotPatchableError(
                name, symbol.address, "the FPB redirects code below 0x20000000 only"
            )
        if 0 < symbol.size < BRANCH_SIZE:  # 0: not known
            reason = (
                f"it has {symbol.size} bytes, and the branch to a patch takes {BRANCH_SIZE}:"
                " what follows it would be overwritten; patch a function that calls it"
            )
            raise NotPatchableError(name, symbol.address, reason)
        return symbol

    def function_at(self, address: int) -> Symbol | None:
        """Return the function that the address, Thumb bit or not, lies in."""
        address &= ~THUMB
        nearest = bisect_right(self._code, address, key=lambda symbol: symbol.address)
        for symbol in self._code[max(0, nearest - 8) : nearest][::-1]:
            if address == symbol.address or address < symbol.address + symbol.size:
                return symbol
        return None

    def code_of(self, function: Symbol) -> list[Segment]:
        """Return a function's code without the data in it; what was split off it comes last."""
        cold = [s for s in self._code if s.name.startswith(f"{function.name}.cold")]
        return [piece for part in (function, *cold) for piece in self._pieces(part)]

    def _pieces(self, part: Symbol) -> Iterator[Segment]:
        segment = next((s for s in self.segments if s.address <= part.address < s.end), None)
        if segment is None:
            raise RequestError(f"{self.path} has nothing for 0x{part.address:08X}")
        after = bisect_right(self._code, part.address, key=lambda symbol: symbol.address)
        ends = [segment.end, *(symbol.address for symbol in self._code[after : after + 1])]
        end = min(part.address + part.size, segment.end) if part.size else min(ends)
        start, is_code = part.address, True
        first = bisect_right(self._marks, (part.address, True))
        for place, marks_code in (*self._marks[first:], (end, False)):
            if is_code and start < min(place, end):
                yield Segment(start, self.flash_bytes(start, min(place, end) - start))
            if place >= end:
                return
            start, is_code = place, marks_code

    def search(self, query: str, limit: int = 50) -> list[Symbol]:
        """Return symbols whose name contains the query: functions first, best match first."""
        wanted = query.strip().lower()

        def rank(symbol: Symbol) -> tuple[bool, bool, bool, int, str]:
            name = symbol.name.lower()
            return (
                symbol.kind != "function",
                name != wanted,
                not name.startswith(wanted),
                len(name) if wanted else 0,
                symbol.name,
            )

        everything = (*self.functions.values(), *self.variables.values())
        return sorted((s for s in everything if wanted in s.name.lower()), key=rank)[:limit]

    def flash_bytes(self, address: int, length: int) -> bytes:
        """Return the bytes that the ELF puts at a physical address."""
        for segment in self.segments:
            if segment.address <= address and address + length <= segment.end:
                start = address - segment.address
                return segment.data[start : start + length]
        raise RequestError(f"{self.path} has nothing for 0x{address:08X}+{length}")


def close_names(name: str, names: Iterable[str]) -> list[str]:
    """Return up to three names that may have been meant."""
    return difflib.get_close_matches(name, names, n=3, cutoff=0.6)


def load_image(path: Path) -> FirmwareImage:
    """Read the ELF file of a firmware."""
    try:
        if path.exists() and not path.is_file():
            raise ElfError(str(path), "cannot be read: it is not a file")  # a FIFO may never open
        with path.open("rb") as stream:
            return _read(path, ELFFile(stream))
    except OSError as error:
        raise ElfError(str(path), f"cannot be read: {error.strerror}") from error
    except UNREADABLE as error:
        raise ElfError(str(path), f"is not an ELF file, or is damaged ({error})") from error


def _read(path: Path, elf: ELFFile) -> FirmwareImage:
    _check_header(path, elf)
    table = elf.get_section_by_name(".symtab")
    if not isinstance(table, SymbolTableSection):
        raise ElfError(
            str(path), "has no symbol table; use the file as the linker wrote it, not stripped"
        )
    everything = [*table.iter_symbols()]
    entries = [entry for entry in everything if _is_ours(entry)]
    groups: dict[str, dict[Symbol, bool]] = defaultdict(dict)  # name to symbol to "is global"
    for entry in entries:
        symbol = _symbol(entry)
        groups[symbol.name][symbol] = groups[symbol.name].get(symbol, False) or _is_global(entry)
    unique: dict[str, Symbol] = {}
    ambiguous: dict[str, tuple[Symbol, ...]] = {}
    for name, candidates in groups.items():
        chosen = [symbol for symbol, is_global in candidates.items() if is_global]
        if len(candidates) == 1 or len(chosen) == 1:
            unique[name] = (chosen or [*candidates])[0]
        else:
            ambiguous[name] = tuple(sorted(candidates, key=lambda symbol: symbol.address))
    segments = _segments(elf)
    flash = _flash(segments)
    if not flash:
        raise ElfError(str(path), "has nothing to program below 0x20000000: not a flash image")
    return FirmwareImage(
        path=path,
        functions=MappingProxyType({n: s for n, s in unique.items() if s.kind == "function"}),
        variables=MappingProxyType({n: s for n, s in unique.items() if s.kind == "variable"}),
        ambiguous=MappingProxyType(ambiguous),
        symbols=MappingProxyType({name: symbol.value for name, symbol in unique.items()}),
        segments=segments,
        flash_address=flash[0].address,
        flash=_joined(flash),
        target=_target(elf),
        _code=_code(groups),
        _marks=_marks(everything),
    )


def _target(elf: ELFFile) -> Target:
    section = elf.get_section_by_name(".ARM.attributes")
    is_hard_float = bool(elf["e_flags"] & EF_ARM_ABI_FLOAT_HARD)
    return target_of(b"" if section is None else section.data(), is_hard_float)


def _check_header(path: Path, elf: ELFFile) -> None:
    if elf["e_machine"] != "EM_ARM" or elf.elfclass != 32:
        raise ElfError(str(path), f"is for {elf.get_machine_arch()}, not for a Cortex-M")
    if not elf.little_endian:
        raise ElfError(str(path), "is big-endian; only little-endian parts are supported")
    if elf["e_type"] != "ET_EXEC":
        raise ElfError(str(path), "is not a linked program; give the ELF that was programmed")


def _is_ours(entry: ElfSymbol) -> bool:
    # `$t` and `$d` mark where code and data begin.
    if not entry.name or entry.name.startswith("$") or entry["st_shndx"] == "SHN_UNDEF":
        return False
    kind = entry["st_info"]["type"]
    # Symbols of the linker script have no type; local ones without a type are the assembler's.
    return kind in KINDS or (kind == "STT_NOTYPE" and _is_global(entry))


def _is_global(entry: ElfSymbol) -> bool:
    return bool(entry["st_info"]["bind"] != "STB_LOCAL")


def _symbol(entry: ElfSymbol) -> Symbol:
    kind = KINDS.get(entry["st_info"]["type"], "variable")
    address = entry["st_value"] & ~THUMB if kind == "function" else entry["st_value"]
    return Symbol(entry.name, address, entry["st_size"], kind)


def _code(groups: Mapping[str, Mapping[Symbol, bool]]) -> tuple[Symbol, ...]:
    """Return all functions; of several at one address the one to show, sized and global, last."""
    ranked = (
        (symbol.address, symbol.size > 0, is_global, symbol.name, symbol)
        for candidates in groups.values()
        for symbol, is_global in candidates.items()
        if symbol.kind == "function"
    )
    return tuple(row[-1] for row in sorted(ranked, key=lambda row: row[:-1]))


def _marks(entries: Iterable[ElfSymbol]) -> tuple[tuple[int, bool], ...]:
    """Return the mapping symbols: `$t` where Thumb code begins, `$d` where data does."""
    return tuple(
        sorted((e["st_value"], e.name[1] == "t") for e in entries if e.name[:2] in {"$t", "$d"})
    )


def _segments(elf: ELFFile) -> tuple[Segment, ...]:
    found: list[Segment] = []
    for segment in elf.iter_segments("PT_LOAD"):
        data = segment.data()
        if len(data) != segment["p_filesz"]:
            raise ELFError("the file ends inside a segment")
        skip = _headers_in(elf, segment["p_offset"], len(data))
        if data[skip:]:
            found.append(Segment(segment["p_paddr"] + skip, data[skip:]))
    return tuple(sorted(found, key=lambda segment: segment.address))


def _headers_in(elf: ELFFile, offset: int, size: int) -> int:
    """Return how many bytes of file headers the segment starts with.

    Linkers map the ELF and program headers into the first segment where the addresses leave room
    for them; nobody programs these.
    """
    if offset >= elf["e_phoff"] + elf["e_phnum"] * elf["e_phentsize"]:
        return 0
    starts = [
        section["sh_offset"] - offset
        for section in elf.iter_sections()
        if section["sh_flags"] & 0b10  # SHF_ALLOC
        and section["sh_type"] != "SHT_NOBITS"
        and offset <= section["sh_offset"] < offset + size
    ]
    return min(starts, default=size)


def _flash(segments: Iterable[Segment]) -> list[Segment]:
    """Return the largest run of segments with no large gap between them."""
    runs: list[list[Segment]] = []
    for segment in segments:
        if segment.address >= CODE_REGION_END:
            continue
        if runs and segment.address - runs[-1][-1].end < LARGEST_GAP:
            runs[-1].append(segment)
        else:
            runs.append([segment])
    runs.sort(key=lambda run: sum(len(segment.data) for segment in run))
    return runs[-1] if runs else []


def _joined(segments: list[Segment]) -> bytes:
    base = segments[0].address
    joined = bytearray(b"\xff") * (max(segment.end for segment in segments) - base)
    for segment in segments:
        start = segment.address - base
        joined[start : start + len(segment.data)] = segment.data
    return bytes(joined)
