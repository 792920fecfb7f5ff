"""What is known of a board at one moment."""

from dataclasses import dataclass, field
from typing import Literal

from server.applied import LostPatch


@dataclass(frozen=True, slots=True)
class Status:
    """What a client is told about the board at any time, without asking the board."""

    board: str  # its id
    state: Literal["disconnected", "connecting", "connected", "lost"]
    port: str | None = None
    baudrate: int | None = None
    elf: str | None = None
    firmware: str | None = None  # name and version, as the loader prints them
    toolchain: str = ""
    job: str | None = None  # the one that has the board
    doubt: str | None = None  # the job that may have left anything on the board
    error: str | None = None  # why the board is not connected
    reconnect: bool = False  # when the port comes back
    lost_patches: list[LostPatch] = field(default_factory=list[LostPatch])
