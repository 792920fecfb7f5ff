"""Read what the board answers to `info`, as text, and to `slots`, as numbers. No I/O."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from server.device.protocol import crc16
from server.device.slots import (
    ENABLE,
    LISTED,
    THUMB,
    FpbInfo,
    ImageInfo,
    Info,
    Limits,
    MemoryInfo,
    Slot,
)
from server.errors import RemoteProtocolError

WORDS_OF_SLOT = 4  # in the answer to `slots`
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
