"""Symbols route: what the firmware's ELF names."""

from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from server.boards import Board
from server.patch.image import Symbol


class SymbolsController(Controller):
    """Functions and variables of the firmware."""

    path = "/api/symbols"

    @get()
    async def search(
        self,
        board: NamedDependency[Board],
        q: FromQuery[str] = "",
        limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 50,
    ) -> list[Symbol]:
        """Find symbols whose name contains `q`: functions first, best match first."""
        return board.image.search(q, limit)
