"""What a firmware was built for: its ELF file's build attributes, as data.

Pure. Sources: the build attributes' names and numbers as LLVM's ARMBuildAttributes.h lists them
(LLVM 23 reference, namespace llvm::ARMBuildAttrs). Read by hand: pyelftools does not end on some
damaged files.
"""

from dataclasses import dataclass
from typing import Final

OLD = ("before v4", "v4", "v4T", "v5T", "v5TE", "v5TEJ", "v6", "v6KZ", "v6T2", "v6K")
NEW = ("v7", "v6-M", "v6S-M", "v7E-M", "v8-A", "v8-R", "v8-M.base", "v8-M.main")
ARCHITECTURES: Final = {**dict(enumerate(OLD + NEW)), 21: "v8.1-M.main", 22: "v9-A"}
V7 = 10  # v7-M where the profile says so
FP_ARCHITECTURES: Final = dict(
    enumerate(
        ("", "VFPv1", "VFPv2", "VFPv3", "VFPv3-D16", "VFPv4", "VFPv4-D16", "Armv8-FP", "FPv5-D16")
    )
)
FPV4, FPV5 = 6, 8
MAX_BITS = 20  # of a number here; a profile is a character


@dataclass(frozen=True, slots=True)
class Target:
    """What an ELF file says it was built for; None and "" where it does not."""

    cpu: str = ""  # Tag_CPU_name
    architecture: int | None = None  # Tag_CPU_arch
    profile: str = ""  # Tag_CPU_arch_profile: A, R, M or S
    fp_architecture: int = 0  # Tag_FP_arch
    is_hard_float: bool = False  # arguments travel in floating-point registers

    def __str__(self) -> str:
        number = self.architecture
        name = "unknown" if number is None else f"Arm{ARCHITECTURES.get(number, f' {number}')}"
        if number == V7 and self.profile:
            name += f"-{self.profile}"
        cpu = f"{self.cpu}, {name}" if self.cpu else name
        if not self.is_hard_float:
            return cpu
        return f"{cpu}, hard-float {FP_ARCHITECTURES.get(self.fp_architecture, '')}".rstrip()


FORMAT = b"A"  # of the section, which holds one part per vendor
VENDOR = b"aeabi\0"
FILE = 1  # the tag of attributes that go for the whole file
CPU_RAW_NAME, CPU_NAME, CPU_ARCH, CPU_ARCH_PROFILE, FP_ARCH = 4, 5, 6, 7, 10
ABI_VFP_ARGS, COMPATIBILITY = 28, 32


def target_of(attributes: bytes, is_hard_float: bool) -> Target:
    """Read the section .ARM.attributes; what is damaged says nothing."""
    numbers: dict[int, int] = {}
    texts: dict[int, str] = {}
    try:
        reader = _Reader(_file_attributes(attributes))
        while not reader.is_at_end:
            tag = reader.number()
            if tag != COMPATIBILITY and not _is_text(tag):
                numbers[tag] = reader.number()
                continue
            if tag == COMPATIBILITY:
                reader.number()
            texts[tag] = reader.text()
    except ValueError:
        return Target(is_hard_float=is_hard_float)
    profile = chr(numbers.get(CPU_ARCH_PROFILE, 0))
    return Target(
        cpu=texts.get(CPU_NAME, ""),
        architecture=numbers.get(CPU_ARCH),
        profile=profile if profile in "ARMS" else "",
        fp_architecture=numbers.get(FP_ARCH, 0),
        is_hard_float=is_hard_float or numbers.get(ABI_VFP_ARGS) == 1,
    )


def _file_attributes(section: bytes) -> bytes:
    """Return the first part that the ABI defines: lengths and a vendor's name come before it."""
    length = int.from_bytes(section[1:5], "little")
    part = section[5 : 1 + length]
    if not section.startswith(FORMAT) or not part.startswith(VENDOR + bytes([FILE])):
        return b""
    at = len(VENDOR)
    size = int.from_bytes(part[at + 1 : at + 5], "little")
    return part[at + 5 : at + size]


def _is_text(tag: int) -> bool:
    """Whether a tag's value is a string: odd tags from 32 on, and two before."""
    return tag in {CPU_RAW_NAME, CPU_NAME} or (tag > COMPATIBILITY and tag % 2 == 1)


class _Reader:
    """Reads ULEB128 numbers and strings that end in a 0. ValueError where there is none."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def is_at_end(self) -> bool:
        return self._at >= len(self._data)

    def number(self) -> int:
        number = shift = 0
        while not self.is_at_end and shift < MAX_BITS:
            byte = self._data[self._at]
            self._at += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number
        raise ValueError

    def text(self) -> str:
        end = self._data.index(0, self._at)
        text = self._data[self._at : end].decode("ascii", "replace")
        self._at = end + 1
        return text
