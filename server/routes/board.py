"""Board routes: which boards there are, and connecting them."""

import asyncio

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.status_codes import HTTP_200_OK

from server.boards import Board
from server.device.port import PortInfo, list_ports
from server.fleet import Fleet
from server.routes.bodies import BoardId, ConnectBody, NoBody
from server.routes.documented import ASKING_THE_BOARD, CONNECTING, OF_A_BOARD, problems
from server.status import Status


class BoardController(Controller):
    """Boards by id; where `board` is left out, the first is meant."""

    path = "/api"

    @get("/status", responses=problems(*OF_A_BOARD))
    async def status(self, board: NamedDependency[Board]) -> Status:
        """Tell how things stand; answered at once, whatever the board does."""
        return board.status()

    @get("/boards", responses=problems())
    async def boards(self, fleet: NamedDependency[Fleet]) -> list[Status]:
        """Tell how things stand with all boards."""
        return fleet.statuses()

    @get("/ports", responses=problems())
    async def ports(self) -> list[PortInfo]:
        """List the ports that a board may be at."""
        return await asyncio.to_thread(list_ports)

    @post("/connect", status_code=HTTP_200_OK, responses=problems(*CONNECTING, body=True))
    async def connect(
        self,
        data: ConnectBody,
        fleet: NamedDependency[Fleet],
        board_id: BoardId = None,
    ) -> Status:
        """Connect a board beside the others; with `board`, in place of that one."""
        return await fleet.connect(data.target(), board_id)

    @post("/disconnect", status_code=HTTP_200_OK, responses=problems(*ASKING_THE_BOARD, body=True))
    async def disconnect(self, data: NoBody, board: NamedDependency[Board]) -> Status:
        """Close the port."""
        del data
        return await board.disconnect()
