"""What a board says about itself and its patches, with the ELF's names: for HTTP and terminals."""

from dataclasses import dataclass

from server.device.slots import FpbInfo, MemoryInfo, Slot
from server.link import Link


@dataclass(frozen=True, slots=True)
class RemapDocument:
    """Where the remap table is."""

    table: str


@dataclass(frozen=True, slots=True)
class SlotDocument:
    """One comparator and its patch."""

    slot: int
    empty: bool
    original: int | None
    target: int | None
    function: str | None
    size: int
    comparator: int
    mode: str | None
    enabled: bool
    pair: int | None


@dataclass(frozen=True, slots=True)
class InfoDocument:
    """What the board says about itself and its patches."""

    version: str
    build: str
    used: int
    fpb: FpbInfo
    remap: RemapDocument
    memory: MemoryInfo | None
    elf_matches: bool | None  # None: no ELF, or a loader that does not say what it runs
    slots: list[SlotDocument]


def describe(link: Link) -> InfoDocument:
    """Ask the board, and name what it says after the ELF."""
    info = link.device.info()
    image = link.maybe_image
    return InfoDocument(
        version=info.version,
        build=info.build,
        used=info.used,
        fpb=info.fpb,
        remap=RemapDocument(f"0x{info.remap:08X}"),
        memory=info.memory,
        elf_matches=None if image is None else info.is_image(image.flash_address, image.flash),
        slots=[_slot(link, slot) for slot in info.slots],
    )


def _slot(link: Link, slot: Slot) -> SlotDocument:
    symbol = None
    if link.maybe_image is not None and slot.original is not None:
        symbol = link.maybe_image.function_at(slot.original)
    return SlotDocument(
        slot=slot.number,
        empty=slot.empty,
        original=slot.original,
        target=slot.target,
        function=None if symbol is None else symbol.name,
        size=slot.size,
        comparator=slot.comp,
        mode=slot.mode,
        enabled=slot.enabled,
        pair=slot.pair,
    )
