/* SPDX-License-Identifier: MIT */
/*
 * Slots: comparator n, the function it redirects, and the memory of its patch.
 *
 * A branch in place of a function at address%4 == 0 takes one slot. At address%4 == 2 the first 32
 * bits lie in two words, so it takes two: the first holds the patch, the second only its comparator
 * ("pair"). A breakpoint takes one slot anywhere.
 */
#ifndef FIRMWARE_SLOTS_H
#define FIRMWARE_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "fpb.h"

#define SLOTS_ALL UINT32_MAX /* instead of a slot's number: every slot */

enum slots_mode {
    SLOTS_TRAMPOLINE, /* a branch to the slot's trampoline, which jumps to the patch */
    SLOTS_DIRECT,     /* a branch to the target itself */
    SLOTS_DEBUGMON,   /* a breakpoint, and the DebugMonitor */
};

enum slots_result {
    SLOTS_OK,
    SLOTS_NO_SUCH_SLOT,
    SLOTS_NO_REMAP,         /* this FPB cannot remap */
    SLOTS_INVALID_ORIGINAL, /* no instruction that a comparator can match */
    SLOTS_INVALID_TARGET,   /* not Thumb code in the allocation, or in the slot's own memory;
                               for SLOTS_DIRECT also in flash */
    SLOTS_OUT_OF_REACH,     /* no branch at the original reaches the target */
    SLOTS_DEBUGGER,         /* a debugger is attached, and breakpoints are its own */
    SLOTS_NO_MONITOR,       /* the DebugMonitor cannot be enabled */
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
    enum slots_mode mode;
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
 * redirected anew, whatever the two modes: a call meets the old patch or the new one.
 * `*other`: the slot in the way, after SLOTS_ALREADY_PATCHED and SLOTS_WORD_TAKEN.
 */
enum slots_result slots_patch(enum slots_mode mode, unsigned n, uint32_t original, uint32_t target,
                              unsigned *other);

/* Return where a breakpoint at `pc` leads, with its Thumb bit; 0: it is none of ours. */
uint32_t slots_monitored(uint32_t pc);

/* Switch one slot, or SLOTS_ALL; `*count`: patches switched. A pair is switched by either. */
enum slots_result slots_enable(uint32_t n, bool enable, unsigned *count);

/* Take back one slot's patch and free its memory, or everything's with SLOTS_ALL. */
enum slots_result slots_unpatch(uint32_t n);

#endif
