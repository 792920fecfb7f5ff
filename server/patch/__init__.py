"""From the user's C source to bytes for one address of the board's memory.

source.py    which function is to be replaced
compile.py   C source to object file; `Toolchain`, the compiler and linker in use
link.py      object file to the bytes for an address
image.py     what the running firmware has: symbols and flash contents, from its ELF
original.py  the function a patch replaces, still callable: FPB_ORIGINAL
thumb.py     decodes the instructions that are moved for it, instruction.py says what they are
library.py   arithmetic helpers a patch may need and the firmware may lack
diagnostics.py  compiler messages as data
"""
