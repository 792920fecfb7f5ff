"""Sources that did not become a patch, and what the compiler says of them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar

from server.errors.base import ServerError


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message of the compiler or linker, where it points at a place."""

    file: str
    line: int  # from 1
    column: int  # from 1; 0: the tool named none
    severity: str  # error, warning, note, as the tool spells it
    text: str


class BuildError(ServerError):
    """The source did not become a patch."""

    code = "build"
    status = 422
    title = "Build failed"
    stage: ClassVar[str] = "compile"

    def __init__(
        self, reason: str, *, stderr: str = "", diagnostics: Sequence[Diagnostic] = ()
    ) -> None:
        self.reason = reason
        self.stderr = stderr
        self.diagnostics = list(diagnostics)
        super().__init__(reason)

    def extra(self) -> dict[str, object]:
        return {
            "stage": self.stage,
            "stderr": self.stderr,
            "diagnostics": [asdict(diagnostic) for diagnostic in self.diagnostics],
        }


class ToolchainError(BuildError):
    """The compiler or linker could not be run, or did not come to an end."""

    code = "toolchain"
    status = 500
    title = "Compiler not usable"


class CompileError(BuildError):
    """The compiler refused the source."""

    code = "compile"
    title = "Source does not compile"


class LinkError(BuildError):
    """The patch does not link against the firmware.

    `undefined` names what neither the patch nor the firmware defines.
    """

    code = "link"
    title = "Patch does not link"
    stage = "link"

    def __init__(
        self,
        reason: str,
        *,
        stderr: str = "",
        diagnostics: Sequence[Diagnostic] = (),
        undefined: Sequence[str] = (),
    ) -> None:
        self.undefined = list(undefined)
        super().__init__(reason, stderr=stderr, diagnostics=diagnostics)

    def extra(self) -> dict[str, object]:
        return {**super().extra(), "undefined": self.undefined}


class OriginalError(BuildError):
    """The patch calls an original whose first instructions cannot run elsewhere."""

    code = "original"
    title = "Original cannot be called"
    stage = "link"

    def __init__(self, name: str, address: int, instruction: str, reason: str) -> None:
        self.name = name
        self.address = address
        self.instruction = instruction
        super().__init__(
            f"FPB_ORIGINAL({name}): {name} at 0x{address:08X} cannot be called once it is patched,"
            f" since {instruction}: {reason}; write what is needed of it into the patch instead"
        )

    def extra(self) -> dict[str, object]:
        own = {"name": self.name, "address": self.address, "instruction": self.instruction}
        return {**super().extra(), **own}
