/* SPDX-License-Identifier: MIT */
/*
 * Trampolines: one per comparator, in flash. A B.W that replaces a function's first instruction
 * reaches 16 MB and SRAM is further; a trampoline is near, and jumps anywhere.
 */
#ifndef FIRMWARE_TRAMPOLINE_H
#define FIRMWARE_TRAMPOLINE_H

#include <stdint.h>

#include "fpb.h"

/* Where trampoline n jumps to: an address with its Thumb bit. */
extern volatile uint32_t slot_targets[FPB_MAX_CODE];

/* Return the address of trampoline `n`, Thumb bit clear. */
uint32_t trampoline_address(unsigned n);

#endif
