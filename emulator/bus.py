"""The bus: finds the peripheral behind an address, whatever the width of the access.

Sources: DDI 0403E.e B3.1 (system address map) and, for bit-banding, the Cortex-M3's memory model;
RM0008, memory and bus architecture, for what narrow writes to APB registers do.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass

from emulator.errors import BoardError
from emulator.memory_map import PAGE_SIZE, Memory, MemoryMap
from emulator.peripherals.base import OPEN, Gate, Peripheral, guest
from emulator.registers import WORD_MASK, unimplemented
from emulator.views import PROGRAM_BASE, PROGRAM_MASK

ALIAS_OFFSET = 0x0200_0000  # from a bit-band region to its alias
ALIAS_SIZE = 0x0200_0000  # one word for each bit of 1 MiB
SRAM_REGION, PERIPHERAL_REGION = 0x2000_0000, 0x4000_0000
WINDOW_ALIGN = 0x10_0000
GRAIN = 16  # bytes; blocks begin and end at multiples of it
WORD = 4

Program = Callable[[int, int, int], None]  # takes an offset, a size and a value


class Lane(enum.Enum):
    """What a write narrower than a word does to the rest of the register."""

    DUPLICATE = "APB"  # the bridge repeats the byte or halfword across the word
    MERGE = "AHB, PPB"  # the other bytes keep their value


@dataclass(frozen=True, slots=True)
class Block:
    """A peripheral at its place."""

    name: str
    address: int
    size: int  # bytes
    peripheral: Peripheral
    lane: Lane
    gate: Gate = OPEN  # while it is shut, the peripheral reads 0 and ignores writes


class Bus:
    """Peripherals by address, and the bit-band aliases over them and over SRAM."""

    def __init__(
        self,
        memory_map: MemoryMap,
        on_unseen_write: Callable[[int], None],
        *,
        has_bit_band: bool = True,
    ) -> None:
        self._memory_map, self._has_bit_band = memory_map, has_bit_band
        self._on_unseen_write = on_unseen_write  # to RAM, not by a store; takes the address
        self._blocks: dict[int, Block] = {}  # by address // GRAIN
        self._pages: set[int] = set()
        self._reported: set[int] = set()
        self._programs: list[tuple[int, int, Program]] = []

    def attach(self, block: Block) -> None:
        end = block.address + block.size
        if any(map(self._memory_map.window_at, range(block.address, end, PAGE_SIZE))):
            raise BoardError(f"two blocks at {block.address:#010x}")
        for address in range(block.address, end, GRAIN):
            if address // GRAIN in self._blocks:
                raise BoardError(f"two blocks at {address:#010x}")
            self._blocks[address // GRAIN] = block
            self._pages.add(address & -PAGE_SIZE)

    def load(self, address: int, size: int) -> int | None:
        """Return what memory or a register holds, or None where nothing is: for a DMA."""
        where = self._memory_map.slice_at(address, size)
        if where is not None:
            is_hidden = self._memory_map.is_data_only(address)
            return None if is_hidden else int.from_bytes(where, "little")
        return self.read(address, size) if self.has(address) else None

    def store(self, address: int, size: int, value: int) -> bool:
        """Write to RAM or to a register; False where neither is: for a DMA."""
        where = self._memory_map.slice_at(address, size)
        if where is not None and self._memory_map.is_executable_ram(address):
            where[:] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
            self._on_unseen_write(address)
        elif where is None and self.has(address):
            self.write(address, size, value)
        else:
            return False
        return True

    def attach_programmer(self, memory: Memory, program: Program) -> None:
        """Send stores to a flash memory, while it is programmed, there."""
        begin = PROGRAM_BASE | memory.region.address & PROGRAM_MASK
        self._programs.append((begin, begin + memory.region.size, program))

    @property
    def windows(self) -> list[tuple[int, int]]:
        """Return (begin, size) of the address ranges in which `has` may be true."""
        units = {
            page & -WINDOW_ALIGN
            for page in (*self._pages, PROGRAM_BASE, PROGRAM_BASE | PROGRAM_MASK)
        }
        regions = (SRAM_REGION, PERIPHERAL_REGION) if self._has_bit_band else ()
        aliases = [region + ALIAS_OFFSET for region in regions]
        return [(unit, WINDOW_ALIGN) for unit in sorted(units)] + [
            (alias, ALIAS_SIZE) for alias in aliases
        ]

    def has(self, address: int) -> bool:
        """Whether the page of an access has anything in it; otherwise it is a BusFault."""
        if address & -PAGE_SIZE in self._pages:
            return True
        target = self._bit_band_target(address)
        if target is None:
            return False
        return self._memory_map.window_at(target[0]) is not None or self.has(target[0])

    def read(self, address: int, size: int) -> int:
        """Read 1, 2 or 4 bytes; the address is one that `has`."""
        block = self._blocks.get(address // GRAIN)
        if block is None:
            bit = self._bit_band_target(address)
            return self._absent(address) if bit is None else self._read_bit(*bit)
        register, mask = block.gate
        if not register.word & mask:
            return self._unclocked(block)
        offset = address - block.address
        if size == WORD:  # nearly always; a quick way is worth a line here
            return block.peripheral.read(offset & ~0b11) >> 8 * (offset & 0b11)
        word = block.peripheral.read_narrow(offset & ~0b11, size)
        return word >> 8 * (offset & 0b11) & (1 << 8 * size) - 1

    def write(self, address: int, size: int, value: int) -> None:
        """Write 1, 2 or 4 bytes; the address is one that `has`."""
        block = self._blocks.get(address // GRAIN)
        if block is None:
            self._write_elsewhere(address, size, value)
            return
        register, mask = block.gate
        if not register.word & mask:
            self._unclocked(block)
            return
        offset = address - block.address
        value &= (1 << 8 * size) - 1
        if size == WORD:
            block.peripheral.write(offset & ~0b11, value)
        elif block.lane is Lane.DUPLICATE:
            repeated = value * (0x0101_0101 if size == 1 else 0x0001_0001)
            block.peripheral.write(offset & ~0b11, repeated)
        else:
            shift = 8 * (offset & 0b11)
            lanes = ((1 << 8 * size) - 1) << shift & WORD_MASK
            block.peripheral.write_lanes(offset & ~0b11, value << shift & WORD_MASK, lanes)

    def _write_elsewhere(self, address: int, size: int, value: int) -> None:
        """Write where no register is."""
        if (bit := self._bit_band_target(address)) is not None:
            self._write_bit(*bit, value & 1)
        elif address >= PROGRAM_BASE:
            for begin, end, program in self._programs:
                if begin <= address < end:
                    program(address - begin, size, value)
        else:
            self._absent(address)

    def _unclocked(self, block: Block) -> int:
        """Answer for a peripheral whose clock is off: RAZ/WI, said once."""
        if block.address not in self._reported:
            self._reported.add(block.address)
            guest.warning(
                "%s is used while its clock is off (RCC): reads as zero, ignores writes", block.name
            )
        return 0

    def _absent(self, address: int) -> int:
        """Answer for a page that has registers, where it has none: RAZ/WI, said once."""
        if address not in self._reported:
            self._reported.add(address)
            unimplemented.warning("no register at %#010x: reads as zero, ignores writes", address)
        return 0

    # Bit-band aliases: each word stands for one bit.

    def _bit_band_target(self, address: int) -> tuple[int, int] | None:
        return bit_band_target(address) if self._has_bit_band else None

    def _read_bit(self, byte_address: int, bit: int) -> int:
        memory = self._memory_map.slice_at(byte_address, 1)
        byte = self.read(byte_address, 1) if memory is None else memory[0]
        return byte >> bit & 1

    def _write_bit(self, byte_address: int, bit: int, value: int) -> None:
        """Read, modify, write: as the hardware does, of the whole byte or register."""
        memory = self._memory_map.slice_at(byte_address, 1)
        if memory is not None:
            memory[0] = memory[0] & ~(1 << bit) | value << bit
            self._on_unseen_write(byte_address)
            return
        word_address, bit = byte_address & ~0b11, bit + 8 * (byte_address & 0b11)
        word = self.read(word_address, 4)
        self.write(word_address, 4, word & ~(1 << bit) | value << bit)


def bit_band_target(address: int) -> tuple[int, int] | None:
    """Return the byte and the bit that an alias word stands for, or None outside the aliases."""
    for region in (SRAM_REGION, PERIPHERAL_REGION):
        offset = address - region - ALIAS_OFFSET
        if 0 <= offset < ALIAS_SIZE:
            return region + (offset >> 5), offset >> 2 & 0b111
    return None
