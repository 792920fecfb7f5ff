/* SPDX-License-Identifier: MIT */
/*
 * Where in a word a function begins. It decides how it is patched: a function at a word's upper
 * halfword has its first 32 bits in two words, and takes two comparators.
 */
#ifndef FIRMWARE_PARITY_H
#define FIRMWARE_PARITY_H

/* The function begins at address%4 == 0. */
#define AT_WORD __attribute__((aligned(4), noinline))

/* The function begins at address%4 == 2: its section is aligned to a word and begins with a
 * halfword that nobody runs, since assembler statements come before functions. Used as
 * AT_HALFWORD(name) type name(...). */
#define AT_HALFWORD(name)                                                                          \
    __asm__(".pushsection .text." #name ", \"ax\", %progbits\n\t"                                  \
            ".balign 4\n\t"                                                                        \
            "udf #0\n\t"                                                                           \
            ".popsection");                                                                        \
    __attribute__((section(".text." #name), noinline))

#endif
