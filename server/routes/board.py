"""Board routes: which boards there are, and which one is connected."""

import asyncio
from pathlib import Path
from typing import Annotated

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK

from server.boards import Board, Status
from server.device.port import PortInfo, list_ports
from server.routes.bodies import Nothing


class Connect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The board to connect."""

    port: Annotated[str, msgspec.Meta(min_length=1)]  # device path or URL
    baudrate: Annotated[int, msgspec.Meta(ge=1)] = 115200
    elf: str | None = None  # of the firmware it runs; an emulated board knows its own


class BoardController(Controller):
    """One board at a time."""

    path = "/api"

    @get("/status")
    async def status(self, board: NamedDependency[Board]) -> Status:
        """Tell how things stand; answered at once, whatever the board does."""
        return board.status()

    @get("/ports")
    async def ports(self) -> list[PortInfo]:
        """List the ports that a board may be at."""
        return await asyncio.to_thread(list_ports)

    @post("/connect", status_code=HTTP_200_OK)
    async def connect(self, data: JSONBody[Connect], board: NamedDependency[Board]) -> Status:
        """Connect a board; one that was connected is disconnected first."""
        elf = None if data.elf is None else Path(data.elf)
        return await board.connect(data.port, data.baudrate, elf)

    @post("/disconnect", status_code=HTTP_200_OK)
    async def disconnect(self, data: JSONBody[Nothing], board: NamedDependency[Board]) -> Status:
        """Close the port."""
        del data
        return await board.disconnect()
