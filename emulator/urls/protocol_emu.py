"""pyserial's handler for emu:// URLs: an emulated board as a serial port.

    serial.protocol_handler_packages.append("emulator.urls")
    port = serial.serial_for_url("emu://stm32f103c8?pace=lockstep", timeout=1)

Each open port is a board of its own, switched on when the port is opened and off when it is closed.
"""

from collections.abc import Callable
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Self

from serial.serialutil import PortNotOpenError, SerialBase, SerialException

if TYPE_CHECKING:
    from emulator.link import Link


class Serial(SerialBase):
    """A port. Imports are late: pyserial reports an ImportError of this file as a bad URL."""

    _pace: Any = None
    _switches_off = True  # closing it does; also when it is forgotten, which io does by itself

    def open(self) -> None:
        """Switch the board on. SerialException says what is wrong with the URL or the firmware."""
        from emulator.errors import EmulatorError
        from emulator.urls.opening import open_board

        if self.is_open:
            raise SerialException("port is already open")
        try:
            self._pace = open_board(str(self.port), self._set_up())
        except EmulatorError as error:
            raise SerialException(str(error)) from error
        self.is_open = True

    @classmethod
    def over(cls, pace: Any) -> Self:
        """Return an open port to a board that is switched on already."""
        port = cls()
        port._pace, port.is_open, port._switches_off = pace, True, False
        return port

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            if self._switches_off:
                self._pace.close()

    def _set_up(self) -> "list[Callable[[Link], None]]":
        """Return what has the line as this port is set: before the board runs, for the same run."""
        lines = methodcaller("set_dtr", self.dtr), methodcaller("set_rts", self.rts)
        return [*self._framing(), *lines]

    def _framing(self) -> "list[Callable[[Link], None]]":
        """Return what takes over the rate and format that are set now."""
        framing = [methodcaller("set_format", self.bytesize, self.parity, self.stopbits)]
        if self.baudrate:  # 0 is a hang-up, which a virtual line has none of
            framing.append(methodcaller("set_baudrate", self.baudrate))
        return list(framing)

    def _reconfigure_port(self, force_update: bool = False) -> None:
        """Take over the baud rate and the format of the bytes."""
        del force_update
        if self.is_open:
            for setting in self._framing():
                self._tell(setting)

    @property
    def board(self) -> Any:
        """Return the board itself, in lockstep only: nothing else runs it."""
        return self._pace.board

    def read(self, size: int = 1) -> bytes:
        return bytes(self._try(lambda: self._pace.read(size, self.timeout)))

    def write(self, data: Any, /) -> int:
        content = bytes(data)
        self._tell(methodcaller("send", content))
        return len(content)

    def set_faults(self, plan: str, seed: int = 0) -> None:
        """Have faults on the line from now on, such as "flip:0.001"; "" for none."""
        from emulator.faults import FaultPlan

        faults = self._try(lambda: FaultPlan.parse(plan))
        self._tell(methodcaller("set_faults", faults, seed))

    def _tell(self, action: "Callable[[Link], None]") -> None:
        self._try(lambda: self._pace.tell(action))

    def _try(self, action: Any) -> Any:
        from emulator.errors import EmulatorError

        if not self.is_open:
            raise PortNotOpenError
        try:
            return action()
        except EmulatorError as error:
            raise SerialException(str(error)) from error

    @property
    def in_waiting(self) -> int:
        return int(self._try(lambda: self._pace.waiting))

    @property
    def out_waiting(self) -> int:
        return 0

    def flush(self) -> None:
        """Nothing is kept back: what was written is on the line."""

    def cancel_read(self) -> None:
        if self.is_open:
            self._pace.cancel_read()

    def reset_input_buffer(self) -> None:
        self._try(self._pace.discard_received)

    def reset_output_buffer(self) -> None:
        """Nothing is kept back."""

    def _update_dtr_state(self) -> None:
        self._tell(methodcaller("set_dtr", self.dtr))

    def _update_rts_state(self) -> None:
        self._tell(methodcaller("set_rts", self.rts))

    def _update_break_state(self) -> None:
        self._tell(methodcaller("set_break", self.break_condition))

    # What the board could drive is not wired; it reads as a plain three-wire adapter's does.

    cts = dsr = ri = cd = property(lambda _: False)
