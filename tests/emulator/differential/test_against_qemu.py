"""A second opinion: the same programs on QEMU's cores and here must end alike."""

from pathlib import Path

import pytest

from tests.emulator.differential.generate import CASES
from tests.emulator.differential.generate import program as generated
from tests.emulator.differential.machines import MACHINES, Machine, needs_qemu, on_board, on_qemu

RESULT_WORDS = 16
NOTES = 256  # of the programs in C, at most
FEWEST = {"exceptions": 100, "protection": 40, "unprivileged": 80, "switching": 3}
NAMES = (*(f"r{n}" for n in range(12)), "flags", "scratch")

pytestmark = needs_qemu


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.core)
def test_generated_programs_end_alike(machine: Machine, seed: int, tmp_path: Path) -> None:
    text = generated(machine.core, seed)
    source = tmp_path / "program.s"
    source.write_text(text)
    theirs = on_qemu(machine, source, tmp_path)
    ours = on_board(machine, source, tmp_path, CASES * RESULT_WORDS)
    assert len(theirs) == len(ours) == CASES * RESULT_WORDS
    for case in range(CASES):
        at = case * RESULT_WORDS
        pairs = zip(NAMES, theirs[at:], ours[at:], strict=False)
        differences = {name: (hex(q), hex(o)) for name, q, o in pairs if q != o}
        assert not differences, f"case_{case}:" + text.split(f"case_{case}:")[1].split("LEAVE")[0]


@pytest.mark.parametrize("program", ["exceptions", "protection", "unprivileged", "switching"])
@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.core)
def test_what_is_noted_is_alike(machine: Machine, program: str, tmp_path: Path) -> None:
    source = Path(__file__).with_name(f"{program}.c")
    theirs = on_qemu(machine, source, tmp_path)
    ours = on_board(machine, source, tmp_path, NOTES)
    assert len(theirs) == NOTES
    assert [hex(word) for word in ours] == [hex(word) for word in theirs]
    assert theirs[-1] == 0 != theirs[FEWEST[program]]  # room for all notes, and there were many
