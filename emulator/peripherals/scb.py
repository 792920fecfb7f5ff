"""System Control Block (SCB): identification, vector table, system exceptions and fault status.

Sources: DDI 0403E.e B3.2; for Armv8-M, CMSIS's core_cm33.h. ICSR and SHCSR are views of
emulator/interrupts.py.
Not modelled: AFSR, SCR.SLEEPDEEP (sleep is sleep), AIRCR's bits for
debuggers; of Armv8-M, SHCSR's bits for HardFault and NMI.
"""

from collections.abc import Callable

from emulator.interrupts import FIRST_IRQ, Exc, Interrupts, Masks
from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register

VECTKEY = 0x05FA
VECTKEYSTAT = 0xFA05
SHPR1, SHPR3 = 0x018, 0x020  # offsets from CPUID
VTOR = 0x008
SCR = 0x010
CCR = 0x014
IMPLEMENTED_SHPR = frozenset({4, 5, 6, 11, 12, 14, 15})


class Cpuid(Register):
    """CPUID, CPUID Base Register. DDI 0403E.e B3.2."""

    IMPLEMENTER = Field(31, 24, Access.RO)
    VARIANT = Field(23, 20, Access.RO)
    ARCHITECTURE = Field(19, 16, Access.RO)
    PARTNO = Field(15, 4, Access.RO)
    REVISION = Field(3, 0, Access.RO)


class Icsr(Register):
    """ICSR, Interrupt Control and State Register. DDI 0403E.e B3.2."""

    NMIPENDSET = Field(31, 31)
    PENDNMICLR = Field(30, 30, Access.WO)  # Armv8-M only
    PENDSVSET = Field(28, 28)
    PENDSVCLR = Field(27, 27, Access.WO)
    PENDSTSET = Field(26, 26)
    PENDSTCLR = Field(25, 25, Access.WO)
    ISRPENDING = Field(22, 22, Access.RO)
    VECTPENDING = Field(20, 12, Access.RO)
    RETTOBASE = Field(11, 11, Access.RO)
    VECTACTIVE = Field(8, 0, Access.RO)


class Vtor(Register):
    """VTOR, Vector Table Offset Register. DDI 0403E.e B3.2."""

    TBLOFF = Field(31, 7)


class Aircr(Register):
    """AIRCR, Application Interrupt and Reset Control Register. DDI 0403E.e B3.2."""

    VECTKEYSTAT = Field(31, 16, Access.RO)
    ENDIANNESS = Field(15, 15, Access.RO)
    PRIGROUP = Field(10, 8)
    SYSRESETREQ = Field(2, 2, Access.WO)
    VECTCLRACTIVE = Field(1, 1, Access.WO)  # not modelled: for debuggers only
    VECTRESET = Field(0, 0, Access.WO)  # not modelled: for debuggers only


class Scr(Register):
    """SCR, System Control Register. DDI 0403E.e B3.2."""

    SEVONPEND = Field(4, 4)  # 1: whatever becomes pending is an event for WFE
    SLEEPDEEP = Field(2, 2)  # not modelled: sleep is sleep
    SLEEPONEXIT = Field(1, 1)  # 1: sleep on the return to Thread mode


class Ccr(Register):
    """CCR, Configuration and Control Register. DDI 0403E.e B3.2."""

    STKALIGN = Field(9, 9)  # 1: frames are aligned to 8 bytes
    BFHFNMIGN = Field(8, 8)  # 1: HardFault, NMI and FAULTMASK ignore BusFaults of data accesses
    DIV_0_TRP = Field(4, 4)  # 1: a division by zero is a UsageFault
    UNALIGN_TRP = Field(3, 3)  # 1: an unaligned access is a UsageFault
    USERSETMPEND = Field(1, 1)  # 1: unprivileged code may write STIR
    NONBASETHRDENA = Field(0, 0)  # 1: a return to Thread mode may leave exceptions active


class CcrV8(Ccr):
    """CCR, Configuration and Control Register, of Armv8-M: what was optional is fixed.

    Fields and reset value: CMSIS's core_cm33.h; the Cortex-M33's is 0x00000201.
    """

    STKOFHFNMIGN = Field(10, 10)  # 1: HardFault and NMI ignore the stack limits
    STKALIGN = Field(9, 9, Access.RO)
    BFHFNMIGN = Field(8, 8)
    DIV_0_TRP = Field(4, 4)  # 1: a division by zero is a UsageFault
    UNALIGN_TRP = Field(3, 3)  # 1: an unaligned access is a UsageFault
    USERSETMPEND = Field(1, 1)
    NONBASETHRDENA = Field(0, 0, Access.RO)  # reserved there, reads 1: always allowed


class Shcsr(Register):
    """SHCSR, System Handler Control and State Register. DDI 0403E.e B3.2."""

    USGFAULTENA = Field(18, 18)
    BUSFAULTENA = Field(17, 17)
    MEMFAULTENA = Field(16, 16)
    SVCALLPENDED = Field(15, 15)
    BUSFAULTPENDED = Field(14, 14)
    MEMFAULTPENDED = Field(13, 13)
    USGFAULTPENDED = Field(12, 12)
    SYSTICKACT = Field(11, 11)
    PENDSVACT = Field(10, 10)
    MONITORACT = Field(8, 8)
    SVCALLACT = Field(7, 7)
    USGFAULTACT = Field(3, 3)
    BUSFAULTACT = Field(1, 1)
    MEMFAULTACT = Field(0, 0)


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


class Cfsr(Register):
    """CFSR, Configurable Fault Status Register. DDI 0403E.e B3.2."""

    DIVBYZERO = Field(25, 25, Access.RC_W1)
    UNALIGNED = Field(24, 24, Access.RC_W1)
    STKOF = Field(20, 20, Access.RC_W1)  # Armv8-M: SP passed its limit
    NOCP = Field(19, 19, Access.RC_W1)
    INVPC = Field(18, 18, Access.RC_W1)
    INVSTATE = Field(17, 17, Access.RC_W1)
    UNDEFINSTR = Field(16, 16, Access.RC_W1)
    BFARVALID = Field(15, 15, Access.RC_W1)
    LSPERR = Field(13, 13, Access.RC_W1)
    STKERR = Field(12, 12, Access.RC_W1)
    UNSTKERR = Field(11, 11, Access.RC_W1)
    IMPRECISERR = Field(10, 10, Access.RC_W1)
    PRECISERR = Field(9, 9, Access.RC_W1)
    IBUSERR = Field(8, 8, Access.RC_W1)
    MMARVALID = Field(7, 7, Access.RC_W1)
    MLSPERR = Field(5, 5, Access.RC_W1)
    MSTKERR = Field(4, 4, Access.RC_W1)
    MUNSTKERR = Field(3, 3, Access.RC_W1)
    DACCVIOL = Field(1, 1, Access.RC_W1)
    IACCVIOL = Field(0, 0, Access.RC_W1)


class Hfsr(Register):
    """HFSR, HardFault Status Register. DDI 0403E.e B3.2."""

    DEBUGEVT = Field(31, 31, Access.RC_W1)
    FORCED = Field(30, 30, Access.RC_W1)
    VECTTBL = Field(1, 1, Access.RC_W1)


class Dfsr(Register):
    """DFSR, Debug Fault Status Register. DDI 0403E.e C1.6."""

    EXTERNAL = Field(4, 4, Access.RC_W1)
    VCATCH = Field(3, 3, Access.RC_W1)
    DWTTRAP = Field(2, 2, Access.RC_W1)
    BKPT = Field(1, 1, Access.RC_W1)
    HALTED = Field(0, 0, Access.RC_W1)


class Mmfar(Register):
    """MMFAR, MemManage Fault Address Register. DDI 0403E.e B3.2."""

    ADDRESS = Field(31, 0)


class Bfar(Register):
    """BFAR, BusFault Address Register. DDI 0403E.e B3.2."""

    ADDRESS = Field(31, 0)


class Afsr(Register):
    """AFSR, Auxiliary Fault Status Register. DDI 0403E.e B3.2. These cores set no bit of it."""

    AUXFAULT = Field(31, 0, Access.RC_W1)


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
