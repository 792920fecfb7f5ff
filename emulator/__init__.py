"""Emulated Cortex-M boards, with the Flash Patch and Breakpoint unit modelled word for word."""
