/* SPDX-License-Identifier: MIT */
/* 168 MHz, from an 8 MHz crystal or from the internal oscillator, 16 MHz. */
#include "board.h"
#include "device.h"

uint32_t board_set_pll(bool has_hse)
{
    /* Five wait states above 150 MHz, set before the clock rises; APB1 stays at or below 42 MHz,
     * APB2 at 84 MHz. VOS, which 168 MHz need, is on after reset. */
    FLASH->ACR = FLASH_ACR_PRFTEN | FLASH_ACR_ICEN | FLASH_ACR_DCEN | FLASH_ACR_LATENCY_5WS;
    RCC->CFGR = RCC_CFGR_PPRE1_DIV4 | RCC_CFGR_PPRE2_DIV2;
    /* What comes into the PLL is divided to 1 MHz, multiplied by 336, and halved. */
    RCC->PLLCFGR =
        RCC_PLLCFGR_PLLN(336u) | RCC_PLLCFGR_PLLP_DIV2 | RCC_PLLCFGR_PLLQ(7u) |
        (has_hse ? RCC_PLLCFGR_PLLSRC_HSE | RCC_PLLCFGR_PLLM(8u) : RCC_PLLCFGR_PLLM(16u));
    return 168000000u;
}
