import pytest

from tests.faults.gaps import ARGUMENTS, NAME, gap_of_level_1

TPATCH = b"fl -c tpatch --comp 1 --orig 0x08000938 --target 0x200019C1 -r 0xC99E\n"
UNPATCH = b"fl -c unpatch --comp 1 -r 0x1234\n"
ECHO = b"fl -c echo -d 00010203\n"
READ = b"fl -c read -a 0x20000000 -l 4 -r 0x1234\n"


@pytest.mark.parametrize(
    ("arrived", "gap"),
    [
        pytest.param(TPATCH, "", id="as sent"),
        pytest.param(b"", "", id="nothing"),
        pytest.param(TPATCH.replace(b"tpatch", b"dpatch"), NAME, id="another mode"),
        pytest.param(TPATCH.replace(b"tpatch", b"patch"), NAME, id="a letter lost"),
        pytest.param(TPATCH.replace(b"tpatch", b"upatch"), "", id="no command's name"),
        pytest.param(
            TPATCH.replace(b"tpatch", b"dpatch").replace(b"938", b"939"), "", id="no single fault"
        ),
        pytest.param(TPATCH.replace(b"938", b"939"), "", id="an address, which has a CRC"),
        pytest.param(TPATCH + TPATCH, "", id="twice"),
        pytest.param(UNPATCH.replace(b"comp 1", b"comp 0"), ARGUMENTS, id="another slot"),
        pytest.param(b"fl -c unpatch\n", ARGUMENTS, id="slot and CRC lost"),
        pytest.param(b"fl -c unpatchfl -c echo -d 00010203\n", "", id="two lines as one"),
        pytest.param(READ.replace(b"-l 4", b"-l 5"), "", id="a command that changes nothing"),
    ],
)
def test_only_what_level_1_does_not_guard_is_a_gap(arrived: bytes, gap: str) -> None:
    sent = [ECHO, READ, TPATCH, UNPATCH]
    assert gap_of_level_1(sent, ECHO + arrived + READ) == gap
