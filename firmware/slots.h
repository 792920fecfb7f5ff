/* SPDX-License-Identifier: MIT */
/*
 * Slots: comparator n, the function it redirects, and the memory of its patch.
 *
 * A function at address%4 == 0 takes one slot. At address%4 == 2 its first 32 bits lie in two
 * words, so it takes two: the first holds the patch, the second only its comparator ("pair").
 */
#ifndef FIRMWARE_SLOTS_H
#define FIRMWARE_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "fpb.h"

#define SLOTS_ALL UINT32_MAX /* instead of a slot's number: every slot */

enum slots_result {
    SLOTS_OK,
    SLOTS_NO_SUCH_SLOT,
    SLOTS_NO_REMAP,         /* this FPB cannot remap */
    SLOTS_INVALID_ORIGINAL, /* no instruction that a comparator can match */
    SLOTS_INVALID_TARGET,   /* not Thumb code in the allocation, or in the slot's own memory */
    SLOTS_IN_USE,           /* the slot holds another function */
    SLOTS_ALREADY_PATCHED,  /* another slot holds this function */
    SLOTS_WORD_TAKEN,       /* another slot matches a word that this function needs */
    SLOTS_NO_PAIR,          /* two comparators needed, one free */
    SLOTS_EMPTY,
};

struct slot {
    uint32_t original; /* address of the function, Thumb bit clear; 0: the slot is empty */
    unsigned first;    /* the slot that holds the patch: this one, or the first of the pair */
    uint32_t mask;     /* the comparators of this patch, bit n: comparator n */
};

/* Return slot `n`, below `slots_count()`. */
const struct slot *slots_get(unsigned n);
unsigned slots_count(void);

/* Return the memory of slot `n`'s patch. */
struct arena_block slots_memory(unsigned n);

/* Reserve `size` bytes for the next patch; an earlier reservation that no patch took is freed. */
bool slots_allocate(uint32_t size, uint32_t *address);

/* Return the reservation as address and size; size 0: there is none. */
struct arena_block slots_allocation(void);
void slots_free_allocation(void);

/* Return how many bytes patches and reservation asked for, and how many are left. */
uint32_t slots_used_bytes(void);
uint32_t slots_free_bytes(void);

/*
 * Redirect the function at `original` to `target`. A patched function in its own slot is
 * retargeted. `*other`: the slot in the way, after SLOTS_ALREADY_PATCHED and SLOTS_WORD_TAKEN.
 */
enum slots_result slots_patch(unsigned n, uint32_t original, uint32_t target, unsigned *other);

/* Switch one slot, or SLOTS_ALL; `*count`: patches switched. A pair is switched by either. */
enum slots_result slots_enable(uint32_t n, bool enable, unsigned *count);

/* Take back one slot's patch and free its memory, or everything's with SLOTS_ALL. */
enum slots_result slots_unpatch(uint32_t n);

#endif
