"""BKP, PWR and RCC_BDCR of the STM32F103. Offsets and bits are ST's stm32f103xb.h's."""

import pytest

from emulator.peripherals.base import ResetCause
from emulator.peripherals.bkp import Bkp
from emulator.peripherals.pwr import Pwr, pwr_f1
from emulator.peripherals.rcc_f1 import RccF1

DR1, DR10, PWR_CR, BDCR = 0x04, 0x28, 0x00, 0x20
DBP, LSEON, LSERDY, BDRST = 1 << 8, 1 << 0, 1 << 1, 1 << 16


@pytest.fixture
def pwr() -> Pwr:
    return pwr_f1()


@pytest.fixture
def bkp(pwr: Pwr) -> Bkp:
    return Bkp(pwr.is_backup_writable)


@pytest.fixture
def rcc(pwr: Pwr, bkp: Bkp) -> RccF1:
    made = RccF1(8_000_000, lambda _: None, pwr.is_backup_writable)
    made.backup_domain.append(bkp)
    return made


def test_dbp_guards_the_backup_domain(pwr: Pwr, bkp: Bkp, rcc: RccF1) -> None:
    for dbp, word, bdcr in ((0, 0, 0), (DBP, 0x1234, LSEON | LSERDY)):
        pwr.write(PWR_CR, dbp)
        bkp.write(DR1, 0xABCD_1234)
        rcc.write(BDCR, LSEON)
        assert (bkp.read(DR1), rcc.read(BDCR)) == (word, bdcr)


def test_backup_registers_survive_a_system_reset_only(pwr: Pwr, bkp: Bkp) -> None:
    pwr.write(PWR_CR, DBP)
    bkp.write(DR10, 0x5678)
    bkp.system_reset(ResetCause.WATCHDOG)
    assert bkp.read(DR10) == 0x5678
    bkp.reset()
    assert bkp.read(DR10) == 0


def test_bdrst_clears_the_domain(pwr: Pwr, bkp: Bkp, rcc: RccF1) -> None:
    pwr.write(PWR_CR, DBP)
    bkp.write(DR1, 0x1234)
    rcc.write(BDCR, LSEON)
    rcc.write(BDCR, BDRST)
    assert (bkp.read(DR1), rcc.read(BDCR)) == (0, BDRST)
    rcc.write(BDCR, 0)
    assert rcc.read(BDCR) == 0
