/* SPDX-License-Identifier: MIT */
/*
 * Work for the emulator's speed: a tight loop, a loop of calls that can be patched, and one that
 * reads the word at `polled`.
 * `work` chooses; `rounds` counts.
 */
#include <stdint.h>

volatile uint32_t work;
volatile uint32_t rounds;
volatile uint32_t sum;
volatile uint32_t polled;

/* Four bytes each, aligned to four: one comparator replaces the whole function. */
#define REPLACEABLE(name, value)                                                                   \
    __attribute__((naked, noinline, aligned(4))) uint32_t name(void)                               \
    {                                                                                              \
        __asm volatile("movs r0, #" #value "\n\tbx lr");                                           \
    }

REPLACEABLE(first, 1)
REPLACEABLE(second, 2)
REPLACEABLE(third, 3)

static void tight(void)
{
    uint32_t left = 1000000u;
    __asm volatile("1: subs %0, #1\n\tbne 1b" : "+r"(left)::"cc");
}

static void calls(void)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < 1000u; i++) {
        total += first() + second() + third();
    }
    sum = total;
}

/* Stores too, or the emulator would only count the loop. */
static void polls(void)
{
    const volatile uint32_t *const word = (const volatile uint32_t *)polled;
    for (uint32_t i = 0; i < 1000u; i++) {
        sum = *word;
    }
}

void reset(void)
{
    for (;; rounds++) {
        if (work == 0u) {
            tight();
        } else if (work == 1u) {
            calls();
        } else {
            polls();
        }
    }
}

__attribute__((section(".vectors"), used)) static void *const vectors[] = {
    (void *)0x20005000u,
    (void *)reset,
};
