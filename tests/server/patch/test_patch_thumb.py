"""The decoder, beside an assembler and beside a core that runs what it calls the same anywhere."""

import io
import subprocess
from dataclasses import replace

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given, settings
from hypothesis import strategies as st

from server.patch.instruction import (
    Address,
    Branch,
    Call,
    CompareBranch,
    IfThen,
    Load,
    LoadFloat,
    LoadPair,
    Meaning,
    Same,
    Unknown,
)
from server.patch.original import branch
from server.patch.thumb import NARROW, WIDE, Row, decode
from tests.server.patch.conftest import TARGET, ZIG_CC
from tests.server.patch.core import FLASH, RAM, SIZE, STOP, Core

# Assembler text, and what it means at 0x08000002. Branches count from the value of the PC there,
# literals from that rounded down to a word.
PLACE, PC, BASE = 0x0800_0002, 0x0800_0006, 0x0800_0004
TEXTS: list[tuple[str, Meaning]] = [
    *((f"b.n #{n}", Branch(PC + n)) for n in (-2048, -2, 0, 2046)),
    *((f"beq.n #{n}", Branch(PC + n, 0)) for n in (-256, 0, 254)),
    *((f"ble.w #{n}", Branch(PC + n, 13)) for n in (-1048576, -4098, 262144, 524288, 1048574)),
    *((f"b.w #{n}", Branch(PC + n)) for n in (-16777216, -8388606, -4194304, -4098)),
    *((f"b.w #{n}", Branch(PC + n)) for n in (4096, 4194304, 8388608, 16777214)),
    *((f"bl #{n}", Call(PC + n)) for n in (-16777216, -2, 16777214)),
    *((f"cbz r{n % 8}, #{n}", CompareBranch(PC + n, n % 8, nonzero=False)) for n in (0, 62)),
    *((f"cbnz r{n % 8}, #{n}", CompareBranch(PC + n, n % 8, nonzero=True)) for n in (64, 126)),
    ("ldr.n r7, [pc, #1020]", Load(7, BASE + 1020, 0xF8D0)),
    ("ldr.w r12, [pc, #4095]", Load(12, BASE + 4095, 0xF8D0)),
    ("ldr.w pc, [pc, #-4092]", Load(15, BASE - 4092, 0xF8D0)),
    ("ldrb.w r1, [pc, #-3]", Load(1, BASE - 3, 0xF890)),
    ("ldrsb.w r1, [pc, #3]", Load(1, BASE + 3, 0xF990)),
    ("ldrh.w r1, [pc, #2]", Load(1, BASE + 2, 0xF8B0)),
    ("ldrsh.w r1, [pc, #-2]", Load(1, BASE - 2, 0xF9B0)),
    ("ldrd r1, r9, [pc, #-1020]", LoadPair((1, 9), BASE - 1020)),
    ("vldr s3, [pc, #1020]", LoadFloat(BASE + 1020, 0xEDD0_1A00)),
    ("vldr d9, [pc, #-8]", LoadFloat(BASE - 8, 0xED90_9B00)),
    ("adr.n r7, #1020", Address(7, BASE + 1020)),
    ("adr.w r11, #-4095", Address(11, BASE - 4095)),
    ("adr.w r11, #4095", Address(11, BASE + 4095)),
    ("mov r10, pc", Address(10, PC)),
    ("ite ne\n nopne\n nopeq", IfThen((1, 0))),
    ("ittee ge\n nopge\n nopge\n noplt\n noplt", IfThen((10, 10, 11, 11))),
    ("pop {r0, pc}", Same(leaves=True)),
    ("pop.w {r4-r9, pc}", Same(leaves=True)),
    ("pop.w {r4-r9, lr}", Same()),
    ("ldr.w pc, [r1, r2, lsl #2]", Same(leaves=True)),
    ("ldr pc, [sp], #4", Same(leaves=True)),
    ("bx lr", Same(leaves=True)),
    ("blx r3", Same()),
    ("tst.w r1, r2", Same()),
    ("cmp.w r1, #255", Same()),
    ("mvn.w r1, r2", Same()),
    ("bfc r3, #4, #5", Same()),
    ("mul r3, r4, r5", Same()),
    ("sdiv r3, r4, r5", Same()),
    ("strd r3, r4, [r5, #-8]!", Same()),
    ("pld [r3, #4]", Same()),
    ("vmrs apsr_nzcv, fpscr", Same()),
]


@pytest.fixture(scope="module")
def assembled(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The code of each of TEXTS."""
    folder = tmp_path_factory.mktemp("assembled")
    header = ".syntax unified\n.thumb\n.fpu fpv4-sp-d16\n"
    text = "\n".join(f".section s{n}\n .balign 4\n nop\n {t}" for n, (t, _) in enumerate(TEXTS))
    (folder / "texts.s").write_text(header + text + "\n")
    subprocess.run([*ZIG_CC, *TARGET, "-c", "texts.s", "-o", "texts.o"], cwd=folder, check=True)
    file = ELFFile(io.BytesIO((folder / "texts.o").read_bytes()))
    code = {section.name: section.data()[2:] for section in file.iter_sections()}
    return [code[f"s{n}"] for n in range(len(TEXTS))]


@pytest.mark.parametrize("n", range(len(TEXTS)), ids=[text.split("\n")[0] for text, _ in TEXTS])
def test_instruction_means_what_the_assembler_was_told(assembled: list[bytes], n: int) -> None:
    instruction = decode(PLACE, assembled[n])
    assert instruction is not None
    assert instruction.meaning == TEXTS[n][1]


@given(st.integers(0, 2**31 - 2), st.binary(max_size=6))
def test_any_bytes_are_decoded_or_cut_off(address: int, code: bytes) -> None:
    instruction = decode(address & ~1, code)
    first = int.from_bytes(code[:2], "little")
    size = 4 if first >= 0xE800 else 2
    if len(code) < size:
        assert instruction is None
    else:
        assert instruction is not None
        assert instruction.code == code[:size]
        assert instruction.end == (address & ~1) + size


@given(st.integers(-(2**23), 2**23 - 1))
def test_wide_branch_goes_where_it_was_told(halfwords: int) -> None:
    place, distance = 0x0800_0000, 4 + 2 * halfwords
    code = b"".join(half.to_bytes(2, "little") for half in branch(distance))
    instruction = decode(place, code)
    assert instruction is not None
    assert instruction.meaning == Branch(place + distance)


HERE, THERE = FLASH + 0x100, FLASH + 0x2346  # another place in a word, too
BX_R12, UDF = 0x4760, 0xDE00


def filled(row: Row, bits: int) -> bytes:
    """Return an instruction of this row, its open bits taken from `bits`."""
    word = row.bits | bits & ~row.mask & (0xFFFF if row in NARROW else 0xFFFF_FFFF)
    halves = [word] if row in NARROW else [word >> 16, word & 0xFFFF]
    return b"".join(half.to_bytes(2, "little") for half in halves)


@settings(max_examples=400)
@given(st.sampled_from(NARROW + WIDE), st.integers(0, 2**32 - 1), st.sampled_from([0, 0xF << 28]))
def test_what_is_called_the_same_does_the_same_elsewhere(row: Row, bits: int, flags: int) -> None:
    code = filled(row, bits)
    instruction = decode(HERE, code)
    assert instruction is not None
    if instruction.name == "blx" or not isinstance(instruction.meaning, Same):
        return  # the return address of BLX is another, as it has to be
    behind = (BX_R12 | UDF << 16).to_bytes(4, "little")
    flash = bytearray(SIZE)
    for place in (HERE, THERE):
        flash[place - FLASH : place - FLASH + len(code) + 4] = code + behind
    core = Core(bytes(flash))
    registers = [RAM + 0x40 * n for n in range(12)] + [STOP | 1]
    here, there = (core.run(place, registers, flags=flags) for place in (HERE, THERE))
    if THERE <= there.stopped_at <= THERE + len(code) + 4:  # a fault, a trap or a breakpoint
        there = replace(there, stopped_at=there.stopped_at - THERE + HERE)
    assert there == here


@pytest.mark.parametrize("code", [0xB800, 0xBA80, 0xB650, 0x47FC, 0x4704, 0x4778])
def test_what_the_manual_does_not_list_is_unknown(code: int) -> None:
    instruction = decode(FLASH, code.to_bytes(2, "little"))
    assert instruction is not None
    assert isinstance(instruction.meaning, Unknown)
