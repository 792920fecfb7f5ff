"""The peripherals that belong to the core itself, in the Private Peripheral Bus's addresses.

Sources: DDI 0403E.e B3.1, B3.2 (map of the System Control Space), C1 (debug).
"""

from collections.abc import Callable, Iterator

from emulator.clock import Clock
from emulator.interrupts import Interrupts, Masks
from emulator.native.core import NativeFpContext
from emulator.part import Core
from emulator.peripherals.base import Peripheral
from emulator.peripherals.debug import CoreDebug
from emulator.peripherals.dwt import Dwt
from emulator.peripherals.fpb import Fpb
from emulator.peripherals.fpu import CoprocessorAccess, Fpu
from emulator.peripherals.itm import Itm, Tpiu
from emulator.peripherals.mpu import Mpu
from emulator.peripherals.mpu_v8 import MpuV8
from emulator.peripherals.nvic import ControllerType, Nvic, SoftwareTrigger
from emulator.peripherals.scb import Scb
from emulator.peripherals.systick import SysTick


class CoreUnits:
    """The units of one core; the callbacks are what they ask of the rest of the machine."""

    def __init__(
        self,
        core: Core,
        clock: Clock,
        interrupts: Interrupts,
        *,
        masks: Callable[[], Masks],
        on_fpb_change: Callable[[], None],
        on_protection_change: Callable[[], None],
        on_reset_request: Callable[[], None],
    ) -> None:
        attention = clock.request_attention
        self.fpb = Fpb(core.fpb, on_fpb_change)
        self.scb = Scb(
            interrupts,
            core.cpuid,
            masks,
            on_reset_request,
            on_protection_change,
            stkalign=core.stkalign_at_reset,
            is_v8m=core.is_v8m,
            vectors=core.vectors,
        )
        self.debug = CoreDebug(interrupts, on_fpb_change)
        make_mpu = MpuV8 if core.is_v8m else Mpu
        self.mpu = make_mpu(core.mpu_regions, on_protection_change)
        self.fp_context = fp = NativeFpContext(exists=core.has_fpu, is_v8m=core.is_v8m)
        self.access = CoprocessorAccess(fp, attention)
        self.fpu = Fpu(fp, attention) if core.has_fpu else None
        self._dwt, self._itm, self._tpiu = Dwt(clock, self.debug), Itm(self.debug), Tpiu()
        self._systick = SysTick(clock, interrupts, core.systick_calib)
        self._nvic, self._stir = Nvic(interrupts), SoftwareTrigger(interrupts)
        self._type = ControllerType(interrupts)

    def __iter__(self) -> Iterator[tuple[str, int, int, Peripheral]]:
        """Give each unit's name, address, size and itself."""
        yield "ITM", 0xE000_0000, 0x1000, self._itm
        yield "DWT", 0xE000_1000, 0x1000, self._dwt
        yield "FPB", 0xE000_2000, 0x1000, self.fpb
        yield "ICTR", 0xE000_E000, 0x10, self._type
        yield "SysTick", 0xE000_E010, 0x10, self._systick
        yield "NVIC", 0xE000_E100, 0x3F0, self._nvic
        yield "SCB", 0xE000_ED00, 0x80, self.scb
        yield "MPU", 0xE000_ED90, 0x40, self.mpu
        yield "CPACR", 0xE000_ED80, 0x10, self.access
        if self.fpu is not None:
            yield "FPU", 0xE000_EF30, 0x20, self.fpu
        yield "CoreDebug", 0xE000_EDF0, 0x10, self.debug
        yield "STIR", 0xE000_EF00, 0x10, self._stir
        yield "TPIU", 0xE004_0000, 0x1000, self._tpiu
