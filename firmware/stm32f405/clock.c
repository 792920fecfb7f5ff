/* SPDX-License-Identifier: MIT */
/*
 * 168 MHz by the PLL, from an 8 MHz crystal, or from the internal oscillator where there is none;
 * without a PLL, the 16 MHz the part starts with.
 */
#include "clock.h"

#include <stdbool.h>

#include "stm32f405.h"

#define HSI_HZ 16000000u
#define PLL_HZ 168000000u

/* At 16 MHz a turn of the loop takes about 0.5 us; the crystal starts within some 2 ms, the PLL
 * within 0.3 ms. */
#define MAX_TURNS 40000u

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
    /* What comes into the PLL is divided to 1 MHz, multiplied by 336, and halved. Five wait states
     * above 150 MHz, set before the clock rises; APB1 stays at or below 42 MHz, APB2 at 84 MHz.
     * VOS, which 168 MHz need, is on after reset. */
    uint32_t pll = RCC_PLLCFGR_PLLN(336u) | RCC_PLLCFGR_PLLP_DIV2 | RCC_PLLCFGR_PLLQ(7u);
    uint32_t cfgr = RCC_CFGR_PPRE1_DIV4 | RCC_CFGR_PPRE2_DIV2;

    RCC->CR |= RCC_CR_HSEON;
    bool has_hse = reaches(&RCC->CR, RCC_CR_HSERDY, RCC_CR_HSERDY);
    if (has_hse) {
        pll |= RCC_PLLCFGR_PLLSRC_HSE | RCC_PLLCFGR_PLLM(8u);
    } else {
        RCC->CR &= ~RCC_CR_HSEON;
        pll |= RCC_PLLCFGR_PLLM(16u);
    }
    RCC->PLLCFGR = pll;
    RCC->CR |= RCC_CR_PLLON;
    if (!reaches(&RCC->CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) {
        return;
    }
    FLASH->ACR = FLASH_ACR_PRFTEN | FLASH_ACR_ICEN | FLASH_ACR_DCEN | FLASH_ACR_LATENCY_5WS;
    RCC->CFGR = cfgr;
    RCC->CFGR = cfgr | RCC_CFGR_SW_PLL;
    if (!reaches(&RCC->CFGR, RCC_CFGR_SWS, RCC_CFGR_SWS_PLL)) {
        RCC->CFGR = 0; /* back to HSI: a late switch would make every divisor wrong */
        return;
    }
    hz = PLL_HZ;
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
