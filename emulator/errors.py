"""What can go wrong on the host's side of an emulated board.

A guest's fault is not here: a BusFault or a HardFault is a state of the emulated core. These are
raised where the emulator cannot go on: it was given something unusable, or the core locked up.
"""

from pathlib import Path


class EmulatorError(Exception):
    """Anything the emulator refuses or cannot do."""


class ImageError(EmulatorError):
    """An ELF file that this part cannot run."""

    def __init__(self, path: Path, problem: str, remedy: str) -> None:
        super().__init__(f"{path}: {problem}; {remedy}")
        self.path = path
        self.problem = problem
        self.remedy = remedy


class UnmodelledError(EmulatorError):
    """A feature of the hardware that the emulator does not have."""


class BoardError(EmulatorError):
    """A board that cannot be put together: no such part, blocks that overlap, a bad option."""


class SnapshotError(EmulatorError):
    """Bytes that are no snapshot, or one that does not fit this board."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"snapshot: {problem}; {remedy}")
        self.problem = problem
        self.remedy = remedy


class RecordingError(EmulatorError):
    """A recording that cannot be replayed, or whose replay went another way."""


class LockupError(EmulatorError):
    """The core locked up: a fault at a priority where no fault can be taken. DDI 0403E.e B1.5."""

    def __init__(
        self, pc: int, cfsr: int, hfsr: int, symbol: str | None = None, causes: str = ""
    ) -> None:
        where = f"{pc:#010x}" + (f" ({symbol})" if symbol else "")
        status = f"CFSR {cfsr:#010x}, HFSR {hfsr:#010x}" + (f" ({causes})" if causes else "")
        super().__init__(
            f"the core locked up at {where}: {status}; it faulted where no fault can be taken, as "
            "in HardFault's own handler, and only a reset helps"
        )
        self.pc = pc
        self.cfsr = cfsr
        self.hfsr = hfsr
        self.symbol = symbol
