"""Registers declared as the manuals tabulate them."""

import logging

import pytest

from emulator.registers import Access, Field, Register, Unmodelled


class Sample(Register):
    """SAMPLE, a register with a field of each kind."""

    RW = Field(31, 28)
    RO = Field(27, 24, Access.RO)
    WO = Field(23, 20, Access.WO)
    W0 = Field(19, 16, Access.RC_W0)
    W1 = Field(15, 12, Access.RC_W1)
    RC = Field(11, 8, Access.RC_R)


def filled() -> Sample:
    register = Sample()
    register.word = 0xFFFF_FF00
    return register


@pytest.mark.parametrize(
    ("high", "low"),
    [pytest.param(4, 0, id="overlaps"), pytest.param(32, 32, id="passes bit 31")],
)
def test_field_that_cannot_be_is_refused_when_the_class_is_made(high: int, low: int) -> None:
    with pytest.raises(TypeError, match=r"Bad\.SECOND overlaps or passes bit 31"):
        type("Bad", (Register,), {"FIRST": Field(4, 4), "SECOND": Field(high, low)})


@pytest.mark.parametrize(
    ("written", "word"),
    [
        pytest.param(0x0000_0000, 0x0F00_FF00, id="zeros clear rw, w and rc_w0"),
        pytest.param(0xFFFF_FFFF, 0xFFFF_0F00, id="ones clear rc_w1"),
        pytest.param(0x5000_00FF, 0x5F00_FF00, id="reserved bits are not stored"),
    ],
)
def test_software_writes_obey_the_access_modes(written: int, word: int) -> None:
    register = filled()
    register.write(written)
    assert register.word == word


def test_software_reads_hide_write_only_bits_and_clear_what_reading_clears() -> None:
    register = filled()
    assert register.read() == 0xFF0F_FF00
    assert register.read() == 0xFF0F_F000


def test_hardware_ignores_access_modes() -> None:
    register = Sample()
    register.RO = 0xA
    assert register.word == 0x0A00_0000
    assert register.RO == 0xA


def test_value_that_does_not_fit_its_field_is_refused() -> None:
    with pytest.raises(ValueError, match="0x10 does not fit RO, 4 bits"):
        Sample().RO = 0x10


def test_merge_keeps_what_a_narrow_write_does_not_touch() -> None:
    register = filled()
    register.write(register.merge(0x0000_0000, 0x0000_00FF))
    assert register.word == 0xFF0F_FF00  # rw kept, no flag cleared; w reads as zero anyway


def test_reset_brings_the_declared_value_back() -> None:
    register = Sample(reset=0x1234_5678)
    register.write(0)
    register.reset()
    assert register.word == 0x1234_5678
    assert Sample.manual_name() == "SAMPLE"


class Partly(Register):
    """PARTLY, a register with fields that do nothing."""

    KNOWN = Field(3, 2)
    LOST = Unmodelled(1, 1)
    GONE = Unmodelled(0, 0)


class Flags(Register):
    """FLAGS, a register with flags that nothing ever sets."""

    W0 = Unmodelled(1, 1, Access.RC_W0)
    W1 = Unmodelled(0, 0, Access.RC_W1)


@pytest.mark.parametrize("word", [0b10, 0b01, 0b11])
def test_write_that_changes_nothing_of_what_is_not_modelled_is_not_told(
    caplog: pytest.LogCaptureFixture, word: int
) -> None:
    with caplog.at_level(logging.INFO, "emulator.unimplemented"):
        Flags().write(word)
    assert caplog.records == []


def test_field_that_is_not_modelled_is_told_by_name_once_when_it_changes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    register = Partly(reset=0b01)
    with caplog.at_level(logging.INFO, "emulator.unimplemented"):
        register.write(0b1101)
        assert caplog.records == []
        for word in (0b11, 0b00, 0b11):
            register.write(word)
            assert register.read() == word  # it is stored
    assert [record.getMessage() for record in caplog.records] == [
        "PARTLY.LOST has no effect",
        "PARTLY.GONE has no effect",
    ]
    caplog.clear()
