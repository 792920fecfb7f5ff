"""What the board says about its slots, as data; and which slot a patch goes to. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from server.device.protocol import crc16
from server.errors import NoFreeSlotError, RequestError

Mode = Literal["trampoline", "direct", "debugmon"]
"""How calls are led to a patch.

trampoline: the function's first instruction becomes a branch to code that jumps on to the patch.
direct: it becomes a branch to the patch, which must be in a branch's reach.
debugmon: it becomes a breakpoint, and the DebugMonitor exception goes on at the patch.
"""

LISTED: Mapping[Mode, str] = {"trampoline": "remap", "direct": "direct", "debugmon": "debugmon"}
"""What boards call them; in the order of their numbers in `slots`."""

ARENA_ALIGNMENT = 8  # of our loader's allocations
THUMB = 1  # bit 0 of a code address
WORD_MASK = ~0b11  # the FPB compares whole words
ENABLE = 1 << 0  # of FP_CTRL and of FP_COMPn
COMP_MASK = 0x1FFF_FFFC  # FP_COMPn.COMP, version 1: the word's address. DDI 0403E.e C1.11.5


@dataclass(frozen=True, slots=True)
class Slot:
    """One comparator, and the patch it leads to.

    A function at address%4 == 2 takes two slots: the second names the first in `pair`, and
    shows the same original and target.
    """

    number: int
    original: int | None = None  # None: empty
    target: int | None = None  # with the Thumb bit
    size: int = 0
    comp: int = 0  # FP_COMPn
    mode: str | None = None
    enabled: bool = False
    pair: int | None = None

    @property
    def empty(self) -> bool:
        return self.original is None


@dataclass(frozen=True, slots=True)
class FpbInfo:
    """The unit itself."""

    version: int
    code: int  # instruction comparators
    literal: int
    enabled: bool


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """The firmware's image in flash, with the CRC that the board computed over it."""

    address: int
    size: int
    crc: int


@dataclass(frozen=True, slots=True)
class MemoryInfo:
    """Where patches live."""

    address: int
    size: int
    free: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What the board takes at once, in bytes."""

    line: int  # of a request, its end not counted
    ring: int  # received while the board is busy
    data: int  # in one command or reply


@dataclass(frozen=True, slots=True)
class Info:
    """The answer to `info`."""

    version: str  # name and version of the loader
    build: str
    used: int  # bytes
    slots: tuple[Slot, ...]
    fpb: FpbInfo
    remap: int  # address of the remap table
    can_remap: bool  # a comparator can put another word in place of the one in flash
    image: ImageInfo | None  # None: this loader does not say
    memory: MemoryInfo | None
    level: int = 1  # of the protocol
    limits: Limits | None = None  # level 2
    boot: int | None = None  # level 2: another one after every reset
    is_terse: bool = False  # it knows `slots`, and a `read` of several places

    def slot_of(self, original: int) -> Slot | None:
        """Return the slot, the first of a pair, that patches a function."""
        return next((s for s in self.slots if s.original == original and s.pair is None), None)

    def likely_address(self, size: int) -> int | None:
        """Guess where `alloc` will put so many bytes: in the lowest gap; None where there is none.

        The board decides; not every loader says where its memory is.
        """
        if (memory := self.memory) is None:
            return None
        taken = sorted(
            (slot.target & -ARENA_ALIGNMENT, slot.size)
            for slot in self.slots
            if slot.target is not None and slot.pair is None
        )
        at = memory.address
        for begin, length in taken:
            if at + size <= begin:
                break
            at = max(at, begin + length + ARENA_ALIGNMENT - 1 & -ARENA_ALIGNMENT)
        return at if at + size <= memory.address + memory.size else None

    def is_image(self, address: int, flash: bytes) -> bool | None:
        """Return whether the board runs this image; None if it does not say."""
        if self.image is None:
            return None
        start = self.image.address - address
        theirs = flash[start : start + self.image.size] if start >= 0 else b""
        return len(theirs) == self.image.size and crc16(theirs) == self.image.crc


def words_of(original: int, mode: Mode = "trampoline") -> tuple[int, ...]:
    """Return the words in which something is put to patch a function.

    A branch replaces the function's first 32 bits, a breakpoint its first halfword.
    """
    first = original & WORD_MASK
    return (first,) if first == original or mode == "debugmon" else (first, first + 4)


def choose_slot(
    info: Info, original: int, wanted: int | None = None, mode: Mode = "trampoline"
) -> int:
    """Return the slot for patching a function: the one it has, or the one wanted, or a free one.

    A function over two words takes a second slot, which the board chooses; it must be there.
    """
    needed = len(words_of(original, mode))
    total = len(info.slots)
    if wanted is not None and not 0 <= wanted < total:
        raise RequestError(f"there is no slot {wanted}: this board has 0 to {total - 1}")
    free = [slot.number for slot in info.slots if slot.empty]
    if (present := info.slot_of(original)) is not None:
        if wanted not in {None, present.number}:
            reason = f"the function at 0x{original:08X} is patched by slot {present.number} already"
            raise NoFreeSlotError(reason, total, needed)
        has = sum(present.number in {slot.number, slot.pair} for slot in info.slots)
        _refuse_too_few(has + len(free), needed, total)
        return present.number
    _refuse_shared_words(info, original, mode)
    if wanted is not None and not info.slots[wanted].empty:
        raise NoFreeSlotError(f"slot {wanted} is in use", total, needed)
    _refuse_too_few(len(free), needed, total)
    return free[0] if wanted is None else wanted


def _refuse_too_few(free: int, needed: int, total: int) -> None:
    if free < needed:
        has = f"{free} of {total} slots free"
        raise NoFreeSlotError(f"{has}, and this function needs {needed}", total, needed)


def _refuse_shared_words(info: Info, original: int, mode: Mode) -> None:
    """Refuse a function that shares a word with a patched one: two comparators would match it."""
    words = words_of(original, mode)
    for slot in info.slots:
        if not slot.empty and slot.comp & COMP_MASK in words:
            reason = f"slot {slot.number} redirects a word that 0x{original:08X} needs too"
            raise NoFreeSlotError(reason, len(info.slots), len(words))
