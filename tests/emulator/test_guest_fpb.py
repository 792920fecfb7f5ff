"""The Flash Patch unit on executed code: what a fetch sees, what a read sees. DDI 0403E.e C1.11."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Guest

    Boot = Callable[[str], Guest]

PROGRAM = "fpb.c"
RETURN_2 = 0x4770_2002  # movs r0, #2; bx lr
NOP, MOVS_R0_9, BX_LR = 0xBF00, 0x2009, 0x4770
MOVW_R0_1234 = (0xF241, 0x2034)  # movw r0, #0x1234
MOVW_R0_5678 = (0xF245, 0x6078)  # movw r0, #0x5678


def patch(guest: "Guest", n: int, address: int, word: int) -> None:
    guest.call("patch", n, address, word)


@pytest.mark.parametrize("n", range(6))
def test_each_comparator_redirects_to_its_own_word_of_the_table(boot: "Boot", n: int) -> None:
    guest = boot(PROGRAM)
    patch(guest, n, guest.address("one3"), RETURN_2)
    assert guest.call("one3") == 2
    assert [guest.call(f"one{k}") for k in (2, 4)] == [1, 1]
    guest.call("unpatch", n)
    assert guest.call("one3") == 1


def test_all_six_comparators_at_once(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    for n in range(6):
        patch(guest, n, guest.address(f"one{n}"), 0x4770_2010 + n)
    assert [guest.call(f"one{n}") for n in range(6)] == [0x10 + n for n in range(6)]


def test_upper_halfword_is_replaced_alone(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    address = guest.address("upper16")
    assert address % 4 == 2
    patch(guest, 2, address - 2, MOVS_R0_9 << 16 | NOP)
    assert guest.call("upper16") == 9


def test_32_bit_instruction_in_one_word(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    address = guest.address("lower32")
    assert address % 4 == 0
    patch(guest, 1, address, MOVW_R0_5678[1] << 16 | MOVW_R0_5678[0])
    assert guest.call("lower32") == 0x5678


@pytest.mark.parametrize("function", ["upper32", "across_pages"])
@pytest.mark.parametrize(
    ("first", "second", "result"),
    [
        pytest.param(True, True, 0x5678, id="both words"),
        pytest.param(True, False, 0x5234, id="the first word only"),
        pytest.param(False, True, 0x1678, id="the second word only"),
    ],
)
def test_32_bit_instruction_across_two_words(
    boot: "Boot", function: str, result: int, *, first: bool, second: bool
) -> None:
    guest = boot(PROGRAM)
    address = guest.address(function)
    assert address % 4 == 2
    assert guest.call(function) == 0x1234
    before = int.from_bytes(guest.board.read(address - 2, 2), "little")
    if first:
        patch(guest, 0, address - 2, MOVW_R0_5678[0] << 16 | before)
    if second:
        patch(guest, 4, address + 2, BX_LR << 16 | MOVW_R0_5678[1])
    assert guest.call(function) == result
    for n in (0, 4):
        guest.call("unpatch", n)
    assert guest.call(function) == 0x1234


def test_data_reads_of_a_patched_word_see_flash(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    before = guest.call("checksum")
    for n in range(6):
        patch(guest, n, guest.address(f"one{n}"), RETURN_2)
    assert guest.call("one0") == 2
    assert guest.call("load", guest.address("one0")) == 0x4770_2001
    assert guest.call("checksum") == before


def test_store_into_the_table_takes_effect_at_once(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    patch(guest, 0, guest.address("one0"), RETURN_2)
    assert [guest.call("store_and_call", 0, 0x4770_2000 + n) for n in (3, 4)] == [3, 4]


def test_another_table_takes_effect(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    patch(guest, 0, guest.address("one0"), RETURN_2)
    guest.board.write(0x2000_4000, (0x4770_2007).to_bytes(4, "little"))
    guest.board.write(0xE000_2004, (0x2000_4000).to_bytes(4, "little"))
    assert guest.call("one0") == 7


def test_store_into_another_table_that_holds_the_same_takes_effect(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    patch(guest, 0, guest.address("one0"), RETURN_2)
    assert guest.call("move_store_and_call", 0x2000_4000, 0x4770_2007) == 0x2227


def test_enable_off_stops_matching_and_keeps_the_registers(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    patch(guest, 5, guest.address("one0"), RETURN_2)
    guest.call("switch_unit", 0)
    assert guest.call("one0") == 1
    assert guest.call("load", 0xE000_201C) == guest.address("one0") | 1
    guest.call("switch_unit", 1)
    assert guest.call("one0") == 2


def test_alias_of_flash_is_matched_by_its_own_address_only(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    address = guest.address("one0")

    def both() -> tuple[int, int]:
        results: list[int] = []
        for pc in (address, address - 0x0800_0000):
            guest.start("one0")
            guest.board.set_register("pc", pc)
            guest.board.run_for(us=20)
            assert guest.is_idle
            results.append(guest.board.register("r0"))
        return results[0], results[1]

    patch(guest, 0, address, RETURN_2)
    assert both() == (2, 1)
    patch(guest, 0, address - 0x0800_0000, RETURN_2)
    assert both() == (1, 2)


# Breakpoints.


@pytest.mark.parametrize("monitor", [0, 1], ids=["HardFault", "DebugMonitor"])
@pytest.mark.parametrize(
    ("replace", "offset"),
    [
        pytest.param(0b01, 0, id="lower halfword"),
        pytest.param(0b10, 2, id="upper halfword"),
        pytest.param(0b11, 0, id="both halfwords"),
    ],
)
def test_breakpoint_stops_at_its_halfword(
    boot: "Boot", replace: int, offset: int, monitor: int
) -> None:
    guest = boot(PROGRAM)
    assert guest.call("run_into_breakpoint", replace, monitor) == 2
    assert guest.out(22) == guest.address("two16") + offset  # the stacked PC
    assert guest.notes == [0 if monitor else 1 << 31, 0b10]


def test_breakpoint_comes_back_until_its_comparator_is_off(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    assert guest.call("breaks_until_disabled") == 2
    assert guest.out(26) == 3


def test_store_into_the_table_counts_where_a_breakpoint_was(boot: "Boot") -> None:
    """The remapped word is at first the one that the breakpoint before it made."""
    guest = boot(PROGRAM)
    board, address = guest.board, guest.address("two16")
    patch(guest, 0, address | 0b01 << 30, 0)
    broken = board.snapshot()
    guest.start("two16")
    board.run_for(us=5)
    assert guest.word("unexpected") == 3  # a HardFault: the monitor is off
    board.restore(broken)
    same = int.from_bytes(bytes.fromhex("00BE") + board.read(address + 2, 2), "little")
    assert guest.call("remaps_what_was_broken", address, same, RETURN_2) == 2


def test_store_in_the_loop_that_is_patched_counts_at_once(boot: "Boot") -> None:
    assert boot(PROGRAM).call("patches_its_own_loop", 5) == 1 + 9 + 9 + 9 + 9


# Literal comparators.


@pytest.mark.parametrize("n", [6, 7])
def test_literal_comparator_redirects_a_load(boot: "Boot", n: int) -> None:
    guest = boot(PROGRAM)
    address = guest.address("literal_itself")
    patch(guest, n, address, 0xA1B2_C3D4)
    assert guest.call("literal") == 0xA1B2_C3D4
    assert guest.call("load16", address + 2) == 0xA1B2
    assert guest.call("load8", address + 1) == 0xC3
    assert guest.call("load", address + 4) == 0x2222_2222
    guest.call("store", n, 7)
    assert guest.call("literal") == 7
    guest.call("unpatch", n)
    assert guest.call("literal") == 0x1111_1111


@pytest.mark.parametrize("offset", range(-3, 8))
def test_unaligned_loads_see_memory_itself(boot: "Boot", offset: int) -> None:
    guest = boot(PROGRAM)
    literal = guest.address("literal_itself")
    address = literal + offset
    patch(guest, 7, literal + 4, 0x8182_8384)
    patch(guest, 6, literal, 0xA1B2_C3D4)
    own = guest.board.read(literal - 4, 16)
    shown = own[:4] + bytes.fromhex("D4C3B2A1 84838281") + own[12:]
    for function, size in (("load", 4), ("load16", 2), ("load_signed16", 2), ("load8", 1)):
        seen = own if address % size else shown
        word = int.from_bytes(seen[offset + 4 :][:size], "little", signed="signed" in function)
        assert guest.call(function, address) == word & 0xFFFF_FFFF
    for n in (6, 7):
        guest.call("unpatch", n)
    assert guest.call("load", address) == int.from_bytes(own[offset + 4 :][:4], "little")


def test_unaligned_load_sees_what_is_programmed_below_a_literal(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    literal = guest.address("literal_itself")
    patch(guest, 6, literal, 0xA1B2_C3D4)
    guest.board.write(literal, bytes.fromhex("01020304"))
    assert guest.call("load16", literal + 1) == 0x0302
    assert guest.call("literal") == 0xA1B2_C3D4


def test_unaligned_loads_that_are_trapped_stay_trapped(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    patch(guest, 6, guest.address("literal_itself"), 1)
    guest.board.write(0xE000_ED14, (1 << 3).to_bytes(4, "little"))  # CCR.UNALIGN_TRP
    guest.start("load", guest.address("literal_itself") + 1)
    guest.board.run_for(us=20)
    assert guest.word("unexpected") == 3  # a HardFault: UsageFault is not enabled


def test_literal_comparator_ignores_replace(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    patch(guest, 6, guest.address("literal_itself") | 0b11 << 30, 5)
    assert guest.call("literal") == 5


def test_fetches_do_not_see_a_literal_comparator(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    patch(guest, 6, guest.address("one0"), RETURN_2)
    assert guest.call("one0") == 1
    assert guest.call("load", guest.address("one0")) == RETURN_2


def test_one_word_with_both_kinds_of_comparator(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    patch(guest, 0, guest.address("one0"), RETURN_2)
    patch(guest, 7, guest.address("one0"), 0xCAFE)
    assert guest.call("one0") == 2
    assert guest.call("load", guest.address("one0")) == 0xCAFE


# No stale translation, however often and whoever changes what a fetch sees.


def test_patch_switched_thousands_of_times_is_right_every_time(boot: "Boot") -> None:
    assert boot(PROGRAM).call("toggles", 3000) == 0


def test_table_stored_to_thousands_of_times_is_right_every_time(boot: "Boot") -> None:
    assert boot(PROGRAM).call("retargets", 3000) == 0


def test_interrupt_patches_what_a_hot_loop_calls(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("patched_from_an_interrupt")
    unpatched, patched, changes = guest.words("out", 3, first=1)
    assert unpatched > 100
    assert patched > 100
    assert changes in {20, 21}  # the last may come after the last look


def test_code_patches_the_instruction_behind_it_in_its_own_page(boot: "Boot") -> None:
    assert boot(PROGRAM).call("comparator_behind_itself") == 16 + 1 + 16
    assert boot(PROGRAM).call("table_behind_itself") == 16 + 17 + 16


def test_patch_is_switched_inside_an_interrupt(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    assert guest.call("switched_inside_an_interrupt") == 2 << 8 | 2
    assert guest.notes == [1, 2]


def test_flash_rewritten_from_outside_is_seen_beside_a_patch(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    patch(guest, 0, guest.address("one0"), RETURN_2)
    assert guest.call("one1") == 1
    other = guest.address("one1")
    assert other & -1024 == guest.address("one0") & -1024  # in the same page
    guest.board.write(other, b"\x05")
    assert guest.call("one1") == 5
    assert guest.board.fetch(other, 1) == b"\x05"


def test_fetch_shows_comparators_and_read_does_not(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    address = guest.address("one0")
    patch(guest, 0, address, RETURN_2)
    assert guest.board.fetch(address, 4) == RETURN_2.to_bytes(4, "little")
    assert guest.board.read(address, 4) == (0x4770_2001).to_bytes(4, "little")
