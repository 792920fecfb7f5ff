"""SCB registers, offsets from 0xE000ED00. DDI 0403E.e B3.2."""

import pytest

from emulator.interrupts import Interrupts, Masks
from emulator.peripherals.scb import Scb
from emulator.peripherals.scb_registers import Cfsr

CPUID, ICSR, VTOR, AIRCR, CCR = 0x00, 0x04, 0x08, 0x0C, 0x14
SHPR1, SHPR2, SHPR3, SHCSR, CFSR, HFSR = 0x18, 0x1C, 0x20, 0x24, 0x28, 0x2C
BUSFAULT, SVCALL, PENDSV, SYSTICK, NMI = 5, 11, 14, 15, 2


@pytest.fixture
def interrupts() -> Interrupts:
    return Interrupts(irqs=43, priority_bits=4, on_change=lambda: None)


@pytest.fixture
def resets() -> list[int]:
    return []


@pytest.fixture
def scb(interrupts: Interrupts, resets: list[int]) -> Scb:
    return Scb(
        interrupts, 0x411F_C231, lambda: Masks(0, 0, 0), lambda: resets.append(1), lambda: None
    )


def test_cpuid_is_read_only(scb: Scb) -> None:
    scb.write(CPUID, 0)
    assert scb.read(CPUID) == 0x411F_C231


@pytest.mark.parametrize(
    ("set_bit", "clear_bit", "number"),
    [
        pytest.param(1 << 28, 1 << 27, PENDSV, id="PendSV"),
        pytest.param(1 << 26, 1 << 25, SYSTICK, id="SysTick"),
        pytest.param(1 << 31, None, NMI, id="NMI"),
    ],
)
def test_icsr_pends_and_clears(
    scb: Scb, interrupts: Interrupts, set_bit: int, clear_bit: int | None, number: int
) -> None:
    scb.write(ICSR, set_bit)
    assert interrupts.pending == {number}
    assert scb.read(ICSR) & set_bit
    scb.write(ICSR, 0)  # zeros change nothing
    assert interrupts.pending == {number}
    if clear_bit is not None:
        scb.write(ICSR, clear_bit)
        assert interrupts.pending == set()
        assert not scb.read(ICSR) & set_bit


def test_icsr_says_what_is_active_and_what_is_next(scb: Scb, interrupts: Interrupts) -> None:
    interrupts.activate(SVCALL, cycle=0)
    interrupts.activate(SYSTICK, cycle=0)
    interrupts.set_priority(SVCALL, 0x80)
    interrupts.set_priority(SYSTICK, 0x40)
    interrupts.enable(16 + 37)
    interrupts.pend(16 + 37)
    assert scb.read(ICSR) == 1 << 22 | (16 + 37) << 12 | SYSTICK


def test_vtor_has_bits_31_to_7(scb: Scb) -> None:
    scb.write(VTOR, 0xFFFF_FFFF)
    assert scb.read(VTOR) == 0xFFFF_FF80


def test_aircr_reads_its_other_key(scb: Scb) -> None:
    assert scb.read(AIRCR) == 0xFA05_0000


def test_aircr_write_without_vectkey_is_ignored(
    scb: Scb, interrupts: Interrupts, resets: list[int]
) -> None:
    scb.write(AIRCR, 0xFA05_0704)
    assert interrupts.prigroup == 0
    assert resets == []


def test_aircr_sets_prigroup_and_requests_a_reset(
    scb: Scb, interrupts: Interrupts, resets: list[int]
) -> None:
    scb.write(AIRCR, 0x05FA_0300)
    assert interrupts.prigroup == 3
    assert scb.read(AIRCR) == 0xFA05_0300
    scb.write(AIRCR, 0x05FA_0304)
    assert resets == [1]


@pytest.mark.parametrize(
    ("offset", "read"),
    [
        pytest.param(SHPR1, 0x00F0_F0F0, id="MemManage, BusFault, UsageFault"),
        pytest.param(SHPR2, 0xF000_0000, id="SVCall"),
        pytest.param(SHPR3, 0xF0F0_00F0, id="DebugMonitor, PendSV, SysTick"),
    ],
)
def test_system_handler_priorities(scb: Scb, offset: int, read: int) -> None:
    scb.write(offset, 0xFFFF_FFFF)
    assert scb.read(offset) == read


def test_one_byte_of_a_priority_register(scb: Scb, interrupts: Interrupts) -> None:
    scb.write_lanes(SHPR3, 0x4000_0000, 0xFF00_0000)
    assert interrupts.priority_of(SYSTICK) == 0x40
    assert interrupts.priority_of(PENDSV) == 0


def test_shcsr_enables_faults(scb: Scb, interrupts: Interrupts) -> None:
    scb.write(SHCSR, 1 << 17)
    assert BUSFAULT in interrupts.enabled
    scb.write(SHCSR, 0)
    assert BUSFAULT not in interrupts.enabled


@pytest.mark.parametrize(
    ("name", "bit"),
    [
        ("DIVBYZERO", 25), ("UNALIGNED", 24), ("NOCP", 19), ("INVPC", 18), ("INVSTATE", 17),
        ("UNDEFINSTR", 16), ("BFARVALID", 15), ("STKERR", 12), ("UNSTKERR", 11),
        ("IMPRECISERR", 10), ("PRECISERR", 9), ("IBUSERR", 8), ("MMARVALID", 7), ("MSTKERR", 4),
        ("MUNSTKERR", 3), ("DACCVIOL", 1), ("IACCVIOL", 0),
    ],
)  # fmt: skip
def test_cfsr_bits_are_where_the_manual_has_them(scb: Scb, name: str, bit: int) -> None:
    setattr(scb.cfsr, name, 1)
    assert scb.read(CFSR) == 1 << bit
    assert isinstance(scb.cfsr, Cfsr)


def test_status_bits_are_cleared_by_writing_ones(scb: Scb) -> None:
    scb.cfsr.word, scb.hfsr.word = 0x0001_8200, 0x4000_0000
    scb.write(CFSR, 0x0000_8000)
    scb.write(HFSR, 0)
    assert scb.read(CFSR) == 0x0001_0200
    assert scb.read(HFSR) == 0x4000_0000


def test_byte_write_to_cfsr_clears_only_that_byte(scb: Scb) -> None:
    scb.cfsr.word = 0x0001_8200
    scb.write_lanes(CFSR, 0x0000_FF00, 0x0000_FF00)
    assert scb.read(CFSR) == 0x0001_0000
