import json

import pytest

from server import errors
from server.errors import (
    BuildError,
    CompileError,
    Diagnostic,
    LinkError,
    PortError,
    ReplyTimeoutError,
    ServerError,
    UnknownSymbolError,
    VerifyError,
)

ALL = [
    kind for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, ServerError)
]  # fmt: skip
SAMPLES = [
    errors.BodyTooLargeError(1 << 20),
    errors.TooManyStreamsError(32),
    errors.NotConnectedError("/dev/ttyACM0", "unplugged"),
    errors.BoardBusyError("7"),
    errors.UnknownJobError("7"),
    errors.NoElfError("/dev/ttyACM0"),
    errors.ElfError("fw.elf", "no symbols"),
    UnknownSymbolError("gret", ["greet"]),
    errors.NotPatchableError("f", 0x2000_0000, "it is in RAM"),
    errors.NoFreeSlotError("slot 2 is in use", 6),
    errors.NoMemoryError(100, 50),
    errors.ImageMismatchError("fw.elf", "other bytes"),
    CompileError("no", stderr="x", diagnostics=[Diagnostic("patch.c", 1, 2, "error", "no")]),
    LinkError("no", undefined=["nowhere"]),
    errors.OriginalError("f", 0x0800_0100, "tbb (E8DF F000) at 0x08000102", "its table is there"),
    PortError("/dev/ttyACM0", "it is in use", "close it"),
    ReplyTimeoutError("info", 2, ["LED on"]),
    errors.RefusedError("alloc", "No"),
    errors.RemoteProtocolError("nonsense", "info"),
    VerifyError("FP_CTRL", 0xE000_2000, "enabled", "disabled"),
]


def test_every_error_has_a_code_of_its_own() -> None:
    assert len({kind.code for kind in ALL}) == len(ALL)
    assert all(400 <= kind.status < 600 and kind.title for kind in ALL)


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: error.code)
def test_error_becomes_a_problem_document_and_a_last_event(error: ServerError) -> None:
    problem = json.loads(json.dumps(error.problem()))
    assert problem["type"] == f"/errors/{error.code}"
    assert (problem["status"], problem["title"]) == (error.status, error.title)
    assert problem["detail"] == str(error)

    failure = json.loads(json.dumps(error.failure()))
    assert (failure["code"], failure["message"]) == (error.code, str(error))
    assert (failure["board"], failure["retryable"]) == ("unchanged", error.retryable)
    assert error.extra().items() <= error.failure().items()
    assert error.extra().keys().isdisjoint({"type", "title", "status", "detail", "board"})


def test_text_names_close_matches() -> None:
    text = "gret: the firmware has no such function; did you mean greet or great?"
    assert str(UnknownSymbolError("gret", ["greet", "great"])) == text


def test_text_says_what_could_not_be_undone() -> None:
    error = PortError("/dev/ttyACM0", "it is gone", "plug it in")
    error.board, error.aftermath = "unknown", "slot 0 may be patched"
    message = "/dev/ttyACM0: it is gone; plug it in; slot 0 may be patched"
    assert error.failure()["message"] == str(error) == message
    assert error.failure()["board"] == "unknown"


def test_failed_build_says_at_which_stage() -> None:
    assert [kind("no").extra()["stage"] for kind in (CompileError, LinkError)] == [
        "compile",
        "link",
    ]
    assert BuildError("no").stage == "compile"
