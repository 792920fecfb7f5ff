"""A guest program that erases and programs the flash it runs from."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Guest

    Boot = Callable[[str], Guest]

PROGRAM = "flash.c"
FP_CTRL, FP_REMAP, FP_COMP0 = 0xE000_2000, 0xE000_2004, 0xE000_2008


def test_what_is_programmed_runs_and_what_is_erased_does_not(boot: "Boot") -> None:
    assert boot(PROGRAM).call("runs_what_it_programs", 0x0800_F000, 5) == 12345


def test_shadow_page_of_a_comparator_follows(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    board = guest.board
    for address, word in ((FP_COMP0, 0x0800_F040 | 1), (FP_REMAP, guest.address("table"))):
        board.write(address, word.to_bytes(4, "little"))
    board.write(FP_CTRL, (0b11).to_bytes(4, "little"))
    assert guest.call("runs_what_it_programs", 0x0800_F000, 3) == 123


def test_what_is_programmed_is_read_at_once(boot: "Boot") -> None:
    assert boot(PROGRAM).call("reads_what_it_programs") == 0xFFFF << 16 | 64 * 65 // 2


def test_core_that_executes_from_flash_waits_and_misses_what_comes(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    begin = guest.board.clock.ns
    assert guest.call("ticks_while_it_erases", 0) == 1  # the others came while one was pending
    assert guest.out(0) <= 1
    assert guest.board.clock.ns - begin > 30_000_000


def test_core_that_executes_from_ram_sees_bsy_and_goes_on(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    assert guest.call("ticks_while_it_erases", 1) == 30
    assert guest.out(0) > 10_000


def test_snapshot_of_a_core_that_waits(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.start("ticks_while_it_erases", 0)
    guest.board.run_for(ms=10)
    waiting = guest.board.load_snapshot(guest.board.snapshot().to_bytes())
    ends: list[int] = []
    for _ in range(2):
        guest.board.restore(waiting)
        while not guest.is_idle:
            guest.board.run_for(us=100)
        ends.append(guest.board.clock.ns // 1_000_000)
    assert ends == [32, 32]


def test_store_to_flash_is_a_bus_fault_unless_pg_is_set(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    assert guest.call("faults_without_pg") == 0x211
    assert guest.board.read(0x0800_F000, 2) == b"\0\0"


def test_snapshot_taken_while_pg_is_set_programs_on(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    clean = guest.board.snapshot()
    guest.start("reads_what_it_programs")
    guest.board.run_for(cycles=300)
    middle = guest.board.snapshot()
    guest.board.restore(clean)
    guest.board.run_for(cycles=100)
    guest.board.restore(middle)
    guest.board.run_for(ms=4)
    assert guest.is_idle
    assert guest.board.register("r0") == 0xFFFF << 16 | 64 * 65 // 2


@pytest.mark.parametrize(
    ("address", "size", "value"),
    [
        pytest.param(0x1FFF_F7E0, 2, 64, id="flash size in KiB"),
        pytest.param(0x1FFF_F800, 2, 0x5AA5, id="RDP and its complement"),
    ],
)
def test_words_of_the_vendor(boot: "Boot", address: int, size: int, value: int) -> None:
    source = f"uint32_t get(void) {{ return REG{8 * size}({address:#x}); }}"
    assert boot(source).call("get") == value
    assert int.from_bytes(boot(source).board.read(address, size), "little") == value
