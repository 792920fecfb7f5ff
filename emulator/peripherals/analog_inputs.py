"""The channels of an analog-to-digital converter: voltages that somebody sets from outside."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from emulator.peripherals.triggered import Triggered
from emulator.registers import Register

CHANNELS = 19
VREF_MV = 3_300
FULL_SCALE = 4_095


def level_of(millivolts: int, vref_mv: int = VREF_MV) -> int:
    """Return a voltage in 12 bits."""
    return max(0, min(millivolts * (FULL_SCALE + 1) // vref_mv, FULL_SCALE))


def calibration(vref_mv: int, *millivolts: int) -> bytes:
    """Return what the vendor measured at a supply and wrote down, a halfword each."""
    return b"".join(level_of(each, vref_mv).to_bytes(2, "little") for each in millivolts)


class AnalogInputs(Triggered):
    """What a converter converts. `pins` names the channels at pins, from `first_at_pins` on."""

    extra_state: ClassVar[tuple[str, ...]] = ("_millivolts",)
    first_at_pins: ClassVar = 0

    def __init__(
        self,
        registers: Mapping[int, Register],
        inside_mv: Mapping[int, int],  # channels inside the chip
        pins: tuple[str, ...],
        rewired: Callable[[], None],
    ) -> None:
        super().__init__(registers, rewired)
        self.pins = pins
        self._millivolts = tuple(inside_mv.get(n, 0) for n in range(CHANNELS))

    def set_voltage(self, pin: str, millivolts: int) -> None:
        """Apply a voltage to a pin, from outside."""
        channel = self.first_at_pins + self.pins.index(pin)
        volts = self._millivolts
        self._millivolts = (*volts[:channel], millivolts, *volts[channel + 1 :])

    def level(self, channel: int) -> int:
        """Return a channel's voltage in 12 bits."""
        return level_of(self._millivolts[channel]) if channel < CHANNELS else 0

    def result(self, channel: int, resolution: int, *, is_left: bool) -> int:
        """Return what a conversion of so many bits gives, at the right or the left of DR."""
        level = self.level(channel) >> 12 - resolution
        if not is_left:
            return level
        return level << (16 - resolution if resolution > 6 else 2)
