/* SPDX-License-Identifier: MIT */
/*
 * 72 MHz from an 8 MHz crystal (HSE x 9); without one, 64 MHz from the internal oscillator
 * (HSI / 2 x 16); without a PLL, the 8 MHz the part starts with.
 */
#include "clock.h"

#include <stdbool.h>

#include "stm32f103.h"

#define HSI_HZ 8000000u
#define HSE_HZ 8000000u

/* At 8 MHz a turn of the loop takes about 1 us. The crystal starts within some 2 ms, the PLL
 * within 0.2 ms: this gives each of them over 20 ms. */
#define MAX_TURNS 20000u

static uint32_t hz = HSI_HZ;
static const char *source = "HSI";

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
    /* Two wait states above 48 MHz, set before the clock rises; APB1 stays at or below 36 MHz. */
    FLASH->ACR = (FLASH->ACR & ~FLASH_ACR_LATENCY) | FLASH_ACR_PRFTBE | 2u;
    uint32_t cfgr =
        (RCC->CFGR & ~(RCC_CFGR_PPRE1 | RCC_CFGR_PLLMULL | RCC_CFGR_PLLXTPRE | RCC_CFGR_PLLSRC)) |
        RCC_CFGR_PPRE1_DIV2;

    RCC->CR |= RCC_CR_HSEON;
    bool has_hse = reaches(&RCC->CR, RCC_CR_HSERDY, RCC_CR_HSERDY);
    if (has_hse) {
        cfgr |= RCC_CFGR_PLLSRC | RCC_CFGR_PLLMUL(9u);
    } else {
        RCC->CR &= ~RCC_CR_HSEON;
        cfgr |= RCC_CFGR_PLLMUL(16u);
    }
    RCC->CFGR = cfgr;

    RCC->CR |= RCC_CR_PLLON;
    if (!reaches(&RCC->CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) {
        return;
    }
    RCC->CFGR = cfgr | RCC_CFGR_SW_PLL;
    if (!reaches(&RCC->CFGR, RCC_CFGR_SWS, RCC_CFGR_SWS_PLL)) {
        RCC->CFGR = cfgr; /* back to HSI: a late switch would make every divisor wrong */
        return;
    }
    hz = has_hse ? HSE_HZ * 9u : HSI_HZ / 2u * 16u;
    source = has_hse ? "HSE" : "HSI";
}

uint32_t clock_hz(void)
{
    return hz;
}

const char *clock_source(void)
{
    return source;
}
