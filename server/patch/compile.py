"""C source to object file.

A patch is C11 with GNU extensions, freestanding, for the firmware's core. Every call goes through a
register (`-mlong-calls`): flash is out of a branch's reach from SRAM.
Not modelled: C++, thread-local variables, constructors; they are refused by name.
"""

import functools
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from firmware.target import Target
from server.errors import CompileError, Diagnostic, RequestError
from server.patch.architecture import CORTEX_M3, Architecture, architecture_of
from server.patch.confine import MEMORY
from server.patch.diagnostics import parse_diagnostics
from server.patch.object import SHF_TLS, ObjectFile
from server.patch.source import function_definitions
from server.patch.tools import answer, run_tool, zig_program

MAX_BYTES = 0x10_0000  # of a patch; more than any Cortex-M3's SRAM
MAX_OBJECT = 16 * MAX_BYTES  # of the object file, which is read into memory
OUT_OF_MEMORY = re.compile("out of memory|memory exhausted", re.IGNORECASE)
START_UP = ("SHT_INIT_ARRAY", "SHT_FINI_ARRAY", "SHT_PREINIT_ARRAY")
KEEP = ".fpbay.keep"  # section of the references that keep static functions; never linked

# FPB_ORIGINAL(f)(arguments) calls the firmware's f although it is patched; see original.py.
ORIGINAL = "fpb_original."  # and the function's name: the symbol behind it
MACRO = (
    "FPB_ORIGINAL(name)=(__extension__({"
    f' extern __typeof__(name) fpb_original_##name __asm__("{ORIGINAL}" #name);'
    " &fpb_original_##name; }))"
)

FLAGS = (
    *("-x", "c", "-std=gnu11", "-Os", "-g0", "-ffreestanding", "-mlong-calls"),
    *("-fgnu89-inline",),  # an `inline` function of the patch is a function, too
    *("-ffunction-sections", "-fdata-sections", "-fno-common", "-fno-pic"),
    *("-fno-unwind-tables", "-fno-asynchronous-unwind-tables", "-fno-stack-protector"),
    f"-D{MACRO}",
    *("-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror=implicit-function-declaration"),
)
CLANG_FLAGS = ("-ferror-limit=20", "-fno-crash-diagnostics", "-nostdlibinc")
GCC_FLAGS = ("-fmax-errors=20",)


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A compiler and a linker for one core, as commands without their inputs and outputs."""

    name: str
    compiler: tuple[str, ...]
    linker: tuple[str, ...]
    libraries: tuple[Path, ...] = ()  # the toolchain's own arithmetic helpers
    includes: tuple[Path, ...] = ()  # folders of headers that a patch may include
    architecture: Architecture = CORTEX_M3

    @classmethod
    def named(
        cls,
        name: str = "zig",
        includes: Sequence[Path] = (),
        architecture: Architecture = CORTEX_M3,
    ) -> Self:
        """Find a toolchain: "zig", or an arm-none-eabi-gcc by name or path."""
        folders = tuple(folder.resolve() for folder in includes)
        if name == "zig":
            return cls._zig(folders, architecture)
        return cls._gcc(name, folders, architecture)

    def aimed_at(self, target: Target) -> Self:
        """Return this toolchain for what a firmware was built for."""
        architecture = architecture_of(target)
        if architecture == self.architecture:
            return self
        return type(self).named(self.name, self.includes, architecture)

    @classmethod
    def _zig(cls, includes: tuple[Path, ...], architecture: Architecture) -> Self:
        zig = str(zig_program())
        headers = str(zig_program().parent / "lib" / "include")
        target = (*architecture.clang_flags, "-isystem", headers)
        # `zig clang` is the bare compiler; `zig cc` takes twice as long and fills a cache.
        compiler = (zig, "clang", *target, *FLAGS, *CLANG_FLAGS)
        linker = (zig, "ld.lld", "-m", "armelf", "--threads=1")  # more take longer to start
        return cls("zig", compiler, linker, (), includes, architecture)

    @classmethod
    def _gcc(cls, name: str, includes: tuple[Path, ...], architecture: Architecture) -> Self:
        if (found := shutil.which(name)) is None:
            raise RequestError(
                f"there is no compiler {name!r}: install arm-none-eabi-gcc, give its path,"
                ' or use the toolchain "zig", which is always there'
            )
        gcc = str(Path(found).absolute())  # it runs in other folders than this
        machine = answer(gcc, "-dumpmachine")
        if not machine.startswith(("arm-none-eabi", "arm-eabi")):
            raise RequestError(f"{name} compiles for {machine or 'nothing'}, not for arm-none-eabi")
        linker = shutil.which(answer(gcc, "-print-prog-name=ld")) or "arm-none-eabi-ld"
        flags = architecture.gcc_flags
        library = Path(answer(gcc, *flags, "-print-libgcc-file-name"))
        libraries = (library,) if library.is_absolute() else ()
        compiler = (gcc, *flags, *FLAGS, *GCC_FLAGS)
        return cls(name, compiler, (linker,), libraries, includes, architecture)


@dataclass(frozen=True, slots=True)
class PatchObject:
    """A compiled patch, not yet linked."""

    file: ObjectFile
    functions: tuple[str, ...]  # that can be called from outside
    warnings: str
    diagnostics: tuple[Diagnostic, ...]  # the warnings as data
    source_name: str
    toolchain: Toolchain


def compile_patch(
    source: str, toolchain: Toolchain, *, name: str = "patch.c", timeout_s: float = 30
) -> PatchObject:
    """Compile C source; the same source is compiled once.

    Static functions are kept, so that any function of the source can be the replacement.
    """
    _check_name(name)
    compile_it = _compile if toolchain.includes or _reads_files(source) else _compile_once
    return compile_it(source, toolchain, name, timeout_s)


def _compile(source: str, toolchain: Toolchain, name: str, timeout_s: float) -> PatchObject:
    file, stderr = _object(source, toolchain, name, timeout_s)
    functions, _ = _functions(file)
    # The compiler may drop a static function, or change how it is called. One whose address is
    # stored somewhere stays as it was written. What only looks like a function is dropped again.
    named = dict.fromkeys(name for _, name in function_definitions(source))
    keep = [n for n in named if n not in functions]
    while keep:
        try:
            file, stderr = _object(_keeping(source, keep), toolchain, name, timeout_s)
        except CompileError as error:
            refused = {d.line for d in error.diagnostics if d.file == KEEP}
            left = [n for line, n in enumerate(keep, 1) if line not in refused]
            keep = left if len(left) < len(keep) else []
        else:
            functions, internal = _functions(file)
            functions = (*functions, *(n for n in keep if n in internal))
            break
    return PatchObject(file, functions, stderr, tuple(parse_diagnostics(stderr)), name, toolchain)


_compile_once = functools.lru_cache(maxsize=32)(_compile)


def _object(
    source: str, toolchain: Toolchain, name: str, timeout_s: float
) -> tuple[ObjectFile, str]:
    with tempfile.TemporaryDirectory(prefix="fpbay-") as temporary:
        folder = Path(temporary)
        try:
            (folder / name).write_text(source, encoding="utf-8", newline="")
        except UnicodeEncodeError as error:
            raise RequestError(f"the source is not valid text: {error.reason}") from error
        includes = [f"-I{include}" for include in toolchain.includes]
        command = [*toolchain.compiler, *includes, "-c", f"./{name}", "-o", "object.o"]
        try:
            finished = run_tool(command, folder, timeout_s, toolchain.includes)
        except subprocess.TimeoutExpired as error:
            raise CompileError(
                f"the compiler had not finished after {timeout_s:g} s and was stopped:"
                " simplify the source"
            ) from error
        stderr = finished.stderr.replace(f"./{name}", name)
        if finished.status:
            raise _compile_error(stderr)
        if (folder / "object.o").stat().st_size > MAX_OBJECT:
            raise CompileError(f"{name} compiles to more than {MAX_OBJECT} bytes")
        file = ObjectFile.read((folder / "object.o").read_bytes())
    _check_object(file)
    return file, stderr


def _compile_error(stderr: str) -> CompileError:
    diagnostics = parse_diagnostics(stderr)
    errors = [d for d in diagnostics if d.severity == "error"]
    if OUT_OF_MEMORY.search(stderr):
        reason = f"the compiler needs more than {MEMORY >> 20} MiB: simplify the source"
        return CompileError(reason, stderr=stderr)
    if not errors:
        return CompileError(stderr.strip() or "the compiler failed without a word", stderr=stderr)
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    reason = f"{first.file}:{first.line}:{first.column}: {first.text}{more}"
    return CompileError(reason, stderr=stderr, diagnostics=diagnostics)


def _functions(file: ObjectFile) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the functions that other files could call, and the static ones."""
    found = [entry for entry in file.symbols if entry.kind == "STT_FUNC" and entry.section]
    internal = frozenset(entry.name for entry in found if entry.is_local)
    return tuple(entry.name for entry in found if not entry.is_local), internal


def _check_object(file: ObjectFile) -> None:
    """Refuse what needs somebody to prepare it before the patch is called."""
    for section in file.sections:
        if section.flags & SHF_TLS:
            names = _thread_locals(file) or section.name
            raise CompileError(f"{names}: a board has no threads; use static, not _Thread_local")
        if section.kind in START_UP or section.name.startswith((".ctors", ".dtors")):
            raise CompileError("the patch has constructors or destructors, and nobody calls them")
    if (size := file.memory) > MAX_BYTES:
        raise CompileError(f"the patch has {size} bytes of code and data, too many for any board")


def _thread_locals(file: ObjectFile) -> str:
    return ", ".join(e.name for e in file.symbols if e.kind == "STT_TLS" and e.name[0] != "$")


def _keeping(source: str, names: Sequence[str]) -> str:
    """Add one reference to each function; an error in line n is about the n-th."""
    references = [
        f'static void (*const fpbay_keep_{n})(void) __attribute__((used, section("{KEEP}")))'
        f" = (void (*)(void)){n};"
        for n in names
    ]
    return "\n".join([source, f'#line 1 "{KEEP}"', *references, ""])


def _reads_files(source: str) -> bool:
    """Say whether the result may depend on more than the text and the compiler's own headers."""
    return bool(re.search(r"include(?!\s*<\w+\.h>)|incbin|embed|__DATE__|__TIME", source))


def _check_name(name: str) -> None:
    if not name.isprintable() or "/" in name or not 0 < len(name) <= 200 or name == "object.o":
        raise RequestError(f"{name!r} cannot be the name of a source file")
    if not name.endswith(".c"):
        raise RequestError(f"{name}: a patch is written in C; its name ends in .c")
