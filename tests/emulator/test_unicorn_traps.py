"""What the engine does unlike a Cortex-M3, and the board nevertheless does right.

Each test is one trap of unicorn 2.1.4: an upgrade that changes one should fail here, by name.
"""

import ctypes
import gc
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from unicorn.arm_const import UC_ARM_REG_R0
from unicorn.unicorn import Uc
from unicorn.unicorn_const import UC_ARCH_ARM, UC_HOOK_BLOCK, UC_MODE_MCLASS, UC_MODE_THUMB

from emulator.board import Board
from emulator.engine import TRANSLATED_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Guest

    Boot = Callable[[str], Guest]

PROGRAM = "traps.c"


@pytest.mark.parametrize("page", [0, 1])
def test_itstate_leaks_from_a_tlb_fill_inside_an_it_block(boot: "Boot", page: int) -> None:
    assert boot(PROGRAM).call("it_block_on_a_new_page", page) == 4


def test_itstate_leaks_from_a_peripheral_access_inside_an_it_block(boot: "Boot") -> None:
    assert boot(PROGRAM).call("it_block_on_a_peripheral") == 4


def test_store_is_repeated_after_a_stop_from_its_own_callback(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("store_that_makes_an_exception_pending")
    assert guest.notes == [1] * 10


@pytest.mark.parametrize("slice_cycles", [1, 7, 100])
def test_byte_is_sent_twice_after_a_stop(boot: "Boot", slice_cycles: int) -> None:
    guest = boot(PROGRAM)
    guest.start("send", 20)
    while not guest.is_idle:
        guest.board.run_for(cycles=slice_cycles)
    guest.board.run_for(us=200)
    assert guest.board.line.receive() == bytes(range(ord("a"), ord("a") + 20))


def unasked(guest: "Guest") -> int:
    """Return how many questions have been left out of what was translated."""
    return ctypes.c_uint32.in_dll(guest.board.clock.library, "unasked").value


def test_engine_asks_at_each_block_and_access_whether_to_stop(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    before = unasked(guest)
    guest.call("data_page_becomes_code")
    assert unasked(guest) > before  # ours took the place of the engine's function


def test_other_engines_of_the_process_still_ask(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("data_page_becomes_code")
    before = unasked(guest)
    engine: Any = Uc
    other = engine(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
    other.mem_map(0, 0x1000)
    # ldr r1, [r2]; adds r0, #1; cmp r0, #200; bne 0
    other.mem_write(0, bytes.fromhex("1168 0130 c828 fbd1"))

    def stop_in_time(*_: object) -> None:
        if other.reg_read(UC_ARM_REG_R0) == 9:
            other.emu_stop()

    other.hook_add(UC_HOOK_BLOCK, stop_in_time)
    other.emu_start(1, 8)
    assert other.reg_read(UC_ARM_REG_R0) == 9
    assert unasked(guest) == before


def test_other_engines_run_where_there_is_no_board_yet() -> None:
    program = """
import emulator.engine
from unicorn.unicorn import Uc
from unicorn.arm_const import UC_ARM_REG_R0
engine = Uc(1, 1 << 4 | 1 << 5)  # Arm; Thumb, M profile
engine.mem_map(0, 0x1000)
engine.mem_write(0, bytes.fromhex("0130 0130"))  # adds r0, #1, twice
engine.emu_start(1, 4)
raise SystemExit(engine.reg_read(UC_ARM_REG_R0))
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 2


def test_block_that_a_block_hook_stops_is_not_executed(boot: "Boot") -> None:
    results: list[tuple[int, int]] = []
    for slice_cycles in (1, 10_000):
        guest = boot(PROGRAM)
        guest.start("counts_to_out_0")
        end = guest.board.clock.cycles + 10_000
        while guest.board.clock.cycles < end:
            guest.board.run_for(cycles=min(slice_cycles, end - guest.board.clock.cycles))
        results.append((guest.out(0), guest.board.clock.cycles))
    assert results[0] == results[1]


def test_stores_to_a_page_with_a_data_entry_leave_stale_code(boot: "Boot") -> None:
    assert boot(PROGRAM).call("data_page_becomes_code") == sum(range(1, 40))


def test_wfe_is_an_invalid_opcode(boot: "Boot") -> None:
    text = r"sev\n\twfe\n\tnop\n\tsev\n\twfe\n\t.inst.n 0xBF10"
    source = f'uint32_t f(void) {{ ASM("{text}"); return 5; }}'
    assert boot(source).call("f") == 5


def test_undefined_instruction_behind_wfe_is_not_taken_for_it(boot: "Boot") -> None:
    guest = boot('NAKED void f(void) { ASM("sev\\n\\twfe\\n\\tudf #0"); }')
    guest.start("f")
    guest.board.run_for(us=10)
    assert guest.board.scb.cfsr.UNDEFINSTR


def test_xpsr_write_does_not_restore_ipsr(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.start("long_handler")
    while guest.notes != [15]:
        guest.board.run_for(cycles=1)
    in_handler = guest.board.snapshot()
    guest.board.run_for(us=100)
    assert guest.notes == [15, 15, 99]
    guest.board.restore(in_handler)
    assert guest.board.register("ipsr") == 15
    guest.board.run_for(us=100)
    assert guest.notes == [15, 15, 99]


def test_unprivileged_thread_mode_hides_the_stack_pointers(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.start("goes_unprivileged")
    guest.board.run_for(us=10)
    registers = guest.board.snapshot().states["core"]
    assert registers[16] == guest.address("stack") + 128
    assert registers[15] != 0


def test_unprivileged_thread_mode_ignores_control_writes(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    privileged = guest.board.snapshot()
    guest.start("goes_unprivileged")
    guest.board.run_for(us=10)
    guest.board.restore(privileged)
    assert guest.board.register("control") == 0
    assert guest.call("reads_stack_pointers") == 0x2000_1230
    assert 0x2000_4F00 < guest.out(0) <= 0x2000_5000


def test_pc_written_with_an_even_address_ends_thumb_state(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.board.set_register("pc", guest.address("reads_stack_pointers"))
    assert guest.board.register("xpsr") & 1 << 24


def test_these_are_the_traps_of_this_version() -> None:
    assert version("unicorn") == "2.1.4"


def test_write_from_outside_leaves_translated_code_stale(boot: "Boot") -> None:
    guest = boot("RAM_CODE uint32_t f(void) { return 5; }")
    assert guest.call("f") == 5
    movs_r0_6 = 0x2006
    guest.board.write(guest.address("f"), movs_r0_6.to_bytes(2, "little"))
    assert guest.call("f") == 6


def test_bit_band_aliases_do_not_exist(boot: "Boot") -> None:
    source = """uint32_t f(void) {
        REG(0x22000000 + 32 * ((uint32_t)(uintptr_t)out - 0x20000000) + 4 * 9) = 1;
        return out[0];
    }"""
    assert boot(source).call("f") == 1 << 9


def test_context_is_not_carried_across_engines(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.start("counts_to_out_0")
    guest.board.run_for(us=100)
    fork = guest.board.fork()
    for board in (fork, guest.board):
        board.run_for(us=100)
    assert fork.trace_hash == guest.board.trace_hash
    del fork, board
    gc.collect()  # where the engine's own context was freed twice
    guest.board.run_for(us=100)


def test_cortex_m3_executes_floating_point(boot: "Boot") -> None:
    guest = boot('NAKED void f(void) { ASM(".fpu fpv4-sp-d16\\n\\tvmov s0, r0\\n\\tbx lr"); }')
    guest.start("f")
    guest.board.run_for(us=10)
    assert guest.board.scb.cfsr.NOCP


def executable() -> dict[int, int]:
    """Return the mappings of this process that are written and executed: address → size."""
    lines = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
    ranges = [line[0].split("-") for line in lines if line[1] == "rwxp"]
    return {int(begin, 16): int(end, 16) - int(begin, 16) for begin, end in ranges}


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="Linux tells of mappings there")
def test_translations_of_many_boards_lie_within_reach_of_a_near_call(
    build: "Callable[[str], Path]",
) -> None:
    before = executable()
    boards = [Board.from_elf("stm32f103c8", build(PROGRAM)) for _ in range(3)]
    for board in boards:
        board.run_for(us=10)
    sizes = [size for begin, size in executable().items() if before.get(begin) != size]
    assert 0 < max(sizes) <= TRANSLATED_SIZE


def test_translations_beyond_their_room_are_made_anew(
    build: "Callable[[str], Path]", monkeypatch: pytest.MonkeyPatch
) -> None:
    elf = build(
        "uint32_t n; NOINLINE uint32_t f(uint32_t a) { return a * 7 + n++; }"
        "void program(void) { for (uint32_t a = 1;;) { a = f(a); out[0] = a; } }"
    )
    states: set[tuple[object, ...]] = set()
    for size in (TRANSLATED_SIZE, 1 << 18):
        monkeypatch.setattr("emulator.engine.TRANSLATED_SIZE", size)
        board = Board.from_elf("stm32f103c8", elf)
        board.write(0xE000_2000, (0b11).to_bytes(4, "little"))  # FP_CTRL
        word = board.image.symbols["f"] & ~3
        board.write(0x2000_4000, board.read(word, 4))
        board.write(0xE000_2004, (0x2000_4000).to_bytes(4, "little"))  # FP_REMAP
        for n in range(1500):
            board.run_for(cycles=100)
            board.write(0xE000_2008, (word | n & 1).to_bytes(4, "little"))  # FP_COMP0: drops a page
        states.add((board.clock.cycles, board.read(0x2000_0000, 0x1000), board.register("pc")))
    assert len(states) == 1
