"""What is wrong with a board that does nothing, in words: for people, from what the board shows."""

from collections.abc import Mapping

from emulator.peripherals.base import Peripheral
from emulator.peripherals.scb import Scb
from emulator.peripherals.usart import Usart
from emulator.registers import Register


def flags(register: Register) -> list[str]:
    """Return the names of the fields that are not 0, as the manual orders them."""
    return [field.name for field in register.fields() if field.of(register.word)]


def fault_causes(scb: Scb) -> str:
    """Name the faults that the status registers show, and their addresses where these are valid."""
    causes = flags(scb.cfsr) + flags(scb.hfsr)
    if scb.cfsr.BFARVALID:
        causes.append(f"BFAR {scb.bfar.word:#010x}")
    if scb.cfsr.MMARVALID:
        causes.append(f"MMFAR {scb.mmfar.word:#010x}")
    return ", ".join(causes)


def why_silent(units: Mapping[str, Peripheral], console: str) -> str:
    """Say why nothing came from a board's console: how it and the other USARTs are set up."""
    usarts = {name: unit for name, unit in units.items() if isinstance(unit, Usart)}
    off = _off(usarts[console])
    if not off:
        return f"{console} is ready at {usarts[console].timing.baudrate} baud and was given nothing"
    others = [name for name, usart in usarts.items() if not _off(usart)]
    hint = f"; {', '.join(others)} can, and the board's port is {console}" if others else ""
    return f"{console} cannot send, with {', '.join(off)}{hint}"


def _off(usart: Usart) -> list[str]:
    """Return what keeps a USART from sending."""
    needed = {"UE": usart.cr1.UE, "TE": usart.cr1.TE, "BRR": usart.timing.bit_ticks}
    return [f"{name}=0" for name, value in needed.items() if not value]
