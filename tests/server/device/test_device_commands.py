import base64
import struct
from collections.abc import Callable

import pytest

from server.device.commands import Allocation, Device
from server.errors import CorruptedError, RefusedError, RemoteProtocolError
from tests.server.device.far_end import Answer, FarEnd, crc_by_the_bit, echo, ok, refused

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


def test_read(far_end: FarEnd, device: Device) -> None:
    data = bytes(range(16))
    far_end.answer("read", read_reply(RAM, data))
    assert device.read(RAM, 16) == data
    assert sent(far_end) == f"fl -c read -a 0x20000000 -l 16 -r {crc(RAM, 16)}"


def test_forced_read_says_so(far_end: FarEnd, device: Device) -> None:
    far_end.answer("read", read_reply(0xE000_2000, words(0x261)))
    device.read(0xE000_2000, 4, force=True)
    assert "--force" in sent(far_end).split()


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


def test_tpatch_returns_the_trampoline(far_end: FarEnd, device: Device) -> None:
    reply = "Trampoline 0: 0x08007EB8 -> tramp(0x0800CD45) -> 0x20000261"
    far_end.answer("tpatch", ok(reply))
    assert device.tpatch(0, 0x0800_7EB8, 0x2000_0261) == 0x0800_CD44
    assert sent(far_end) == (
        "fl -c tpatch --comp 0 --orig 0x08007EB8 --target 0x20000261"
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
    "tpatch": lambda device: device.tpatch(0, 0x0800_0100, RAM | 1),
    "enable": lambda device: device.enable(0, on=True),
    "unpatch": lambda device: device.unpatch(0),
}


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        pytest.param("ping", "Info complete", id="the reply of another command"),
        pytest.param("ping", "", id="an empty reply"),
        pytest.param("alloc", "Allocated 10 at 0x2000025D", id="another size"),
        pytest.param("read", "READ 2 bytes crc=0x0000 data=AAA=", id="fewer bytes"),
        pytest.param("write", "WRITE 3 bytes to 0x20000000", id="cut short"),
        pytest.param("write", "WRITE 4 bytes to 0x20000004", id="elsewhere"),
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
        pytest.param("enable", "Enabled patch 3", id="another slot is enabled"),
        pytest.param("enable", "Disabled patch 0", id="disabled instead"),
        pytest.param("unpatch", "Cleared slot 1", id="another slot is cleared"),
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


@pytest.mark.parametrize("command", CALLS)
def test_refusal_is_passed_on(far_end: FarEnd, device: Device, command: str) -> None:
    far_end.answer(command, refused("Not now"))
    with pytest.raises(RefusedError, match="Not now"):
        CALLS[command](device)


def test_echo_of_other_bytes_is_an_error(far_end: FarEnd, device: Device) -> None:
    far_end.answer("echo", echo, ok("ECHO 2 Bytes, CRC 0x0000"))
    with pytest.raises(RemoteProtocolError, match="echo"):
        device.echo(b"12")


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
