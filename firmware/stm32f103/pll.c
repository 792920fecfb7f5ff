/* SPDX-License-Identifier: MIT */
/* 72 MHz from an 8 MHz crystal (HSE x 9), or 64 MHz from the internal oscillator (HSI / 2 x 16). */
#include "board.h"
#include "device.h"

#define HSE_HZ 8000000u

uint32_t board_set_pll(bool has_hse)
{
    /* Two wait states above 48 MHz, set before the clock rises; APB1 stays at or below 36 MHz. */
    FLASH->ACR = (FLASH->ACR & ~FLASH_ACR_LATENCY) | FLASH_ACR_PRFTBE | 2u;
    uint32_t cfgr = RCC->CFGR;
    cfgr &= ~(RCC_CFGR_PPRE1 | RCC_CFGR_PLLMULL | RCC_CFGR_PLLXTPRE | RCC_CFGR_PLLSRC);
    cfgr |= has_hse ? RCC_CFGR_PLLSRC | RCC_CFGR_PLLMUL(9u) : RCC_CFGR_PLLMUL(16u);
    RCC->CFGR = cfgr | RCC_CFGR_PPRE1_DIV2;
    return has_hse ? HSE_HZ * 9u : DEVICE_INTERNAL_HZ / 2u * 16u;
}
