/* SPDX-License-Identifier: MIT */
/*
 * Flash Patch and Breakpoint unit (FPB): fetch chosen words of flash from SRAM (version 1), or stop
 * at chosen instructions (versions 1 and 2).
 * Source: Armv7-M Architecture Reference Manual, DDI 0403E.e, C1.11.
 */
#ifndef FIRMWARE_FPB_H
#define FIRMWARE_FPB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "match.h"

#define FPB_MAX_CODE 8u /* instruction comparators we use: M3 and M4 have 6, M7 and M33 up to 8 */

/* CMSIS-Core has no type for the FPB, so this follows its naming. */
typedef struct {
    volatile uint32_t CTRL;    /* 0x000 FP_CTRL  */
    volatile uint32_t REMAP;   /* 0x004 FP_REMAP */
    volatile uint32_t COMP[8]; /* 0x008 FP_COMPn */
} FPB_Type;

_Static_assert(offsetof(FPB_Type, COMP) == 0x008, "FP_COMP0 offset, DDI 0403E.e C1.11");

#define FPB               ((FPB_Type *)0xE0002000u)
#define FPB_CTRL_KEY      (1u << 1)
#define FPB_CTRL_ENABLE   (1u << 0)
#define FPB_REMAP_RMPSPT  (1u << 29)
#define FPB_REMAP_ADDRESS 0x1FFFFFE0u /* bits [28:5] of the table's address */

#define FPB_CODE_REGION_END 0x20000000u /* version 1 holds no address bits above 28 */

struct fpb_state {
    uint32_t version;  /* 1: Armv7-M, 2: Armv8-M */
    uint32_t num_code; /* instruction comparators */
    uint32_t num_lit;  /* literal comparators, numbered after them */
    uint32_t remap;    /* FP_REMAP as read */
    uint32_t table;    /* the address it stands for */
    bool remaps;       /* this FPB can remap */
    bool enabled;
};

/* Forget every match of before the reset, then enable the unit with nothing to match. */
void fpb_start(void);

struct fpb_state fpb_state(void);

/* Return how many instruction comparators we may use: the part's, at most FPB_MAX_CODE. */
unsigned fpb_usable(void);

/* Return FP_COMPn. */
uint32_t fpb_comparator(unsigned n);

/*
 * Let the comparators of `off` (bit n: comparator n) match nothing any more, and comparator
 * `numbers[i]` match as `matches[i]` says: all of it between two instructions of everybody else.
 */
void fpb_set(uint32_t off, const unsigned *numbers, const struct match *matches, unsigned count);

/* Enable or disable the comparators of `mask` (bit n: comparator n), all of them at once. */
void fpb_enable(uint32_t mask, bool enable);

#endif
