"""What the board says about its slots, as data; and which slot a patch goes to. No I/O."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from server.device.protocol import crc16
from server.errors import NoFreeSlotError, RemoteProtocolError, RequestError

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
        """Guess where `alloc` will put so many bytes: in the lowest gap. None: nothing tells."""
        if self.memory is None:
            return None
        taken = sorted(
            (slot.target & -ARENA_ALIGNMENT, slot.size)
            for slot in self.slots
            if slot.target is not None and slot.pair is None
        )
        at = self.memory.address
        for begin, length in taken:
            if at + size <= begin:
                break
            at = max(at, begin + length + ARENA_ALIGNMENT - 1 & -ARENA_ALIGNMENT)
        return at

    def is_image(self, address: int, flash: bytes) -> bool | None:
        """Return whether the board runs this image; None if it does not say."""
        if self.image is None:
            return None
        start = self.image.address - address
        theirs = flash[start : start + self.image.size] if start >= 0 else b""
        return len(theirs) == self.image.size and crc16(theirs) == self.image.crc


HEX = r"(0x[0-9A-Fa-f]{1,8})"
SLOT = re.compile(
    rf"Slot\[(\d+)\]: {HEX} -> {HEX}, (\d+) bytes"
    rf" \(COMP={HEX}, ([^,)]+), (on|off)(?:, pair of (\d+))?\)"
)
EMPTY_SLOT = re.compile(rf"Slot\[(\d+)\]: empty \(COMP={HEX}, (?:on|off)\)")
LINES = {
    "version": re.compile(r"(FPB\w* v\d.*)"),
    "Build": re.compile(r"Build: (.*)"),
    "Used": re.compile(r"Used: (\d+)"),
    "Slots": re.compile(r"Slots: \d+/(\d+)"),
    "FPB": re.compile(r"FPB: v(\d+), (\d+) code \+ (\d+) lit = \d+ total, (enabled|disabled)"),
    "FP_REMAP": re.compile(rf"FP_REMAP: {HEX}, base={HEX}, (.*)"),
    "Image": re.compile(rf"Image: {HEX}\+(\d+) crc={HEX}"),
    "Memory": re.compile(rf"Memory: {HEX}\+(\d+) free=(\d+)"),
    "Protocol": re.compile(r"Protocol: (\d+)"),
    "Limits": re.compile(r"Limits: line=(\d+) ring=(\d+) data=(\d+)"),
    "Boot": re.compile(rf"Boot: {HEX}"),
    "Also": re.compile(r"Also: crc slots places"),
    "CRC": re.compile(rf"CRC: {HEX}"),
    "other": re.compile(r"FileTransfer: .*"),  # known, not used here
}


def parse_info(lines: Iterable[str]) -> tuple[Info, list[str]]:
    """Return what an info reply says, and the lines that are none of it."""
    found: dict[str, re.Match[str]] = {}
    slots: dict[int, Slot] = {}
    strangers: list[str] = []
    told = ""
    for line in lines:
        if (slot := _parse_slot(line)) is not None:
            slots.setdefault(slot.number, slot)
        elif (field := _parse_field(line)) is not None:
            found.setdefault(*field)
        else:
            strangers.append(line)
            continue
        told += "" if line.startswith("CRC: ") else f"{line}\n"
    return _info(found, slots, crc16(told.encode())), strangers


def _parse_slot(line: str) -> Slot | None:
    if (match := EMPTY_SLOT.fullmatch(line)) is not None:
        return Slot(int(match[1]), comp=int(match[2], 16))
    if (match := SLOT.fullmatch(line)) is None:
        return None
    return Slot(
        number=int(match[1]),
        original=int(match[2], 16) & ~THUMB,
        target=int(match[3], 16),
        size=int(match[4]),
        comp=int(match[5], 16),
        mode=match[6],
        enabled=match[7] == "on",
        pair=None if match[8] is None else int(match[8]),
    )


def _parse_field(line: str) -> tuple[str, re.Match[str]] | None:
    for name, pattern in LINES.items():
        if (match := pattern.fullmatch(line)) is not None:
            return name, match
    return None


def _info(found: dict[str, re.Match[str]], slots: dict[int, Slot], crc: int) -> Info:
    def line(name: str) -> re.Match[str]:
        if name not in found:
            raise RemoteProtocolError(f"the {name} line is missing", "info")
        return found[name]

    total = int(line("Slots")[1])
    if sorted(slots) != list(range(total)):
        raise RemoteProtocolError(f"{len(slots)} of {total} Slot lines", "info")
    fpb, image, memory = line("FPB"), found.get("Image"), found.get("Memory")
    # Level 1 has none of these lines, level 2 all: one that got lost must not change the level.
    is_terse = not found.keys().isdisjoint({"Also", "CRC"})
    announces = is_terse or not found.keys().isdisjoint({"Protocol", "Limits", "Boot"})
    if is_terse and (int(line("CRC")[1], 16) != crc or "Also" not in found):
        raise RemoteProtocolError("the CRC of the reply is wrong", "info")
    limits, boot = (line("Limits"), line("Boot")) if announces else (None, None)
    return Info(
        version=line("version")[1],
        build=line("Build")[1],
        used=int(line("Used")[1]),
        slots=tuple(slots[number] for number in range(total)),
        fpb=FpbInfo(int(fpb[1]), int(fpb[2]), int(fpb[3]), fpb[4] == "enabled"),
        remap=int(line("FP_REMAP")[2], 16),
        can_remap=int(fpb[1]) == 1 and line("FP_REMAP")[3] == "remap supported",
        image=image and ImageInfo(int(image[1], 16), int(image[2]), int(image[3], 16)),
        memory=memory and MemoryInfo(int(memory[1], 16), int(memory[2]), int(memory[3])),
        level=int(line("Protocol")[1]) if announces else 1,
        limits=limits and Limits(int(limits[1]), int(limits[2]), int(limits[3])),
        boot=None if boot is None else int(boot[1], 16),
        is_terse=is_terse,
    )


WORDS_OF_SLOT = 4


def updated(info: Info, words: Sequence[int]) -> Info | None:
    """Return an answer to `info` with what `slots` says now; None: the board was reset since."""
    total = len(info.slots)
    if len(words) < 4 + total or (len(words) - 4 - total) % WORDS_OF_SLOT:
        raise RemoteProtocolError(f"{len(words)} words for {total} slots", "slots")
    (boot, ctrl, used, free), comps, rest = words[:4], words[4 : 4 + total], words[4 + total :]
    if boot != info.boot:
        return None
    slots = [Slot(number, comp=comp) for number, comp in enumerate(comps)]
    modes = list(LISTED.values())
    for at in range(0, len(rest), WORDS_OF_SLOT):
        head, original, target, size = rest[at : at + WORDS_OF_SLOT]
        number, first, mode = head & 0xFF, head >> 8 & 0xFF, head >> 16
        if not (number < total and first < total and mode < len(modes)):
            raise RemoteProtocolError(f"a slot that begins with 0x{head:08X}", "slots")
        comp, pair = comps[number], None if first == number else first
        on = bool(comp & ENABLE)
        slots[number] = Slot(
            number, original & ~THUMB, target, size, comp, modes[mode], enabled=on, pair=pair
        )
    return replace(
        info,
        used=used,
        slots=tuple(slots),
        fpb=replace(info.fpb, enabled=bool(ctrl & ENABLE)),
        memory=info.memory and replace(info.memory, free=free),
    )


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
