"""pyOCD's FPB class works the registers of each variant, and the guest runs into what it sets.

python -m tests.emulator.pyocd_opinion ELF; pyOCD is not installed with this project.
"""

import functools
import importlib.util
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emulator.board import Board
from emulator.image import load_image
from emulator.peripherals.fpb import FPB_V1, FPB_V1_REDUCED, FPB_V2_4, FPB_V2_8, FpbConfig
from tests.emulator.conftest import part_with

BASE = 0xE000_2000


class Memory:
    """What pyOCD takes for a debug port."""

    def __init__(self, board: Board) -> None:
        self.board = board

    def read32(self, address: int) -> int:
        return int.from_bytes(self.board.read(address, 4), "little")

    def write32(self, address: int, word: int) -> None:
        self.board.write(address, word.to_bytes(4, "little"))

    write_memory = write32


@functools.cache
def fpb_class() -> Callable[..., Any]:
    """Import one class without its package's start, which wants every debug probe's library."""
    package = types.ModuleType("pyocd")
    spec = importlib.util.find_spec("pyocd")
    assert spec is not None
    package.__path__ = list(spec.submodule_search_locations or ())
    sys.modules["pyocd"] = package
    found: Callable[..., Any] = importlib.import_module("pyocd.coresight.fpb").FPB
    return found


def uses_every_comparator(elf: Path, config: FpbConfig) -> int:
    """Set as many breakpoints as pyOCD says there are, run into each, remove them."""
    board = Board(part_with(fpb=config), load_image(elf))
    board.run_for(ms=2)
    idle = board.snapshot()
    fpb = fpb_class()(Memory(board), addr=BASE)
    fpb.init()
    assert fpb.revision == config.revision + 1
    # One per word: version 1's comparators break at one halfword each here.
    addresses = [board.image.symbols["idle"] + 4 * n for n in range(fpb.nb_code)]
    comparators = [fpb.set_breakpoint(address) for address in addresses]
    assert fpb.available_breakpoints == 0
    registers = [board.read(BASE + 4 * n, 4) for n in range(2 + fpb.nb_code)]
    for address in addresses:
        board.restore(idle)
        for n, word in enumerate(registers):
            board.write(BASE + 4 * n, word if n else b"\x03\0\0\0")
        board.set_register("pc", address)
        board.run_for(us=2)
        assert board.scb.dfsr.BKPT, hex(address)
    for comparator in comparators:
        fpb.remove_breakpoint(comparator)
    board.restore(idle)
    board.run_for(us=2)
    assert not board.scb.dfsr.BKPT
    return int(fpb.nb_code)


if __name__ == "__main__":
    variants = (FPB_V1, FPB_V1_REDUCED, FPB_V2_4, FPB_V2_8)
    used = (str(uses_every_comparator(Path(sys.argv[1]), config)) for config in variants)
    sys.stdout.write(f"{' '.join(used)} comparators used\n")
