import pytest

from server.device.readback import branch_destination, trampoline_destination

HERE = 0x0800_0100
TARGETS = 0x2000_0C00
ENTRY = 0x2000_1709
TRAMPOLINE = "dff808c0 dcf814c0 6047 00bf"  # ldr.w r12, [pc, #8]; ldr.w r12, [r12, #20]; bx r12


# Encoded by LLVM's assembler, not by us.
@pytest.mark.parametrize(
    ("instruction", "distance"),
    [
        ("00f000b8", 4),
        ("00f0febf", 0x1000),
        ("fef7febf", -0x1000),
        ("00f000b0", 0x40_0004),
        ("00f400b0", -0x7F_FFFC),
        ("00f00090", 0xC0_0004),
        ("fff3fd97", 0xFF_FFFE),
        ("00f40090", -0xFF_FFFC),
    ],
)
def test_branch_is_decoded(instruction: str, distance: int) -> None:
    assert branch_destination(HERE, bytes.fromhex(instruction)) == HERE + distance


@pytest.mark.parametrize(
    "instruction",
    [
        pytest.param("00f0feff", id="BL"),
        pytest.param("704700bf", id="BX LR; NOP"),
        pytest.param("dff808c0", id="LDR"),
        pytest.param("00000000", id="zeros"),
        pytest.param("ffffffff", id="ones"),
    ],
)
def test_other_instruction_is_no_branch(instruction: str) -> None:
    assert branch_destination(HERE, bytes.fromhex(instruction)) is None


def destination(code: str, at: int, literal_at: int) -> int | None:
    memory = {
        at: bytes.fromhex(code),
        literal_at: TARGETS.to_bytes(4, "little"),
        TARGETS + 20: ENTRY.to_bytes(4, "little"),
    }
    return trampoline_destination(at, lambda address, length: memory[address][:length])


@pytest.mark.parametrize(
    ("code", "at", "literal_at"),
    [
        pytest.param(TRAMPOLINE, HERE, HERE + 12, id="literal behind it"),
        pytest.param(TRAMPOLINE, HERE + 2, HERE + 12, id="inside a word"),
        pytest.param("5ff808c0" + TRAMPOLINE[8:], HERE, HERE - 4, id="literal before it"),
    ],
)
def test_trampoline_is_followed_through_its_target_word(
    code: str, at: int, literal_at: int
) -> None:
    assert destination(code, at, literal_at) == ENTRY


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("dff80840" + TRAMPOLINE[8:], id="another register"),
        pytest.param("10b5" + TRAMPOLINE, id="a push before it"),
        pytest.param(TRAMPOLINE.replace("6047", "e047"), id="BLX instead of BX"),
    ],
)
def test_trampoline_of_another_make_is_not_guessed_at(code: str) -> None:
    assert destination(code, HERE, HERE + 12) is None
