"""The parts that can be emulated, one file each."""

from emulator.errors import BoardError
from emulator.part import Part
from emulator.parts.stm32f103c8 import STM32F103C8
from emulator.parts.stm32f103cb import STM32F103CB
from emulator.parts.stm32f405 import STM32F405
from emulator.parts.stm32l552 import STM32L552

PARTS = {part.name: part for part in (STM32F103C8, STM32F103CB, STM32F405, STM32L552)}


def part_named(name: str) -> Part:
    """Return a part by its name; BoardError names those there are."""
    try:
        return PARTS[name.lower()]
    except KeyError:
        known = ", ".join(PARTS)
        raise BoardError(f"no part {name!r} is modelled; there are: {known}") from None
