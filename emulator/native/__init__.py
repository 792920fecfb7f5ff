"""The part of the emulator that is C: it runs once per block of guest instructions."""
