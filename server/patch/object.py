"""An object file's sections and symbols, read once. System V ABI, chapter 4."""

import io
from dataclasses import dataclass
from typing import Self

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_TLS = 1 << 0, 1 << 1, 1 << 2, 1 << 10


@dataclass(frozen=True, slots=True)
class Section:
    """A section, without what it holds."""

    name: str
    kind: str  # "SHT_PROGBITS" and its like
    flags: int
    size: int  # bytes
    alignment: int

    @property
    def memory(self) -> int:
        """How many bytes it takes where the program runs."""
        return self.size if self.flags & SHF_ALLOC else 0


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the symbol table."""

    name: str
    kind: str  # "STT_FUNC" and its like
    is_local: bool
    is_defined: bool
    section: Section | None  # None: it is in none
    value: int  # an offset in its section


@dataclass(frozen=True, slots=True)
class ObjectFile:
    """A relocatable object file."""

    elf: bytes
    sections: tuple[Section, ...]
    symbols: tuple[Entry, ...]

    @property
    def memory(self) -> int:
        """How many bytes all of it takes where the program runs, without gaps."""
        return sum(section.memory for section in self.sections)

    @classmethod
    def read(cls, elf: bytes) -> Self:
        """Read what the compiler wrote."""
        file = ELFFile(io.BytesIO(elf))
        headers = [*file.iter_sections()]
        sections = tuple(
            Section(s.name, s["sh_type"], s["sh_flags"], s["sh_size"], s["sh_addralign"])
            for s in headers
        )
        table = next((s for s in headers if isinstance(s, SymbolTableSection)), None)
        symbols = (
            ()
            if table is None
            else tuple(
                Entry(
                    entry.name,
                    entry["st_info"]["type"],
                    is_local=entry["st_info"]["bind"] == "STB_LOCAL",
                    is_defined=entry["st_shndx"] != "SHN_UNDEF",
                    section=sections[at] if isinstance(at := entry["st_shndx"], int) else None,
                    value=entry["st_value"],
                )
                for entry in table.iter_symbols()
            )
        )
        return cls(elf, sections, symbols)
