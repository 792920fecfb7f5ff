/* SPDX-License-Identifier: MIT */
#include "probe.h"

extern const char probe_failed[];

/*
 * The barrier is inside: a store's fault may come after the store (imprecise), but not after dsb,
 * and must find the PC still here.
 */
#define IN_REGISTER __attribute__((unused)) /* r0, r1, r2: see the code */

__attribute__((naked)) bool probe_copy(IN_REGISTER volatile void *to,
                                       IN_REGISTER const volatile void *from,
                                       IN_REGISTER size_t width)
{
    __asm volatile("cmp r2, #2\n\t"
                   "beq 2f\n\t"
                   "bhi 4f\n\t"
                   "ldrb r3, [r1]\n\t"
                   "strb r3, [r0]\n\t"
                   "b 5f\n\t"
                   "2:\n\t"
                   "ldrh r3, [r1]\n\t"
                   "strh r3, [r0]\n\t"
                   "b 5f\n\t"
                   "4:\n\t"
                   "ldr r3, [r1]\n\t"
                   "str r3, [r0]\n\t"
                   "5:\n\t"
                   "dsb\n\t"
                   "isb\n\t"
                   "movs r0, #1\n\t"
                   "bx lr\n\t"
                   ".global probe_failed\n\t"
                   "probe_failed:\n\t"
                   "movs r0, #0\n\t"
                   "bx lr");
}

bool probe_recover(uint32_t pc, uint32_t *resume)
{
    uint32_t begin = (uint32_t)(uintptr_t)probe_copy & ~1u;
    uint32_t end = (uint32_t)(uintptr_t)probe_failed & ~1u;
    *resume = end;
    return pc >= begin && pc < end;
}
