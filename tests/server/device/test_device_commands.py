import base64
import struct
from collections.abc import Callable, Iterator

import pytest
import serial

from server.device.attempts import Allocation
from server.device.commands import Device
from server.device.session import Session
from server.device.slots import Mode
from server.errors import (
    CorruptedError,
    OutcomeUnknownError,
    RefusedError,
    RemoteProtocolError,
    ReplyTimeoutError,
)
from tests.server.device.far_end import (
    BAUDRATE,
    SILENCE,
    Answer,
    FarEnd,
    crc_by_the_bit,
    echo,
    info_reply,
    ok,
    option,
    refused,
    tagged,
)

RAM = 0x2000_0000
CRC_MISMATCH = refused("CRC mismatch: 0x1234 != 0x5678")


def words(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers)


def crc(*numbers: int, data: bytes = b"") -> str:
    return f"0x{crc_by_the_bit(words(*numbers) + data):04X}"


def read_reply(address: int, data: bytes) -> bytes:
    text = base64.b64encode(data).decode()
    return ok(f"READ {len(data)} bytes crc={crc(address, len(data), data=data)} data={text}")


def sent(far_end: FarEnd) -> str:
    return far_end.lines[-1]


def no_progress(_done: int, _total: int) -> None:
    """Nobody wants to know."""


def test_ping(far_end: FarEnd, device: Device) -> None:
    far_end.answer("ping", ok("PONG"))
    device.ping()
    assert sent(far_end) == "fl -c ping"


def test_echo(far_end: FarEnd, device: Device) -> None:
    device.echo(bytes(range(4)))
    assert sent(far_end) == "fl -c echo -d 00010203"


def test_hello_returns_the_greeting_and_loses_no_line(
    far_end: FarEnd, device: Device, log: list[str]
) -> None:
    far_end.answer("hello", b"LED on\n" + ok("Hello, world"))
    assert device.hello() == "Hello, world"
    assert log == ["LED on"]


def test_alloc(far_end: FarEnd, device: Device) -> None:
    far_end.answer("alloc", ok("Allocated 100 at 0x2000025D"))
    assert device.alloc(100) == Allocation(0x2000_025D, 100)
    assert sent(far_end) == f"fl -c alloc -s 100 -r {crc(100)}"


def test_alloc_whose_address_gained_a_digit_is_asked_for_again(
    far_end: FarEnd, device: Device
) -> None:
    far_end.answer("alloc", ok("Allocated 48 at 0x2000016B00"), ok("Allocated 48 at 0x200016B0"))
    assert device.alloc(48) == Allocation(0x2000_16B0, 48)


def test_read(far_end: FarEnd, device: Device) -> None:
    data = bytes(range(16))
    far_end.answer("read", read_reply(RAM, data))
    assert device.read(RAM, 16) == data
    assert sent(far_end) == f"fl -c read -a 0x20000000 -l 16 -r {crc(RAM, 16)}"


def test_forced_read_says_so(far_end: FarEnd, device: Device) -> None:
    far_end.answer("read", read_reply(0xE000_2000, words(0x261)))
    device.read(0xE000_2000, 4, force=True)
    assert "--force" in sent(far_end).split()


def level_2_info(boot: int = 7, *, is_terse: bool = True) -> Callable[[str], bytes]:
    """Answer `info` as a small board of level 2 does, with or without a tag."""
    lines = info_reply().decode().splitlines(keepends=True)[:-2]
    lines += ["Protocol: 2\n", "Limits: line=1535 ring=512 data=1024\n", f"Boot: 0x{boot:08X}\n"]
    text = "".join(["Also: crc slots places\n", *lines] if is_terse else lines)
    check = f"CRC: 0x{crc_by_the_bit(text.encode()):04X}\n" if is_terse else ""

    def answer(line: str) -> bytes:
        verdict = tagged("Info complete")(line) if "-t" in line else ok("Info complete")
        return f"{text}{check}".encode() + verdict

    return answer


def data_reply(verb: str, data: bytes, asked: bytes = b"") -> Callable[[str], bytes]:
    text = base64.b64encode(data).decode()
    return tagged(f"{verb} {len(data)} bytes crc={crc(data=asked + data)} data={text}")


def slots_reply(boot: int, comp: int = 0, *slot: int) -> Callable[[str], bytes]:
    return data_reply("SLOTS", words(boot, 0x261, 4, 0, comp, *slot))


def test_what_only_a_reset_changes_is_asked_once(far_end: FarEnd, device: Device) -> None:
    far_end.answer("info", level_2_info(boot=7), level_2_info(boot=8))
    far_end.answer("slots", slots_reply(7, 0x101, 0, 0x100, 0x2000_0001, 4), slots_reply(8))
    assert device.info().slots[0].empty
    assert device.info().slots[0].target == 0x2000_0001
    assert (device.info().boot, device.seen and device.seen.slots[0].empty) == (8, True)
    assert far_end.commands() == ["echo", "info", "slots", "slots", "info"]


def test_board_of_level_2_that_knows_no_more_is_asked_for_no_more(
    far_end: FarEnd, device: Device
) -> None:
    far_end.always("info", level_2_info(is_terse=False))
    data = base64.b64encode(b"abcd").decode()
    reply = f"READ 4 bytes crc={crc(RAM, 4, data=b'abcd')} data={data}"
    far_end.always("read", tagged(reply))
    assert device.info() == device.info()
    assert device.read_places([(RAM, 4), (RAM, 4)]) == [b"abcd"] * 2
    assert far_end.commands() == ["echo", "info", "info", "read", "read"]
    assert device.session.is_tagging


def test_slots_whose_crc_is_wrong_are_asked_for_again(far_end: FarEnd, device: Device) -> None:
    far_end.always("info", level_2_info())
    device.info()
    right = slots_reply(7)
    far_end.answer("slots", lambda line: right(line).replace(b"data=B", b"data=C"), right)
    assert device.info().used == 4
    assert far_end.commands()[-2:] == ["slots", "slots"]


def test_info_whose_crc_is_wrong_is_asked_for_again(far_end: FarEnd, device: Device) -> None:
    right = level_2_info()
    far_end.answer("info", lambda line: right(line).replace(b"Used: 0", b"Used: 8"), right)
    assert device.info().used == 0


def test_places_are_read_in_one_request_as_whole_words(far_end: FarEnd, device: Device) -> None:
    far_end.always("info", level_2_info())
    device.info()
    asked = words(RAM, 8, RAM + 8, 4, 0xE000_2000, 4)
    far_end.answer("read", data_reply("READ", bytes(range(16)), asked))
    read = device.read_places([(RAM + 2, 5), (RAM + 8, 4), (0xE000_2003, 1)])
    assert read == [bytes(range(2, 7)), bytes(range(8, 12)), b"\x0f"]
    assert base64.b64decode(option(sent(far_end), "-d")) == asked


def test_places_are_read_one_by_one_at_level_1(far_end: FarEnd, device: Device) -> None:
    far_end.answer("read", read_reply(RAM + 2, b"ab"), read_reply(RAM, b"c"))
    assert device.read_places([(RAM + 2, 2), (RAM, 1)]) == [b"ab", b"c"]


def test_long_read_is_done_in_pieces(far_end: FarEnd, device: Device) -> None:
    memory = bytes(n % 251 for n in range(2500))

    def read(line: str) -> bytes:
        tokens = line.split()
        address, length = int(tokens[4], 16), int(tokens[6])
        return read_reply(address, memory[address - RAM :][:length])

    far_end.always("read", read)
    assert device.read(RAM, 2500) == memory
    assert [line.split()[6] for line in far_end.lines if " read " in line] == ["1024"] * 2 + ["452"]


def test_write_and_upload_lines_fit_the_board_and_carry_everything(
    far_end: FarEnd, device: Device
) -> None:
    data = bytes(n % 253 for n in range(1000))
    memory = bytearray(1000)

    def store(line: str) -> bytes:
        tokens = line.split()
        at, chunk = int(tokens[4], 16), base64.b64decode(tokens[6])
        assert len(line) < 511
        assert tokens[8] == crc(at, len(chunk), data=chunk)
        offset = at & 0xFFFF
        memory[offset : offset + len(chunk)] = chunk
        verb = {"write": "WRITE", "upload": "Uploaded"}[tokens[2]]
        return ok(f"{verb} {len(chunk)} bytes to 0x{RAM + offset:08X}")

    far_end.always("write", store)
    far_end.always("upload", store)
    device.write(RAM, data)
    assert memory == data

    memory[:] = bytes(1000)
    progress: list[tuple[int, int]] = []

    def note(done: int, total: int) -> None:
        progress.append((done, total))

    device.upload(Allocation(RAM, 1000), 0, data, note)
    assert memory == data
    assert progress == [(351, 1000), (702, 1000), (1000, 1000)]


@pytest.mark.parametrize(
    ("mode", "command", "reply"),
    [
        ("trampoline", "tpatch", "Trampoline 0: 0x08007EB8 -> tramp(0x0800CD45) -> 0x20000261"),
        ("direct", "patch", "Patch 0: 0x08007EB8 -> 0x20000261"),
        ("debugmon", "dpatch", "DebugMon 0: 0x08007EB8 -> 0x20000261"),
    ],
)
def test_each_mode_has_a_command(
    far_end: FarEnd, device: Device, mode: Mode, command: str, reply: str
) -> None:
    far_end.answer(command, ok(reply))
    device.patch(0, 0x0800_7EB8, 0x2000_0261, mode)
    assert sent(far_end) == (
        f"fl -c {command} --comp 0 --orig 0x08007EB8 --target 0x20000261"
        f" -r {crc(0, 0x0800_7EB8, 0x2000_0261)}"
    )


SWITCHES: list[tuple[Callable[[Device], None], str, str]] = [
    (
        lambda device: device.enable(2, on=False),
        "Disabled patch 2",
        f"fl -c enable --enable 0 --comp 2 -r {crc(2, 0)}",
    ),
    (
        lambda device: device.enable(None, on=True),
        "Enabled 3 patches",
        "fl -c enable --enable 1 --all",
    ),
    (
        lambda device: device.unpatch(1),
        "Cleared slot 1",
        f"fl -c unpatch --comp 1 -r {crc(1)}",
    ),
    (
        lambda device: device.unpatch(None),
        "Cleared all 6 slots, memory freed",
        "fl -c unpatch --all",
    ),
]


@pytest.mark.parametrize(("call", "reply", "line"), SWITCHES)
def test_slots_are_switched_and_cleared(
    far_end: FarEnd, device: Device, call: Callable[[Device], None], reply: str, line: str
) -> None:
    far_end.answer(line.split()[2], ok(reply))
    call(device)
    assert sent(far_end) == line


def test_release_sends_a_crc_that_is_wrong(far_end: FarEnd, device: Device) -> None:
    far_end.answer("upload", CRC_MISMATCH)
    device.release()
    tokens = sent(far_end).split()
    assert base64.b64decode(tokens[6]) == b"\0"
    assert tokens[8] != crc(0, 1, data=b"\0")


def test_release_of_nothing_is_no_error(far_end: FarEnd, device: Device) -> None:
    far_end.answer("upload", refused("No allocation, call alloc first"))
    device.release()


def test_release_tells_a_board_that_takes_a_wrong_crc(far_end: FarEnd, device: Device) -> None:
    far_end.answer("upload", ok("Uploaded 1 bytes to 0x20000000"))
    with pytest.raises(RemoteProtocolError, match="wrong CRC was taken"):
        device.release()


CALLS: dict[str, Callable[[Device], object]] = {
    "ping": lambda device: device.ping(),
    "alloc": lambda device: device.alloc(100),
    "read": lambda device: device.read(RAM, 4),
    "write": lambda device: device.write(RAM, b"1234"),
    "upload": lambda device: device.upload(Allocation(RAM, 12), 8, b"1234", no_progress),
    "tpatch": lambda device: device.patch(0, 0x0800_0100, RAM | 1),
    "enable": lambda device: device.enable(0, on=True),
    "unpatch": lambda device: device.unpatch(0),
}


MISFITS = [
    pytest.param("ping", "Info complete", id="the reply of another command"),
    pytest.param("ping", "", id="an empty reply"),
    pytest.param("alloc", "Allocated 10 at 0x2000025D", id="another size"),
    pytest.param("read", "READ 2 bytes crc=0x0000 data=AAA=", id="fewer bytes"),
]


@pytest.mark.parametrize(("command", "reply"), MISFITS)
def test_reply_that_does_not_fit_a_repeatable_command_is_asked_for_again(
    far_end: FarEnd, device: Device, command: str, reply: str
) -> None:
    right = {
        "ping": ok("PONG"),
        "alloc": ok("Allocated 100 at 0x2000025D"),
        "read": read_reply(RAM, b"1234"),
    }
    far_end.answer(command, ok(reply), ok(reply), right[command])
    CALLS[command](device)
    assert far_end.commands() == ["echo", command] * 3


@pytest.mark.parametrize(("command", "reply"), MISFITS)
def test_reply_that_never_fits_is_no_success(
    far_end: FarEnd, device: Device, command: str, reply: str
) -> None:
    far_end.always(command, ok(reply))
    with pytest.raises(RemoteProtocolError, match=command):
        CALLS[command](device)
    assert far_end.commands() == ["echo", command] * 3


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        pytest.param("upload", "Uploaded 3 bytes to 0x20000008", id="upload cut short"),
        pytest.param("upload", "Uploaded 4 bytes to 0x20000000", id="upload elsewhere"),
        pytest.param(
            "tpatch", "Trampoline 1: 0x08000100 -> tramp(0x08000201) -> 0x20000001", id="slot"
        ),
        pytest.param(
            "tpatch", "Trampoline 0: 0x08000104 -> tramp(0x08000201) -> 0x20000001", id="original"
        ),
        pytest.param(
            "tpatch", "Trampoline 0: 0x08000100 -> tramp(0x08000201) -> 0x20000101", id="target"
        ),
        pytest.param("tpatch", "Patch 0: 0x08000100 -> 0x20000001", id="another mode"),
    ],
)
def test_reply_that_does_not_fit_is_no_success_and_the_line_is_not_trusted(
    far_end: FarEnd, device: Device, command: str, reply: str
) -> None:
    far_end.answer(command, ok(reply))
    with pytest.raises(RemoteProtocolError, match=command):
        CALLS[command](device)
    far_end.answer("hello", ok("Hello"))
    device.hello()
    assert far_end.commands() == ["echo", command, "echo", "hello"]


# --- What must not be done twice ----------------------------------------------------------------


EMPTY = info_reply("empty (COMP=0x00000000, off)")
ON = info_reply("0x08000100 -> 0x20000001, 4 bytes (COMP=0x08000101, remap, on)")
OFF = info_reply("0x08000100 -> 0x20000001, 4 bytes (COMP=0x08000100, remap, off)")
LOST = pytest.mark.parametrize(
    "lost", [SILENCE, ok("Disabled patch 0"), ok("Cleared slot 1"), ok(""), b"[FLEND]\n"]
)


@pytest.fixture
def hasty(far_end: FarEnd) -> Iterator[Device]:
    """A device that does not wait for a lost reply for long."""
    port = serial.serial_for_url(far_end.port, BAUDRATE)
    with Session(port, lambda _: None, timeout_s=0.8) as session:
        yield Device(session)


@LOST
@pytest.mark.parametrize(("command", "seen"), [("enable", ON), ("unpatch", EMPTY)])
def test_lost_reply_is_a_success_where_the_board_shows_that_it_was_done(
    far_end: FarEnd, hasty: Device, lost: bytes, command: str, seen: bytes
) -> None:
    far_end.answer(command, lost)
    far_end.answer("info", seen)
    CALLS[command](hasty)
    assert far_end.commands() == ["echo", command, "echo", "info"]


@LOST
@pytest.mark.parametrize(
    ("command", "seen", "done"),
    [("enable", OFF, ok("Enabled patch 0")), ("unpatch", ON, ok("Cleared slot 0"))],
)
def test_lost_command_is_repeated_where_the_board_shows_that_it_was_not_done(
    far_end: FarEnd, hasty: Device, lost: bytes, command: str, seen: bytes, done: bytes
) -> None:
    far_end.answer(command, lost, done)
    far_end.answer("info", seen)
    CALLS[command](hasty)
    assert far_end.commands() == ["echo", command, "echo", "info", command]


def test_refusal_of_a_repeat_is_no_failure_where_the_first_was_done_after_all(
    far_end: FarEnd, hasty: Device
) -> None:
    far_end.answer("unpatch", SILENCE, refused("Slot 0 is empty"))
    far_end.answer("info", ON, EMPTY)
    CALLS["unpatch"](hasty)


@pytest.mark.parametrize(
    "command",
    [*(pytest.param(name, marks=pytest.mark.slow) for name in ("enable", "unpatch")), "write"],
)
def test_outcome_that_nothing_tells_is_reported_as_unknown(
    far_end: FarEnd, hasty: Device, command: str
) -> None:
    far_end.answer(command, SILENCE)
    with pytest.raises(OutcomeUnknownError, match=command) as raised:
        CALLS[command](hasty)
    assert raised.value.extra()["command"] == command


def test_command_that_was_never_sent_has_no_unknown_outcome(far_end: FarEnd, hasty: Device) -> None:
    far_end.always("echo", SILENCE)
    with pytest.raises(ReplyTimeoutError, match="echo"):
        CALLS["unpatch"](hasty)
    assert "unpatch" not in far_end.commands()


@pytest.mark.parametrize(
    "lost", [SILENCE, ok("WRITE 3 bytes to 0x20000000"), ok("WRITE 4 bytes to 0x20000004")]
)
def test_write_whose_reply_is_lost_is_looked_for_in_memory(
    far_end: FarEnd, hasty: Device, lost: bytes
) -> None:
    far_end.answer("write", lost)
    far_end.answer("read", read_reply(RAM, b"1234"))
    CALLS["write"](hasty)
    assert far_end.commands() == ["echo", "write", "echo", "read"]


def test_write_that_is_not_in_memory_is_not_done_again(far_end: FarEnd, hasty: Device) -> None:
    far_end.answer("write", SILENCE)
    far_end.answer("read", read_reply(RAM, b"0000"))
    with pytest.raises(OutcomeUnknownError):
        CALLS["write"](hasty)
    assert far_end.commands().count("write") == 1


# --- The length of a line -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "held", [511, 64, *(pytest.param(n, marks=pytest.mark.slow) for n in (400, 128))]
)
@pytest.mark.parametrize("keeps_end", [True, False])
def test_line_is_measured_without_harm_where_a_long_one_does_not_arrive_whole(
    far_end: FarEnd, hasty: Device, held: int, keeps_end: bool
) -> None:
    far_end.always("info", EMPTY)
    holds_part = False

    def cut(line: str) -> bytes:
        nonlocal holds_part
        if holds_part:  # and this line's end is the first to arrive
            holds_part = False
            return refused("Invalid arguments")
        holds_part = len(line) >= held and not keeps_end
        return SILENCE if holds_part else echo(line[: held - 1])

    far_end.always("echo", cut)
    hasty.measure_line()
    assert hasty.session.max_request <= held
    far_end.always("echo", echo)
    far_end.answer("upload", lambda line: ok(f"Uploaded {decoded(line)} bytes to 0x{RAM:08X}"))
    hasty.upload(Allocation(RAM, 12), 0, b"123456789", no_progress)
    assert max(len(line) + 1 for line in far_end.lines if "upload" in line) <= held
    assert {"echo", "info", "upload"} == set(far_end.commands())


def decoded(line: str) -> int:
    return len(base64.b64decode(option(line, "-d")))


@pytest.mark.parametrize("command", CALLS)
def test_refusal_is_passed_on(far_end: FarEnd, device: Device, command: str) -> None:
    far_end.always(command, refused("Not now"))
    with pytest.raises(RefusedError, match="Not now"):
        CALLS[command](device)


def test_refusal_of_a_patch_may_be_that_of_another_command(far_end: FarEnd, device: Device) -> None:
    too_far = refused("Target 0x20000001 is out of a branch's reach from 0x08000100 (16 MB)")
    far_end.answer("tpatch", too_far, ok("Trampoline 0: 0x08000100 -> tramp(x) -> 0x20000001"))
    device.patch(0, 0x0800_0100, 0x2000_0001)
    assert far_end.commands() == ["echo", "tpatch", "tpatch"]


def test_echo_of_other_bytes_is_an_error(far_end: FarEnd, device: Device) -> None:
    device.echo(b"12")
    far_end.always("echo", lambda line: echo(line.replace("3132", "3133")))
    with pytest.raises(RemoteProtocolError, match="echo"):
        device.echo(b"12")


@pytest.mark.parametrize(
    "words", ["Unknown: pong", "Invalid arguments: -x", "Missing --cmd", "Line garbled"]
)
def test_refusal_of_what_was_not_sent_is_the_lines_fault(
    far_end: FarEnd, device: Device, words: str
) -> None:
    far_end.answer("unpatch", refused(words), ok("Cleared slot 0"))
    CALLS["unpatch"](device)


def test_command_that_a_loader_does_not_know_is_not_repeated(
    far_end: FarEnd, device: Device
) -> None:
    far_end.always("dpatch", refused("Unknown: dpatch"))
    with pytest.raises(RefusedError, match="Unknown"):
        device.patch(0, 0x0800_0100, RAM | 1, "debugmon")
    assert far_end.commands() == ["echo", "dpatch"]


@pytest.mark.parametrize("command", ["alloc", "read", "write", "tpatch", "enable", "unpatch"])
def test_command_refused_for_its_crc_is_repeated_a_few_times(
    far_end: FarEnd, device: Device, command: str
) -> None:
    far_end.always(command, CRC_MISMATCH)
    with pytest.raises(CorruptedError):
        CALLS[command](device)
    assert far_end.commands() == ["echo", command, command, command]


def test_repeated_command_succeeds(far_end: FarEnd, device: Device) -> None:
    far_end.answer("write", CRC_MISMATCH, CRC_MISMATCH, ok("WRITE 4 bytes to 0x20000000"))
    device.write(RAM, b"1234")


@pytest.mark.parametrize(
    "corrupted",
    [
        pytest.param(ok("READ 4 bytes crc=0x0000 data=AAAAAA=="), id="CRC"),
        pytest.param(ok("READ 4 bytes crc=0x0000 data=AA*AAA=="), id="no base64"),
        pytest.param(ok("READ 4 bytes crc=0x0000 data=AAAAA"), id="cut base64"),
    ],
)
def test_data_corrupted_on_its_way_is_read_again(
    far_end: FarEnd, device: Device, corrupted: Answer
) -> None:
    far_end.answer("read", corrupted, read_reply(RAM, b"1234"))
    assert device.read(RAM, 4) == b"1234"


def test_upload_refused_for_its_crc_is_not_repeated(far_end: FarEnd, device: Device) -> None:
    # The board has freed the allocation.
    far_end.answer("upload", CRC_MISMATCH)
    with pytest.raises(CorruptedError):
        CALLS["upload"](device)
    assert far_end.commands() == ["echo", "upload"]
