"""A board that is open: its port, its session, its firmware's ELF."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from server.applied import AppliedPatches
from server.device.commands import Device
from server.device.port import default_elf, open_port
from server.device.session import Session
from server.errors import NoElfError
from server.patch.compile import Toolchain
from server.patch.image import FirmwareImage, load_image


@dataclass(frozen=True, slots=True)
class Target:
    """A board to connect, and how."""

    port: str
    baudrate: int = 115200
    elf: Path | None = None  # None: what the port itself knows
    fragment: int | None = None  # bytes written at once; None: whole lines
    reconnect: bool = False  # by itself, when the port vanished and came back


@dataclass(frozen=True, slots=True)
class Link:
    """An open board, as the thread that owns it sees it."""

    port: str
    baudrate: int
    elf: Path | None
    session: Session
    device: Device
    firmware: str
    maybe_image: FirmwareImage | None
    toolchain: Toolchain
    applied: AppliedPatches

    @property
    def image(self) -> FirmwareImage:
        """The firmware's ELF, for what cannot be done without."""
        if self.maybe_image is None:
            raise NoElfError(self.port)
        return self.maybe_image


def open_link(
    target: Target,
    toolchain: Toolchain,
    on_log: Callable[[str], None],
    applied: AppliedPatches | None = None,
) -> Link:
    """Open a port and make sure that a loader answers on it."""
    port, baudrate = target.port, target.baudrate
    elf = default_elf(port) if target.elf is None else target.elf.expanduser()
    image = None if elf is None else load_image(elf)  # before the board is disturbed
    if image is not None:
        toolchain = toolchain.aimed_at(image.target)
    session = Session(open_port(port, baudrate), on_log, fragment=target.fragment)
    try:
        device = Device(session)
        firmware = device.info().version
    except BaseException:
        session.close()
        raise
    applied = AppliedPatches() if applied is None else applied
    return Link(port, baudrate, elf, session, device, firmware, image, toolchain, applied)
