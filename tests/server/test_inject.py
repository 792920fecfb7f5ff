"""Injection into our firmware on an emulated board in lockstep, over a line with faults."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import pytest

from emulator.urls.protocol_emu import Serial as EmulatedPort
from firmware.build import firmware_elf
from server.device.commands import Device
from server.device.port import open_port
from server.device.session import Session
from server.device.slots import Mode
from server.errors import (
    CompileError,
    CorruptedError,
    ImageMismatchError,
    LinkError,
    NoFreeSlotError,
    NoMemoryError,
    NotPatchableError,
    PortError,
    ReplyTimeoutError,
    ServerError,
    UnknownSymbolError,
    VerifyError,
)
from server.inject import (
    ALIGNMENT,
    InjectRequest,
    InjectResult,
    ProgressEvent,
    StageEvent,
    WarningEvent,
    inject,
)
from server.patch.compile import Toolchain, compile_patch
from server.patch.image import FirmwareImage, load_image
from server.patch.link import expected_size
from server.verify import check_image, check_loader
from tests.server.line import SILENCES, Hook, Line

STAGES = ["compile", "link", "alloc", "upload", "patch", "verify"]
GREET = 'const char *greet(void) { return "Hello from a patch"; }'
GREET_AGAIN = """
static char text[] = "Hello again, 0";
const char *greet(void) { text[13]++; return text; }
"""
LARGE = "static char text[1500] = {1}; const char *greet(void) { text[0] = 'X'; return text; }"
HALFWORD = "unsigned digits_1(unsigned a) { return a + 8000; }"  # original at address%4 == 2
FP_REMAP = 0xE000_2004
BOTH_HALFWORDS = 0b11 << 30  # FP_COMPn.REPLACE: breakpoints in both
TIMEOUT_S = 0.5  # of virtual time

Event = StageEvent | ProgressEvent | WarningEvent


def lose_the_line(_line: bytes) -> bytes:
    return b""


def lose_the_end(line: bytes) -> bytes:
    return line.rstrip(b"\n")


def change_a_byte_of_data(line: bytes) -> bytes:
    before, option, data = line.partition(b" -d ")
    return before + option + (b"B" if data.startswith(b"A") else b"A") + data[1:]


def change_the_command(line: bytes) -> bytes:
    return line.replace(b"fl -c u", b"fl -c v", 1)


@dataclass
class Bench:
    """A board on a line, and what was reported of it."""

    line: Line
    device: Device
    image: FirmwareImage
    toolchain: Toolchain
    events: list[Event]
    log: list[str]

    def inject(
        self,
        source: str = GREET,
        function: str | None = None,
        slot: int | None = None,
        mode: Mode = "trampoline",
    ) -> InjectResult:
        return inject(InjectRequest(source, function, slot, mode), self, self.events.append)

    def warnings(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, WarningEvent)]

    def stages(self) -> list[str]:
        return [event.stage for event in self.events if isinstance(event, StageEvent)]

    def write_memory(self, address: int, data: bytes) -> None:
        """Change the board's memory behind everybody's back."""
        port = self.line.port
        assert isinstance(port, EmulatedPort)
        port.board.write(address, data)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> FirmwareImage:
    """Our firmware, as it is now: a copy, lest somebody builds another one meanwhile."""
    return load_image(Path(shutil.copy(firmware_elf(), tmp_path_factory.mktemp("firmware"))))


@pytest.fixture(scope="module")
def field_image(tmp_path_factory: pytest.TempPathFactory) -> FirmwareImage:
    """A loader with the limits and the leniency of those in the field: level 1."""
    elf = firmware_elf(variant="level1")
    return load_image(Path(shutil.copy(elf, tmp_path_factory.mktemp("firmware"))))


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    return Toolchain.named("zig")


@pytest.fixture
def bench(
    image: FirmwareImage, toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    yield from connect(image, toolchain, monkeypatch)


@pytest.fixture
def field_bench(
    field_image: FirmwareImage, toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    yield from connect(field_image, toolchain, monkeypatch)


@pytest.fixture(params=["level 1", "level 2"])
def any_bench(
    request: pytest.FixtureRequest,
    image: FirmwareImage,
    field_image: FirmwareImage,
    toolchain: Toolchain,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Bench]:
    chosen = image if request.param == "level 2" else field_image
    yield from connect(chosen, toolchain, monkeypatch)


def connect(
    image: FirmwareImage, toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    """Switch on a board with an image, and ask it what it speaks."""
    port = open_port(f"emu://stm32f103c8{image.path}?pace=lockstep")
    log: list[str] = []
    line = Line(port, monkeypatch)
    with Session(port, log.append, timeout_s=TIMEOUT_S) as session:
        device = Device(session)
        device.info()
        line.sent.clear()
        yield Bench(line, device, image, toolchain, [], log)


# --- Success ------------------------------------------------------------------------------------


def test_injected_function_runs_in_place_of_the_original(bench: Bench) -> None:
    assert bench.device.hello() != "Hello from a patch"
    bench.inject()
    assert bench.device.hello() == "Hello from a patch"


def test_result_says_what_is_where(bench: Bench) -> None:
    result = bench.inject(slot=3)
    greet = bench.image.function("greet")
    slot = bench.device.info().slots[3]
    assert (result.function, result.original) == ("greet", greet.address)
    assert (result.slot, result.slots, result.replaced) == (3, [3], False)
    assert (slot.original, slot.target, slot.enabled) == (greet.address, result.entry, True)
    assert result.entry == result.address + 1
    assert len(bench.device.read(result.address, result.size)) == result.size
    assert list(result.stages) == STAGES
    assert result.elapsed_ms >= max(result.stages.values())


def test_stages_and_progress_are_reported_in_order(bench: Bench) -> None:
    bench.inject(LARGE)
    assert bench.stages() == STAGES
    progress = [event for event in bench.events if isinstance(event, ProgressEvent)]
    assert all(earlier.done < later.done for earlier, later in pairwise(progress))
    assert progress[-1].done == progress[-1].total > 500
    assert {event.stage for event in progress} == {"upload"}


def test_function_over_two_words_takes_two_slots(bench: Bench) -> None:
    assert bench.image.function("digits_1").address % 4 == 2
    result = bench.inject(HALFWORD)
    assert result.slots == [0, 1]
    bench.log.clear()
    while not any(line.startswith("[demo]") for line in bench.log):
        bench.device.session.poll(1)
    assert " 8001 " in bench.log[-1]


def test_second_injection_replaces_the_first_in_its_slot(bench: Bench) -> None:
    first = bench.inject(slot=2)
    second = bench.inject(GREET_AGAIN)
    assert (second.slot, second.replaced) == (2, True)
    assert second.entry != first.entry
    assert [bench.device.hello(), bench.device.hello()] == ["Hello again, 1", "Hello again, 2"]


def test_injecting_again_and_again_takes_no_more_memory(bench: Bench) -> None:
    used = set[int]()
    for _ in range(4):
        bench.inject()
        used.add(bench.device.info().used)
    assert len(used) == 1
    bench.device.unpatch(0)
    assert bench.device.info().used == 0


def test_place_of_a_patch_is_guessed_right(bench: Bench) -> None:
    """So one link is enough; a wrong guess costs another (test_size_does_not_depend_on_…)."""
    for source in (HALFWORD, LARGE, GREET, GREET_AGAIN, LARGE, GREET, HALFWORD):
        before = bench.device.info()
        size = expected_size(compile_patch(source, bench.toolchain))
        assert bench.inject(source).address == before.likely_address(size + ALIGNMENT)


def test_warnings_of_the_compiler_are_reported(bench: Bench) -> None:
    bench.inject(f"#warning careful\n{GREET}")
    assert any("careful" in message for message in bench.warnings())


def test_what_the_program_prints_meanwhile_is_not_lost(bench: Bench) -> None:
    states: list[str] = []
    while len(states) < 3:
        bench.inject()
        bench.device.session.poll(0.2)
        states = [line.split()[1] for line in bench.log if line.startswith("LED ")]
    assert states[:3] == ["on", "off", "on"]


# --- Failures that never reach the board --------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "function", "error", "stage"),
    [
        pytest.param("int greet(void) { return }", None, CompileError, "compile", id="compile"),
        pytest.param(
            "int gret(void) { return 1; }", None, UnknownSymbolError, "compile", id="name"
        ),
        pytest.param(GREET, "gret", UnknownSymbolError, "compile", id="requested name"),
        pytest.param(
            "int nowhere(void); int greet(void) { return nowhere(); }",
            None,
            LinkError,
            "link",
            id="link",
        ),
    ],
)
def test_source_that_makes_no_patch_costs_the_board_nothing(
    bench: Bench, source: str, function: str | None, error: type[ServerError], stage: str
) -> None:
    with pytest.raises(error) as raised:
        bench.inject(source, function)
    assert raised.value.board == "unchanged"
    assert bench.stages()[-1] == stage
    assert bench.line.sent == []


def test_function_outside_the_code_region_is_refused(bench: Bench) -> None:
    greet = replace(bench.image.function("greet"), address=0x2000_0100)
    bench.image = replace(bench.image, functions={**bench.image.functions, "greet": greet})
    with pytest.raises(NotPatchableError, match="0x20000100"):
        bench.inject()
    assert bench.line.sent == []


# --- Failures before anything is changed --------------------------------------------------------


def test_elf_of_another_build_is_refused_before_anything_is_changed(bench: Bench) -> None:
    bench.image = replace(bench.image, flash=bench.image.flash[:-1] + b"\x55")
    with pytest.raises(ImageMismatchError) as raised:
        bench.inject()
    assert raised.value.board == "unchanged"
    assert bench.line.sent == ["slots"]


def test_elf_is_compared_by_the_functions_bytes_where_the_loader_does_not_say(
    bench: Bench,
) -> None:
    bench.inject()  # a patch is not to be taken for a difference
    info = replace(bench.device.info(), image=None)
    greet = bench.image.function("greet")
    check_image(bench.device, info, bench.image, greet)
    others = [replace(s, data=bytes(len(s.data))) for s in bench.image.segments]
    with pytest.raises(ImageMismatchError):
        check_image(bench.device, info, replace(bench.image, segments=tuple(others)), greet)


def test_loader_that_cannot_take_two_slots_is_not_asked_to(bench: Bench) -> None:
    info = replace(bench.device.info(), memory=None)
    check_loader(info, bench.image.function("greet"), "trampoline")
    with pytest.raises(NotPatchableError, match="inside a word"):
        check_loader(info, bench.image.function("digits_1"), "trampoline")


def test_no_slot_left(bench: Bench) -> None:
    for n in range(6):
        arguments = ", ".join(f"unsigned a{i}" for i in range(n)) or "void"
        bench.inject(f"unsigned weigh_{n}({arguments}) {{ return {n}; }}")
    before = bench.device.info()
    with pytest.raises(NoFreeSlotError, match="0 of 6 slots free") as raised:
        bench.inject()
    assert raised.value.board == "unchanged"
    assert bench.device.info() == before


def test_slot_of_another_function_is_not_taken(bench: Bench) -> None:
    bench.inject(HALFWORD, slot=2)
    for taken in (0, 2):
        with pytest.raises(NoFreeSlotError, match=f"slot {taken} is in use"):
            bench.inject(slot=taken)


# --- Failures that are undone -------------------------------------------------------------------


def test_patch_too_large_for_the_board_leaves_it_as_it_was(bench: Bench) -> None:
    before = bench.device.info()
    with pytest.raises(NoMemoryError) as raised:
        bench.inject("char t[20000]; char *greet(void) { t[0] = 1; return t; }")
    assert raised.value.needed > 5000
    assert before.memory is not None
    assert raised.value.free == before.memory.free
    assert raised.value.board == "unchanged"
    assert bench.device.info() == before


@pytest.mark.parametrize(
    "fault", [change_a_byte_of_data, change_the_command, lose_the_line, lose_the_end]
)
@pytest.mark.parametrize("nth", [0, 1])
def test_upload_that_the_line_spoils_is_done_again(any_bench: Bench, fault: Hook, nth: int) -> None:
    bench = any_bench
    bench.line.at("upload", nth, do=fault)
    bench.inject(LARGE)
    assert len(bench.warnings()) <= 1  # none where one line was repeated
    assert bench.device.hello().startswith("X")
    assert bench.stages() == STAGES
    done = [event.done for event in bench.events if isinstance(event, ProgressEvent)]
    assert done == sorted(set(done))


def test_line_that_spoils_every_upload_is_given_up_on(bench: Bench) -> None:
    before = bench.device.info()
    bench.line.at("upload", 0, 1, 2, do=change_a_byte_of_data)
    with pytest.raises(CorruptedError) as raised:
        bench.inject()
    assert raised.value.board == "unchanged"
    assert bench.device.info() == before


def test_patch_that_is_not_what_was_uploaded_is_never_called(bench: Bench) -> None:
    address = bench.device.info().memory
    assert address is not None

    def spoil(line: bytes) -> bytes:
        bench.write_memory(address.address, b"\xff")
        return line

    bench.line.at("read", 0, 1, 2, do=spoil)
    with pytest.raises(VerifyError, match="the patch's byte") as raised:
        bench.inject()
    assert raised.value.board == "unchanged"
    assert "tpatch" not in bench.line.sent
    assert bench.device.info().used == 0


@pytest.mark.parametrize(
    ("source", "offset", "size", "found"),
    [
        pytest.param(GREET, 0, 4, "the original one", id="the branch"),
        pytest.param(HALFWORD, 0, 2, "the code around the branch", id="the halfword before it"),
        pytest.param(HALFWORD, 6, 2, "the code around the branch", id="the halfword after it"),
    ],
)
@pytest.mark.parametrize("is_patched", [False, True])
def test_patch_that_is_seen_not_to_work_is_taken_out(
    bench: Bench, source: str, offset: int, size: int, found: str, is_patched: bool
) -> None:
    original = bench.inject(source).original
    if not is_patched:
        bench.device.unpatch(0)
    before = bench.device.info()

    def spoil(line: bytes) -> bytes:
        data = bench.image.flash_bytes(original, size) if size == 4 else b"\0\0"
        bench.write_memory(before.remap + offset, data)
        return line

    bench.line.at("slots", bench.line.sent.count("slots") + 1, do=spoil)
    with pytest.raises(VerifyError, match=found) as raised:
        bench.inject(source)
    after = bench.device.info()
    assert after.used == 0
    assert all(slot.empty for slot in after.slots)
    assert raised.value.board == ("unknown" if is_patched else "unchanged")
    assert ("earlier patch is gone" in str(raised.value)) is is_patched


def test_remap_table_that_was_moved_since_connecting_is_followed(bench: Bench) -> None:
    memory = bench.device.info().memory
    assert memory is not None
    elsewhere = memory.address + memory.size - 64 & -32  # nobody's memory, all zeros

    def move(line: bytes) -> bytes:
        bench.write_memory(FP_REMAP, elsewhere.to_bytes(4, "little"))
        return line

    bench.line.at("slots", bench.line.sent.count("slots") + 1, do=move)
    with pytest.raises(VerifyError, match="the instruction"):
        bench.inject()


def test_interrupted_injection_is_undone(bench: Bench) -> None:
    before = bench.device.info()

    def interrupt(event: Event) -> None:
        if event == StageEvent("verify", "Following a call"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        inject(InjectRequest(GREET), bench, interrupt)
    assert bench.device.info() == before


@pytest.mark.parametrize(
    ("command", "nth"),
    [
        ("slots", 0),
        ("slots", 1),
        ("alloc", 0),
        ("upload", 1),
        ("tpatch", 0),
        ("read", 0),
        ("read", 1),
    ],
)
def test_reply_that_is_lost_is_made_up_for(any_bench: Bench, command: str, nth: int) -> None:
    bench = any_bench
    if command == "slots" and not bench.device.session.is_tagging:
        command = "info"
    bench.inject(GREET_AGAIN)

    def hear_again(line: bytes) -> bytes:
        bench.line.is_mute = False
        return line

    count = bench.line.sent.count(command) + nth
    bench.line.at(command, count, do=bench.line.mute)
    bench.line.at(command, count + 1, do=hear_again)
    bench.line.at("echo", bench.line.sent.count("echo"), do=hear_again)
    assert bench.inject(LARGE).replaced
    assert bench.line.sent.count(command) > count
    assert bench.device.hello().startswith("X")
    bench.device.unpatch(None)
    assert bench.device.info().used == 0


def lead_elsewhere(line: bytes) -> bytes:
    """Change a digit of the address whose function is to be replaced."""
    before, option, rest = line.partition(b"--orig 0x0800")
    return before + option + (b"0" if rest[:1] != b"0" else b"1") + rest[1:]


def take_another_slot(line: bytes) -> bytes:
    before, option, rest = line.partition(b"--comp ")
    return before + option + b"5" + rest[1:]


def take_another_mode(line: bytes) -> bytes:
    return line.replace(b"-c tpatch", b"-c dpatch", 1)


def lose_a_letter_of_the_name(line: bytes) -> bytes:
    return line.replace(b"-c tpatch", b"-c patch", 1)


@pytest.mark.parametrize("fault", [lead_elsewhere, take_another_slot])
def test_command_that_the_line_changed_patches_nothing_else(any_bench: Bench, fault: Hook) -> None:
    bench = any_bench
    bench.line.at("tpatch", 0, do=fault)
    result = bench.inject()
    filled = [slot.number for slot in bench.device.info().slots if not slot.empty]
    assert filled == result.slots == [0]


@pytest.mark.parametrize("fault", [take_another_mode, lose_a_letter_of_the_name])
def test_mode_that_the_line_changed_is_put_right(bench: Bench, fault: Hook) -> None:
    bench.inject(GREET_AGAIN)
    bench.line.at("tpatch", 1, do=fault)
    result = bench.inject()
    assert bench.device.info().slots[result.slot].mode == "remap"
    assert bench.device.hello() == "Hello from a patch"


def test_patch_in_another_mode_than_asked_for_is_no_success(bench: Bench) -> None:
    bench.line.at("tpatch", 0, 1, 2, do=take_another_mode)
    with pytest.raises(ServerError) as raised:
        bench.inject()
    assert raised.value.board == "unchanged"
    assert all(slot.empty for slot in bench.device.info().slots)


# --- Modes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["trampoline", "debugmon"])
@pytest.mark.parametrize("source", [GREET, HALFWORD], ids=["one word", "two words"])
def test_each_mode_is_verified_by_reading_back(bench: Bench, mode: Mode, source: str) -> None:
    result = bench.inject(source, mode=mode)
    slots = 2 if source == HALFWORD and mode == "trampoline" else 1
    assert (result.mode, len(result.slots)) == (mode, slots)
    if source == GREET:
        assert bench.device.hello() == "Hello from a patch"


@pytest.mark.parametrize(
    ("first", "then"), [("trampoline", "debugmon"), ("debugmon", "trampoline")]
)
@pytest.mark.parametrize("source", [GREET, HALFWORD], ids=["one word", "two words"])
def test_mode_of_a_patch_can_be_changed(bench: Bench, first: Mode, then: Mode, source: str) -> None:
    bench.inject(source, mode=first)
    assert bench.inject(source, mode=then).replaced
    bench.device.unpatch(None)
    assert bench.device.info().used == 0


def test_branch_that_cannot_reach_is_refused_and_undone(bench: Bench) -> None:
    before = bench.device.info()
    with pytest.raises(NotPatchableError, match="no branch reaches") as raised:
        bench.inject(mode="direct")
    assert raised.value.board == "unchanged"
    assert bench.device.info() == before


@pytest.mark.parametrize(
    ("address", "word", "found"),
    [
        pytest.param(0xE000_2008, BOTH_HALFWORDS, "the comparator", id="both halfwords"),
        pytest.param(0xE000_2008, 0x0000_0000, "slot 0, of", id="none"),
        pytest.param(0xE000_EDFC, 0x0000_0000, "MON_EN", id="monitor off"),
        pytest.param(0xE000_2000, 0x0000_0002, "FP_CTRL", id="unit off"),
    ],
)
def test_breakpoint_that_would_not_do_is_no_success(
    bench: Bench, address: int, word: int, found: str
) -> None:
    greet = bench.image.function("greet").address

    def spoil(line: bytes) -> bytes:
        both = word and word | greet & 0x1FFF_FFFC | 1
        bench.write_memory(
            address, (both if address == 0xE000_2008 else word).to_bytes(4, "little")
        )
        return line

    bench.line.at("read", 1, do=spoil)
    with pytest.raises(VerifyError, match=found):
        bench.inject(mode="debugmon")


def test_loader_that_takes_the_other_patches_out_is_noticed(field_bench: Bench) -> None:
    # What the first dpatch of a field loader does, while its info lists them still.
    other = next(f"weigh_{n}" for n in range(6) if not address_of(field_bench, f"weigh_{n}") % 4)
    arguments = ", ".join(f"unsigned a{n}" for n in range(int(other[-1]))) or "void"
    field_bench.inject(f"unsigned {other}({arguments}) {{ return 7; }}")
    with pytest.raises(VerifyError, match="comparator 0, not of this patch") as raised:
        field_bench.inject(mode="debugmon")
    assert raised.value.board == "unknown"


def address_of(bench: Bench, function: str) -> int:
    return bench.image.function(function).address


# --- Failures that cannot be undone -------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "command", "nth", "state"),
    [
        *[pytest.param(Line.deafen, *silence.values, id=silence.id) for silence in SILENCES],
        pytest.param(Line.mute, "alloc", 0, "staging", id="alloc, done"),
        pytest.param(Line.mute, "tpatch", 0, "unknown", id="tpatch, done"),
    ],
)
def test_board_that_falls_silent_is_a_timeout_that_says_what_is_known(
    bench: Bench, fault: Callable[[Line, bytes], bytes], command: str, nth: int, state: str
) -> None:
    bench.line.at(command, nth, do=lambda line: fault(bench.line, line))
    with pytest.raises(ReplyTimeoutError) as raised:
        bench.inject()
    assert raised.value.board == state
    assert raised.value.failure()["board"] == state
    assert bool(raised.value.aftermath) == (state != "unchanged")

    bench.line.heal()  # whatever it was left as, the next injection gets it right
    bench.inject()
    bench.device.unpatch(0)
    assert bench.device.info().used == 0


@pytest.mark.parametrize(("command", "nth", "state"), SILENCES)
def test_port_that_vanishes_is_a_port_error_that_says_what_is_known(
    bench: Bench, command: str, nth: int, state: str
) -> None:
    bench.line.at(command, nth, do=bench.line.unplug)
    with pytest.raises(PortError) as raised:
        bench.inject()
    assert raised.value.board == state
    assert bench.device.session.lost is not None
