"""Memory-mapped registers, declared the way the manuals tabulate them.

A `Register` subclass is one row of a register summary. Each `Field(high, low, access)` on it is one
row of that register's bit table. Bits that no field names are reserved: software reads them as
zero and cannot change them.
"""

import enum
import logging
from typing import ClassVar, Self, overload

WORD_MASK = 0xFFFF_FFFF
unimplemented = logging.getLogger("emulator.unimplemented")  # the model lacks it


class Access(enum.Enum):
    """What software may do to a field, in the abbreviations ST's manuals use."""

    RW = "rw"
    RO = "r"  # a write has no effect
    WO = "w"  # reads as zero
    RC_W0 = "rc_w0"  # writing 0 clears, writing 1 has no effect
    RC_W1 = "rc_w1"  # writing 1 clears, writing 0 has no effect
    RC_R = "rc_r"  # reading clears


class Field:
    """Bits `high` down to `low` of a register, both inclusive."""

    def __init__(self, high: int, low: int, access: Access = Access.RW) -> None:
        self.name = "?"  # filled in by __set_name__
        self.low = low
        self.width = high - low + 1
        self.mask = (1 << high + 1) - (1 << low)
        self.access = access

    def __set_name__(self, owner: type["Register"], name: str) -> None:
        self.name = name

    @overload
    def __get__(self, register: None, owner: type["Register"]) -> Self: ...
    @overload
    def __get__(self, register: "Register", owner: type["Register"]) -> int: ...
    def __get__(self, register: "Register | None", owner: type["Register"]) -> Self | int:
        return self if register is None else (register.word & self.mask) >> self.low

    def __set__(self, register: "Register", value: int) -> None:
        if value < 0 or value >> self.width:
            raise ValueError(f"{value:#x} does not fit {self.name}, {self.width} bits")
        register.word = register.word & ~self.mask | value << self.low

    def of(self, word: int) -> int:
        """Extract this field from a whole register word."""
        return (word & self.mask) >> self.low


class Unmodelled(Field):
    """A field that is stored and has no effect. A program that changes it is told, once."""


class Register:
    """One 32-bit register.

    Field attributes (`csr.ENABLE = 1`) are the hardware's side and ignore `access`. `read` and
    `write` are the software's side and obey it.
    """

    _bits: ClassVar[dict[Access, int]] = dict.fromkeys(Access, 0)
    _readable: ClassVar[int] = 0
    _stored: ClassVar[int] = 0
    _cleared_by_read: ClassVar[int] = 0
    _unmodelled: ClassVar[int] = 0
    _fields: ClassVar[tuple[Field, ...]] = ()

    def __init_subclass__(cls) -> None:
        named = {
            name: value for base in reversed(cls.__mro__) for name, value in vars(base).items()
        }
        cls._fields = tuple(value for value in named.values() if isinstance(value, Field))
        cls._bits = dict.fromkeys(Access, 0)
        for field in cls.fields():
            if field.mask >> 32 or any(field.mask & bits for bits in cls._bits.values()):
                raise TypeError(f"{cls.__name__}.{field.name} overlaps or passes bit 31")
            cls._bits[field.access] |= field.mask
        cls._unmodelled = sum(field.mask for field in cls.unmodelled())
        cls._readable = WORD_MASK & ~cls._bits[Access.WO]
        cls._cleared_by_read = cls._bits[Access.RC_R]
        cls._stored = cls._bits[Access.RW] | cls._bits[Access.WO]

    def __init__(self, reset: int = 0) -> None:
        self._reset = reset
        self.word = reset
        self._told = 0  # unmodelled bits that a program has been told of

    @classmethod
    def fields(cls) -> tuple[Field, ...]:
        """Return all fields, in the manual's order; what a subclass adds or changes comes last."""
        return cls._fields

    @classmethod
    def unmodelled(cls) -> list[Unmodelled]:
        """Return the fields without effect, in the manual's order."""
        return [field for field in cls.fields() if isinstance(field, Unmodelled)]

    @classmethod
    def manual_name(cls) -> str:
        """Return the name the manual gives it: the first word of the docstring."""
        return (cls.__doc__ or cls.__name__).split(",")[0]

    def reset(self) -> None:
        self.word = self._reset

    def read(self) -> int:
        word = self.word
        if word & self._cleared_by_read:
            self.word = word & ~self._cleared_by_read
        return word & self._readable

    def write(self, word: int) -> None:
        cleared = word & self._bits[Access.RC_W1] | ~word & self._bits[Access.RC_W0]
        before, stored = self.word, self._stored
        self.word = (before & ~stored | word & stored) & ~cleared
        if (self.word ^ before) & self._unmodelled:
            self._tell((self.word ^ before) & ~self._told)

    def _tell(self, changed: int) -> None:
        for field in self.unmodelled():
            if field.mask & changed:
                self._told |= field.mask
                unimplemented.warning("%s.%s has no effect", self.manual_name(), field.name)

    def merge(self, word: int, lanes: int) -> int:
        """Return the word to `write` so that only the bits of `lanes` take the value of `word`."""
        kept = self.word & self._bits[Access.RW] | self._bits[Access.RC_W0]
        return word & lanes | kept & ~lanes
