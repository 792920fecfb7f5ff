/* SPDX-License-Identifier: MIT */
/*
 * The vectors of DebugMonitor and HardFault. Where the monitor may not preempt (in a handler of
 * priority 0, with interrupts masked), a breakpoint is a HardFault with HFSR.DEBUGEVT. What is no
 * breakpoint of ours goes on to `fault_entry`.
 * Source: DDI 0403E.e C1.6 (debug events), B1.5 (priorities).
 */
#include <stdbool.h>

#include "cortex_m.h"
#include "frame.h"
#include "interrupts.h"
#include "slots.h"

/* Called by debugmon_entry alone. */
bool debugmon_redirect(struct frame *frame);

/* Keeps nothing and waits for nothing, so a HardFault that redirects may come in between. */
bool debugmon_redirect(struct frame *frame)
{
    uint32_t target = slots_monitored(frame->pc);
    if (target == 0) {
        return false;
    }
    SCB->HFSR = SCB_HFSR_DEBUGEVT; /* write 1 to clear: the next fault is to be told apart */
    SCB->DFSR = SCB_DFSR_BKPT;
    frame->pc = target & ~1u;
    return true;
}

/* Entry has stacked r0-r3 and r12, so these are free here, and the return restores them. */
__attribute__((naked)) void debugmon_entry(void)
{
    __asm volatile("tst lr, #4\n\t" /* which stack was in use */
                   "ite eq\n\t"
                   "mrseq r0, msp\n\t"
                   "mrsne r0, psp\n\t"
                   "push {r3, lr}\n\t"
                   "bl debugmon_redirect\n\t"
                   "pop {r3, lr}\n\t"
                   "cmp r0, #0\n\t"
                   "it ne\n\t"
                   "bxne lr\n\t"
                   "b fault_entry");
}

__attribute__((naked)) void hardfault_entry(void)
{
    __asm volatile("ldr r0, =0xE000ED2C\n\t" /* HFSR; DEBUGEVT is its bit 31 */
                   "ldr r0, [r0]\n\t"
                   "cmp r0, #0\n\t"
                   "bmi debugmon_entry\n\t"
                   "b fault_entry");
}
