"""Why the core stopped: what `Cpu.run` returns."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadline:
    """The time is up, or something the machine must look at has changed."""


@dataclass(frozen=True, slots=True)
class TableChanged:
    """The guest stored into the remap table."""


@dataclass(frozen=True, slots=True)
class WaitForInterrupt:
    """The core executed WFI."""


@dataclass(frozen=True, slots=True)
class WaitForEvent:
    """The core executed WFE."""


@dataclass(frozen=True, slots=True)
class SupervisorCall:
    """SVC; pc is behind it."""


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """BKPT, an instruction's or the FPB's; pc is on it."""


@dataclass(frozen=True, slots=True)
class ExceptionReturn:
    """A branch to EXC_RETURN in Handler mode."""

    exc_return: int


@dataclass(frozen=True, slots=True)
class BusFaultStop:
    """An access to where nothing is, or that is not allowed; pc is on the instruction."""

    address: int
    is_fetch: bool
    is_protected: bool = False  # the MPU forbids it


@dataclass(frozen=True, slots=True)
class UndefinedInstruction:
    """An encoding the core does not have; pc is on it."""


@dataclass(frozen=True, slots=True)
class NoCoprocessor:
    """An instruction of a coprocessor that is absent or not enabled; pc is on it."""

    is_fpu: bool = False  # the first floating-point instruction, perhaps, of a context


@dataclass(frozen=True, slots=True)
class UnalignedAccess:
    """An unaligned access that the core does not make; pc is on the instruction."""


@dataclass(frozen=True, slots=True)
class DivideByZero:
    """SDIV or UDIV by zero, where that is trapped; pc is on the instruction."""


@dataclass(frozen=True, slots=True)
class StackOverflow:
    """SP would pass its limit, MSPLIM or PSPLIM; pc is on the instruction."""


@dataclass(frozen=True, slots=True)
class InvalidState:
    """Execution with EPSR.T clear: a branch to an even address."""


StopReason = (
    Deadline
    | TableChanged
    | WaitForInterrupt
    | WaitForEvent
    | SupervisorCall
    | Breakpoint
    | ExceptionReturn
    | BusFaultStop
    | UndefinedInstruction
    | NoCoprocessor
    | UnalignedAccess
    | StackOverflow
    | DivideByZero
    | InvalidState
)
