/* SPDX-License-Identifier: MIT */
/*
 * Memory for patches: first fit between the blocks that are taken. The blocks are the slots' own
 * records, so there is no heap that a patch could damage, and a block cannot leak without its slot.
 */
#ifndef FIRMWARE_ARENA_H
#define FIRMWARE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy.h"

#define ARENA_ALIGNMENT POLICY_ALIGNMENT

struct arena_block {
    uint32_t offset; /* from the arena's start, a multiple of ARENA_ALIGNMENT */
    uint32_t size;   /* as asked for; 0: not taken */
};

/* Find the lowest place for `size` bytes (at least 1) beside the `count` blocks. */
bool arena_place(uint32_t capacity, const struct arena_block *blocks, size_t count, uint32_t size,
                 uint32_t *offset);

/* Return how many bytes no block occupies, in how many pieces ever. */
uint32_t arena_free(uint32_t capacity, const struct arena_block *blocks, size_t count);

#endif
