"""The loader that runs on the board, in C, and the script that builds it."""
