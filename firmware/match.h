/* SPDX-License-Identifier: MIT */
/*
 * What to write into comparators and remap table. Pure: no register is touched here.
 * Source: DDI 0403E.e C1.11 (version 1). Version 2 is the one of Armv8-M.
 */
#ifndef FIRMWARE_MATCH_H
#define FIRMWARE_MATCH_H

#include <stdint.h>

struct match {
    uint32_t comp; /* FP_COMPn, its ENABLE set */
    uint32_t word; /* what is fetched instead, where it remaps */
};

#define MATCH_ENABLE 1u /* FP_COMPn.ENABLE in version 1, BE in version 2 */

/*
 * Let the first 32 bits of the function at `original` be `branch`. `own` is what flash holds at
 * the word of `original` and at the next one. Returns how many comparators that takes: two for a
 * function at address%4 == 2, since its 32 bits lie in two words; the other halves stay as they
 * are.
 */
unsigned match_branch(uint32_t original, uint32_t branch, const uint32_t own[2],
                      struct match matches[2]);

/* Let the halfword at `original` be a breakpoint, and the other half of its word what it is. */
struct match match_breakpoint(uint32_t version, uint32_t original);

#endif
