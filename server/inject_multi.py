"""Inject several functions at once: all of them, or none that was not there before.

    compile   every source, before the board is touched
    inject    one function after the other, as if alone
    take back what went in, if one of them fails

A function whose earlier patch was replaced cannot get that one back; the error says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from server.errors import DeviceError, RequestError, ServerError
from server.inject import InjectRequest, InjectResult, StageEvent
from server.link import Link
from server.patch.compile import compile_patch
from server.patch.image import FirmwareImage
from server.patch.source import chosen_function, marked_functions
from server.work import Report


@dataclass(frozen=True, slots=True)
class FunctionEvent:
    """Another function's turn: the stages that follow are its own."""

    function: str
    number: int  # from 1
    total: int
    type: Literal["function"] = field(default="function", init=False)


@dataclass(frozen=True, slots=True)
class MultiResult:
    """Patches that were seen in place."""

    patches: list[InjectResult]
    elapsed_ms: float


def inject_multi(requests: Sequence[InjectRequest], board: Link, report: Report) -> MultiResult:
    """Have the board run several patches in place of its own functions."""
    report(StageEvent("compile", f"Compiling {len(requests)} sources"))
    singles = [single for request in requests for single in functions_of(request, board)]
    refuse_doubles(singles)

    patches: list[InjectResult] = []
    try:
        for number, single in enumerate(singles, 1):
            report(FunctionEvent(single.function or "", number, len(singles)))
            patches.append(board.applied.inject(single, board, report))
    except ServerError as error:
        take_back(board, patches, error)
        raise
    return MultiResult(patches, round(sum(patch.elapsed_ms for patch in patches), 1))


def functions_of(request: InjectRequest, board: Link) -> list[InjectRequest]:
    """Return a request for each function of a source: the one named, or all that are marked."""
    obj = compile_patch(request.source, board.toolchain)
    image: FirmwareImage = board.image
    marked = marked_functions(request.source, obj.functions)
    if request.function is None and len(marked) > 1:
        if request.slot is not None:
            raise RequestError(f"slot {request.slot} cannot take {' and '.join(marked)}: name one")
        return [replace(request, function=image.function(name).name) for name in marked]
    function = chosen_function(request.source, obj.functions, image, request.function)
    return [replace(request, function=function.name)]


def refuse_doubles(requests: Sequence[InjectRequest]) -> None:
    """Refuse two patches for one function."""
    names = [request.function or "" for request in requests]
    if doubles := sorted({name for name in names if names.count(name) > 1}):
        raise RequestError(f"{' and '.join(doubles)}: more than one patch is given for it")


def take_back(board: Link, patches: Sequence[InjectResult], error: ServerError) -> None:
    """Take out what went in before another failed; note in the error what that left."""
    kept = [patch.function for patch in patches if patch.replaced]
    try:
        for patch in patches:
            if not patch.replaced:
                board.applied.unpatch(board, patch.slot)
    except DeviceError:
        error.board = "unknown"
        names = " and ".join(patch.function for patch in patches)
        error.aftermath = f"whether {names} are still patched is not known"
        return
    if kept and error.board == "unchanged":
        error.board = "active"
        error.aftermath = f"{' and '.join(kept)} keep the new patch, the earlier one is gone"
