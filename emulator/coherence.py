"""What the guest executes is what is there now: changes are noted, and made known to the core.

The Flash Patch unit, the MPU, the flash interface and stores that the engine does not see change
what a fetch finds. Each is noted where it happens, and takes effect before the next block.
"""

from emulator.clock import Clock
from emulator.core_units import CoreUnits
from emulator.cpu import Cpu
from emulator.memory_map import MemoryMap
from emulator.native.clock import TABLE_SIZE
from emulator.views import Views, page_of


class Stale:
    """What has changed since the core was told last; noted in the middle of a block."""

    def __init__(self, clock: Clock, views: Views) -> None:
        self._clock, self._views = clock, views
        self.are_views = False
        self.is_protection = True
        self.is_tlb = False
        self.rewritten: list[tuple[int, int]] = []  # [begin, end) to be translated again

    def note_views(self) -> None:
        self.are_views = True
        self._clock.request_attention()

    def note_protection(self) -> None:
        """Note that the MPU or CCR forbids something else than before."""
        self.is_protection = True
        self._clock.request_attention()

    def note_unseen_write(self, address: int) -> None:
        """Note that the guest may have rewritten its code in a way that the engine does not see."""
        if page_of(address) in self._views.code_pages:
            self.rewritten.append((address, address + 1))
            self._clock.request_attention()

    def note_flash(self, begin: int, end: int) -> None:
        """Note that the guest has programmed or erased flash; what was translated is dropped."""
        self.rewritten.append((begin, end))
        if self._views.fetch_pages or self._views.read_pages:
            self._views.memory_changed()
            self.are_views = True
        self._clock.request_attention()

    def set_programming(self, *, is_on: bool) -> None:
        """Have stores to flash reach the flash interface, or fault again."""
        if is_on != self._views.is_programming:
            self._views.is_programming = is_on
            self.is_tlb = True
            self._clock.request_attention()


class Coherence:
    """Makes known to the core what was noted."""

    def __init__(
        self,
        stale: Stale,
        cpu: Cpu,
        clock: Clock,
        memory_map: MemoryMap,
        views: Views,
        units: CoreUnits,
        *,
        unmonitored_break_is_ignored: bool,
    ) -> None:
        self._stale, self._cpu, self._clock = stale, cpu, clock
        self._memory_map, self._views = memory_map, views
        self._fpb, self._debug, self._scb = units.fpb, units.debug, units.scb
        self._unmonitored_break_is_ignored = unmonitored_break_is_ignored

    def renew(self) -> None:
        """Before the next block: renew what is stale."""
        stale = self._stale
        if stale.are_views:
            self.renew_views()
        if stale.is_protection:
            stale.is_protection = False
            self._cpu.protection_changed()
            self._cpu.trap_divisions(is_on=bool(self._scb.ccr.DIV_0_TRP))
            self._cpu.trap_unaligned(is_on=bool(self._scb.ccr.UNALIGN_TRP))
        while stale.rewritten:
            self._cpu.memory_changed(*stale.rewritten.pop())
        if stale.is_tlb:
            stale.is_tlb = False
            self._cpu.views_changed(())

    def restart(self) -> None:
        """Start from what the units say: after a reset or a snapshot's restore."""
        self._stale.is_protection = self._stale.are_views = True

    def renew_views(self) -> None:
        """Make fetches and reads see what the comparators and the table say now."""
        self._stale.are_views = False
        fpb = self._fpb
        breaks = bool(self._debug.demcr.MON_EN or not self._unmonitored_break_is_ignored)
        pages = self._views.rebuild(
            fpb.fetched(self._word_at, with_breaks=breaks), fpb.read_words(self._word_at)
        )
        self._cpu.set_breakpoints(fpb.breakpoints if breaks else frozenset())
        if pages is not None:
            self._cpu.views_changed(pages)
        remapped, is_read = fpb.remapped, fpb.is_table_read
        table = self._memory_map.slice_at(fpb.table_address, TABLE_SIZE)
        is_used = bool(remapped or is_read)
        self._clock.watch_table(table if is_used else None, remapped, is_read=is_read)

    def _word_at(self, address: int) -> bytes | None:
        word = self._memory_map.slice_at(address, 4)
        return None if word is None else bytes(word)

    # Changes from outside the guest.

    def memory_written(self, address: int, size: int) -> None:
        """Follow a change of memory's bytes, flash's too."""
        if self._memory_map.is_writable(address):
            self._cpu.memory_changed(address, address + size)
        else:
            self.flash_replaced()
        self._stale.are_views = True

    def flash_replaced(self) -> None:
        """Follow a change of flash, wherever in it."""
        self._views.memory_changed()
        self._cpu.flash_changed()
