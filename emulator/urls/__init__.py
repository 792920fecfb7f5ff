"""Handlers that pyserial finds: append this package's name to `serial.protocol_handler_packages`.

pyserial looks for `protocol_<scheme>` in it, so `emu://…` becomes protocol_emu.py.
"""
