"""A relocated beginning is run beside the original, and nothing may tell the two apart.

The forms here are written in assembler, one function for each, at both address parities; what
compilers write is in test_patch_original_compiled.py.
"""

import random
import re
import subprocess
from dataclasses import replace

import pytest

from server.errors import OriginalError
from server.patch.image import FirmwareImage, load_image
from server.patch.original import relocate
from tests.server.patch.conftest import TARGET, ZIG_CC
from tests.server.patch.core import FLAGS, FLASH, LAYOUT, RAM, STACK, STOP, STUB, Core

CONDITIONS = ("eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le")
RUNS = 12  # of each form

# What functions begin with. `near` and `back` (a word) are before each, `far` and `data` behind
# it; r6 is the address of a function, r7 of RAM, r12 of where the function was called from.
FORMS = {
    "push": "push {r4, lr}\n movs r4, #1\n adds r0, r4\n pop {r4, pc}",
    "push.w": "push.w {r4-r8, lr}\n movs r4, #1\n pop.w {r4-r8, pc}",
    "push of one": "str lr, [sp, #-4]!\n movs r0, #1\n ldr pc, [sp], #4",
    "stm": "stmia r7!, {r0, r1, r2}\n adds r0, #1",
    "stmdb": "sub.w r7, r7, #-32\n stmdb r7!, {r0-r5}",
    "ldm": "ldmia r7!, {r0, r1, r2}\n adds r0, #1",
    "sub sp": "sub sp, #24\n str r0, [sp, #4]\n add sp, #24",
    "sub.w sp": "sub.w sp, sp, #520\n str r0, [sp, #4]\n add.w sp, sp, #520",
    "mov": "mov r11, r0\n mov r0, r1\n mov r1, r11",
    "mov.w": "mov.w r0, #0x110011\n movw r1, #0x1234\n movt r1, #0x5678",
    "flags": "adds r0, r0, r1\n adcs r2, r3\n it cs\n addcs r4, #1",
    "mrs": "mrs r0, apsr\n msr apsr_nzcvq, r1",
    "ldrex": "ldrex r0, [r7]\n strex r1, r2, [r7]",
    "barrier": "dsb\n isb",
    "nop": "nop\n nop.w",
    "cps": "cpsid i\n cpsie i",
    "divide": "udiv r0, r0, r1\n mla r1, r2, r3, r0",
    "ldr": "ldr r3, data\n adds r0, r3",
    "ldr and return": "ldr r0, data\n bx lr",
    "ldr.w": "ldr.w r11, data\n movs r0, #1",
    "ldr.w back": "ldr.w r3, back\n movs r0, #1",
    "ldr.w second": "movs r0, #1\n ldr.w r3, data + 4",
    "ldr twice": "ldr r0, data\n ldr r1, data + 4",
    "ldr lr": "ldr.w lr, data\n mov r0, lr\n bx r12",
    "ldrb": "ldrb.w r1, data + 9\n adds r0, r1",
    "ldrh": "ldrh.w r1, data + 10\n adds r0, r1",
    "ldrh back": "ldrh.w r1, back + 2\n adds r0, r1",
    "ldrsb": "ldrsb.w r1, data + 7\n adds r0, r1",
    "ldrsh": "nop\n ldrsh.w r1, data + 6\n adds r0, r1",
    "ldrd": "ldrd r2, r3, data\n adds r0, r3",
    "ldrd crossed": "ldrd r9, r1, data + 4",
    "ldrd second": "mov r5, r4\n ldrd r3, r2, data + 8",
    "ldr pc": "ldr.w pc, data + 16",
    "ldr pc second": "movs r1, #3\n ldr.w pc, data + 16",
    "ldr pc by register": "push {r6}\n ldr.w pc, [sp], #4",
    "mov to pc": "mov pc, r6",
    "adr": "adr r0, data\n ldr r1, [r0]",
    "adr.w": "adr.w r9, data\n ldr.w r1, [r9]",
    "adr.w back": "adr.w r0, back\n ldr r1, [r0]",
    "mov from pc": "mov r2, pc\n adds r0, r2",
    "mov from pc second": "movs r1, #0\n mov r10, pc",
    "add pc": "ldr r1, data\n add r1, pc\n adds r0, r1",
    "add pc to r0": "add r0, pc\n movs r1, #2",
    "add pc to r10": "adds r1, #1\n add r10, pc",
    "vldr": "vldr s3, data\n vadd.f32 s0, s3, s1",
    "vldr double": "vldr d9, data + 8\n vmov r0, r1, d9",
    "vldr second": "movs r0, #0\n vldr s30, data + 4",
    "vldr back": "vldr s31, back",
    "vpush": "vpush {d8, d9}\n vmov s16, r0\n vadd.f32 s0, s16, s16\n vpop {d8, d9}",
    "vmrs": "vcmp.f32 s0, s1\n vmrs apsr_nzcv, fpscr",
    "b": "b 1f\n movs r0, #1\n movs r1, #1\n 1: adds r0, #2",
    "b.w": "b.w far",
    "b second": "movs r1, #1\n b far",
    "b.w second": "movs r1, #1\n b.w near",
    "b to the next": "b 1f\n 1: adds r0, #2\n adds r0, #4",
    "b over the second": "b 1f\n nop\n 1: adds r0, #2",
    "b<c> over the second": "beq 1f\n adds r1, #1\n 1: adds r0, #2",
    "loop of two": "1: lsrs r0, r0, #1\n bne 1b",
    "loop of one": "movs r1, #1\n 1: bmi 1b",
    "cbz": "cbz r0, 1f\n movs r1, #1\n 1: adds r0, #2\n bx lr",
    "cbnz": "cbnz r2, 1f\n movs r1, #1\n 1: adds r0, #2\n bx lr",
    "cbz second": "ands r0, r1\n cbz r0, far",
    "cbz twice": "cbz r0, far\n cbnz r3, far",
    "bl": "bl far\n add r0, lr\n bx r12",
    "bl second": "push {r4, lr}\n bl near\n pop {r4, pc}",
    "bl of itself": "cbz r1, far\n movs r1, #0\n push {r4, lr}\n bl form\n pop {r4, pc}",
    "blx": "push {r4, lr}\n blx r6\n pop {r4, pc}",
    "blx first": "blx r6\n adds r0, #1\n bx r12",
    "b to itself": "b .",
    "bx lr": "bx lr",
    "bx": "bx r6",
    "mov pc, lr": "mov pc, lr",
    "pop pc": "push {r0, lr}\n pop {r1, pc}",
    "two in all": "movs r0, #7\n bx lr",
    "it": "it eq\n addeq r0, r0, #1\n adds r0, #1",
    "it second": "cmp r0, r1\n it lt\n movlt r0, r1",
    "ite": "ite mi\n movmi r0, #1\n movpl r0, #2",
    "it of four": "ittee ge\n addge r0, #1\n addge r1, r0\n addlt r2, #1\n addlt.w r8, r2, #1",
    "it that changes flags": "itt ne\n cmpne r0, r1\n addne r0, #1",
    "it at the end": "tst r0, r1\n itet ne\n movwne r0, #0x1234\n moveq r2, r1\n addne r2, r3",
    "it ldr": "ite cs\n ldrcs r0, data\n ldrcc r0, data + 4",
    "it ldrd": "itt vs\n movvs r1, #1\n ldrdvs r2, r3, data",
    "it adr": "it hi\n adrhi r0, data",
    "it add pc": "it hi\n addhi r0, pc",
    "it b": "itt ls\n movls r0, #1\n bls.w far",
    "it bl": "push {r4, lr}\n it eq\n bleq far\n pop {r4, pc}",
    "it bx": "it eq\n bxeq lr",
    "it pop": "push {r4, lr}\n it ne\n popne {r4, pc}\n pop {r4, pc}",
    "it ldr pc": "it gt\n ldrgt.w pc, data + 16",
    "it vldr": "it le\n vldrle s2, data",
    "it al": "it al\n addal r0, #1\n adds r0, #1",
    "it al ldr": "it al\n ldral r0, data",
    **{f"b{condition}": f"b{condition} far" for condition in CONDITIONS},
    **{f"b{condition}.w": f"b{condition}.w near" for condition in CONDITIONS},
    **{f"it {condition}": f"it {condition}\n mov{condition} r0, #9" for condition in CONDITIONS},
}

# What cannot be relocated: the instruction named, and the reason.
REFUSED = {
    "tbb": ("tbb [pc, r0]", "tbb (E8DF F000)", "its table is counted from where it is"),
    "tbh second": ("nop\n tbh [pc, r0, lsl #1]", "tbh (E8DF F010)", "counted from where it is"),
    "add to pc": ("add pc, r0", "add (4487)", "it branches relative to where it is"),
    "ldr sp": ("ldr.w sp, data", "ldr.w (literal)", "SP would hold an address of flash"),
    "mov sp, pc": (".inst.n 0x46fd", "mov (46FD)", "unpredictable"),
    "cmp pc": (".inst.n 0x4587", "cmp (4587)", "unpredictable"),
    "str pc": (".inst.w 0xf8c7f000", "str.w (F8C7 F000)", "unpredictable"),
    "pld": ("pld [pc, #8]", "ldrb (literal) (F89F F008)", "a hint about memory beside it"),
    "vector": (".inst.w 0xff000150", "instruction (FF00 0150)", "its encoding is not known"),
    "undefined": (".inst.n 0xb800", "instruction (B800)", "its encoding is not known"),
    "it nv": (".inst.n 0xbfec\n nop\n nop", "it (BFEC)", "conditions are unpredictable"),
    "cbz in it": (".inst.n 0xbf08\n cbz r0, far", "cbz (B1", "unpredictable in an IT block"),
    "bl in it": (".inst.n 0xbf04\n bl far\n nop", "bl (F0", "in the middle of an IT block"),
    "loop": ("1: adds r0, #1\n adds r1, #1\n cmp r0, r1\n bne 1b", "b<c> (D1FB)", "own branch"),
    "loop by b.w": ("1: nop\n adds r1, #1\n cbz r1, far\n b.w 1b", "b.w (F7FF", "own branch"),
    "loop in it": ("1: nop\n nop\n it eq\n beq 1b", "b (E7FB)", "own branch"),
    "second": ("push {r4}\n 1: nop\n adds r1, #1\n bne 1b\n pop {r4}", "b<c> (D1FC)", "own branch"),
    "behind a table": (
        "push {r4}\n 1: nop\n cbz r0, far\n b 2f\n .word -1\n .hword -1\n 2: bne 1b\n pop {r4}",
        "b<c> (D1",
        "own branch",
    ),
    "body behind b": (
        "b 2f\n 1: adds r1, #1\n 2: cmp r0, r1\n bne 1b",
        "b<c> (D1FC)",
        "own branch",
    ),
    "cold part": ("push {r4}\n nop\n b.w cold", "b.w (F000 B80", "own branch"),
    "call of the second": ("push {lr}\n 1: nop\n bl 1b\n pop {pc}", "bl (F7FF", "own branch"),
    "no end": (".size form, 4\n push {r4}\n movw r0, #1", "the end of its code", "what follows"),
}

FUNCTION = """
    .balign 4
cold: b form + 2
    .balign 4
back: .word 0x89abcdef
near: movs r0, #77
    bx lr
{padding}
    .globl form
    .type form, %function
form: {body}
    bx lr
far: movs r0, #99
    bx lr
    .balign 4
data: .word 0x11223344, 0x80ff9981, 0x3f800000, 0x40490fdb, leaf
    .ifndef sized_form
    .size form, . - form
    .endif
    .type form.cold, %function
    .set form.cold, cold
    .size form.cold, 4
"""
HEADER = """
    .syntax unified
    .thumb
    .fpu fpv4-sp-d16
    .section .text
    .globl main
    .type main, %function
main:
    .globl leaf
    .type leaf, %function
leaf: adds r0, r0, #55
    bx lr
    .size leaf, . - leaf
"""


def symbol_of(name: str, parity: int) -> str:
    return f"f_{re.sub(r'[^a-z0-9]', '_', name)}_{[*FORMS, *REFUSED].index(name)}_{parity}"


def function_text(name: str, body: str, parity: int) -> str:
    symbol = symbol_of(name, parity)
    text = FUNCTION.format(body=body, padding="nop" if parity else "")
    if ".size" in body:  # its own is the one that counts
        text = text.replace("    .size form, . - form\n", "")
    if name != "cold part":
        text = text.split("    .type form.cold")[0].replace("cold: b form + 2\n", "")
    text = re.sub(r"\b(cold|back|near|far|data)\b(?!,)", rf"\1_{symbol}", text)
    return re.sub(r"\bform\b", symbol, text).replace(f".cold_{symbol}", ".cold")


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> FirmwareImage:
    folder = tmp_path_factory.mktemp("forms")
    bodies = {**FORMS, **{name: body for name, (body, _, _) in REFUSED.items()}}
    functions = (function_text(n, b, parity) for n, b in bodies.items() for parity in (0, 1))
    (folder / "forms.s").write_text("\n".join([HEADER, *functions]))
    (folder / "firmware.ld").write_text(LAYOUT)
    command = [*ZIG_CC, *TARGET, "-T", "firmware.ld", "-Wl,-e,main", "forms.s"]
    subprocess.run([*command, "-o", "forms.elf"], cwd=folder, check=True)
    return load_image(folder / "forms.elf")


@pytest.fixture(scope="module")
def core(forms: FirmwareImage) -> Core:
    return Core(forms.flash)


def registers(chance: random.Random, image: FirmwareImage) -> list[int]:
    values = [chance.choice((0, 1, 5, chance.getrandbits(32))) for _ in range(13)]
    values[6] = image.functions["leaf"].value
    values[7] = RAM + 0x100
    values[12] = STOP | 1
    return values


@pytest.mark.parametrize("parity", [0, 1])
@pytest.mark.parametrize("name", [name for name in FORMS if name != "b to itself"])
def test_relocated_form_does_what_it_did(
    forms: FirmwareImage, core: Core, name: str, parity: int
) -> None:
    function = forms.function(symbol_of(name, parity))
    assert function.address % 4 == 2 * parity
    stub = relocate(forms, function)
    assert len(stub) % 4 == 0
    start = function.address
    chance = random.Random(name)
    for _ in range(RUNS):
        entry = registers(chance, forms)
        flags = chance.getrandbits(32) & FLAGS
        ram = chance.randbytes(STACK - RAM).ljust(0x10000, b"\x5a")
        before = core.run(start, entry, flags=flags, ram=ram)
        covered = None if name == "bl of itself" else start
        after = core.run(STUB, entry, flags=flags, ram=ram, stub=stub, covered=covered)
        assert before.stopped_at == STOP
        if STUB <= after.lr < STUB + len(stub):  # a BLX by register comes back to the stub
            assert name.startswith("blx")
            after = replace(after, lr=before.lr)
        assert after == before


@pytest.mark.parametrize("parity", [0, 1])
def test_function_that_waits_for_ever_does_so_in_its_own_memory(
    forms: FirmwareImage, core: Core, parity: int
) -> None:
    function = forms.function(symbol_of("b to itself", parity))
    stub, covered = relocate(forms, function), function.address
    state = core.run(STUB, [0] * 13, stub=stub, covered=covered, limit=100)
    assert state.stopped_at == STUB


@pytest.mark.parametrize("parity", [0, 1])
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_relocated_is_refused_by_name(
    forms: FirmwareImage, name: str, parity: int
) -> None:
    _, instruction, reason = REFUSED[name]
    function = forms.function(symbol_of(name, parity))
    with pytest.raises(OriginalError) as refused:
        relocate(forms, function)
    error = refused.value
    assert (error.name, error.address) == (function.name, function.address)
    assert error.instruction.startswith(instruction)
    assert reason in error.reason
    place = int(error.instruction.rpartition("0x")[2], 16)
    assert FLASH <= place < FLASH + 0x10000
