"""Symbols route: what the firmware's ELF names."""

from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from server.boards import Board
from server.errors import NoElfError
from server.patch.image import Symbol
from server.routes.documented import OF_A_CONNECTED_BOARD, problems


class SymbolsController(Controller):
    """Functions and variables of the firmware."""

    path = "/api/symbols"

    @get(responses=problems(*OF_A_CONNECTED_BOARD, NoElfError("/dev/ttyACM0")))
    async def search(
        self,
        board: NamedDependency[Board],
        q: Annotated[str, QueryParameter(description="Part of a name.")] = "",
        limit: Annotated[int, QueryParameter(ge=1, le=1000, description="So many at most.")] = 50,
    ) -> list[Symbol]:
        """Find symbols whose name contains `q`: functions first, best match first."""
        return board.image.search(q, limit)
