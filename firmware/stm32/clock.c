/* SPDX-License-Identifier: MIT */
/*
 * The PLL from the crystal; without one, from the internal oscillator; without a PLL, the internal
 * oscillator that the part starts with. What the PLL makes of it is the family's: `board_set_pll`.
 */
#include "clock.h"

#include <stdbool.h>

#include "board.h"
#include "device.h"

/* A turn of the loop takes about eight cycles. The crystal starts within some 2 ms, the PLL within
 * 0.3 ms: this gives each of them over 20 ms. */
#define MAX_TURNS (DEVICE_INTERNAL_HZ / 400u)

static uint32_t hz = DEVICE_INTERNAL_HZ;
static const char *source = DEVICE_INTERNAL;

static bool reaches(const volatile uint32_t *reg, uint32_t mask, uint32_t value)
{
    for (uint32_t turn = 0; turn < MAX_TURNS; turn++) {
        if ((*reg & mask) == value) {
            return true;
        }
    }
    return false;
}

void clock_start(void)
{
    RCC->CR |= RCC_CR_HSEON;
    bool has_hse = reaches(&RCC->CR, RCC_CR_HSERDY, RCC_CR_HSERDY);
    if (!has_hse) {
        RCC->CR &= ~RCC_CR_HSEON;
    }
    uint32_t pll_hz = board_set_pll(has_hse);
    RCC->CR |= RCC_CR_PLLON;
    if (!reaches(&RCC->CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) {
        return;
    }
    RCC->CFGR |= RCC_CFGR_SW_PLL; /* after reset, and until here, 0b00 */
    if (!reaches(&RCC->CFGR, RCC_CFGR_SWS, RCC_CFGR_SWS_PLL)) {
        RCC->CFGR &= ~RCC_CFGR_SW; /* a late switch would make every divisor wrong */
        return;
    }
    hz = pll_hz;
    source = has_hse ? "HSE" : DEVICE_INTERNAL;
}

uint32_t clock_hz(void)
{
    return hz;
}

const char *clock_source(void)
{
    return source;
}
