"""FLASH of the STM32F103. Offsets, bits and keys are RM0008's and ST's stm32f103xb.h's."""

import logging

import pytest

from emulator.clock import Clock
from emulator.memory_map import Kind, Memory, Region
from emulator.peripherals.base import ResetCause
from emulator.peripherals.flash import Wires
from emulator.peripherals.flash_f1 import FlashF1

ACR, KEYR, SR, CR, AR, OBR, WRPR = 0x00, 0x04, 0x0C, 0x10, 0x14, 0x1C, 0x20
PG, PER, MER, STRT, LOCK, ERRIE, EOPIE = 1, 1 << 1, 1 << 2, 1 << 6, 1 << 7, 1 << 10, 1 << 12
BSY, PGERR, WRPRTERR, EOP = 1, 1 << 2, 1 << 4, 1 << 5
BASE, SIZE = 0x0800_0000, 64 * 1024
NOTHING_PROTECTED = bytes.fromhex("A55A" + "FF00" * 7)


class Far:
    """What the interface is wired to."""

    def __init__(self) -> None:
        self.is_programming = False
        self.changes: list[tuple[int, int]] = []
        self.irq = False
        self.clock = Clock(8_000_000)
        self.is_core_in_ram = False
        self.stalled_until = 0

    def wait(self) -> int:
        """Let the memory come to its end; return the microseconds that took."""
        begin = self.clock.ns
        self.clock.skip_to(self.clock.next_due)
        self.clock.expire_due()
        return (self.clock.ns - begin) // 1000


@pytest.fixture
def far() -> Far:
    return Far()


@pytest.fixture
def memory() -> Memory:
    made = Memory(Region("flash", BASE, SIZE, Kind.FLASH))
    made.view[:] = bytes(range(256)) * (SIZE // 256)
    return made


def make(memory: Memory, far: Far, option_bytes: bytes = NOTHING_PROTECTED) -> FlashF1:
    wires = Wires(
        memory,
        far.clock,
        lambda _: not far.is_core_in_ram,
        lambda cycle: setattr(far, "stalled_until", cycle),
        lambda on: setattr(far, "is_programming", on),
        lambda begin, end: far.changes.append((begin, end)),
        lambda level: setattr(far, "irq", level),
    )
    flash = FlashF1(wires, memoryview(option_bytes))
    flash.reset()
    return flash


@pytest.fixture
def flash(memory: Memory, far: Far) -> FlashF1:
    return make(memory, far)


def unlock(flash: FlashF1) -> None:
    flash.write(KEYR, 0x4567_0123)
    flash.write(KEYR, 0xCDEF_89AB)


def test_reset_values(flash: FlashF1) -> None:
    words = [flash.read(offset) for offset in (ACR, KEYR, SR, CR, OBR, WRPR)]
    assert words == [0x30, 0, 0, 0x80, 0x03FF_FFFC, 0xFFFF_FFFF]


def test_keys_unlock_and_software_locks(flash: FlashF1) -> None:
    flash.write(CR, PG)
    assert flash.read(CR) == LOCK
    unlock(flash)
    assert flash.read(CR) == 0
    flash.write(CR, LOCK)
    flash.write(CR, PG)
    assert flash.read(CR) == LOCK
    unlock(flash)
    assert flash.read(CR) == 0


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param([0x4567_0123], id="one key"),
        pytest.param([0xCDEF_89AB, 0x4567_0123], id="the wrong order"),
        pytest.param([0, 0x4567_0123, 0xCDEF_89AB], id="a wrong one first"),
        pytest.param([0x4567_0123, 0, 0x4567_0123, 0xCDEF_89AB], id="a wrong one second"),
    ],
)
def test_wrong_keys_lock_until_reset(flash: FlashF1, keys: list[int]) -> None:
    for key in keys:
        flash.write(KEYR, key)
    assert flash.read(CR) == LOCK
    if len(keys) > 1:
        unlock(flash)
        assert flash.read(CR) == LOCK
    flash.system_reset(ResetCause.SOFTWARE)
    unlock(flash)
    assert flash.read(CR) == 0


def test_page_is_erased(flash: FlashF1, memory: Memory, far: Far) -> None:
    unlock(flash)
    flash.write(CR, PER)
    flash.write(AR, BASE + 0x1234)  # anywhere in the page
    flash.write(CR, PER | STRT)
    assert bytes(memory.view[0x1000:0x1400]) == b"\xff" * 0x400
    assert (memory.view[0xFFF], memory.view[0x1400]) == (0xFF, 0x00)  # as they were
    assert far.changes == [(BASE + 0x1000, BASE + 0x1400)]
    assert flash.read(SR) == BSY
    assert far.wait() == 30_000
    assert flash.read(SR) == EOP
    assert flash.read(CR) == PER  # STRT is 0 again
    flash.write(SR, EOP)
    assert flash.read(SR) == 0


def test_all_of_it_is_erased(flash: FlashF1, memory: Memory) -> None:
    unlock(flash)
    flash.write(CR, MER)
    flash.write(CR, MER | STRT)
    assert bytes(memory.view) == b"\xff" * SIZE


def test_page_outside_is_refused(flash: FlashF1, far: Far) -> None:
    unlock(flash)
    flash.write(CR, PER)
    flash.write(AR, BASE + SIZE)
    flash.write(CR, PER | STRT)
    assert flash.read(SR) == WRPRTERR
    assert far.changes == []


def test_programming_is_on_while_pg_is(flash: FlashF1, far: Far) -> None:
    unlock(flash)
    seen: list[bool] = []
    for word in (0, PG, PER, PG | LOCK):
        flash.write(CR, word)
        seen.append(far.is_programming)
    assert seen == [False, True, False, True]


def erased(flash: FlashF1, memory: Memory) -> None:
    memory.view[0x400:0x800] = b"\xff" * 0x400
    unlock(flash)
    flash.write(CR, PG)


def test_halfword_is_programmed_once(flash: FlashF1, memory: Memory, far: Far) -> None:
    erased(flash, memory)
    flash.program(0x402, 2, 0x1234)
    assert bytes(memory.view[0x400:0x406]) == bytes.fromhex("FFFF 3412 FFFF")
    assert far.changes == [(BASE + 0x402, BASE + 0x404)]
    assert flash.read(SR) == BSY
    assert far.wait() == 50
    assert flash.read(SR) == EOP
    flash.write(SR, EOP)
    flash.program(0x402, 2, 0x1230)
    assert flash.read(SR) == PGERR
    assert bytes(memory.view[0x402:0x404]) == bytes.fromhex("3412")
    flash.write(SR, PGERR)
    flash.program(0x402, 2, 0)  # the one value that can follow another
    far.wait()
    assert flash.read(SR) == EOP
    assert bytes(memory.view[0x402:0x404]) == b"\0\0"


@pytest.mark.parametrize("is_core_in_ram", [False, True])
def test_core_waits_if_it_executes_from_the_memory(
    flash: FlashF1, memory: Memory, far: Far, *, is_core_in_ram: bool
) -> None:
    far.is_core_in_ram = is_core_in_ram
    erased(flash, memory)
    flash.program(0x402, 2, 0x1234)
    assert far.stalled_until == (0 if is_core_in_ram else 400)  # cycles
    flash.program(0x404, 2, 0x1234)  # whose turn is behind the first one's
    assert far.stalled_until == (400 if is_core_in_ram else 800)
    assert far.wait() == 100


def test_control_register_waits_for_the_memory(flash: FlashF1, memory: Memory, far: Far) -> None:
    far.is_core_in_ram = True
    erased(flash, memory)
    flash.program(0x402, 2, 0x1234)
    flash.write(CR, 0)
    assert far.stalled_until == 400


def test_reset_ends_what_was_begun(flash: FlashF1, memory: Memory, far: Far) -> None:
    erased(flash, memory)
    flash.program(0x402, 2, 0x1234)
    flash.system_reset(ResetCause.SOFTWARE)
    assert flash.read(SR) == 0
    assert far.clock.next_due > 1 << 62


@pytest.mark.parametrize("size", [1, 4])
def test_other_sizes_are_not_programmed(
    flash: FlashF1, memory: Memory, size: int, caplog: pytest.LogCaptureFixture
) -> None:
    erased(flash, memory)
    with caplog.at_level(logging.WARNING, "emulator.guest"):
        flash.program(0x400, size, 0)
    assert bytes(memory.view[0x400:0x404]) == b"\xff" * 4
    assert flash.read(SR) == PGERR
    assert len(caplog.records) == 1


def test_protected_pages_stay(memory: Memory, far: Far) -> None:
    pages_4_to_7 = NOTHING_PROTECTED[:8] + bytes.fromhex("FD02") + NOTHING_PROTECTED[10:]
    flash = make(memory, far, pages_4_to_7)
    assert flash.read(WRPR) == 0xFFFF_FFFD
    memory.view[0x0C00:0x1400] = b"\xff" * 0x800
    unlock(flash)
    flash.write(CR, PG)
    flash.program(0x1000, 2, 0x1234)
    assert flash.read(SR) == WRPRTERR
    assert memory.view[0x1000] == 0xFF
    flash.write(SR, WRPRTERR)
    flash.program(0x0FFE, 2, 0x1234)
    far.wait()
    assert flash.read(SR) == EOP
    flash.write(SR, EOP)
    for erase in (PER, MER):
        flash.write(AR, BASE + 0x1FFF)
        flash.write(CR, erase | STRT)
        assert flash.read(SR) == WRPRTERR
        flash.write(SR, WRPRTERR)
    assert memory.view[0x0FFE] == 0x34


def test_option_bytes_are_read_at_reset(memory: Memory, far: Far) -> None:
    flash = make(memory, far, bytes.fromhex("00FF F00F 12ED 34CB" + "FF00" * 4))
    assert flash.read(OBR) == 0x34 << 18 | 0x12 << 10 | 0xF0 << 2 | 1 << 1
    flash = make(memory, far, bytes.fromhex("A55A FFFF" + "FF00" * 6))
    assert flash.read(OBR) & 1  # OPTERR: FF is not followed by its complement


@pytest.mark.parametrize(("enable", "value"), [(EOPIE, 0x1234), (ERRIE, 0x0001)])
def test_interrupts(flash: FlashF1, memory: Memory, far: Far, enable: int, value: int) -> None:
    erased(flash, memory)
    memory.view[0x500] = 0
    flash.write(CR, PG | enable)
    flash.program(0x400 if enable == EOPIE else 0x500, 2, value)
    if enable == EOPIE:
        assert not far.irq
        far.wait()
    assert far.irq
    flash.write(SR, EOP | PGERR)
    assert not far.irq
