"""System Control Block (SCB): identification, vector table, system exceptions and fault status.

Sources: DDI 0403E.e B3.2; for Armv8-M, CMSIS's core_cm33.h. ICSR and SHCSR are views of
emulator/interrupts.py.
Not modelled: AFSR, SCR.SLEEPDEEP (sleep is sleep), AIRCR's bits for
debuggers; of Armv8-M, SHCSR's bits for HardFault and NMI.
"""

from collections.abc import Callable

from emulator.interrupts import FIRST_IRQ, Exc, Interrupts, Masks
from emulator.peripherals.base import Peripheral
from emulator.peripherals.scb_registers import (
    Afsr,
    Aircr,
    Bfar,
    Ccr,
    CcrV8,
    Cfsr,
    Cpuid,
    Dfsr,
    Hfsr,
    Icsr,
    Mmfar,
    Scr,
    Shcsr,
    Vtor,
)

VECTKEY = 0x05FA
VECTKEYSTAT = 0xFA05
SHPR1, SHPR3 = 0x018, 0x020  # offsets from CPUID
VTOR = 0x008
SCR = 0x010
CCR = 0x014
IMPLEMENTED_SHPR = frozenset({4, 5, 6, 11, 12, 14, 15})
ENABLES = (
    (Shcsr.USGFAULTENA, Exc.USAGEFAULT),
    (Shcsr.BUSFAULTENA, Exc.BUSFAULT),
    (Shcsr.MEMFAULTENA, Exc.MEMMANAGE),
)
PENDED = (
    (Shcsr.SVCALLPENDED, Exc.SVCALL),
    (Shcsr.BUSFAULTPENDED, Exc.BUSFAULT),
    (Shcsr.MEMFAULTPENDED, Exc.MEMMANAGE),
    (Shcsr.USGFAULTPENDED, Exc.USAGEFAULT),
)
ACTIVE = (
    (Shcsr.SYSTICKACT, Exc.SYSTICK),
    (Shcsr.PENDSVACT, Exc.PENDSV),
    (Shcsr.MONITORACT, Exc.DEBUGMONITOR),
    (Shcsr.SVCALLACT, Exc.SVCALL),
    (Shcsr.USGFAULTACT, Exc.USAGEFAULT),
    (Shcsr.BUSFAULTACT, Exc.BUSFAULT),
    (Shcsr.MEMFAULTACT, Exc.MEMMANAGE),
)


class Scb(Peripheral):
    """The block from CPUID, 0xE000ED00, to BFAR."""

    def __init__(
        self,
        interrupts: Interrupts,
        cpuid: int,
        masks: Callable[[], Masks],
        on_reset_request: Callable[[], None],
        on_ccr_change: Callable[[], None],
        *,
        stkalign: bool = True,
        is_v8m: bool = False,
        vectors: int = 0,
    ) -> None:
        self.icsr = Icsr()
        self.vtor = Vtor(reset=vectors)
        self.aircr = Aircr(reset=VECTKEYSTAT << 16)
        self.scr = Scr()
        self.ccr = CcrV8(reset=0x201) if is_v8m else Ccr(reset=Ccr.STKALIGN.mask * stkalign)
        self._can_clear_nmi = is_v8m
        self.shcsr = Shcsr()
        self.cfsr = Cfsr()
        self.hfsr = Hfsr()
        self.dfsr = Dfsr()
        self.mmfar = Mmfar()
        self.bfar = Bfar()
        self._interrupts, self._masks = interrupts, masks
        self._on_reset_request, self._on_ccr_change = on_reset_request, on_ccr_change
        super().__init__(
            {
                0x000: Cpuid(reset=cpuid),
                0x004: self.icsr,
                VTOR: self.vtor,
                0x00C: self.aircr,
                SCR: self.scr,
                0x014: self.ccr,
                0x024: self.shcsr,
                0x028: self.cfsr,
                0x02C: self.hfsr,
                0x030: self.dfsr,
                0x034: self.mmfar,
                0x038: self.bfar,
                0x03C: Afsr(),
            }
        )

    def read(self, offset: int) -> int:
        if SHPR1 <= offset <= SHPR3:
            first = offset - SHPR1 + 4
            priority = self._interrupts.priority
            return int.from_bytes(priority.get(first + n, 0) for n in reversed(range(4)))
        if offset == 0x004:
            self._update_icsr()
        if offset == 0x024:
            self._update_shcsr()
        return super().read(offset)

    def write(self, offset: int, word: int) -> None:
        if SHPR1 <= offset <= SHPR3:
            for n, priority in enumerate(word.to_bytes(4, "little"), offset - SHPR1 + 4):
                if n in IMPLEMENTED_SHPR:
                    self._interrupts.set_priority(n, priority)
        elif offset == 0x004:
            self._write_icsr(word)
        elif offset == 0x00C:
            self._write_aircr(word)
        elif offset == 0x024:
            self._write_shcsr(word)
        else:
            super().write(offset, word)
            if offset == CCR:
                self._on_ccr_change()
            elif offset in {VTOR, SCR}:
                self._interrupts.changed()

    def write_lanes(self, offset: int, word: int, lanes: int) -> None:
        if SHPR1 <= offset <= SHPR3:
            self.write(offset, word & lanes | self.read(offset) & ~lanes)
        else:
            if offset == 0x024:
                self._update_shcsr()
            super().write_lanes(offset, word, lanes)

    def _update_icsr(self) -> None:
        interrupts = self._interrupts
        pending = interrupts.pending
        self.icsr.NMIPENDSET = Exc.NMI in pending
        self.icsr.PENDSVSET = Exc.PENDSV in pending
        self.icsr.PENDSTSET = Exc.SYSTICK in pending
        self.icsr.ISRPENDING = any(number >= FIRST_IRQ for number in pending)
        self.icsr.VECTPENDING = interrupts.next_pending(self._masks())
        self.icsr.RETTOBASE = not interrupts.is_nested
        self.icsr.VECTACTIVE = interrupts.current

    def _write_icsr(self, word: int) -> None:
        interrupts = self._interrupts
        for field, number in (
            (Icsr.NMIPENDSET, Exc.NMI),
            (Icsr.PENDSVSET, Exc.PENDSV),
            (Icsr.PENDSTSET, Exc.SYSTICK),
        ):
            if field.of(word):
                interrupts.pend(number)
        for field, number in ((Icsr.PENDSVCLR, Exc.PENDSV), (Icsr.PENDSTCLR, Exc.SYSTICK)):
            if field.of(word):
                interrupts.unpend(number)
        if Icsr.PENDNMICLR.of(word) and self._can_clear_nmi:
            interrupts.unpend(Exc.NMI)

    def _write_aircr(self, word: int) -> None:
        if word >> 16 != VECTKEY:
            return
        self.aircr.write(word)
        self._interrupts.set_grouping(self.aircr.PRIGROUP)
        if Aircr.SYSRESETREQ.of(word):
            self._on_reset_request()

    def _update_shcsr(self) -> None:
        interrupts = self._interrupts
        self.shcsr.word = sum(
            field.mask
            for fields, numbers in (
                (ENABLES, interrupts.enabled),
                (PENDED, interrupts.pending),
                (ACTIVE, interrupts.active),
            )
            for field, number in fields
            if number in numbers
        )

    def _write_shcsr(self, word: int) -> None:
        """Enable, pend and activate as software says."""
        interrupts = self._interrupts
        for field, number in ENABLES:
            (interrupts.enable if field.of(word) else interrupts.disable)(number)
        for field, number in PENDED:
            (interrupts.pend if field.of(word) else interrupts.unpend)(number)
        for field, number in ACTIVE:
            interrupts.set_active(number, bool(field.of(word)))
