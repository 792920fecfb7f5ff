/* SPDX-License-Identifier: MIT */
#include "trampoline.h"

volatile uint32_t slot_targets[FPB_MAX_CODE];

/*
 * At a function's entry r0-r3 and the stack hold its arguments, lr its return address, r4-r11
 * belong to its caller. Only r12 is free (AAPCS, "intra-procedure-call scratch register"), and
 * ldr and bx leave the flags alone. The target is read at every call: one store retargets.
 */
#define TRAMPOLINE(n)                                                                              \
    __attribute__((naked, aligned(4))) void trampoline_##n(void);                                  \
    void trampoline_##n(void)                                                                      \
    {                                                                                              \
        __asm volatile("ldr.w r12, =slot_targets\n\t"                                              \
                       "ldr.w r12, [r12, #4 * " #n "]\n\t"                                         \
                       "bx r12");                                                                  \
    }

TRAMPOLINE(0)
TRAMPOLINE(1)
TRAMPOLINE(2)
TRAMPOLINE(3)
TRAMPOLINE(4)
TRAMPOLINE(5)
TRAMPOLINE(6)
TRAMPOLINE(7)

uint32_t trampoline_address(unsigned n)
{
    static void (*const trampolines[FPB_MAX_CODE])(void) = {
        trampoline_0, trampoline_1, trampoline_2, trampoline_3,
        trampoline_4, trampoline_5, trampoline_6, trampoline_7,
    };
    return (uint32_t)(uintptr_t)trampolines[n] & ~1u;
}
