/* SPDX-License-Identifier: MIT */
#include "boot.h"

#include <stdbool.h>

#include "cortex_m.h"
#include "part.h"
#include "tick.h"

#define STEP        0x9E3779B9u /* odd, so 2^32 resets go by before a number comes back */
#define HASH_PRIME  0x01000193u /* FNV-1a's */
#define HASHED_SIZE 1024u       /* bytes of the arena: most of them come up the same, some do not */

static struct {
    uint32_t id;
    uint32_t inverse; /* ~id: it was put here, and not by power-up */
} boot __attribute__((section(".noinit")));

static bool is_cold;

static void set(uint32_t id)
{
    boot.id = id;
    boot.inverse = ~id;
}

static uint32_t mix(uint32_t hash, uint32_t word)
{
    return (hash ^ word) * HASH_PRIME;
}

void boot_start(void)
{
    is_cold = boot.inverse != ~boot.id;
    if (!is_cold) {
        set(boot.id + STEP);
        return;
    }
    const volatile uint32_t *word = (const volatile uint32_t *)(uintptr_t)part_arena().address;
    uint32_t hash = STEP;
    for (uint32_t i = 0; i < HASHED_SIZE / 4; i++) {
        hash = mix(hash, word[i]);
    }
    set(hash);
}

void boot_heard(void)
{
    if (is_cold) {
        is_cold = false;
        set(mix(mix(boot.id, tick_ms()), SysTick->VAL));
    }
}

uint32_t boot_id(void)
{
    return boot.id;
}
