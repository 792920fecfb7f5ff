"""Flash memory interface (FLASH), STM32L552: two banks of pages, programmed by double words.

Sources: ST's device header stm32l552xx.h for registers; their bits as embassy's stm32-data lists
them (flash_l5.yaml); ST's driver stm32l5xx_hal_flash.c for how software programs; reset values from
ST's STM32L552.svd. The option bytes are as shipped: TZEN is off, DBANK is on, nothing is protected.
Deviation: the core waits for an operation in the other bank, too.
UNKNOWN: what the option registers hold as shipped: their bits' meaning says it for all but the
reserved ones; what a store sets that is wrong in two ways.
Not modelled: see flash.py; write protection, hidden areas, error correction, power-down, security.
"""

from emulator.peripherals.absent import absent_registers
from emulator.peripherals.base import guest
from emulator.peripherals.flash import Flash, Places, Wires
from emulator.registers import Access, Field, Register, Unmodelled

NSSR, NSCR = 0x20, 0x28
PAGE, BANK = 2 * 1024, 256 * 1024  # bytes
UNIT = 8  # bytes: what is programmed at once
BLANK = bytes([0xFF]) * UNIT
PROGRAM_NS, ERASE_NS = 82_000, 22_000_000  # of a double word; of a page, and of a bank
SECURE_AND_OPTIONS = (
    "@4 PDKEYR @C SECKEYR @14 LVEKEYR @24 SECSR @2C SECCR=80000000 ECCR @44"
    " NSBOOTADD0R=800007F NSBOOTADD1R=BF9007F SECBOOTADD0R=C00007C"
    " SECWM1R1=FF80FFFF SECWM1R2 WRP1AR=FF80FFFF WRP1BR=FF80FFFF"
    " SECWM2R1=FF80FFFF SECWM2R2 WRP2AR=FF80FFFF WRP2BR=FF80FFFF"
    " @80 SECBB1R1 SECBB1R2 SECBB1R3 SECBB1R4 @A0 SECBB2R1 SECBB2R2 SECBB2R3 SECBB2R4"
    " @C0 SECHDPCR PRIVCFGR"
)


class FlashAcrL5(Register):
    """FLASH_ACR, access control register."""

    LVEN = Unmodelled(15, 15)
    SLEEP_PD = Unmodelled(14, 14)
    RUN_PD = Unmodelled(13, 13)
    LATENCY = Field(3, 0)  # wait states have no effect on virtual time


class FlashNssr(Register):
    """FLASH_NSSR, non-secure status register."""

    NSBSY = Field(16, 16, Access.RO)
    OPTWERR = Field(13, 13, Access.RC_W1)
    NSPGSERR = Field(7, 7, Access.RC_W1)
    NSSIZERR = Field(6, 6, Access.RC_W1)
    NSPGAERR = Field(5, 5, Access.RC_W1)
    NSWRPERR = Field(4, 4, Access.RC_W1)
    NSPROGERR = Field(3, 3, Access.RC_W1)
    NSOPERR = Field(1, 1, Access.RC_W1)  # with NSERRIE only
    NSEOP = Field(0, 0, Access.RC_W1)  # with NSEOPIE only


class FlashNscr(Register):
    """FLASH_NSCR, non-secure control register. Written while NSLOCK is 0."""

    NSLOCK = Field(31, 31)  # software can set it; only the keys clear it
    OPTLOCK = Field(30, 30, Access.RO)  # it stays locked: changing the options is not modelled
    OBL_LAUNCH = Unmodelled(27, 27)
    NSERRIE = Field(25, 25)
    NSEOPIE = Field(24, 24)
    OPTSTRT = Unmodelled(17, 17)
    NSSTRT = Field(16, 16)
    NSMER2 = Field(15, 15)
    NSBKER = Field(11, 11)
    NSPNB = Field(9, 3)
    NSMER1 = Field(2, 2)
    NSPER = Field(1, 1)
    NSPG = Field(0, 0)


class FlashOptr(Register):
    """FLASH_OPTR, option register."""

    TZEN = Field(31, 31, Access.RO)
    PA15_PUPEN = Field(28, 28, Access.RO)
    NBOOT0 = Field(27, 27, Access.RO)
    NSWBOOT0 = Field(26, 26, Access.RO)
    SRAM2_RST = Field(25, 25, Access.RO)
    SRAM2_PE = Field(24, 24, Access.RO)
    DBANK = Field(22, 22, Access.RO)
    DB256K = Field(21, 21, Access.RO)
    SWAP_BANK = Field(20, 20, Access.RO)
    WATCHDOGS = Field(19, 16, Access.RO)  # WWDG_SW, IWDG_STDBY, IWDG_STOP, IWDG_SW
    NRST = Field(14, 12, Access.RO)
    BOR_LEV = Field(10, 8, Access.RO)
    RDP = Field(7, 0, Access.RO)


class FlashL5(Flash):
    """The interface. Every store to flash reaches it."""

    extra_state = (*Flash.extra_state, "_first")

    def __init__(self, wires: Wires) -> None:
        self.sr = FlashNssr()
        self.cr = FlashNscr(reset=FlashNscr.NSLOCK.mask | FlashNscr.OPTLOCK.mask)
        self._first: tuple[int, int] | None = None  # of a double word: offset and value
        optr = FlashOptr(reset=0x1FEF_F8AA)
        registers = {0x00: FlashAcrL5(), NSSR: self.sr, NSCR: self.cr, 0x40: optr}
        super().__init__(
            {**registers, **absent_registers("FLASH", SECURE_AND_OPTIONS)},
            wires,
            lock=FlashNscr.NSLOCK.mask,
            start=FlashNscr.NSSTRT.mask,
            busy=FlashNssr.NSBSY.mask,
            places=Places(keyr=0x08, optkeyr=0x10, sr=NSSR, cr=NSCR),
        )

    def reset(self) -> None:
        self._first = None
        super().reset()

    def erase(self) -> None:
        """Erase a page, or one bank, or both; with NSPG, or a page and a bank, nothing."""
        cr = self.cr
        banks = [n for n, is_chosen in enumerate((cr.NSMER1, cr.NSMER2)) if is_chosen]
        if cr.NSPG or bool(cr.NSPER) == bool(banks):
            self._fail(FlashNssr.NSPGSERR)
            return
        if cr.NSPER:
            begin = cr.NSBKER * BANK + cr.NSPNB * PAGE
            self.blank(begin, begin + PAGE)
        for bank in banks:
            self.blank(bank * BANK, (bank + 1) * BANK)
        self.spend(ERASE_NS)

    def program(self, offset: int, size: int, value: int) -> None:
        """Take a store of the guest to flash: the first half of a double word, or the second."""
        first, self._first = self._first, None
        if not self.cr.NSPG or self.cr.NSLOCK:
            guest.warning(
                "a store to flash at %#010x: FLASH_NSCR.NSPG is off", self.address + offset
            )
            self._fail(FlashNssr.NSPGSERR)
        elif size != UNIT // 2:
            self._fail(FlashNssr.NSSIZERR)
        elif offset % UNIT == 0:
            self._first = (offset, value)
        elif first is None or first[0] != offset - size:
            self._fail(FlashNssr.NSPGAERR)
        else:
            self._program_unit(first[0], first[1] | value << 32)
        self.update()

    def _program_unit(self, offset: int, value: int) -> None:
        if self.content(offset, UNIT) != BLANK and value:
            self._fail(FlashNssr.NSPROGERR)
            return
        self.change(self.memory, offset, value.to_bytes(UNIT, "little"))
        self.spend(PROGRAM_NS)

    def succeed(self) -> None:
        self.sr.NSEOP |= self.cr.NSEOPIE

    def _fail(self, why: Field) -> None:
        self.sr.word |= why.mask
        self.sr.NSOPERR |= self.cr.NSERRIE

    def update(self) -> None:
        self.set_programming(True)
        self.set_irq(bool(self.sr.NSEOP or self.sr.NSOPERR))
