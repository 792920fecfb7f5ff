import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.device.replies import parse_info, updated
from server.device.slots import (
    FpbInfo,
    ImageInfo,
    Info,
    Limits,
    MemoryInfo,
    Slot,
    choose_slot,
    words_of,
)
from server.errors import NoFreeSlotError, RemoteProtocolError, RequestError
from tests.server.device.far_end import crc_by_the_bit

# As protocol.md shows it, with the lines that our loader adds and a pair.
INFO = """\
FPBInject v1.5.6
Build: Nov 21 2026 20:17:39
Used: 110
Slots: 3/6
FileTransfer: not compiled
FPB: v1, 6 code + 2 lit = 8 total, enabled
FP_REMAP: 0x20000020, base=0x20000020, remap supported
Image: 0x08000000+9 crc=0x29B1
Memory: 0x20001000+8192 free=8082
Slot[0]: 0x0800010A -> 0x20001001, 53 bytes (COMP=0x08000109, remap, on)
Slot[1]: 0x0800010A -> 0x20001001, 0 bytes (COMP=0x0800010D, remap, on, pair of 0)
Slot[2]: empty (COMP=0x00000000, off)
Slot[3]: 0x08007EB8 -> 0x20001039, 57 bytes (COMP=0x08007EB8, remap, off)
Slot[4]: empty (COMP=0x00000000, off)
Slot[5]: empty (COMP=0x00000000, off)
""".splitlines()

LEVEL_2 = ["Protocol: 2", "Limits: line=1535 ring=512 data=1024", "Boot: 0x12345678"]


def with_crc(lines: list[str]) -> list[str]:
    told = "".join(f"{line}\n" for line in lines)
    return [*lines, f"CRC: 0x{crc_by_the_bit(told.encode()):04X}"]


GUARDED = with_crc([*INFO[:7], "Also: crc slots places", *LEVEL_2, *INFO[7:]])


@pytest.fixture
def info() -> Info:
    return parse_info(INFO)[0]


def without(prefix: str) -> list[str]:
    return [line for line in INFO if not line.startswith(prefix)]


def test_info_is_read_as_data(info: Info) -> None:
    assert info == Info(
        version="FPBInject v1.5.6",
        build="Nov 21 2026 20:17:39",
        used=110,
        slots=(
            Slot(0, 0x0800_010A, 0x2000_1001, 53, 0x0800_0109, "remap", enabled=True),
            Slot(1, 0x0800_010A, 0x2000_1001, 0, 0x0800_010D, "remap", enabled=True, pair=0),
            Slot(2),
            Slot(3, 0x0800_7EB8, 0x2000_1039, 57, 0x0800_7EB8, "remap", enabled=False),
            Slot(4),
            Slot(5),
        ),
        fpb=FpbInfo(version=1, code=6, literal=2, enabled=True),
        remap=0x2000_0020,
        can_remap=True,
        image=ImageInfo(0x0800_0000, 9, 0x29B1),
        memory=MemoryInfo(0x2000_1000, 8192, 8082),
    )


def test_lines_of_the_program_between_are_told_apart() -> None:
    mixed = ["LED on", *INFO[:10], "Slots are nice", *INFO[10:], "Slot[9]: broken", ""]
    info, strangers = parse_info(mixed)
    assert info == parse_info(INFO)[0]
    assert strangers == ["LED on", "Slots are nice", "Slot[9]: broken", ""]


def test_loader_in_the_field_says_less() -> None:
    info, strangers = parse_info(line for line in INFO if line[:5] not in {"Image", "Memor"})
    assert (info.image, info.memory, strangers) == (None, None, [])
    assert info.is_image(0x0800_0000, b"123456789") is None


def test_loader_of_level_2_says_more() -> None:
    info, strangers = parse_info(["LED on", *GUARDED[:4], "LED off", *GUARDED[4:]])
    assert (info.level, info.limits, info.boot) == (2, Limits(1535, 512, 1024), 0x1234_5678)
    assert strangers == ["LED on", "LED off"]


@pytest.mark.parametrize("lost", range(3))
def test_level_2_is_not_taken_for_level_1_when_a_line_is_lost(lost: int) -> None:
    lines = [*INFO, *LEVEL_2]
    assert parse_info(lines)[0].level == 2
    with pytest.raises(RemoteProtocolError, match="missing"):
        parse_info([line for line in lines if line != LEVEL_2[lost]])


@pytest.mark.parametrize("lost", range(len(GUARDED)))
def test_level_2_is_refused_when_a_line_is_lost(lost: int) -> None:
    with pytest.raises(RemoteProtocolError, match=r"missing|Slot lines|CRC"):
        parse_info([*GUARDED[:lost], *GUARDED[lost + 1 :]])


@given(data=st.data())
def test_level_2_is_refused_when_a_character_changes(data: st.DataObject) -> None:
    n = data.draw(st.integers(0, len(GUARDED) - 1))
    line = GUARDED[n]
    at = data.draw(st.integers(0, len(line) - 1))
    other = data.draw(st.sampled_from([c for c in string.printable[:95] if c != line[at]]))
    changed = line[:at] + other + line[at + 1 :]
    same_number = changed.lower() == line.lower()  # of the CRC's own digits
    if not (n == len(GUARDED) - 1 and same_number):
        with pytest.raises(RemoteProtocolError):
            parse_info([*GUARDED[:n], changed, *GUARDED[n + 1 :]])


def words_for(info: Info) -> list[int]:
    """Return what `slots` says, made from what `info` says."""
    words = [info.boot or 0, 0x260 | info.fpb.enabled, info.used]
    words += [info.memory.free if info.memory else 0, *(slot.comp for slot in info.slots)]
    for slot in info.slots:
        if slot.original is not None and slot.target is not None and slot.mode is not None:
            first = slot.number if slot.pair is None else slot.pair
            mode = ["remap", "direct", "debugmon"].index(slot.mode)
            words += [slot.number | first << 8 | mode << 16, slot.original, slot.target, slot.size]
    return words


def test_slots_say_the_same_in_numbers() -> None:
    info = parse_info(GUARDED)[0]
    empty = replace(info, slots=tuple(Slot(n) for n in range(6)), used=0)
    assert updated(empty, words_for(info)) == info
    assert updated(info, words_for(empty)) == empty


def test_slots_of_another_boot_say_nothing_about_this_one() -> None:
    info = parse_info(GUARDED)[0]
    assert updated(info, [0x1234_5679, *words_for(info)[1:]]) is None


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([], id="none"),
        pytest.param([0x1234_5678, 0, 0, 0, *[0] * 5], id="a comparator too few"),
        pytest.param([0x1234_5678, 0, 0, 0, *[0] * 9], id="three quarters of a slot"),
        pytest.param([0x1234_5678, 0, 0, 0, *[0] * 6, 6, 1, 1, 1], id="no such slot"),
        pytest.param([0x1234_5678, 0, 0, 0, *[0] * 6, 6 << 8, 1, 1, 1], id="no such pair"),
        pytest.param([0x1234_5678, 0, 0, 0, *[0] * 6, 3 << 16, 1, 1, 1], id="no such mode"),
    ],
)
def test_slots_that_make_no_sense_are_refused(words: list[int]) -> None:
    with pytest.raises(RemoteProtocolError, match="slots"):
        updated(parse_info(GUARDED)[0], words)


@pytest.mark.parametrize(
    "missing", ["FPBInject", "Build", "Used", "Slots", "FPB:", "FP_REMAP", "Slot[2]", "Slot["]
)
def test_info_that_lost_a_line_is_refused(missing: str) -> None:
    with pytest.raises(RemoteProtocolError, match="info"):
        parse_info(without(missing))


@pytest.mark.parametrize(
    ("address", "flash", "same"),
    [
        pytest.param(0x0800_0000, b"123456789", True, id="the very image"),
        pytest.param(0x0800_0000, b"123456789\xff", True, id="with padding behind it"),
        pytest.param(0x07FF_FFFF, b"\xff123456789", True, id="with more before it"),
        pytest.param(0x0800_0000, b"123456780", False, id="other bytes"),
        pytest.param(0x0800_0000, b"12345678", False, id="shorter"),
        pytest.param(0x0800_0001, b"23456789", False, id="elsewhere"),
    ],
)
def test_image_is_compared_by_its_crc(info: Info, address: int, flash: bytes, same: bool) -> None:
    assert info.is_image(address, flash) is same


@pytest.mark.parametrize(
    ("taken", "size", "address"),
    [
        pytest.param([], 100, 0x2000_1000, id="nothing is taken"),
        pytest.param([(0x1001, 9)], 8, 0x2000_1010, id="behind a block, rounded up"),
        pytest.param([(0x1011, 8)], 16, 0x2000_1000, id="before the first"),
        pytest.param([(0x1029, 8), (0x1001, 16)], 24, 0x2000_1010, id="just fits between two"),
        pytest.param([(0x1029, 8), (0x1001, 16)], 25, 0x2000_1030, id="does not"),
        pytest.param([(0x4001, 50), (0x0F01, 8)], 8, 0x2000_1000, id="others are elsewhere"),
        pytest.param([(0x1001, 8184)], 8, 0x2000_2FF8, id="the last bytes"),
        pytest.param([(0x1001, 8184)], 9, None, id="no room"),
    ],
)
def test_place_of_a_patch_is_guessed(
    info: Info, taken: list[tuple[int, int]], size: int, address: int | None
) -> None:
    slots = tuple(
        Slot(n, 0x0800_0100, 0x2000_0000 + target, length)
        for n, (target, length) in enumerate(taken)
    )
    assert replace(info, slots=slots).likely_address(size) == address
    assert replace(info, memory=None).likely_address(size) is None


def test_words_of_a_function() -> None:
    assert words_of(0x0800_0100) == (0x0800_0100,)
    assert words_of(0x0800_0102) == (0x0800_0100, 0x0800_0104)


@pytest.mark.parametrize(
    ("original", "wanted", "slot"),
    [
        pytest.param(0x0800_0200, None, 2, id="the first that is free"),
        pytest.param(0x0800_0202, None, 2, id="a pair"),
        pytest.param(0x0800_0200, 5, 5, id="the one wanted"),
        pytest.param(0x0800_010A, None, 0, id="patched already: its own"),
        pytest.param(0x0800_010A, 0, 0, id="patched already: its own, wanted"),
        pytest.param(0x0800_7EB8, None, 3, id="patched already, switched off"),
    ],
)
def test_slot_is_chosen(info: Info, original: int, wanted: int | None, slot: int) -> None:
    assert choose_slot(info, original, wanted) == slot


@pytest.mark.parametrize(
    ("original", "wanted", "reason"),
    [
        pytest.param(0x0800_0200, 3, "slot 3 is in use", id="another function's"),
        pytest.param(0x0800_0200, 1, "slot 1 is in use", id="a pair's second"),
        pytest.param(0x0800_010A, 1, "patched by slot 0", id="its own second"),
        pytest.param(0x0800_010A, 4, "patched by slot 0", id="two slots for one function"),
        pytest.param(0x0800_010C, None, "slot 1 redirects", id="shares a pair's second word"),
        pytest.param(0x0800_0106, None, "slot 0 redirects", id="shares a pair's first word"),
        pytest.param(0x0800_7EB6, None, "slot 3 redirects", id="reaches into a patched word"),
        pytest.param(0x0800_7EBA, None, "slot 3 redirects", id="begins in a patched word"),
    ],
)
def test_slot_that_is_not_to_be_had_is_refused(
    info: Info, original: int, wanted: int | None, reason: str
) -> None:
    with pytest.raises(NoFreeSlotError, match=reason):
        choose_slot(info, original, wanted)


@pytest.mark.parametrize(
    ("original", "free"), [(0x0800_0200, 1), (0x0800_0202, 2)], ids=["one word", "two words"]
)
def test_last_free_slots_are_used_and_then_no_more(info: Info, original: int, free: int) -> None:
    taken = [replace(info.slots[3], number=n, comp=0x0800_1001) for n in range(6)]
    slots = [Slot(n) if n < free else taken[n] for n in range(6)]
    assert choose_slot(replace(info, slots=tuple(slots)), original) == 0
    slots[0] = taken[0]
    with pytest.raises(NoFreeSlotError, match=f"{free - 1} of 6"):
        choose_slot(replace(info, slots=tuple(slots)), original)


@pytest.mark.parametrize("wanted", [-1, 6])
def test_slot_that_the_board_lacks_is_a_bad_request(info: Info, wanted: int) -> None:
    with pytest.raises(RequestError, match="0 to 5"):
        choose_slot(info, 0x0800_0200, wanted)
