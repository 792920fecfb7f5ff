"""Programming a part with a firmware: what cannot run on it is refused before it does.

Source: DDI 0403E.e B1.5 for what the core takes from the vector table at reset.
"""

from emulator.errors import ImageError
from emulator.image import Image
from emulator.memory_map import MemoryMap
from emulator.part import Part
from emulator.targets import fits, remedy

ENTRY = 4  # where the vector table has the address of the first instruction


def program(memory_map: MemoryMap, part: Part, image: Image) -> None:
    """Put an image into the memories; ImageError names what is wrong with it for this part."""
    core = part.core.model
    if not fits(image.target, core):
        name = core.replace("cortex-m", "Cortex-M")
        raise ImageError(
            image.path, f"built for {image.target}; {part.name} has a {name}", remedy(core)
        )
    for segment in image.segments:
        where = memory_map.slice_at(segment.address, len(segment.data))
        if where is None:
            raise ImageError(
                image.path,
                f"{len(segment.data)} bytes at {segment.address:#010x} are in no memory of "
                f"{part.name}",
                f"link it for {_listed(memory_map)}",
            )
        where[:] = segment.data
    if image.segments:
        _check_vectors(memory_map, part, image)


def _check_vectors(memory_map: MemoryMap, part: Part, image: Image) -> None:
    vectors = part.core.vectors
    word = memory_map.slice_at(vectors + ENTRY, 4)
    entry = 0 if word is None else int.from_bytes(word, "little")
    if not entry & 1 or memory_map.slice_at(entry & ~1, 2) is None:
        lowest = min(segment.address for segment in image.segments)
        window = memory_map.window_at(vectors)
        begin = vectors if window is None else window.memory.region.address
        raise ImageError(
            image.path,
            f"{part.name} finds no vector table at {begin:#010x}: its first instruction would be "
            f"at {entry:#010x}; the file begins at {lowest:#010x}",
            f"link the vector table to {begin:#010x}, or add what starts it from there",
        )


def _listed(memory_map: MemoryMap) -> str:
    return ", ".join(
        f"{window.memory.region.name} {window.begin:#010x}-{window.end - 1:#010x}"
        for window in memory_map.windows
    )
