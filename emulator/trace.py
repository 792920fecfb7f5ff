"""The trace of a run: a hash over what happened and when. Equal runs have equal hashes.

What counts: each timer's expiry and each exception taken, at the number of instructions retired;
each byte on the line, at its virtual time. How the run was cut into calls leaves no trace.
"""

import enum
import hashlib
import struct

RECORD = struct.Struct("<BQQ")
FOLD_BYTES = 256 * RECORD.size  # records between two rounds of hashing, which costs more than they
HASH_BYTES = 16
U64 = 0xFFFF_FFFF_FFFF_FFFF


class Happening(enum.IntEnum):
    """What a record is of; with what it holds beside the time."""

    TIMER = 0  # when it was due
    EXCEPTION = 1  # its number
    TO_BOARD = 2  # the byte, and its errors above
    FROM_BOARD = 3


class Trace:
    """Everything noted so far, as a hash and the records behind it."""

    def __init__(self) -> None:
        self._hash = bytes(HASH_BYTES)
        self._records = bytearray()

    def note(self, happening: Happening, what: int, when: int) -> None:
        self._records += RECORD.pack(happening, what & U64, when)  # a time may have passed
        if len(self._records) == FOLD_BYTES:
            self._hash = self.digest()
            self._records.clear()

    def digest(self, *more: bytes | memoryview) -> bytes:
        """Return the hash of everything noted, and of more that belongs to it."""
        digest = hashlib.blake2b(self._hash, digest_size=HASH_BYTES)
        for data in (self._records, *more):
            digest.update(data)
        return digest.digest()

    def state(self) -> tuple[bytes, bytes]:
        """Return everything that `restore` needs, as plain values."""
        return (self._hash, bytes(self._records))

    def restore(self, state: tuple[bytes, bytes]) -> None:
        self._hash, self._records = state[0], bytearray(state[1])
