/* SPDX-License-Identifier: MIT */
#include "arena.h"

static uint32_t round_up(uint32_t size)
{
    return (size + ARENA_ALIGNMENT - 1) & ~(ARENA_ALIGNMENT - 1);
}

static bool is_free(uint32_t offset, uint32_t size, const struct arena_block *blocks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t end = blocks[i].offset + round_up(blocks[i].size);
        if (blocks[i].size > 0 && offset < end && blocks[i].offset < offset + size) {
            return false;
        }
    }
    return true;
}

bool arena_place(uint32_t capacity, const struct arena_block *blocks, size_t count, uint32_t size,
                 uint32_t *offset)
{
    if (size == 0 || size > capacity) { /* also keeps every sum below far from overflow */
        return false;
    }
    /* The lowest free place starts where the arena does, or where a block ends. */
    bool found = false;
    for (size_t i = 0; i <= count; i++) {
        uint32_t start = i == count ? 0 : blocks[i].offset + round_up(blocks[i].size);
        if (i < count && blocks[i].size == 0) {
            continue;
        }
        if (start <= capacity - size && is_free(start, size, blocks, count) &&
            (!found || start < *offset)) {
            *offset = start;
            found = true;
        }
    }
    return found;
}

uint32_t arena_free(uint32_t capacity, const struct arena_block *blocks, size_t count)
{
    uint32_t taken = 0;
    for (size_t i = 0; i < count; i++) {
        taken += round_up(blocks[i].size);
    }
    return taken < capacity ? capacity - taken : 0;
}
