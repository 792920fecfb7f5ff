"""A board looked at from outside, as a debugger and a probe on its pins would."""

from collections.abc import Callable, Mapping

from emulator.bus import Bus
from emulator.errors import BoardError
from emulator.memory_map import MemoryMap
from emulator.peripherals.analog_inputs import AnalogInputs
from emulator.peripherals.base import Peripheral
from emulator.peripherals.dac import Dac
from emulator.peripherals.gpio import PINS, Gpio
from emulator.views import Views


class Outside:
    """Memory, registers and pins of one board."""

    def __init__(
        self,
        part: str,
        memory_map: MemoryMap,
        views: Views,
        bus: Bus,
        units: Mapping[str, Peripheral],
        on_write: Callable[[int, int], None],
    ) -> None:
        self._part, self._units = part, units
        self._memory_map, self._views, self._bus = memory_map, views, bus
        self._on_write = on_write  # memory's bytes have changed: address, size

    def read(self, address: int, size: int) -> bytes:
        """Return memory's own bytes (never a comparator's), or a peripheral's word by word."""
        where = self._memory_map.slice_at(address, size)
        if where is not None:
            return bytes(where)
        if address % 4 or size % 4 or not self._bus.has(address):
            raise BoardError(f"nothing to read at {address:#010x}, {size} bytes")
        words = (self._bus.read(address + n, 4) for n in range(0, size, 4))
        return b"".join(word.to_bytes(4, "little") for word in words)

    def write(self, address: int, data: bytes) -> None:
        """Change memory, flash too, or a peripheral's registers word by word."""
        where = self._memory_map.slice_at(address, len(data))
        if where is not None:
            if data:
                where[:] = data
                self._on_write(address, len(data))
            return
        if address % 4 or len(data) % 4 or not self._bus.has(address):
            raise BoardError(f"nothing to write at {address:#010x}, {len(data)} bytes")
        for n in range(0, len(data), 4):
            self._bus.write(address + n, 4, int.from_bytes(data[n : n + 4], "little"))

    def fetch(self, address: int, size: int) -> bytes:
        """Return the bytes that a fetch sees, comparators included; within one page."""
        return self._views.seen_by_fetch(address, size) or self.read(address, size)

    def pin(self, name: str) -> bool | None:
        """Return the level a pin such as PC13 is driven to, or None where it is an input."""
        port, pin = self._find_pin(name)
        return port.output(pin)

    def drive_pin(self, name: str, level: bool | None) -> None:
        """Drive a pin such as PA0 from outside, or let go of it with None."""
        port, pin = self._find_pin(name)
        port.drive(pin, level)

    def set_voltage(self, name: str, millivolts: int) -> None:
        """Apply a voltage to a pin such as PA0, for the converters that are there."""
        converters = [unit for unit in self._units.values() if isinstance(unit, AnalogInputs)]
        adcs = [adc for adc in converters if name in adc.pins]
        if not adcs:
            pins = sorted({pin for adc in converters for pin in adc.pins})
            raise BoardError(
                f"no converter at {name!r} on {self._part}; there are some at {', '.join(pins)}"
            )
        for adc in adcs:
            adc.set_voltage(name, millivolts)

    def voltage(self, name: str) -> int | None:
        """Return the millivolts that a converter drives a pin to, None while it is off."""
        dacs = [unit for unit in self._units.values() if isinstance(unit, Dac)]
        for dac in dacs:
            if name in dac.pins:
                return dac.voltage(name)
        pins = ", ".join(pin for dac in dacs for pin in dac.pins)
        there_are = f"there are some at {pins}" if pins else "it has none"
        raise BoardError(f"no converter drives {name!r} on {self._part}; {there_are}")

    def _find_pin(self, name: str) -> tuple[Gpio, int]:
        port = self._units.get(f"GPIO{name[1:2]}")
        number = name[2:]
        is_number = number.isascii() and number.isdecimal() and int(number) < PINS
        if name[:1] != "P" or not isinstance(port, Gpio) or not is_number:
            raise BoardError(f"no pin {name!r} on {self._part}; pins look like PC13")
        return port, int(number)
