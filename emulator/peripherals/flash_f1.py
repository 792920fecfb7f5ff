"""Flash memory interface (FLASH), STM32F10x: pages, programmed by halfwords.

Sources: ST's device header stm32f103xb.h for registers and bits; RM0008's programming sequences.
Deviation: a store to flash that is no halfword sets PGERR while PG is set; the hardware answers it
with a bus error. Not modelled: see flash.py.
"""

from emulator.memory_map import ERASED
from emulator.peripherals.base import guest
from emulator.peripherals.flash import Flash, Wires
from emulator.registers import Access, Field, Register, Unmodelled

PAGE = 1024  # bytes, of a medium-density part
PAGES_PER_WRP = 4  # a bit of WRPR protects as many
HALFWORD = 2
PROGRAM_NS, ERASE_NS = 50_000, 30_000_000  # a halfword; a page, or all of it
RDP_NONE = 0xA5  # the option byte that leaves flash readable


class FlashAcr(Register):
    """FLASH_ACR, Flash access control register."""

    PRFTBS = Field(5, 5)  # follows PRFTBE
    PRFTBE = Field(4, 4)
    HLFCYA = Field(3, 3)
    LATENCY = Field(2, 0)  # wait states; no effect on virtual time

    def write(self, word: int) -> None:
        status = FlashAcr.PRFTBS.mask * FlashAcr.PRFTBE.of(word)
        super().write(word & ~FlashAcr.PRFTBS.mask | status)


class FlashSr(Register):
    """FLASH_SR, Flash status register."""

    EOP = Field(5, 5, Access.RC_W1)
    WRPRTERR = Field(4, 4, Access.RC_W1)
    PGERR = Field(2, 2, Access.RC_W1)
    BSY = Field(0, 0, Access.RO)


class FlashCr(Register):
    """FLASH_CR, Flash control register. Written while LOCK is 0."""

    EOPIE = Field(12, 12)
    ERRIE = Field(10, 10)
    OPTWRE = Field(9, 9, Access.RO)
    LOCK = Field(7, 7)  # software can set it; only the keys clear it
    STRT = Field(6, 6)
    OPTER = Unmodelled(5, 5)
    OPTPG = Unmodelled(4, 4)
    MER = Field(2, 2)
    PER = Field(1, 1)
    PG = Field(0, 0)


class FlashAr(Register):
    """FLASH_AR, Flash address register: the page to erase."""

    FAR = Field(31, 0, Access.WO)


class FlashObr(Register):
    """FLASH_OBR, Option byte register."""

    DATA1 = Field(25, 18, Access.RO)
    DATA0 = Field(17, 10, Access.RO)
    USER = Field(9, 2, Access.RO)
    RDPRT = Field(1, 1, Access.RO)
    OPTERR = Field(0, 0, Access.RO)  # a byte does not match its complement


class FlashWrpr(Register):
    """FLASH_WRPR, Write protection register. A 0 protects four pages."""

    WRP = Field(31, 0, Access.RO)


class FlashF1(Flash):
    """The interface."""

    def __init__(self, wires: Wires, option_bytes: memoryview) -> None:
        self.sr = FlashSr()
        self.cr = FlashCr(reset=FlashCr.LOCK.mask)
        self.obr = FlashObr()
        self.wrpr = FlashWrpr()
        self._ar = FlashAr()
        super().__init__(
            {
                0x00: FlashAcr(reset=0x0000_0030),
                0x0C: self.sr,
                0x10: self.cr,
                0x14: self._ar,
                0x1C: self.obr,
                0x20: self.wrpr,
            },
            wires,
            lock=FlashCr.LOCK.mask,
            start=FlashCr.STRT.mask,
            busy=FlashSr.BSY.mask,
        )
        self._option_bytes = option_bytes

    def reset(self) -> None:
        super().reset()
        self._load_option_bytes()

    def restored(self) -> None:
        self.set_programming(bool(self.cr.PG))

    def erase(self) -> None:
        if self.cr.MER:
            begin, end = 0, self.size
        elif self.cr.PER:
            begin = self._ar.word - self.address & -PAGE
            end = begin + PAGE
        else:
            return
        is_inside = 0 <= begin < end <= self.size
        if not is_inside or any(map(self._is_protected, range(begin, end, PAGE))):
            self.sr.WRPRTERR = 1
            return
        self.blank(begin, end)
        self.spend(ERASE_NS)

    def program(self, offset: int, size: int, value: int) -> None:
        if not self.cr.PG or size != HALFWORD:
            guest.warning("a store of %d bytes to flash: PG is off, or it is no halfword", size)
            self.sr.PGERR = 1
        elif self._is_protected(offset):
            self.sr.WRPRTERR = 1
        elif value and self.content(offset, size) != bytes([ERASED]) * size:
            self.sr.PGERR = 1  # only zero can be programmed over what is not erased
        else:
            self.change(self.memory, offset, value.to_bytes(size, "little"))
            self.spend(PROGRAM_NS)
        self.update()

    def _is_protected(self, offset: int) -> bool:
        return not self.wrpr.word >> offset // (PAGE * PAGES_PER_WRP) & 1

    def _load_option_bytes(self) -> None:
        """Take what is in the option bytes: each is followed by its complement."""
        pairs = bytes(self._option_bytes)
        rdp, user, data0, data1, *wrp = pairs[0::2]
        self.obr.OPTERR = any(a ^ b != 0xFF for a, b in zip(pairs[0::2], pairs[1::2], strict=True))
        self.obr.RDPRT = rdp != RDP_NONE
        self.obr.USER, self.obr.DATA0, self.obr.DATA1 = user, data0, data1
        self.wrpr.word = int.from_bytes(wrp, "little")

    def succeed(self) -> None:
        self.sr.EOP = 1

    def update(self) -> None:
        sr, cr = self.sr, self.cr
        self.set_programming(bool(cr.PG))
        is_error = sr.PGERR or sr.WRPRTERR
        self.set_irq(bool((cr.EOPIE and sr.EOP) or (cr.ERRIE and is_error)))
