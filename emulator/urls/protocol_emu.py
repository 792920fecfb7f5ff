"""pyserial's handler for emu:// URLs: an emulated board as a serial port.

    serial.protocol_handler_packages.append("emulator.urls")
    port = serial.serial_for_url("emu://stm32f103c8?pace=lockstep", timeout=1)

Each open port is a board of its own, switched on when the port is opened and off when it is closed.
"""

from typing import Any

from serial.serialutil import PortNotOpenError, SerialBase, SerialException


class Serial(SerialBase):
    """A port. Imports are late: pyserial reports an ImportError of this file as a bad URL."""

    _pace: Any = None

    def open(self) -> None:
        """Switch the board on. SerialException says what is wrong with the URL or the firmware."""
        from emulator.errors import EmulatorError
        from emulator.urls.opening import open_board

        if self.is_open:
            raise SerialException("port is already open")
        try:
            self._pace = open_board(str(self.port))
        except EmulatorError as error:
            raise SerialException(str(error)) from error
        self._reconfigure_port()
        self.is_open = True

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            self._pace.close()

    def _reconfigure_port(self, force_update: bool = False) -> None:
        """Take over the baud rate; parity and stop bits are not modelled."""
        del force_update
        if self._pace is not None and self.baudrate:
            self._pace.set_baudrate(self.baudrate)

    @property
    def board(self) -> Any:
        """Return the board itself, in lockstep only: nothing else runs it."""
        return self._pace.board

    def read(self, size: int = 1) -> bytes:
        return bytes(self._try(lambda: self._pace.read(size, self.timeout)))

    def write(self, data: Any, /) -> int:
        content = bytes(data)
        self._try(lambda: self._pace.write(content))
        return len(content)

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

    # Modem lines are not wired; they read as a plain three-wire adapter's do.

    def _update_dtr_state(self) -> None:
        """DTR is not wired."""

    def _update_rts_state(self) -> None:
        """RTS is not wired."""

    def _update_break_state(self) -> None:
        """Break is not modelled."""

    cts = dsr = ri = cd = property(lambda _: False)
