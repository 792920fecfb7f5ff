"""The two views of flash against a model of the comparators, on random register writes."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Guest

PROGRAM = "uint32_t load(uint32_t address) { return REG(address); }"
FPB = 0xE000_2000
TABLES = (0x2000_3000, 0x2000_3020, 0x2000_33E0)  # the last crosses no page, but ends one
# Two neighbours, the end and the start of a page, the same words through the alias.
WORDS = (0x0800_0010, 0x0800_0014, 0x0800_03FC, 0x0800_0400, 0x0800_8000, 0x10, 0x3FC, 0x400)


@dataclass
class Model:
    """DDI 0403E.e C1.11, for 6 instruction and 2 literal comparators; numbers are its own."""

    enabled: bool = False
    table: int = 0x2000_0000
    comps: list[int] = field(default_factory=lambda: [0] * 8)

    def write(self, offset: int, word: int) -> None:
        if offset == 0:
            self.enabled = bool(word & 1) if word & 2 else self.enabled
        elif offset == 4:
            self.table = 0x2000_0000 | word & 0x1FFF_FFE0
        else:
            self.comps[(offset - 8) // 4] = word

    def matching(self, address: int, numbers: range) -> int | None:
        if not self.enabled:
            return None
        return next(
            (n for n in numbers if self.comps[n] & 1 and self.comps[n] & 0x1FFF_FFFC == address),
            None,
        )

    def fetched(self, address: int, read: "Callable[[int], int]") -> int:
        n = self.matching(address, range(6))
        if n is None:
            return read(address)
        replace = self.comps[n] >> 30
        if replace == 0:
            return read(self.table + 4 * n)
        word = read(address)
        word = word & 0xFFFF_0000 | 0xBE00 if replace & 1 else word
        return word & 0xFFFF | 0xBE00_0000 if replace & 2 else word

    def loaded(self, address: int, read: "Callable[[int], int]") -> int:
        n = self.matching(address, range(6, 8))
        return read(address if n is None else self.table + 4 * n)


def comp_write(n: int, replace: int, address: int, enable: int) -> tuple[int, int]:
    return 8 + 4 * n, replace << 30 | address | enable


def table_store(table: int, n: int, word: int) -> tuple[int, int]:
    return table + 4 * n, word


numbers = st.integers(0, 7)
ctrl = st.tuples(st.just(0), st.integers(0, 3))
remap = st.tuples(st.just(4), st.sampled_from(TABLES))
comp = st.builds(
    comp_write,
    numbers,
    st.sampled_from((0, 0, 0, 1, 2, 3)),
    st.sampled_from(WORDS),
    st.sampled_from((1, 1, 1, 0)),
)
stores = st.builds(
    table_store,
    st.sampled_from(TABLES),
    numbers,
    st.integers(0, 0xFFFF_FFFF),
)


@settings(max_examples=60)
@given(
    writes=st.lists(st.one_of(ctrl, remap, comp, comp, comp, stores), max_size=14),
    offset=st.integers(1, 3),
)
def test_fetches_and_reads_see_what_the_model_sees(
    booted_once: "Callable[[str], Guest]", writes: list[tuple[int, int]], offset: int
) -> None:
    guest, model = booted_once(PROGRAM), Model()
    board = guest.board

    def own(address: int) -> int:
        return int.from_bytes(board.read(address, 4), "little")

    for address, word in [(0, 3), *writes]:
        is_register = address < 0x100
        if is_register:
            model.write(address, word)
        board.write(address + FPB * is_register, word.to_bytes(4, "little"))
    board.run_for(cycles=1)
    for address in (*WORDS, 0x0800_0018):
        seen = int.from_bytes(board.fetch(address, 4), "little")
        assert seen == model.fetched(address, own), hex(address)
    for address in WORDS:
        if model.fetched(guest.address("load") & ~3, own) == own(guest.address("load") & ~3):
            assert guest.call("load", address) == model.loaded(address, own), hex(address)
            assert guest.call("load", address + offset) == own(address + offset), hex(address)
