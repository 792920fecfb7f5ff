/* SPDX-License-Identifier: MIT */
/* Bits of RCC and FLASH that these families have in the same places. */
#ifndef FIRMWARE_RCC_H
#define FIRMWARE_RCC_H

#include <stdint.h>

typedef struct {
    volatile uint32_t ACR; /* 0x00 FLASH_ACR */
} FLASH_TypeDef;

#define RCC_CR_PLLRDY    (1u << 25)
#define RCC_CR_PLLON     (1u << 24)
#define RCC_CR_HSERDY    (1u << 17)
#define RCC_CR_HSEON     (1u << 16)
#define RCC_CFGR_SWS     (0x3u << 2)
#define RCC_CFGR_SWS_PLL (RCC_CFGR_SW_PLL << 2)
#define RCC_CFGR_SW      (0x3u << 0)

#endif
