"""ITM and TPIU: what vendors' printf over trace asks of them. DDI 0403E.e C1.7, C1.10."""

import pytest

from emulator.interrupts import Interrupts
from emulator.peripherals.debug import CoreDebug
from emulator.peripherals.itm import Itm, Tpiu

DEMCR, TRCENA = 0xC, 1 << 24
PORT_0, PORT_5, TER, TPR, TCR, LAR, LSR = 0x000, 0x014, 0xE00, 0xE40, 0xE80, 0xFB0, 0xFB4
UNLOCK = 0xC5AC_CE55


@pytest.fixture
def debug() -> CoreDebug:
    return CoreDebug(Interrupts(43, 4, lambda: None), lambda: None)


@pytest.fixture
def itm(debug: CoreDebug) -> Itm:
    return Itm(debug)


def test_program_finds_it_off_where_no_debugger_switched_it_on(itm: Itm) -> None:
    assert [itm.read(offset) for offset in (PORT_0, TER, TPR, TCR, LSR)] == [0, 0, 0, 0, 0b11]


def test_registers_take_writes_while_the_lock_is_open(itm: Itm) -> None:
    registers = (TER, 0xFFFF_FFFF), (TPR, 0xF), (TCR, 0x007F_0F1F)
    for key, is_open in ((0, False), (UNLOCK, True), (1, False)):
        itm.reset()
        itm.write(LAR, key)
        for offset, all_bits in registers:
            itm.write(offset, 0xFFFF_FFFF)
            assert itm.read(offset) == all_bits * is_open
        assert itm.read(LSR) == (0b01 if is_open else 0b11)


@pytest.mark.parametrize(
    ("trcena", "tcr", "ter", "ready"),
    [(TRCENA, 1, 1 << 5, 1), (0, 1, 1 << 5, 0), (TRCENA, 0, 1 << 5, 0), (TRCENA, 1, 1, 0)],
)
def test_enabled_port_is_always_ready(
    itm: Itm, debug: CoreDebug, trcena: int, tcr: int, ter: int, ready: int
) -> None:
    debug.write(DEMCR, trcena)
    itm.write(LAR, UNLOCK)
    itm.write(TCR, tcr)
    itm.write(TER, ter)
    itm.write(PORT_5, ord("a"))
    assert itm.read(PORT_5) == ready


@pytest.mark.parametrize(
    ("offset", "reset", "written"),
    [
        pytest.param(0x004, 1, 1, id="CSPSR"),
        pytest.param(0x010, 0, 0x1FFF, id="ACPR"),
        pytest.param(0x0F0, 1, 0b11, id="SPPR"),
        pytest.param(0x300, 0x008, 0x008, id="FFSR"),
        pytest.param(0x304, 0x102, 0x102, id="FFCR"),
    ],
)
def test_port_s_registers(offset: int, reset: int, written: int) -> None:
    tpiu = Tpiu()
    assert tpiu.read(offset) == reset
    tpiu.write(offset, 1 if offset == 0x004 else 0xFFFF_FFFF)
    assert tpiu.read(offset) == written
