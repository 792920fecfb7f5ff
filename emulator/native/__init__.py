"""The part of the emulator that is C: what runs once per block, and once per usual exception."""
