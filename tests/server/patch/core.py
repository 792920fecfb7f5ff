"""A Cortex-M with flash and RAM, to run code from here and from there and compare the outcomes."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

# Unicorn leaves much untyped; by its module's name it is plainly untyped.
unicorn: Any = import_module("unicorn.unicorn")
arm: Any = import_module("unicorn.arm_const")

FLASH, RAM = 0x0800_0000, 0x2000_0000
SIZE = 0x1_0000  # of either
STUB = RAM + 0x8000  # where relocated code is put
STACK = RAM + 0xF000
STOP = 0x0900_0000  # where a function returns to; nothing is there

LAYOUT = """
    SECTIONS {
        .text 0x08000000 : { *(.text .text.*) *(.rodata .rodata.* .data.rel.ro* .got*) }
        .bss 0x20000000 : { *(.data .data.*) *(.bss .bss.* COMMON) }
        /DISCARD/ : { *(.ARM.*) }
    }
"""
REGISTERS = [*(arm.UC_ARM_REG_R0 + n for n in range(12)), arm.UC_ARM_REG_R12]
SINGLES = [arm.UC_ARM_REG_S0 + n for n in range(32)]
FLAGS = 0xF800_0000  # N, Z, C, V, Q of xPSR


@dataclass(frozen=True, slots=True)
class State:
    """What a function left behind; two that are equal cannot be told apart by its caller."""

    stopped_at: int  # STOP, or where the engine gave up
    registers: tuple[int, ...]  # r0-r12
    sp: int
    lr: int
    flags: int
    singles: tuple[int, ...]
    data: int  # checksum of RAM, but for the relocated code and the stack below SP


class Core:
    """The core; its flash is what it was made with."""

    def __init__(self, flash: bytes) -> None:
        self._flash = flash
        self._engine = unicorn.Uc(1, 1 << 4 | 1 << 5)  # UC_ARCH_ARM, UC_MODE_THUMB | MCLASS
        self._engine.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M4)
        self._engine.mem_map(FLASH, SIZE)
        self._engine.mem_map(RAM, SIZE)
        self._engine.mem_write(FLASH, flash)

    def run(
        self,
        address: int,
        registers: Sequence[int],
        *,
        flags: int = 0,
        ram: bytes = bytes(SIZE),
        stub: bytes = b"",
        covered: int | None = None,
        limit: int = 10_000,
    ) -> State:
        """Call the code at an address, with four bytes of flash covered: who runs them is lost."""
        engine = self._engine
        engine.mem_write(RAM, ram)
        engine.mem_write(STUB, stub)
        if covered is not None:
            engine.mem_write(covered, b"\x00\xde" * 2)  # udf #0
        engine.ctl_flush_tb()
        for register, value in zip(REGISTERS, registers, strict=True):
            engine.reg_write(register, value)
        for n, register in enumerate(SINGLES):
            engine.reg_write(register, 0x4000_0000 + n)
        engine.reg_write(arm.UC_ARM_REG_SP, STACK)
        engine.reg_write(arm.UC_ARM_REG_LR, STOP | 1)
        engine.reg_write(arm.UC_ARM_REG_XPSR, flags & FLAGS | 1 << 24)
        try:
            engine.emu_start(address | 1, STOP, count=limit)
        except unicorn.UcError:
            pass  # where it stopped says enough
        finally:
            engine.mem_write(FLASH, self._flash)
        return self._state()

    def _state(self) -> State:
        engine = self._engine
        memory = bytes(engine.mem_read(RAM, SIZE))
        return State(
            engine.reg_read(arm.UC_ARM_REG_PC),
            tuple(engine.reg_read(register) for register in REGISTERS),
            engine.reg_read(arm.UC_ARM_REG_SP),
            engine.reg_read(arm.UC_ARM_REG_LR),
            engine.reg_read(arm.UC_ARM_REG_XPSR) & FLAGS,
            tuple(engine.reg_read(register) for register in SINGLES),
            zlib.crc32(memory[: STUB - RAM] + memory[STACK - RAM :]),
        )
