"""The workbench: puts a compiled C function on a board through a serial port, with proof."""
