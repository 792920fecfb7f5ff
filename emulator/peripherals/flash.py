"""Flash memory interface (FLASH): what the STM32F10x, the STM32F405 and the STM32L552 have alike.

The lock and its keys, the memory behind them, and the time it takes; what programs and erases is in
flash_f1.py, flash_f4.py and flash_l5.py. Sources: RM0008 and RM0090 by way of ST's device headers
stm32f103xb.h and stm32f405xx.h, stm32l552xx.h; RM0090 3.6.1 for CR while BSY is set.
While the memory is busy, a core that executes from it waits, and one that executes from RAM sees
BSY. Deviation: memory has its new bytes at once, and a core in RAM that reads them does not wait.
UNKNOWN: how long a chip takes, which varies; the times here are in the middle of what ST states.
Not modelled: changing the option bytes; read protection; mapping RAM or the boot loader to 0.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from emulator.clock import Clock
from emulator.memory_map import ERASED, Memory
from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register, Unmodelled

KEY1, KEY2 = 0x4567_0123, 0xCDEF_89AB


class FlashKeyr(Register):
    """FLASH_KEYR, key register."""

    FKEYR = Field(31, 0, Access.WO)


class FlashOptkeyr(Register):
    """FLASH_OPTKEYR, option key register."""

    OPTKEYR = Unmodelled(31, 0, Access.WO)  # the option bytes stay locked


@dataclass(frozen=True, slots=True)
class Wires:
    """What an interface is connected to."""

    memory: Memory
    clock: Clock
    executes_from: Callable[[Memory], bool]  # whether the core does
    stall_until: Callable[[int], None]  # has the core wait until a cycle
    set_programming: Callable[[bool], None]  # whether stores to flash reach `program`
    on_change: Callable[[int, int], None]  # takes the range of addresses with other bytes now
    set_irq: Callable[[bool], None]


class Places(NamedTuple):
    """Where a family has the registers, as offsets."""

    keyr: int = 0x04
    optkeyr: int = 0x08
    sr: int = 0x0C
    cr: int = 0x10


USUAL = Places()


class Flash(Peripheral):
    """The interface, and the memory behind it.

    `lock` and `start` are the family's bits of CR, `busy` is that of SR.
    """

    extra_state: ClassVar[tuple[str, ...]] = ("_keys", "_busy_until_ns")

    def __init__(
        self,
        registers: Mapping[int, Register],
        wires: Wires,
        *,
        lock: int,
        start: int,
        busy: int,
        places: Places = USUAL,
    ) -> None:
        keys = {places.keyr: FlashKeyr(), places.optkeyr: FlashOptkeyr()}
        super().__init__({**keys, **registers})
        self._places = places
        self._wires, self.memory, self._on_change = wires, wires.memory, wires.on_change
        self._status, self._busy = registers[places.sr], busy
        self._end = wires.clock.timer(lambda _: self._finish())
        self._busy_until_ns = 0
        self.set_programming, self.set_irq = wires.set_programming, wires.set_irq
        self._control, self._lock, self._start = registers[places.cr], lock, start
        self._keys: tuple[int, ...] = ()  # written to KEYR since reset or the last lock

    @abstractmethod
    def program(self, offset: int, size: int, value: int) -> None:
        """Take a store of the guest to flash."""

    @abstractmethod
    def erase(self) -> None:
        """Do what CR asks for with STRT."""

    @abstractmethod
    def succeed(self) -> None:
        """Say that what was begun is done."""

    @abstractmethod
    def update(self) -> None:
        """Drive what follows from the registers."""

    def reset(self) -> None:
        super().reset()
        self._keys = ()
        self._end.stop()
        self._busy_until_ns = 0
        self.update()

    def spend(self, ns: int) -> None:
        """Be busy with what has been begun; what waits for its turn comes behind it."""
        clock = self._wires.clock
        self._wait_for_end()
        self._busy_until_ns = max(self._busy_until_ns, clock.ns) + ns
        self._status.word |= self._busy
        self._end.start_at_ns(self._busy_until_ns)
        if self._wires.executes_from(self.memory):
            self._wait_for_end()

    def _wait_for_end(self) -> None:
        """Have the core wait while the memory is busy."""
        if self._status.word & self._busy:
            self._wires.stall_until(self._end.due)

    def _finish(self) -> None:
        self._status.word &= ~self._busy
        self.succeed()
        self.update()

    def write(self, offset: int, word: int) -> None:
        if offset == self._places.keyr:
            self._take_key(word)
        elif offset == self._places.cr:
            self._write_control(word)
        else:
            super().write(offset, word)
        self.update()

    def _take_key(self, key: int) -> None:
        """Unlock by the two keys in order; after a wrong one, nothing does before a reset."""
        self._keys = (*self._keys, key)[:3]
        if self._keys == (KEY1, KEY2):
            self._control.word &= ~self._lock

    def _write_control(self, word: int) -> None:
        if self._control.word & self._lock:
            return
        self._wait_for_end()
        self._control.write(word & ~self._start)
        if word & self._lock:
            self._keys = ()
        if word & self._start:
            self.erase()

    @property
    def size(self) -> int:
        return self.memory.region.size

    @property
    def address(self) -> int:
        return self.memory.region.address

    def content(self, offset: int, size: int) -> bytes:
        return bytes(self.memory.view[offset : offset + size])

    def change(self, memory: Memory, offset: int, data: bytes) -> None:
        """Have a flash memory hold other bytes."""
        memory.view[offset : offset + len(data)] = data
        begin = memory.region.address + offset
        self._on_change(begin, begin + len(data))

    def blank(self, begin: int, end: int) -> None:
        self.change(self.memory, begin, bytes([ERASED]) * (end - begin))
