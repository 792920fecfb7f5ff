"""Ports by URL: what pyserial opens, and `emu://`, which is an emulated board.

The only place where the server meets the emulator; above it a port is a port.
"""

import errno
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import serial
from serial.tools import list_ports as system_ports

from emulator.errors import EmulatorError
from emulator.parts import PARTS
from emulator.urls.emu_url import SCHEME, parse_url
from firmware.build import FirmwareBuildError, firmware_elf
from server.errors import PortError, ToolchainError

HANDLERS = "emulator.urls"  # where pyserial looks for `protocol_emu`

if HANDLERS not in serial.protocol_handler_packages:
    serial.protocol_handler_packages.append(HANDLERS)

LIST_PORTS = "list the ports there are with `python -m serial.tools.list_ports`"
EMULATED_REMEDY = f"an emulated port is {SCHEME}://PART[/path/to.elf][?pace=lockstep|realtime]"
CLOSE_OTHERS = "close the other program that uses it"
REMEDIES: Mapping[int | None, tuple[str, str]] = {
    errno.ENOENT: ("there is no such port", LIST_PORTS),
    errno.ENODEV: ("there is no device behind this port", LIST_PORTS),
    errno.ENXIO: ("there is no device behind this port", LIST_PORTS),
    errno.ENOTTY: ("this is no serial port", LIST_PORTS),
    errno.EACCES: ("you may not open it", "join the group that owns it (often dialout)"),
    errno.EPERM: ("you may not open it", "join the group that owns it (often dialout)"),
    errno.EBUSY: ("it is in use", CLOSE_OTHERS),
    errno.EAGAIN: ("it is in use", CLOSE_OTHERS),
    errno.ECONNREFUSED: ("nobody listens there", "start the program that offers the port"),
}


@dataclass(frozen=True, slots=True)
class PortInfo:
    """A port one can connect to."""

    url: str
    description: str
    kind: Literal["emulated", "serial"]


def open_port(url: str, baudrate: int = 115200) -> serial.Serial:
    """Open a port; a real one for this program alone."""
    try:
        port = serial.serial_for_url(url, baudrate=baudrate, do_not_open=True)
        if "://" not in url:
            port.exclusive = True  # two programs would take each other's replies
        port.open()
    except (OSError, ValueError, EmulatorError) as error:
        raise _port_error(url, error) from error
    return port


def list_ports() -> list[PortInfo]:
    """Return the emulated parts, then the serial ports of this machine."""
    emulated = [
        PortInfo(f"{SCHEME}://{part.name}", part.description, "emulated") for part in PARTS.values()
    ]
    real = [
        PortInfo(port.device, port.description, "serial")
        for port in sorted(system_ports.comports())
    ]
    return [*emulated, *real]


def default_elf(url: str) -> Path | None:
    """Return the ELF that an emulated port runs; None for a real port, which does not say."""
    if not _is_emulated(url):
        return None
    try:
        emulated = parse_url(url)
        return emulated.firmware or firmware_elf(emulated.part.loader)
    except EmulatorError as error:
        raise _port_error(url, error) from error
    except FirmwareBuildError as error:
        raise ToolchainError(str(error), stderr=error.stderr) from error


def _is_emulated(url: str) -> bool:
    return url.lower().startswith(f"{SCHEME}://")


def _port_error(url: str, error: Exception) -> PortError:
    """Say what is wrong with a port, and what to do about it."""
    if _is_emulated(url):
        return PortError(url, str(error), EMULATED_REMEDY)
    cause: BaseException | None = error
    while cause is not None:  # pyserial keeps the number in the cause, or nowhere else
        number = next((arg for arg in cause.args if isinstance(arg, int)), None)
        if number in REMEDIES:
            return PortError(url, *REMEDIES[number])
        cause = cause.__context__
    return PortError(url, str(error), "check the port's name and its settings")
