"""A second opinion: the same programs on QEMU's cores and here must end alike."""

from pathlib import Path

import pytest

from tests.emulator.differential.generate import CASES, program
from tests.emulator.differential.machines import MACHINES, Machine, needs_qemu, on_board, on_qemu

RESULTS, RESULT_WORDS = 0x800, 16
NAMES = (*(f"r{n}" for n in range(12)), "flags", "scratch")

pytestmark = needs_qemu


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.core)
def test_generated_programs_end_alike(machine: Machine, seed: int, tmp_path: Path) -> None:
    text = program(machine.core, seed)
    source = tmp_path / "program.s"
    source.write_text(text)
    theirs = on_qemu(machine, source)
    ours = on_board(machine, source, RESULTS, CASES * RESULT_WORDS)
    assert len(theirs) == len(ours) == CASES * RESULT_WORDS
    for case in range(CASES):
        at = case * RESULT_WORDS
        pairs = zip(NAMES, theirs[at:], ours[at:], strict=False)
        differences = {name: (hex(q), hex(o)) for name, q, o in pairs if q != o}
        assert not differences, f"case_{case}:" + text.split(f"case_{case}:")[1].split("LEAVE")[0]
