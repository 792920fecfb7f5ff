/* SPDX-License-Identifier: MIT */
/* The branch instruction B.W, encoding T4. Source: DDI 0597, B, encoding T4. */
#ifndef FIRMWARE_BRANCH_H
#define FIRMWARE_BRANCH_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Encode `b.w to` for execution at `from`; both are instruction addresses, bit 0 clear. The first
 * halfword is `*instruction`'s lower half, as the two lie in memory. False: out of its reach,
 * 16 MB either way.
 */
bool branch_encode(uint32_t from, uint32_t to, uint32_t *instruction);

#endif
