"""Flash memory interface (FLASH), STM32F10x: wait states, the lock, programming and erasing.

Sources: ST's device header stm32f103xb.h for registers and bits; RM0008's programming sequences.
Deviation: an operation takes no time, so BSY is never seen. A store to flash that is no halfword
sets PGERR while PG is set; the hardware answers it with a bus error.
Not modelled: changing the option bytes; read protection; mapping RAM or the boot loader to 0.
"""

from collections.abc import Callable
from typing import Any

from emulator.memory_map import ERASED, Memory
from emulator.peripherals.base import Peripheral, guest
from emulator.registers import Access, Field, Register, Unmodelled

PAGE = 1024  # bytes, of a medium-density part
PAGES_PER_WRP = 4  # a bit of WRPR protects as many
HALFWORD = 2
KEY1, KEY2 = 0x4567_0123, 0xCDEF_89AB
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


class FlashKeyr(Register):
    """FLASH_KEYR, FPEC key register."""

    FKEYR = Field(31, 0, Access.WO)


class FlashOptkeyr(Register):
    """FLASH_OPTKEYR, Flash OPTKEY register."""

    OPTKEYR = Unmodelled(31, 0, Access.WO)  # the option bytes stay locked


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


class Flash(Peripheral):
    """The interface, and the memory behind it.

    `set_programming` says whether stores to flash reach `program`; `on_change` takes the first
    address that holds other bytes now and the one behind the last.
    """

    extra_state = ("_keys",)

    def __init__(
        self,
        memory: Memory,
        option_bytes: memoryview,
        set_programming: Callable[[bool], None],
        on_change: Callable[[int, int], None],
        set_irq: Callable[[bool], None],
    ) -> None:
        self.sr = FlashSr()
        self.cr = FlashCr(reset=FlashCr.LOCK.mask)
        self.obr = FlashObr()
        self.wrpr = FlashWrpr()
        super().__init__(
            {
                0x00: FlashAcr(reset=0x0000_0030),
                0x04: FlashKeyr(),
                0x08: FlashOptkeyr(),
                0x0C: self.sr,
                0x10: self.cr,
                0x14: FlashAr(),
                0x1C: self.obr,
                0x20: self.wrpr,
            }
        )
        self._memory, self._option_bytes = memory, option_bytes
        self._set_programming, self._on_change, self._set_irq = set_programming, on_change, set_irq
        self._keys: tuple[int, ...] = ()  # written to KEYR since reset or the last lock

    def reset(self) -> None:
        super().reset()
        self._keys = ()
        self._load_option_bytes()
        self._update()

    def restore(self, state: tuple[Any, ...]) -> None:
        super().restore(state)
        self._set_programming(bool(self.cr.PG))

    def write(self, offset: int, word: int) -> None:
        if offset == 0x04:
            self._take_key(word)
        elif offset == 0x10:
            self._control(word)
        else:
            super().write(offset, word)
        self._update()

    def _take_key(self, key: int) -> None:
        """Unlock by the two keys in order; after a wrong one, nothing does before a reset."""
        self._keys = (*self._keys, key)[:3]
        if self._keys == (KEY1, KEY2):
            self.cr.LOCK = 0

    def _control(self, word: int) -> None:
        if self.cr.LOCK:
            return
        self.cr.write(word & ~FlashCr.STRT.mask)
        if FlashCr.LOCK.of(word):
            self._keys = ()
        if FlashCr.STRT.of(word):
            self._erase()

    def _erase(self) -> None:
        size = self._memory.region.size
        if self.cr.MER:
            begin, end = 0, size
        elif self.cr.PER:
            begin = self.registers[0x14].word - self._memory.region.address & -PAGE
            end = begin + PAGE
        else:
            return
        if not 0 <= begin < end <= size or any(map(self._is_protected, range(begin, end, PAGE))):
            self.sr.WRPRTERR = 1
            return
        self._change(begin, bytes([ERASED]) * (end - begin))

    def program(self, offset: int, size: int, value: int) -> None:
        """Take a store of the guest to flash."""
        now = self._memory.view[offset : offset + size]
        if not self.cr.PG or size != HALFWORD:
            guest.warning("a store of %d bytes to flash: PG is off, or it is no halfword", size)
            self.sr.PGERR = 1
        elif self._is_protected(offset):
            self.sr.WRPRTERR = 1
        elif value and bytes(now) != bytes([ERASED]) * size:
            self.sr.PGERR = 1  # only zero can be programmed over what is not erased
        else:
            self._change(offset, value.to_bytes(size, "little"))
        self._update()

    def _change(self, offset: int, data: bytes) -> None:
        self._memory.view[offset : offset + len(data)] = data
        self.sr.EOP = 1
        address = self._memory.region.address + offset
        self._on_change(address, address + len(data))

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

    def _update(self) -> None:
        sr, cr = self.sr, self.cr
        self._set_programming(bool(cr.PG))
        is_error = sr.PGERR or sr.WRPRTERR
        self._set_irq(bool((cr.EOPIE and sr.EOP) or (cr.ERRIE and is_error)))
