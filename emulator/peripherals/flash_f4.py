"""Flash memory interface (FLASH), STM32F405: sectors, programmed by bytes up to words.

Sources: ST's device header stm32f405xx.h for registers and bits; RM0090 3.5, erase and program
operations; reset values but OPTCR's from ST's STM32F41x.svd, OPTCR's as shipped, nothing protected.
Deviation: of a double word, each half is programmed as it comes; a store across a row of 128 bits
is impossible here, so PGAERR is never seen.
UNKNOWN: a store while PG is 0 sets PGSERR and is no BusFault; one to a locked block of OTP, or
behind OTP, sets WRPERR.
Not modelled: see flash.py.
"""

from bisect import bisect_right
from itertools import accumulate

from emulator.memory_map import Memory
from emulator.peripherals.base import guest
from emulator.peripherals.flash import Flash, Wires
from emulator.registers import Access, Field, Register, Unmodelled

KIB = 1024
SECTORS = tuple(accumulate([16, 16, 16, 16, 64] + [128] * 7, initial=0))  # where each begins, KiB
SIZES = (1, 2, 4, 4)  # bytes of a store, by PSIZE; a double word comes as two words
PROGRAM_NS = 16_000  # whatever the size
ERASE_MS = {  # of a sector by its size in KiB, of everything by None; by PSIZE
    16: (400, 300, 250, 250),
    64: (1_200, 700, 550, 550),
    128: (2_000, 1_300, 1_000, 1_000),
    None: (16_000, 11_000, 8_000, 8_000),
}
NS_PER_MS = 1_000_000
OTP_BLOCKS, OTP_BLOCK_SIZE = 16, 32  # behind them is a byte for each, whose 0 locks it


class FlashAcr(Register):
    """FLASH_ACR, Flash access control register."""

    DCRST = Field(12, 12)  # caches and wait states have no effect on virtual time
    ICRST = Field(11, 11, Access.WO)
    DCEN = Field(10, 10)
    ICEN = Field(9, 9)
    PRFTEN = Field(8, 8)
    LATENCY = Field(2, 0)


class FlashSr(Register):
    """FLASH_SR, Flash status register."""

    BSY = Field(16, 16, Access.RO)
    PGSERR = Field(7, 7, Access.RC_W1)
    PGPERR = Field(6, 6, Access.RC_W1)
    PGAERR = Field(5, 5, Access.RC_W1)
    WRPERR = Field(4, 4, Access.RC_W1)
    OPERR = Field(1, 1, Access.RC_W1)  # with ERRIE only
    EOP = Field(0, 0, Access.RC_W1)  # with EOPIE only


class FlashCr(Register):
    """FLASH_CR, Flash control register. Written while LOCK is 0."""

    LOCK = Field(31, 31)  # software can set it; only the keys clear it
    ERRIE = Field(25, 25)
    EOPIE = Field(24, 24)
    STRT = Field(16, 16)
    PSIZE = Field(9, 8)
    SNB = Field(6, 3)
    MER = Field(2, 2)
    SER = Field(1, 1)
    PG = Field(0, 0)


class FlashOptcr(Register):
    """FLASH_OPTCR, Flash option control register. It stays locked: changing it is not modelled."""

    NWRP = Field(27, 16, Access.RO)  # a 0 protects a sector
    RDP = Field(15, 8, Access.RO)
    NRST_STDBY = Field(7, 7, Access.RO)
    NRST_STOP = Field(6, 6, Access.RO)
    WDG_SW = Field(5, 5, Access.RO)
    BOR_LEV = Field(3, 2, Access.RO)
    OPTSTRT = Unmodelled(1, 1)
    OPTLOCK = Field(0, 0, Access.RO)


class FlashF4(Flash):
    """The interface. Every store to flash reaches it, and to OTP, one-time programmable memory."""

    def __init__(self, wires: Wires, otp: Memory) -> None:
        self._otp = otp
        self.sr = FlashSr()
        self.cr = FlashCr(reset=FlashCr.LOCK.mask)
        self.optcr = FlashOptcr(reset=0x0FFF_AAED)
        super().__init__(
            {0x00: FlashAcr(), 0x0C: self.sr, 0x10: self.cr, 0x14: self.optcr},
            wires,
            lock=FlashCr.LOCK.mask,
            start=FlashCr.STRT.mask,
            busy=FlashSr.BSY.mask,
        )

    def erase(self) -> None:
        """Erase a sector or everything; with SER and MER set, neither."""
        if self.cr.SER and not self.cr.MER and self.cr.SNB < len(SECTORS) - 1:
            sectors = range(self.cr.SNB, self.cr.SNB + 1)
        elif self.cr.MER and not self.cr.SER:
            sectors = range(len(SECTORS) - 1)
        else:
            self._fail(FlashSr.PGSERR)
            return
        if any(map(self._is_protected, sectors)):
            self._fail(FlashSr.WRPERR)
            return
        begin, end = SECTORS[sectors[0]], SECTORS[sectors[-1] + 1]
        self.blank(begin * KIB, end * KIB)
        times = ERASE_MS[None if self.cr.MER else end - begin]
        self.spend(times[self.cr.PSIZE] * NS_PER_MS)

    def program(self, offset: int, size: int, value: int) -> None:
        """Take a store of the guest to flash: bits become 0, and never 1."""
        sector = bisect_right(SECTORS, offset // KIB) - 1
        self._program(self.memory, offset, size, value, is_refused=self._is_protected(sector))

    def program_otp(self, offset: int, size: int, value: int) -> None:
        """Take a store of the guest to OTP, or to what is behind it."""
        block, place = divmod(offset, OTP_BLOCK_SIZE)
        if block < OTP_BLOCKS:
            is_refused = not self._otp.view[OTP_BLOCKS * OTP_BLOCK_SIZE + block]
        else:
            is_refused = block > OTP_BLOCKS or place >= OTP_BLOCKS
        self._program(self._otp, offset, size, value, is_refused=is_refused)

    def _program(
        self, memory: Memory, offset: int, size: int, value: int, *, is_refused: bool
    ) -> None:
        if not self.cr.PG or self.cr.LOCK:
            where = memory.region.address + offset
            guest.warning("a store to flash at %#010x: FLASH_CR.PG is off", where)
            self._fail(FlashSr.PGSERR)
        elif size != SIZES[self.cr.PSIZE]:
            self._fail(FlashSr.PGPERR)
        elif is_refused:
            self._fail(FlashSr.WRPERR)
        else:
            kept = int.from_bytes(memory.view[offset : offset + size], "little")
            self.change(memory, offset, (kept & value).to_bytes(size, "little"))
            self.spend(PROGRAM_NS)
        self.update()

    def _is_protected(self, sector: int) -> bool:
        return not self.optcr.NWRP >> sector & 1

    def succeed(self) -> None:
        self.sr.EOP |= self.cr.EOPIE

    def _fail(self, why: Field) -> None:
        self.sr.word |= why.mask
        self.sr.OPERR |= self.cr.ERRIE

    def update(self) -> None:
        self.set_programming(True)
        self.set_irq(bool(self.sr.EOP or self.sr.OPERR))
