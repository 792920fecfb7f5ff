"""What several routes take, each with an example for the OpenAPI document."""

from typing import Annotated, Any

import msgspec
from litestar import Request
from litestar.openapi.spec import Example
from litestar.params import Body, HeaderParameter, PathParameter, QueryParameter

from server.errors import RequestError
from server.orders import (
    AnyOrder,
    Batch,
    Connect,
    Enable,
    Inject,
    InjectMulti,
    Reapply,
    Unpatch,
)

BLINK = "/* FPB_INJECT */ unsigned blink_period_ms(void) { return 100; }"
GREET = 'const char *greet(void) { return "Hello from a patch"; }'


class JsonRequest(Request[Any, Any, Any]):
    """A request whose body is JSON, or it is told why not."""

    async def body(self) -> bytes:
        if not (body := await super().body()):
            raise RequestError("the request has no body: send a JSON object, if only {}")
        return body

    async def json(self) -> object:
        try:
            return await super().json()
        except UnicodeDecodeError as error:
            raise RequestError("the request's body is not text in UTF-8: encode it so") from error


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request that needs none: `{}`."""


def examples(**values: dict[str, object]) -> list[Example]:
    """Return examples by what they show."""
    return [Example(id=name, summary=name, value=value) for name, value in values.items()]


BoardId = Annotated[
    str | None, QueryParameter(name="board", description="The board's id; the first by default.")
]
JobId = Annotated[str, PathParameter(description="The job's id.")]
TaskNumber = Annotated[int, PathParameter(description="The task's number, from 0.")]
LastEventId = Annotated[
    str | None,
    HeaderParameter(
        name="Last-Event-ID", description="The id of the last event seen: what followed is sent."
    ),
]
Since = Annotated[
    str | None, QueryParameter(description="The same, for who cannot send the header.")
]
IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="The same key gets the same job, however often the request comes.",
    ),
]

NoBody = Annotated[Nothing, Body(examples=examples(empty={}))]
ConnectBody = Annotated[
    Connect,
    Body(
        examples=examples(
            emulated={"port": "emu://stm32f103c8"},
            real={"port": "/dev/ttyACM0", "elf": "build/firmware.elf", "reconnect": True},
        )
    ),
]
InjectBody = Annotated[
    Inject,
    Body(
        examples=examples(
            marked={"source": BLINK},
            named={"source": GREET, "function": "greet", "slot": 1, "mode": "debugmon"},
        )
    ),
]
InjectMultiBody = Annotated[
    InjectMulti,
    Body(examples=examples(two={"patches": [{"source": BLINK}, {"source": GREET}]})),
]
ReapplyBody = Annotated[Reapply, Body(examples=examples(all={}))]
UnpatchBody = Annotated[Unpatch, Body(examples=examples(one={"slot": 0}, all={"all": True}))]
EnableBody = Annotated[
    Enable,
    Body(examples=examples(off={"slot": 0, "enable": False}, all_on={"all": True, "enable": True})),
]
BatchBody = Annotated[
    Batch,
    Body(
        examples=examples(
            by_number={"boards": 2, "tasks": [{"source": BLINK}, {"source": GREET, "board": 1}]},
            by_port={"boards": ["b1", "/dev/ttyACM0"], "tasks": [{"source": BLINK}]},
        )
    ),
]
OrderBody = Annotated[
    AnyOrder,
    Body(
        examples=examples(
            inject={"kind": "inject", "source": BLINK},
            verify={"kind": "verify"},
            unpatch={"kind": "unpatch", "all": True},
            batch={"kind": "batch", "boards": 2, "tasks": [{"source": GREET}]},
        )
    ),
]
