"""Where a part's memories are, and their bytes. What is not a memory here may be a peripheral.

Source: DDI 0403E.e B3.1, the system address map; the part's reference manual for its memories.
"""

import ctypes
import enum
from collections.abc import Sequence
from dataclasses import dataclass

from emulator.errors import BoardError

PAGE_SIZE = 1024  # the engine's page on M-profile
ERASED = 0xFF


def is_execute_never(address: int) -> bool:
    """Whether the system address map lets nothing be executed there, whatever it holds."""
    return 0x4000_0000 <= address < 0x6000_0000 or address >= 0xA000_0000


class Kind(enum.Enum):
    """What a memory lets the guest do."""

    FLASH = "flash"  # a store is a BusFault, or programs it where the flash interface is told to
    ROM = "rom"  # a store is a BusFault
    RAM = "ram"


@dataclass(frozen=True, slots=True)
class Region:
    """A memory as a part declares it."""

    name: str
    address: int
    size: int  # bytes
    kind: Kind
    aliases: tuple[int, ...] = ()  # further addresses of the same bytes
    is_data_only: bool = False  # on the core's data bus alone: no fetch and no DMA gets there


class Memory:
    """A region with its bytes, which the engine maps directly."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.bytes = (ctypes.c_uint8 * region.size)()
        self.view = memoryview(self.bytes).cast("B")
        if not self.is_writable:
            self.view[:] = bytes([ERASED]) * region.size

    @property
    def host_address(self) -> int:
        return ctypes.addressof(self.bytes)

    @property
    def is_writable(self) -> bool:
        return self.region.kind is Kind.RAM


@dataclass(frozen=True, slots=True)
class Window:
    """One range of guest addresses that shows one memory."""

    begin: int
    end: int
    memory: Memory


class MemoryMap:
    """All memories of a board, found by address."""

    def __init__(self, regions: Sequence[Region]) -> None:
        self.memories = [Memory(region) for region in regions]
        self.windows = sorted(
            (
                Window(address, address + memory.region.size, memory)
                for memory in self.memories
                for address in (memory.region.address, *memory.region.aliases)
            ),
            key=lambda window: window.begin,
        )
        for lower, upper in zip(self.windows, self.windows[1:], strict=False):
            if lower.end > upper.begin:
                raise BoardError(
                    f"{lower.memory.region.name} and {upper.memory.region.name} overlap "
                    f"at {upper.begin:#010x}"
                )

    def window_at(self, address: int) -> Window | None:
        for window in self.windows:  # often asked: a generator would double the cost
            if window.begin <= address < window.end:
                return window
        return None

    def memory_at(self, address: int) -> Memory:
        """Return the memory that a part has there, as its own file knows."""
        window = self.window_at(address)
        if window is None:
            raise BoardError(f"no memory at {address:#010x}")
        return window.memory

    def is_writable(self, address: int) -> bool:
        """Whether the guest may store there: RAM, as opposed to flash and to no memory."""
        window = self.window_at(address)
        return window is not None and window.memory.is_writable

    def is_executable_ram(self, address: int) -> bool:
        """Whether code in RAM may be there, and change."""
        return self.is_writable(address) and not self.is_data_only(address)

    def is_data_only(self, address: int) -> bool:
        """Whether only the core's loads and stores reach a memory there."""
        window = self.window_at(address)
        return window is not None and window.memory.region.is_data_only

    def slice_at(self, address: int, size: int) -> memoryview | None:
        """Return the bytes themselves, or None when not all of them are in one memory."""
        window = self.window_at(address)
        if window is None or address + size > window.end:
            return None
        offset = address - window.begin
        return window.memory.view[offset : offset + size]
