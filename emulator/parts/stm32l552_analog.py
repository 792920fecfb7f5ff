"""The STM32L552's converters, both ways: their clocks, pins, interrupt and DMA requests.

Sources: ST's device header stm32l552xx.h for interrupts; ST's driver stm32l5xx_ll_dmamux.h for
requests; Zephyr's stm32l552zetx-pinctrl.dtsi for pins; programs for the part for where the vendor
wrote its calibration.
"""

from typing import cast

from emulator.bus import Lane
from emulator.part import Machine, Unit
from emulator.parts.stm32l552_timers import ADC_TRIGGERS, DAC_TRIGGERS
from emulator.parts.triggers import rewired
from emulator.parts.wiring import clocked_by, shared_irq
from emulator.peripherals.adc_l5 import (
    CALIBRATION_MV,
    SENSOR_MV,
    VREFINT_MV,
    AdcCommonL5,
    AdcL5,
)
from emulator.peripherals.analog_inputs import calibration
from emulator.peripherals.dac import Dac, dac_l5
from emulator.peripherals.dmamux import Dmamux
from emulator.peripherals.rcc_l5 import RccL5

TS_CAL1, TS_CAL2 = 0x0BFA_05A8, 0x0BFA_05CA  # VREFINT_CAL follows the first
ADCS, ADC_IRQ, ADC1_REQUEST = ("ADC1", "ADC2"), 37, 5
ADC_PINS = (  # channels 1 to 16 of both
    *(f"PC{n}" for n in range(4)),
    *(f"PA{n}" for n in range(8)),
    *("PC4", "PC5", "PB0", "PB1"),
)


def _adc(number: int) -> Unit:
    def make(machine: Machine) -> AdcL5:
        def adc_hz() -> int:
            return cast(AdcCommonL5, machine.unit("ADC12_COMMON")).adc_hz()

        irq = shared_irq(machine, ADC_IRQ, *ADCS)
        request = cast(Dmamux, machine.unit("DMAMUX1")).request(ADC1_REQUEST + number - 1)
        wires = irq, request, ADC_PINS, rewired(machine, ADC_TRIGGERS)
        return AdcL5(machine.clock, adc_hz, *wires, is_first=number == 1)

    address = 0x4202_8000 + 0x100 * (number - 1)
    return Unit(f"ADC{number}", address, make, clocked_by("ADC"), size=0x100, lane=Lane.MERGE)


def _adc_common(machine: Machine) -> AdcCommonL5:
    rcc = cast(RccL5, machine.unit("RCC"))
    status = [cast(AdcL5, machine.unit(name)).isr for name in ADCS]
    return AdcCommonL5(status, lambda: rcc.clocks.hclk, rcc.adc_hz)


def _dac(machine: Machine) -> Dac:
    return dac_l5(("PA4", "PA5"), rewired(machine, DAC_TRIGGERS))


CONVERTERS = (
    _adc(1),
    _adc(2),
    Unit("ADC12_COMMON", 0x4202_8300, _adc_common, clocked_by("ADC"), 0x100, Lane.MERGE),
    Unit("DAC1", 0x4000_7400, _dac, clocked_by("DAC1")),
)
CALIBRATION = (  # addresses and bytes
    (TS_CAL1, calibration(CALIBRATION_MV, SENSOR_MV[30], VREFINT_MV)),
    (TS_CAL2, calibration(CALIBRATION_MV, SENSOR_MV[130])),
)
