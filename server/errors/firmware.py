"""What the board's firmware, or its Flash Patch unit, has no room or no way for."""

from collections.abc import Sequence

from server.errors.base import RequestError


class NoElfError(RequestError):
    """The request needs the firmware's ELF and none was given."""

    code = "no-elf"
    status = 409
    title = "No ELF of the firmware"

    def __init__(self, port: str | None = None) -> None:
        self.port = port
        of = f" for {port}" if port else ""
        super().__init__(f"no ELF is known{of}: connect with the ELF of the firmware it runs")

    def extra(self) -> dict[str, object]:
        return {"port": self.port}


class ElfError(RequestError):
    """The file given as ELF cannot be used."""

    code = "bad-elf"
    title = "ELF not usable"

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}")

    def extra(self) -> dict[str, object]:
        return {"path": self.path, "reason": self.reason}


class ImageMismatchError(RequestError):
    """The board runs another image than the ELF's."""

    code = "wrong-elf"
    status = 409
    title = "The ELF is not the board's firmware"

    def __init__(self, elf: str, difference: str) -> None:
        self.elf = elf
        self.difference = difference
        super().__init__(
            f"{elf} is not what the board runs ({difference}):"
            " connect with the ELF of the very build that was programmed"
        )

    def extra(self) -> dict[str, object]:
        return {"elf": self.elf, "difference": self.difference}


class UnknownSymbolError(RequestError):
    """The firmware has no function of that name that could be meant."""

    code = "unknown-symbol"
    status = 404
    title = "Unknown function"

    def __init__(
        self,
        name: str,
        close: Sequence[str] = (),
        reason: str = "the firmware has no such function",
    ) -> None:
        self.name = name
        self.close = list(close)
        self.reason = reason
        hint = f"; did you mean {' or '.join(self.close)}?" if self.close else ""
        super().__init__(f"{name}: {reason}{hint}")

    def extra(self) -> dict[str, object]:
        return {"name": self.name, "close": self.close, "reason": self.reason}


class NotPatchableError(RequestError):
    """The function exists and the FPB cannot redirect it."""

    code = "not-patchable"
    status = 422
    title = "Function cannot be patched"

    def __init__(self, name: str, address: int, reason: str) -> None:
        self.name = name
        self.address = address
        self.reason = reason
        super().__init__(f"{name} at 0x{address:08X} cannot be patched: {reason}")

    def extra(self) -> dict[str, object]:
        return {"name": self.name, "address": self.address, "reason": self.reason}


class NoFreeSlotError(RequestError):
    """No comparator is left for the patch, or the one asked for is taken."""

    code = "no-free-slot"
    status = 409
    title = "No free slot"

    def __init__(self, reason: str, slots: int, needed: int = 1) -> None:
        self.reason = reason
        self.slots = slots
        self.needed = needed
        super().__init__(f"{reason}: remove a patch first")

    def extra(self) -> dict[str, object]:
        return {"reason": self.reason, "slots": self.slots, "needed": self.needed}


class NoMemoryError(RequestError):
    """The board has no room for the patch."""

    code = "no-memory"
    status = 409
    title = "Patch too large for the board"

    def __init__(self, needed: int, free: int | None = None) -> None:
        self.needed = needed
        self.free = free
        has = "" if free is None else f", {free} are free"
        super().__init__(
            f"the patch needs {needed} bytes of the board's memory in one piece{has}:"
            " make it smaller, or remove another patch"
        )

    def extra(self) -> dict[str, object]:
        return {"needed": self.needed, "free": self.free}
