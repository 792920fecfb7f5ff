"""What several routes take."""

from typing import Annotated

import msgspec
from litestar.params import QueryParameter

BoardId = Annotated[
    str | None, QueryParameter(name="board", description="The board's id; the first by default.")
]


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request that needs none: `{}`."""
