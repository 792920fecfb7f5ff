/* SPDX-License-Identifier: MIT */
/* 110 MHz, from an 8 MHz crystal or from MSI, 4 MHz. */
#include "board.h"
#include "device.h"

uint32_t board_set_pll(bool has_hse)
{
    /* Voltage range 0 first, then five wait states: what 110 MHz need. */
    RCC->APB1ENR1 |= RCC_APB1ENR1_PWREN;
    (void)RCC->APB1ENR1; /* the clock is on two cycles later */
    PWR->CR1 &= ~PWR_CR1_VOS;
    while ((PWR->SR2 & PWR_SR2_VOSF) != 0) {
    }
    FLASH->ACR = FLASH_ACR_LATENCY_5WS;
    while ((FLASH->ACR & FLASH_ACR_LATENCY) != FLASH_ACR_LATENCY_5WS) {
    }
    /* What comes into the PLL is divided to 4 MHz, multiplied by 55, and halved. */
    RCC->PLLCFGR = RCC_PLLCFGR_PLLREN | RCC_PLLCFGR_PLLR_DIV2 | RCC_PLLCFGR_PLLN(55u) |
                   (has_hse ? RCC_PLLCFGR_PLLSRC_HSE | RCC_PLLCFGR_PLLM(2u)
                            : RCC_PLLCFGR_PLLSRC_MSI | RCC_PLLCFGR_PLLM(1u));
    return 110000000u;
}
