"""Memory route: what is in the board's memory."""

from base64 import b64encode
from dataclasses import dataclass
from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from server.boards import Board
from server.device.protocol import crc16
from server.errors import RequestError
from server.routes.documented import ASKING_THE_BOARD, problems

MAX_LENGTH = 65536  # bytes; about eight seconds at 115200 baud
ADDRESS_SPACE = 1 << 32


@dataclass(frozen=True, slots=True)
class MemoryDocument:
    """Bytes and where they are."""

    address: int
    length: int
    data: str  # base64
    crc: int  # CRC-16/CCITT-FALSE of the data


class MemoryController(Controller):
    """The board's address space."""

    path = "/api/memory"

    @get(responses=problems(*ASKING_THE_BOARD))
    async def read(
        self,
        address: Annotated[str, QueryParameter(description="Decimal, or 0x and hexadecimal.")],
        length: Annotated[int, QueryParameter(ge=1, le=MAX_LENGTH, description="In bytes.")],
        board: NamedDependency[Board],
    ) -> MemoryDocument:
        """Read memory. The address is decimal, or 0x and hexadecimal."""
        start = parse_address(address)
        if start + length > ADDRESS_SPACE:
            raise RequestError(f"0x{start:08X}+{length} passes the end of the address space")
        data = await board.use(lambda link: link.device.read(start, length))
        return MemoryDocument(start, len(data), b64encode(data).decode(), crc16(data))


def parse_address(text: str) -> int:
    """Read an address as a user types it."""
    try:
        address = int(text, 16 if text[:2].lower() == "0x" else 10)
    except ValueError:
        raise RequestError(f"address: {text!r} is neither decimal nor 0x…") from None
    if not 0 <= address < ADDRESS_SPACE:
        raise RequestError(f"address: {text} is outside the address space")
    return address
