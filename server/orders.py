"""What a job can be asked for: a request body for each kind, and the work it means."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec

from server.device.protocol import MIN_BAUDRATE
from server.device.slots import Mode
from server.errors import RequestError
from server.inject import InjectRequest
from server.inject_multi import inject_multi
from server.jobs import VERIFY
from server.link import Link, Target
from server.switch import enable, unpatch
from server.verify_board import verify_board
from server.work import Report

MAX_TASKS = 1000  # of a batch, over all its boards
MAX_BOARDS = 64  # of a batch
MAX_PATCHES = 16  # at once; no FPB has more comparators
EMULATED = "emu://stm32f103c8"  # what a batch connects that asks for a number of boards

Source = Annotated[
    str,
    msgspec.Meta(
        description="C translation unit that defines the replacement",
        examples=["/* FPB_INJECT */ unsigned blink_period_ms(void) { return 100; }"],
    ),
]
Function = Annotated[
    str,
    msgspec.Meta(
        min_length=1, max_length=4096, description="The one to replace; by default the source tells"
    ),
]
Port = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=4096,
        description="Device path or URL",
        examples=["emu://stm32f103c8", "/dev/ttyACM0", "socket://127.0.0.1:4000"],
    ),
]
SlotNumber = Annotated[int, msgspec.Meta(ge=0, le=255)]
BoardWork = Callable[[Link, Report], object]


class Order(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"
):
    """Work on one board."""

    writes: ClassVar[bool] = True  # it changes the board
    needs_elf: ClassVar[bool] = True

    force: bool = False  # write although a job left the board in an unknown state

    @property
    def kind(self) -> str:
        return str(self.__struct_config__.tag)

    def work(self) -> BoardWork:
        raise NotImplementedError


class Inject(Order, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="inject"):
    """Replace one function."""

    source: Source
    function: Function | None = None
    slot: SlotNumber | None = None  # None: the first that will do
    mode: Mode = "trampoline"

    def work(self) -> BoardWork:
        request = InjectRequest(self.source, self.function, self.slot, self.mode)
        return lambda link, report: link.applied.inject(request, link, report)


class Reapply(Order, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="reapply"):
    """Inject again what a reset took away."""

    def work(self) -> BoardWork:
        return lambda link, report: link.applied.reapply(link, report)


class Patch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of several sources; without `function` it may mark more than one."""

    source: Source
    function: Function | None = None
    slot: SlotNumber | None = None
    mode: Mode = "trampoline"


class InjectMulti(Order, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="inject-multi"):
    """Replace several functions: all of them, or none."""

    patches: Annotated[list[Patch], msgspec.Meta(min_length=1, max_length=MAX_PATCHES)]

    def work(self) -> BoardWork:
        requests = [InjectRequest(p.source, p.function, p.slot, p.mode) for p in self.patches]
        return lambda link, report: inject_multi(requests, link, report)


class Unpatch(Order, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="unpatch"):
    """Give one function, or all, the original code back."""

    needs_elf: ClassVar[bool] = False

    slot: SlotNumber | None = None
    all: bool = False

    def work(self) -> BoardWork:
        slot = one_or_all(self.slot, everything=self.all)
        return lambda link, report: unpatch(slot, link, report)


class Enable(Order, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="enable"):
    """Switch one patch, or all, on or off; they stay in memory."""

    needs_elf: ClassVar[bool] = False

    slot: SlotNumber | None = None
    all: bool = False
    enable: bool

    def work(self) -> BoardWork:
        slot = one_or_all(self.slot, everything=self.all)
        return lambda link, report: enable(slot, link, report, on=self.enable)


class Verify(Order, frozen=True, forbid_unknown_fields=True, kw_only=True, tag=VERIFY):
    """Find out how the board is, without changing it."""

    writes: ClassVar[bool] = False
    needs_elf: ClassVar[bool] = False

    def work(self) -> BoardWork:
        return verify_board


class Connect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The board to connect."""

    port: Port
    baudrate: Annotated[int, msgspec.Meta(ge=MIN_BAUDRATE)] = 115200
    elf: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)] | None = (
        None  # of the firmware it runs; an emulated board knows its own
    )
    fragment: Annotated[int, msgspec.Meta(ge=1)] | None = None  # bytes written at once
    reconnect: bool = False  # when the port vanished and came back

    def target(self) -> Target:
        elf = None if self.elf is None else Path(self.elf)
        return Target(self.port, self.baudrate, elf, self.fragment, self.reconnect)


class BatchPatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One injection of a batch."""

    source: Source
    function: Function | None = None
    slot: SlotNumber | None = None
    mode: Mode = "trampoline"
    board: Annotated[int, msgspec.Meta(ge=0)] | None = None  # place in `boards`; None: on each


class Batch(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="batch",
):
    """Several injections over one or several boards."""

    # Ids, ports, or ports with their settings; a number asks for so many emulated boards.
    boards: (
        Annotated[int, msgspec.Meta(ge=1, le=MAX_BOARDS)]
        | Annotated[list[Port | Connect], msgspec.Meta(min_length=1, max_length=MAX_BOARDS)]
    )
    tasks: Annotated[list[BatchPatch], msgspec.Meta(min_length=1, max_length=MAX_TASKS)]
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=MAX_BOARDS)] = 4  # boards at a time
    attempts: Annotated[int, msgspec.Meta(ge=1, le=10)] = 2  # of a task
    keep: bool = True  # boards that the batch connected stay connected
    force: bool = False

    @property
    def kind(self) -> str:
        return "batch"

    def places(self) -> list[str | Connect]:
        """Return the boards it is about, in the order of their numbers."""
        return [EMULATED] * self.boards if isinstance(self.boards, int) else self.boards

    def of_board(self, number: int) -> list[BatchPatch]:
        """Return a board's tasks, in order."""
        return [task for task in self.tasks if task.board in {None, number}]


AnyOrder = Inject | InjectMulti | Reapply | Unpatch | Enable | Verify | Batch


def one_or_all(slot: int | None, *, everything: bool) -> int | None:
    """Return the slot that is meant; None means all."""
    if (slot is not None) == everything:
        raise RequestError('give either "slot" or "all": true')
    return slot
