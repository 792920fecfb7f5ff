/* SPDX-License-Identifier: MIT */
/*
 * Work for the emulator's registers: read the word at `polled` again and again; `rounds` counts.
 * Stores too, or the emulator would only count the loop.
 */
#include <stdint.h>

volatile uint32_t rounds;
volatile uint32_t sum;
volatile uint32_t polled;

void reset(void)
{
    for (;; rounds++) {
        const volatile uint32_t *const word = (const volatile uint32_t *)polled;
        for (uint32_t i = 0; i < 1000u; i++) {
            sum = *word;
        }
    }
}

__attribute__((section(".vectors"), used)) static void *const vectors[] = {
    (void *)0x20005000u,
    (void *)reset,
};
