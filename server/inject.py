"""Inject: replace one function of the running firmware. This file is the whole story.

    compile   the source becomes an object file; the function to replace is found
    link      its size is known, and that nothing is missing; the board is not touched yet
    alloc     the board: is this its firmware? which slot is free? memory for the patch
    upload    the patch, linked for the address of that memory, and read back
    patch     the FPB leads calls of the original to the patch
    verify    a call is followed through what is read of the FPB; only then is it a success

What fails after alloc is undone: the memory is freed, the slot is cleared. The error says what
the board was left as (`ServerError.board`).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from server.device.attempts import Allocation
from server.device.commands import Device
from server.device.readback import Memory, check_code
from server.device.slots import LISTED, Info, Mode, choose_slot
from server.device.undo import Undo, undone_on_failure
from server.errors import (
    DeviceError,
    Diagnostic,
    NoMemoryError,
    PortError,
    RefusedError,
    RemoteProtocolError,
    ReplyTimeoutError,
    VerifyError,
    is_silent,
)
from server.patch.compile import Toolchain, compile_patch
from server.patch.image import FirmwareImage
from server.patch.link import Patch, expected_size, link_patch
from server.patch.source import chosen_function
from server.verify import (
    check_image,
    check_loader,
    check_patch,
    check_reach,
    leads_to,
    slots_of,
)

Stage = Literal["compile", "link", "alloc", "upload", "patch", "verify"]

ALIGNMENT = 8  # AAPCS: what a patch's data may ask for; an allocation may be unaligned
STAGING_ATTEMPTS = 3  # of alloc and upload together, when the line loses or changes bytes
PATCH_ATTEMPTS = 3  # where the reply is lost, and the board has not done it


@dataclass(frozen=True, slots=True)
class InjectRequest:
    """What to inject."""

    source: str  # C translation unit that defines the replacement
    function: str | None = None  # None: the marked one, or the only one the firmware has too
    slot: int | None = None  # None: the one that the function has, or a free one
    mode: Mode = "trampoline"


@dataclass(frozen=True, slots=True)
class InjectResult:
    """A patch that was seen in place."""

    function: str
    original: int  # address of the function replaced
    slot: int
    slots: list[int]  # all comparators it takes: one or two
    mode: Mode
    address: int  # of the patch
    entry: int  # where calls arrive, Thumb bit set
    size: int
    replaced: bool  # the function had been patched before
    elapsed_ms: float
    stages: dict[str, float]  # milliseconds by stage


@dataclass(frozen=True, slots=True)
class StageEvent:
    """A stage begins."""

    stage: Stage
    message: str
    type: Literal["stage"] = field(default="stage", init=False)


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """How far a stage is; never goes back."""

    stage: Stage
    done: int  # bytes
    total: int
    type: Literal["progress"] = field(default="progress", init=False)


@dataclass(frozen=True, slots=True)
class WarningEvent:
    """Something the user should know although the job goes on."""

    message: str
    diagnostics: Sequence[Diagnostic] = ()  # the compiler's, where it points at places
    type: Literal["warning"] = field(default="warning", init=False)


Report = Callable[[StageEvent | ProgressEvent | WarningEvent], None]


class Bench(Protocol):
    """What an injection works with."""

    @property
    def device(self) -> Device: ...
    @property
    def image(self) -> FirmwareImage: ...
    @property
    def toolchain(self) -> Toolchain: ...


class Stages:
    """Reports the stages and takes their times."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.ms: dict[str, float] = {}
        self._stage: Stage = "compile"
        self._since = time.perf_counter()
        self._done = 0

    def enter(self, stage: Stage, message: str) -> None:
        """Begin a stage; one that is repeated goes on as the same."""
        if stage not in self.ms:
            self.leave()
            self.ms[stage] = 0.0
            self._stage = stage
            self.report(StageEvent(stage, message))

    def progress(self, done: int, total: int) -> None:
        """Report progress, unless it was further already."""
        if done > self._done:
            self._done = done
            self.report(ProgressEvent(self._stage, done, total))

    def leave(self) -> None:
        """End the present stage."""
        now = time.perf_counter()
        if self._stage in self.ms:
            self.ms[self._stage] = round((now - self._since) * 1000, 1)
        self._since = now


def inject(request: InjectRequest, board: Bench, report: Report) -> InjectResult:
    """Compile a function and have the board run it in place of its own."""
    device, image, toolchain = board.device, board.image, board.toolchain
    stages = Stages(report)

    stages.enter("compile", "Compiling")
    obj = compile_patch(request.source, toolchain)
    function = chosen_function(request.source, obj.functions, image, request.function)
    if obj.warnings:
        report(WarningEvent(obj.warnings.strip(), obj.diagnostics))

    stages.enter("link", f"Linking {function.name}")
    seen = device.seen  # what the board said last; it decides anew at alloc
    likely = None if seen is None else seen.likely_address(expected_size(obj) + ALIGNMENT)
    linked = link_patch(obj, image, function, likely)

    stages.enter("alloc", f"Taking {linked.size} bytes of the board's memory")
    before = device.info()
    for used in dict.fromkeys([function, *linked.originals]):
        check_image(device, before, image, used)
    check_loader(before, function, request.mode)
    slot = choose_slot(before, function.address, request.slot, request.mode)

    with undone_on_failure(Undo(device, before, slot)) as undo:

        def link(address: int) -> Patch:
            patch = linked.at(address)
            check_reach(function, patch.entry, request.mode)
            return patch

        patch = stage_patch(device, before, linked.size, link, stages)

        stages.enter("patch", f"Leading {function.name} to the patch, slot {slot}")
        undo.entry = patch.entry
        lead(device, slot, patch, request.mode, report)

        stages.enter("verify", "Following a call")
        after = verified(board, before, slot, patch, request.mode, report)

    stages.leave()
    return InjectResult(
        function=function.name,
        original=function.address,
        slot=slot,
        slots=slots_of(after, slot),
        mode=request.mode,
        address=patch.address,
        entry=patch.entry,
        size=len(patch.code),
        replaced=not before.slots[slot].empty,
        elapsed_ms=round(sum(stages.ms.values()), 1),
        stages=stages.ms,
    )


def stage_patch(
    device: Device,
    info: Info,
    size: int,
    link: Callable[[int], Patch],
    stages: Stages,
    attempts: int = STAGING_ATTEMPTS,
) -> Patch:
    """Bring the patch into the board's memory, and see it there. Nothing leads to it yet.

    So all of it can be repeated without harm, and a bad line gets another chance.
    """
    try:
        allocation = allocate(device, info, size + ALIGNMENT)
        address = allocation.address + ALIGNMENT - 1 & -ALIGNMENT
        patch = link(address)
        stages.enter("upload", f"Uploading {size} bytes to 0x{address:08X}")
        device.upload(allocation, address - allocation.address, patch.code, stages.progress)
        # Not later: once the patch runs, its variables may be others.
        check_code(device, address, patch.code)
    except PortError:
        raise
    except DeviceError as error:
        if attempts == 1 or is_silent(error):
            raise
        device.measure_line()  # a board that is silent for good ends the story here
        stages.report(WarningEvent(f"{error}; starting again"))
    else:
        return patch
    return stage_patch(device, info, size, link, stages, attempts - 1)


def lead(device: Device, slot: int, patch: Patch, mode: Mode, report: Report) -> None:
    """Tell the FPB. Where the reply is lost, find out whether it was done before it is repeated."""
    for attempt in range(1, PATCH_ATTEMPTS + 1):
        try:
            device.patch(slot, patch.function.address, patch.entry, mode)
        except (ReplyTimeoutError, RemoteProtocolError) as error:
            if is_silent(error):
                raise
            report(WarningEvent(f"{error}; reading back what the board did"))
            info = device.info()
            is_mode = info.level < 2 or info.slots[slot].mode == LISTED[mode]
            if is_mode and leads_to(info.slots[slot], patch):
                return
            if attempt == PATCH_ATTEMPTS:
                raise
        else:
            return


def verified(
    board: Bench, before: Info, slot: int, patch: Patch, mode: Mode, report: Report
) -> Info:
    """Return what the board says when a call was followed to the patch."""

    def warn(message: str) -> None:
        report(WarningEvent(message))

    memory = Memory(board.device, board.image.flash_bytes)
    after = board.device.info()
    try:
        check_patch(memory, before, after, slot, patch, mode, warn)
    except VerifyError as error:
        again = board.device.info()  # nothing guards it at level 1: a digit may have been changed
        if again == after:
            raise
        warn(f"{error}; looking again")
        check_patch(memory, before, again, slot, patch, mode, warn)
        return again
    return after


def allocate(device: Device, info: Info, size: int) -> Allocation:
    """Take memory; say so in its own words if there is not enough."""
    try:
        return device.alloc(size)
    except RefusedError as error:
        if not error.text.startswith("Alloc failed"):
            raise
        free = None if info.memory is None else info.memory.free
        raise NoMemoryError(size, free) from error
