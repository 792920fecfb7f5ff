"""What instructions access: beside the engine, which executes them and tells."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unicorn import unicorn_const as uc
from unicorn.arm_const import (
    UC_ARM_REG_LR,
    UC_ARM_REG_R0,
    UC_ARM_REG_R12,
    UC_ARM_REG_SP,
    UC_CPU_ARM_CORTEX_M3,
)
from unicorn.unicorn import Uc

from emulator.clock import FIRST_WIDE
from emulator.transfers import transfers
from emulator.views import AccessKind

CODE, DATA, SIZE = 0x0800_1000, 0x2000_0000, 0x10_0000
BASES = (0x2004_0000, 0x2004_1008, 0x2004_2000, 0x2004_3004)  # r0 to r3
INDEXES = (0, 7, 0x40, 0x101)  # r4 to r7
STACK, LINK = 0x2008_0000, 0x2009_0000
REGISTERS = (*BASES, *INDEXES, *[0] * 5, STACK, LINK, CODE + 4)

Executed = Callable[[int, int], list[tuple[AccessKind, int, int]]]
bit, base, index = st.integers(0, 1), st.integers(0, 3), st.integers(4, 7)
byte, low = st.integers(0, 0xFF), st.integers(0, 7)


Code = tuple[int, int]


def wide(
    first: int, second: int, *fields: tuple[st.SearchStrategy[int], int]
) -> st.SearchStrategy[Code]:
    """Return encodings: fixed bits, and fields with their lowest bits; 16 to 31 are `first`."""

    def put(values: tuple[int, ...]) -> Code:
        word = first << 16 | second
        for value, (_, shift) in zip(values, fields, strict=True):
            word |= value << shift
        return word >> 16, word & 0xFFFF

    return st.tuples(*(field for field, _ in fields)).map(put)


ENCODINGS = st.one_of(
    wide(0x4800, 0, (st.integers(0, 0x7FF), 16)),
    wide(0x5000, 0, (low, 25), (index, 22), (base, 19), (low, 16)),
    wide(0x6000, 0, (st.integers(0, 0x5F), 22), (base, 19), (low, 16)),
    wide(0x9000, 0, (st.integers(0, 0xFFF), 16)),
    wide(0xB400, 0, (st.integers(1, 0x1FF), 16)),
    wide(0xBC00, 0, (st.integers(1, 0xFF), 16)),
    wide(0xC000, 0, (bit, 27), (base, 24), (st.sampled_from([0x30, 0xF0, 0x90]), 16)),
    wide(0xE880, 0x0500, (bit, 20), (bit, 21), (base, 16), (st.integers(0, 15), 4)),
    wide(0xE900, 0x0500, (bit, 20), (bit, 21), (base, 16), (st.integers(0, 15), 4)),
    wide(
        0xE840, 0x8900, (st.integers(1, 3), 23), (bit, 20), (st.just(1), 21), (base, 16), (byte, 0)
    ),
    wide(0xE940, 0x8900, (bit, 23), (bit, 20), (bit, 21), (base, 16), (byte, 0)),
    wide(0xE95F, 0x8900, (bit, 23), (byte, 0)),
    wide(0xE850, 0x8F00, (base, 16), (byte, 0)),
    wide(0xE8D0, 0x8F4F, (st.integers(0, 1), 4), (base, 16)),
    wide(0xE8D0, 0xF000, (bit, 4), (base, 16), (index, 0)),
    wide(0xF800, 0x8000, (st.integers(0, 2), 21), (bit, 20), (base, 16), (index, 0), (base, 4)),
    wide(
        0xF880, 0x8000, (st.integers(0, 2), 21), (bit, 20), (base, 16), (st.integers(0, 0xFFF), 0)
    ),
    wide(
        0xF800,
        0x8900,
        (st.integers(0, 2), 21),
        (bit, 20),
        (base, 16),
        (st.integers(0, 3), 9),
        (byte, 0),
    ),
    wide(0xF800, 0x8C00, (st.integers(0, 2), 21), (bit, 20), (base, 16), (bit, 9), (byte, 0)),
    wide(0xF81F, 0x8000, (st.integers(0, 2), 21), (bit, 23), (st.integers(0, 0xFFF), 0)),
    wide(0xF910, 0x8C00, (bit, 21), (base, 16), (bit, 9), (byte, 0)),
)


@pytest.fixture(scope="module")
def executed() -> Executed:
    """Return what executes an instruction and tells what it accessed."""
    engine: Any = Uc(uc.UC_ARCH_ARM, uc.UC_MODE_THUMB | uc.UC_MODE_MCLASS)
    engine.ctl_set_cpu_model(UC_CPU_ARM_CORTEX_M3)
    engine.mem_map(CODE & -SIZE, SIZE)
    engine.mem_map(DATA, SIZE)
    seen: list[tuple[AccessKind, int, int]] = []

    def on_access(_: Uc, access: int, address: int, size: int, __: int, ___: object) -> None:
        kind = AccessKind.READ if access == uc.UC_MEM_READ else AccessKind.WRITE
        seen.append((kind, address, size))

    engine.hook_add(uc.UC_HOOK_MEM_READ | uc.UC_HOOK_MEM_WRITE, on_access)

    def execute(first: int, second: int) -> list[tuple[AccessKind, int, int]]:
        seen.clear()
        engine.mem_write(CODE, first.to_bytes(2, "little") + second.to_bytes(2, "little"))
        engine.ctl_remove_cache(CODE, CODE + 4)
        for n in range(13):
            engine.reg_write(UC_ARM_REG_R0 + n if n < 12 else UC_ARM_REG_R12, REGISTERS[n])
        engine.reg_write(UC_ARM_REG_SP, STACK)
        engine.reg_write(UC_ARM_REG_LR, LINK)
        engine.emu_start(CODE | 1, 0, count=1)
        return seen

    return execute


@settings(max_examples=600)
@given(code=ENCODINGS)
def test_transfers_are_those_that_the_engine_makes(executed: Executed, code: Code) -> None:
    assert transfers(*code, REGISTERS) == executed(*code)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param(
            (0xE841, 0x2302), [(AccessKind.WRITE, 0x2004_1010, 4)], id="strex r3,r2,[r1,#8]"
        ),
        pytest.param(
            (0xE8C0, 0x2F43), [(AccessKind.WRITE, 0x2004_0000, 1)], id="strexb r3,r2,[r0]"
        ),
        pytest.param((0xED90, 0x0A02), [(AccessKind.READ, 0x2004_0008, 4)], id="vldr s0,[r0,#8]"),
        pytest.param(
            (0xED02, 0x0B02),
            [(AccessKind.WRITE, 0x2004_1FF8, 4), (AccessKind.WRITE, 0x2004_1FFC, 4)],
            id="vstr d0,[r2,#-8]",
        ),
        pytest.param(
            (0xECB0, 0x0A02),
            [(AccessKind.READ, 0x2004_0000, 4), (AccessKind.READ, 0x2004_0004, 4)],
            id="vldmia r0!,{s0,s1}",
        ),
        pytest.param(
            (0xED2D, 0x0A02),
            [(AccessKind.WRITE, STACK - 8, 4), (AccessKind.WRITE, STACK - 4, 4)],
            id="vpush {s0,s1}",
        ),
        pytest.param((0xEC51, 0x0B10), [], id="vmov r0,r1,d0"),
        pytest.param((0x3001, 0), [], id="adds r0,#1"),
    ],
)
def test_transfers_of_what_the_engine_has_no_say_in(code: Code, expected: object) -> None:
    assert transfers(*code, REGISTERS) == expected


def test_second_halfword_does_not_count_where_the_instruction_is_narrow() -> None:
    assert transfers(0x6800, FIRST_WIDE, REGISTERS) == [(AccessKind.READ, BASES[0], 4)]
