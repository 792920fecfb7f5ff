"""What the engine does unlike a Cortex-M3, and the board nevertheless does right.

Each test is one trap of unicorn 2.1.4: an upgrade that changes one should fail here, by name.
"""

import ctypes
import gc
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest
from unicorn.arm_const import UC_ARM_REG_R0
from unicorn.unicorn import Uc
from unicorn.unicorn_const import UC_ARCH_ARM, UC_HOOK_BLOCK, UC_MODE_MCLASS, UC_MODE_THUMB

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
