"""DMA request multiplexer (DMAMUX), STM32L5: which unit's request a DMA channel serves.

Sources: ST's device header stm32l552xx.h for registers; ST's driver stm32l5xx_ll_dmamux.h for the
requests' numbers and the channels' order.
Not modelled: synchronization, the request generator.
"""

from collections.abc import Callable, Sequence

from emulator.peripherals.absent import absent_registers
from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register, Unmodelled

ABSENT = "@100 RG0CR RG1CR RG2CR RG3CR"


class DmamuxCcr(Register):
    """DMAMUX_CxCR, channel x control register."""

    SYNCHRONIZATION = Unmodelled(28, 16)  # SYNC_ID, NBREQ, SPOL, SE
    EGE = Unmodelled(9, 9)
    SOIE = Unmodelled(8, 8)
    DMAREQ_ID = Field(6, 0)  # 0: none, or memory to memory


class DmamuxSr(Register):
    """DMAMUX_CSR and DMAMUX_RGSR, status registers."""

    OVERRUNS = Field(15, 0, Access.RO)


class DmamuxCfr(Register):
    """DMAMUX_CFR and DMAMUX_RGCFR, clear flag registers."""

    CLEARS = Field(15, 0, Access.WO)


class Dmamux(Peripheral):
    """The multiplexer. `channels` has what drives the request of each DMA channel.

    `pulses` has what asks each of them for one transfer.
    """

    extra_state = ("_asserted",)

    def __init__(
        self,
        channels: Sequence[Callable[[bool], None]],
        pulses: Sequence[Callable[[bool], None]],
    ) -> None:
        self._ccrs = [DmamuxCcr() for _ in channels]
        registers: dict[int, Register] = {4 * n: ccr for n, ccr in enumerate(self._ccrs)}
        registers |= {0x80: DmamuxSr(), 0x84: DmamuxCfr(), 0x140: DmamuxSr(), 0x144: DmamuxCfr()}
        super().__init__(registers | absent_registers("DMAMUX", ABSENT))
        self._channels, self._pulses = channels, pulses
        self._asserted = 0  # requests, a bit each

    def reset(self) -> None:
        super().reset()
        self._drive_all()

    def write(self, offset: int, word: int) -> None:
        super().write(offset, word)
        self._drive_all()

    def request(self, number: int) -> Callable[[bool], None]:
        """Return what drives a request."""

        def set_request(level: bool) -> None:
            if level == bool(self._asserted >> number & 1):
                return
            self._asserted ^= 1 << number
            for ccr, drive in zip(self._ccrs, self._channels, strict=True):
                if ccr.DMAREQ_ID == number:
                    drive(level)

        return set_request

    def pulse(self, number: int) -> Callable[[bool], None]:
        """Return what drives a request that is over with its transfer, as a timer's is."""

        def set_request(level: bool) -> None:
            for ccr, drive in zip(self._ccrs, self._pulses, strict=True):
                if ccr.DMAREQ_ID == number:
                    drive(level)

        return set_request

    def _drive_all(self) -> None:
        for ccr, drive in zip(self._ccrs, self._channels, strict=True):
            drive(bool(self._asserted >> ccr.DMAREQ_ID & 1))
