"""Object file to the bytes for one address of the board's memory.

Code, constants, variables and zeroed variables follow each other in one piece, and all of it is
uploaded: nobody clears .bss on the board. What the patch does not define itself gets the
firmware's address, functions with the Thumb bit; what the firmware lacks comes from the helper
libraries; what stands for an original (FPB_ORIGINAL) is written into the piece, last.
"""

import io
import re
import struct
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Section as LinkedSection

from server.errors import LinkError, ToolchainError
from server.patch.compile import KEEP, ORIGINAL, PatchObject
from server.patch.image import THUMB, FirmwareImage, Symbol, close_names
from server.patch.library import compiler_rt
from server.patch.object import SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, ObjectFile, Section
from server.patch.original import relocate
from server.patch.tools import run_tool

ALIGNMENT = 8  # of the address; what the loader's memory and the AAPCS stack have in common
TRIAL_ADDRESS = 0x2000_0000  # where a patch is linked to learn its size, if no place is likelier
TIMEOUT_S = 30.0

SCRIPT = """\
{symbols}
SECTIONS
{{
  . = ADDRESS;
  .patch :
  {{
    KEEP(patch.o("{first}"))
    {sections}
    *(.text .text.*) *(.rodata .rodata.*) *(.data .data.*) *(.bss .bss.* COMMON)
    {originals}
  }}
  /DISCARD/ : {{ {not_linked} }}
}}
"""
# Unwind tables, remarks of the compiler, and what kept static functions in the object file.
NOT_LINKED = (".ARM.ex", ".eh_frame", ".comment", ".note", ".llvm", KEEP)
NAME = re.compile(r"[\w.$+-]+")  # of a section, lest it ends the quoted string it is put into
# lld: `error: undefined symbol: x`; GNU ld: "undefined reference to `x'".
UNDEFINED = re.compile(r"undefined (?:\w+ )?symbol: (.+)|undefined reference to `([^']+)'")


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch ready to be uploaded."""

    function: Symbol
    address: int
    code: bytes  # everything to upload: code, constants, variables, zeroed variables
    entry: int  # Thumb bit set


@dataclass(frozen=True, slots=True)
class LinkedPatch:
    """A patch linked for one address, and what the link for another can take over."""

    patch: Patch
    originals: tuple[Symbol, ...]  # of the functions whose originals it calls
    obj: PatchObject
    script: str
    libraries: tuple[Path, ...]

    @property
    def size(self) -> int:
        """How many bytes the patch takes, wherever it is put."""
        return len(self.patch.code)

    def at(self, address: int) -> Patch:
        """Return the patch for an address, which is a multiple of 8."""
        if address == self.patch.address:
            return self.patch
        if address % ALIGNMENT:
            raise LinkError(f"0x{address:08X} is not a multiple of {ALIGNMENT}")
        code = _code(_run(self.obj, self.script, address, self.libraries))
        if len(code) != self.size:
            raise LinkError(
                f"the patch has {len(code)} bytes at 0x{address:08X}, {self.size} elsewhere:"
                " its size must not depend on its address"
            )
        entry = self.patch.entry - self.patch.address + address
        return Patch(self.patch.function, address, code, entry)


def expected_size(obj: PatchObject) -> int:
    """Return how many bytes the patch will about take: without libraries, with what is dropped."""
    return sum(section.memory for section in _linked_sections(obj.file))


def link_patch(
    obj: PatchObject, image: FirmwareImage, function: Symbol, likely: int | None = None
) -> LinkedPatch:
    """Link a patch to learn its size: for the address it will have, if that is guessed well."""
    address = TRIAL_ADDRESS if likely is None or likely % ALIGNMENT else likely
    section, offset = _entry(function.name, obj)
    script = _script(obj.file, section, image)
    libraries, built = obj.toolchain.libraries, True
    linked = _run(obj, script, address, libraries)
    # Only now is it known which are called by what is linked.
    originals = tuple(
        image.function(n.removeprefix(ORIGINAL)) for n in linked.undefined if ORIGINAL in n
    )
    if originals:
        script = _script(obj.file, section, image, originals)
        linked = _run(obj, script, address, libraries)
    if linked.undefined:
        try:
            libraries = (
                *libraries,
                compiler_rt(is_hard_float=obj.toolchain.architecture.is_hard_float),
            )
        except ToolchainError:
            built = False
        else:
            linked = _run(obj, script, address, libraries)
    if linked.undefined:
        raise _undefined_error(linked, image, built)
    patch = Patch(function, address, _code(linked), address + offset | THUMB)
    return LinkedPatch(patch, originals, obj, script, libraries)


@dataclass(frozen=True, slots=True)
class _Linked:
    """The linker's outcome: an ELF file, or the names it lacked."""

    elf: bytes
    undefined: tuple[str, ...]
    stderr: str


def _run(obj: PatchObject, script: str, address: int, libraries: Sequence[Path]) -> _Linked:
    with tempfile.TemporaryDirectory(prefix="fpbay-") as temporary:
        folder = Path(temporary)
        (folder / "patch.o").write_bytes(obj.file.elf)
        (folder / "patch.ld").write_text(script.replace("ADDRESS", f"{address:#x}", 1))
        options = ("--gc-sections", "-n", "-e", "0", "-T", "patch.ld", "-o", "patch.elf")
        command: list[str | Path] = [*obj.toolchain.linker, *options, "patch.o", *libraries]
        try:
            finished = run_tool(command, folder, TIMEOUT_S, libraries)
        except subprocess.TimeoutExpired as error:
            raise LinkError(f"the linker had not finished after {TIMEOUT_S:g} s") from error
        if finished.status == 0:
            return _Linked((folder / "patch.elf").read_bytes(), (), finished.stderr)
    names = dict.fromkeys(m[1] or m[2] for m in UNDEFINED.finditer(finished.stderr))
    if not names:
        raise LinkError(_first_line(finished.stderr), stderr=finished.stderr)
    return _Linked(b"", tuple(names), finished.stderr)


def _code(linked: _Linked) -> bytes:
    """Return the bytes of the one section that may occupy memory."""
    file = ELFFile(io.BytesIO(linked.elf))
    patch = file.get_section_by_name(".patch")
    strays = [
        section.name
        for section in file.iter_sections()
        if section["sh_flags"] & SHF_ALLOC and section["sh_size"] and section.name != ".patch"
    ]
    if strays or not isinstance(patch, LinkedSection):
        raise LinkError(
            f"the patch has sections that are neither code nor data: {', '.join(strays)}",
            stderr=linked.stderr,
        )
    return patch.data()


def _entry(name: str, obj: PatchObject) -> tuple[Section, int]:
    """Return the section that a function begins in, which comes first, and where in it."""
    for entry in obj.file.symbols:
        if entry.name == name and name in obj.functions and entry.section is not None:
            return entry.section, entry.value & ~THUMB
    raise LinkError(
        f"{obj.source_name} does not define {name}; it defines {', '.join(obj.functions) or 'none'}"
    )


def _script(
    file: ObjectFile, first: Section, image: FirmwareImage, originals: Sequence[Symbol] = ()
) -> str:
    """Return the linker script, but for the address.

    Only names that the patch leaves undefined are given, so its own definitions win.
    """
    sections = _linked_sections(file)
    _check_sections(file, sections)
    wanted = [e.name for e in file.symbols if not e.is_defined and e.name]
    known = {name: image.symbols[name] for name in wanted if name in image.symbols}
    return SCRIPT.format(
        symbols="\n".join(f'"{name}" = {value:#x};' for name, value in known.items()),
        first=first.name,
        sections=" ".join(f'patch.o("{s.name}")' for s in sorted(sections, key=_place)),
        originals="\n    ".join(_original(image, function) for function in originals),
        not_linked=" ".join(f"*({name}*)" for name in NOT_LINKED),
    )


def _original(image: FirmwareImage, function: Symbol) -> str:
    """Return the statements that write an original's relocated beginning, and name it."""
    words = struct.iter_unpack("<I", relocate(image, function))
    data = " ".join(f"LONG({word:#x})" for (word,) in words)
    return f'. = ALIGN(4); "{ORIGINAL}{function.name}" = . + {THUMB}; {data}'


def _linked_sections(file: ObjectFile) -> list[Section]:
    return [s for s in file.sections if s.memory and not s.name.startswith(NOT_LINKED)]


def _place(section: Section) -> int:
    """Order sections: code, constants, variables, zeroed variables."""
    if section.flags & SHF_EXECINSTR:
        return 0
    if section.kind == "SHT_NOBITS":
        return 3
    return 2 if section.flags & SHF_WRITE else 1


def _check_sections(file: ObjectFile, sections: Iterable[Section]) -> None:
    for section in sections:
        if not NAME.fullmatch(section.name):
            raise LinkError(f"{section.name!r} cannot be the name of a section here")
        if section.alignment > ALIGNMENT:
            owners = [
                entry.name
                for entry in file.symbols
                if entry.kind in {"STT_OBJECT", "STT_FUNC"} and entry.section is section
            ]
            raise LinkError(
                f"{', '.join(owners) or section.name} wants to be aligned to"
                f" {section.alignment} bytes; the board's memory for patches is aligned"
                f" to {ALIGNMENT}"
            )


def _undefined_error(linked: _Linked, image: FirmwareImage, built: bool) -> LinkError:
    reasons = [_why_undefined(name, image) for name in linked.undefined]
    if not built:
        reasons.append("the library of compiler helpers could not be built, which may be why")
    return LinkError("; ".join(reasons), stderr=linked.stderr, undefined=linked.undefined)


def _why_undefined(name: str, image: FirmwareImage) -> str:
    if name in image.ambiguous:
        places = " and ".join(f"0x{s.address:08X}" for s in image.ambiguous[name])
        return f"{name} is ambiguous: the firmware has static ones at {places}"
    close = close_names(name, image.symbols)
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    return f"neither the patch nor the firmware defines {name}{hint}"


def _first_line(stderr: str) -> str:
    return next(iter(stderr.splitlines()), "the linker failed without a word")
