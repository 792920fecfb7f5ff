/* SPDX-License-Identifier: MIT */
#include "fpb.h"

#include "cortex_m.h"

/* FP_REMAP takes address bits [28:5], so the table is aligned to 32 bytes: a word per comparator.
 */
_Alignas(32) static volatile uint32_t remap_table[8];

void fpb_start(void)
{
    struct fpb_state state = fpb_state();
    FPB->CTRL = FPB_CTRL_KEY; /* disabled first: a reset need not have cleared the comparators */
    for (unsigned n = 0; n < state.num_code + state.num_lit && n < 8; n++) {
        FPB->COMP[n] = 0;
    }
    FPB->REMAP = (uint32_t)(uintptr_t)remap_table;
    FPB->CTRL = FPB_CTRL_KEY | FPB_CTRL_ENABLE;
    cortex_m_barrier();
}

struct fpb_state fpb_state(void)
{
    uint32_t ctrl = FPB->CTRL;
    uint32_t remap = FPB->REMAP;
    uint32_t version = (ctrl >> 28) + 1;
    return (struct fpb_state){
        .version = version,
        .num_code = (ctrl >> 8 & 0x70u) | (ctrl >> 4 & 0xFu), /* NUM_CODE[6:4], NUM_CODE[3:0] */
        .num_lit = ctrl >> 8 & 0xFu,
        .remap = remap,
        .table = 0x20000000u | (remap & FPB_REMAP_ADDRESS),
        .remaps = version == 1 && (remap & FPB_REMAP_RMPSPT) != 0,
        .enabled = (ctrl & FPB_CTRL_ENABLE) != 0,
    };
}

unsigned fpb_usable(void)
{
    uint32_t num_code = fpb_state().num_code;
    return num_code < FPB_MAX_CODE ? num_code : FPB_MAX_CODE;
}

uint32_t fpb_comparator(unsigned n)
{
    return FPB->COMP[n];
}

/* Both comparators of a pair change between two instructions of everybody else: an interrupt that
 * calls the function meets all of its first 32 bits old, or all of them new. The table is written
 * first, since the comparator reads it at each match. */
void fpb_set(uint32_t off, const unsigned *numbers, const struct match *matches, unsigned count)
{
    uint32_t primask = cortex_m_mask();
    for (unsigned n = 0; n < FPB_MAX_CODE; n++) {
        if ((off >> n & 1u) != 0) {
            FPB->COMP[n] = 0;
        }
    }
    for (unsigned i = 0; i < count; i++) {
        remap_table[numbers[i]] = matches[i].word;
    }
    cortex_m_barrier();
    for (unsigned i = 0; i < count; i++) {
        FPB->COMP[numbers[i]] = matches[i].comp;
    }
    cortex_m_barrier(); /* in effect before an interrupt can run */
    cortex_m_unmask(primask);
}

void fpb_enable(uint32_t mask, bool enable)
{
    uint32_t primask = cortex_m_mask();
    for (unsigned n = 0; n < FPB_MAX_CODE; n++) {
        if ((mask >> n & 1u) != 0) {
            uint32_t comp = FPB->COMP[n] & ~MATCH_ENABLE;
            FPB->COMP[n] = comp | (enable ? MATCH_ENABLE : 0);
        }
    }
    cortex_m_barrier();
    cortex_m_unmask(primask);
}
