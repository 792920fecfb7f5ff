"""Universal synchronous asynchronous receiver transmitter (USART), STM32F1 and F4: its registers.

SR and DR: flags are cleared by reading the one, then reading or writing the other. What shifts is
in usart.py. Sources: RM0008's and RM0090's register and bit names as ST's device headers
stm32f103xb.h and stm32f405xx.h have them; the STM32F10x has no OVER8 and no ONEBIT.
Not modelled: see usart.py; LIN.
"""

import functools
from collections.abc import Callable

from emulator.clock import Clock
from emulator.peripherals.usart import Requests, Timing, Usart, unconnected
from emulator.peripherals.usart_registers import (
    RECEIVE_ERRORS,
    UsartCr1,
    UsartCr2,
    UsartCr3,
    UsartFlags,
    UsartGtpr,
    frame_half_bits,
)
from emulator.registers import Access, Field, Register, Unmodelled


class UsartSr(UsartFlags):
    """USART_SR, Status register."""

    CTS = Unmodelled(9, 9, Access.RC_W0)
    LBD = Unmodelled(8, 8, Access.RC_W0)
    TC = Field(6, 6, Access.RC_W0)  # cleared by reading SR, then writing DR, too
    RXNE = Field(5, 5, Access.RC_W0)  # cleared by reading DR, too


class UsartDr(Register):
    """USART_DR, Data register: two registers behind one address; this is the one that is read."""

    DR = Field(8, 0)


class UsartBrr(Register):
    """USART_BRR, Baud rate register: the divisor of the bus clock in sixteenths.

    With OVER8 in eighths: the lowest three bits are the fraction, and bit 3 is no part of it.
    """

    DIV = Field(15, 0)


class UsartCr1V1(UsartCr1):
    """USART_CR1, Control register 1."""

    UE = Field(13, 13)
    RWU = Field(1, 1)  # 1: the receiver is muted
    SBK = Field(0, 0)  # 1: send a break; 0 again when it is sent


class UsartCr2V1(UsartCr2):
    """USART_CR2, Control register 2."""

    LINEN = Unmodelled(14, 14)
    LBD = Unmodelled(6, 5)  # LBDIE, LBDL
    ADD = Field(3, 0)  # the address that wakes a muted receiver


CLEARED_BY_DR = RECEIVE_ERRORS | UsartSr.IDLE.mask | UsartSr.PE.mask


@functools.lru_cache(maxsize=64)  # asked for with each frame
def timing(brr: int, cr1: int, cr2: int, pclk_hz: int, core_hz: int) -> Timing:
    """Return what the registers' words and the two clocks make of it."""
    div = UsartBrr.DIV.of(brr)
    ticks = (div >> 4) * 8 + (div & 0b111) if UsartCr1.OVER8.of(cr1) else div
    frame_cycles = frame_half_bits(cr1, cr2) * ticks * core_hz // (2 * pclk_hz)
    return Timing(ticks, pclk_hz // ticks if ticks else 0, frame_cycles)


class UsartV1(Usart):
    """One USART of these families."""

    extra_state = (*Usart.extra_state, "_shown")

    def __init__(
        self,
        clock: Clock,
        pclk_hz: Callable[[], int],
        set_irq: Callable[[bool], None],
        set_dma_requests: Requests = (unconnected, unconnected),
        *,
        has_over8: bool = False,
    ) -> None:
        sr, cr1, cr2, self._dr = UsartSr(reset=0x0000_00C0), UsartCr1V1(), UsartCr2V1(), UsartDr()
        self._modes, self._addresses, self._brr, cr3 = cr1, cr2, UsartBrr(), UsartCr3()
        registers = {
            0x00: sr,
            0x04: self._dr,
            0x08: self._brr,
            0x0C: cr1,
            0x10: cr2,
            0x14: cr3,
            0x18: UsartGtpr(),
        }
        super().__init__(registers, (sr, cr1, cr2, cr3), clock, pclk_hz, set_irq, set_dma_requests)
        lacking = {0x0C: UsartCr1.OVER8.mask, 0x14: UsartCr3.ONEBIT.mask}
        self._lacking = {} if has_over8 else lacking
        self._shown = 0  # flags that the last read of SR showed and that DR may clear

    def reset(self) -> None:
        self._shown = 0
        super().reset()

    def read(self, offset: int) -> int:
        if offset == 0x00:
            self._shown = self.sr.word
            return self._shown
        if offset == 0x04:
            self.sr.word &= ~(UsartSr.RXNE.mask | self._shown & CLEARED_BY_DR)
            self._shown &= ~CLEARED_BY_DR
            self._update()
        return super().read(offset)

    def write(self, offset: int, word: int) -> None:
        if offset == 0x04:
            self._write_data(word)
        else:
            super().write(offset, word & ~self._lacking.get(offset, 0))
            if offset == 0x0C:
                self._break_if_asked()
        self._update()

    def _write_data(self, word: int) -> None:
        if self._can_transmit:
            self.sr.word &= ~(self._shown & UsartSr.TC.mask)
            self._shown &= ~UsartSr.TC.mask
            self._transmit(word)

    @property
    def timing(self) -> Timing:
        words = self._brr.word, self.cr1.word, self.cr2.word
        return timing(*words, self._clock_hz(), self._clock.hz)

    def take(self, word: int) -> None:
        self._dr.DR = word

    @property
    def is_breaking(self) -> bool:
        return bool(self._modes.SBK)

    def end_break(self) -> None:
        self._modes.SBK = 0

    @property
    def is_muted(self) -> bool:
        return bool(self._modes.RWU)

    def wake(self) -> None:
        self._modes.RWU = 0

    def is_own_address(self, word: int) -> bool:
        return word & 0b1111 == self._addresses.ADD

    @property
    def _are_errors_enabled(self) -> bool:
        return bool(self.cr3.EIE and self.cr3.DMAR)
