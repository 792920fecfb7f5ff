"""What every peripheral is: registers by offset, and a state that a snapshot can keep."""

import enum
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import ClassVar, NamedTuple

from emulator.registers import WORD_MASK, Register, unimplemented

guest = logging.getLogger("emulator.guest")  # the program did what the manual forbids


class ResetCause(enum.IntEnum):
    """What resets the machine; 0 is nothing."""

    POWER = 1
    PIN = 2
    SOFTWARE = 3
    WATCHDOG = 4
    WINDOW_WATCHDOG = 5


class Gate(NamedTuple):
    """What lets the bus reach a peripheral: bits of a register, one of which is set."""

    register: Register
    mask: int


Rewiring = Callable[[], AbstractContextManager[None]]  # what connects units changes within it
NO_REGISTERS: Mapping[int, Register] = MappingProxyType({})
OPEN = Gate(Register(WORD_MASK), WORD_MASK)


class Peripheral:
    """A block of registers. Offsets are bytes from the block's base and multiples of 4."""

    extra_state: ClassVar[tuple[str, ...]] = ()  # attributes beside the registers that change

    def __init__(self, registers: Mapping[int, Register]) -> None:
        self.registers = dict(registers)
        self._reported: set[int] = set()

    def reset(self) -> None:
        """Take the state that follows power-on."""
        for register in self.registers.values():
            register.reset()

    def system_reset(self, cause: ResetCause) -> None:
        """Take the state that follows a reset of the running machine, or of this peripheral."""
        del cause
        self.reset()

    def read(self, offset: int) -> int:
        register = self.registers.get(offset)
        return self.read_absent(offset) if register is None else register.read()

    def read_narrow(self, offset: int, size: int) -> int:
        """Read the register of an access of fewer bytes; the bus takes those it asked for."""
        del size
        return self.read(offset)

    def write(self, offset: int, word: int) -> None:
        register = self.registers.get(offset)
        if register is None:
            self.write_absent(offset, word)
        else:
            register.write(word)

    def write_lanes(self, offset: int, word: int, lanes: int) -> None:
        """Write only the bits of `lanes`: an access narrower than the register."""
        register = self.registers.get(offset)
        self.write(offset, word & lanes if register is None else register.merge(word, lanes))

    def read_absent(self, offset: int) -> int:
        """Read where no register is modelled: 0, and a word about it once per offset."""
        self._report(offset, "read")
        return 0

    def write_absent(self, offset: int, word: int) -> None:
        self._report(offset, f"write of {word:#010x}")

    def _report(self, offset: int, what: str) -> None:
        if offset not in self._reported:
            self._reported.add(offset)
            unimplemented.warning("%s+%#05x: %s ignored", type(self).__name__, offset, what)

    def restored(self) -> None:
        """Follow what a snapshot set: the registers, and what `extra_state` names."""
