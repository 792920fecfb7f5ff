"""What a fetch sees and what a read sees: the Flash Patch unit's two views of Code memory.

The hardware's comparators sit on two buses, so one address can have two contents. Here, a page that
a comparator touches gets a shadow page: a copy with the matched words overlaid, one for fetches
(instruction comparators) and one for reads (literal comparators). The core's TLB is answered with
the shadow or with the memory itself; flash is never changed, and a patched call costs nothing. An
unaligned read is of no word that a literal comparator could match: it is told of `literals`, and
sees memory's own bytes (native/translation.h).
"""

import ctypes
import enum
from collections.abc import Callable, Mapping
from typing import NamedTuple

from emulator.memory_map import PAGE_SIZE, Kind, MemoryMap

SHADOW_BASE = 0xF000_0000  # engine-physical; no guest address is answered with it otherwise
PROGRAM_BASE = 0xF100_0000  # engine-physical: stores to flash go there while it is programmed,
PROGRAM_MASK = 0x001F_FFFF  # to what this leaves of their addresses
SHADOW_PAGES = 16  # at most 8 pages with instruction comparators and 2 with literal ones


class AccessKind(enum.Enum):
    """What the core wants of a page."""

    FETCH = enum.auto()
    READ = enum.auto()
    WRITE = enum.auto()


class Permission(enum.IntFlag):
    """What a TLB entry allows; the engine's own bits."""

    READ = 1
    WRITE = 2
    EXECUTE = 4


class Answer(NamedTuple):
    """A TLB entry for the page of an access."""

    physical: int  # where the engine finds the page
    permissions: Permission


def page_of(address: int) -> int:
    """Return the address of the engine's page that an address is in."""
    return address & -PAGE_SIZE


class Views:
    """Shadow pages by guest page, for one board."""

    def __init__(self, memory_map: MemoryMap) -> None:
        self._memory_map = memory_map
        self.shadow = (ctypes.c_uint8 * (SHADOW_PAGES * PAGE_SIZE))()
        self._bytes = memoryview(self.shadow).cast("B")
        self.fetch_pages: dict[int, int] = {}  # guest page → offset in `shadow`
        self.read_pages: dict[int, int] = {}
        self.literals: dict[
            int, int
        ] = {}  # words in `read_pages`: address → host address of memory's
        self.is_programming = False  # the flash interface takes stores to flash
        self.code_pages: set[int] = set()  # pages of RAM that have been fetched from
        self._made_from: tuple[Mapping[int, bytes], Mapping[int, bytes]] | None = ({}, {})

    def rebuild(self, fetched: Mapping[int, bytes], read: Mapping[int, bytes]) -> set[int] | None:
        """Show these words (address → 4 bytes) instead of memory's.

        Returns the guest pages whose fetch view may have changed, or None when no view has.
        """
        if (fetched, read) == self._made_from:
            return None
        self._made_from = (dict(fetched), dict(read))
        stale = set(self.fetch_pages)
        self.fetch_pages, self.read_pages = {}, {}
        for words, pages in ((fetched, self.fetch_pages), (read, self.read_pages)):
            for address, word in words.items():
                self._overlay(pages, address, word)
        self.literals = {
            address: window.memory.host_address + address - window.begin
            for address in read
            if (window := self._memory_map.window_at(address)) is not None
        }
        return stale | set(self.fetch_pages)

    def memory_changed(self) -> None:
        """Have the next `rebuild` copy pages anew: memory's own bytes are others now."""
        self._made_from = None

    def is_new_code_page(self, address: int) -> bool:
        """Note a fetch; whether it is the first one from its page of RAM."""
        page = page_of(address)
        if page in self.code_pages or not self._memory_map.is_executable_ram(address):
            return False
        self.code_pages.add(page)
        return True

    def answer(
        self, address: int, access: AccessKind, *, is_peripheral: Callable[[int], bool]
    ) -> Answer | None:
        """Say which page an access reaches and what it may do there; None is a BusFault."""
        page, window = page_of(address), self._memory_map.window_at(address)
        if window is None:
            if access is AccessKind.FETCH or not is_peripheral(address):
                return None
            return Answer(page, Permission.READ | Permission.WRITE)
        if access is AccessKind.FETCH and window.memory.region.is_data_only:
            return None
        own = window.memory.region.address + page - window.begin
        if window.memory.is_writable:
            # Stores to an executable page take the engine's slow path, which drops what was
            # translated from it; stores to a data page do not.
            data = Permission.READ | Permission.WRITE
            return Answer(own, data | Permission.EXECUTE if page in self.code_pages else data)
        is_flash = window.memory.region.kind is Kind.FLASH
        if access is AccessKind.WRITE and is_flash and self.is_programming:
            return Answer(PROGRAM_BASE | own & PROGRAM_MASK, Permission.WRITE)
        return self._answer_flash(page, own, access)

    def _answer_flash(self, page: int, own: int, access: AccessKind) -> Answer | None:
        if access is AccessKind.WRITE:
            return None
        is_fetch = access is AccessKind.FETCH
        alone = Permission.EXECUTE if is_fetch else Permission.READ
        shadow, other = self.fetch_pages, self.read_pages
        if not is_fetch:
            shadow, other = other, shadow
        if page in shadow:
            return Answer(SHADOW_BASE + shadow[page], alone)
        if page in other:  # the other view must ask again
            return Answer(own, alone)
        return Answer(own, Permission.READ | Permission.EXECUTE)

    def seen_by_fetch(self, address: int, size: int) -> bytes | None:
        """Return what a fetch sees within a shadow page, or None where there is none."""
        page = page_of(address)
        if page not in self.fetch_pages:
            return None
        at = self.fetch_pages[page] + address - page
        return bytes(self._bytes[at : at + size])

    def _overlay(self, pages: dict[int, int], address: int, word: bytes) -> None:
        page = page_of(address)
        memory = self._memory_map.slice_at(page, PAGE_SIZE)
        if memory is None:
            return  # a comparator for an address where nothing is: matches nothing that executes
        if page not in pages:
            offset = (len(self.fetch_pages) + len(self.read_pages)) * PAGE_SIZE
            self._bytes[offset : offset + PAGE_SIZE] = memory
            pages[page] = offset
        at = pages[page] + address - page
        self._bytes[at : at + len(word)] = word
