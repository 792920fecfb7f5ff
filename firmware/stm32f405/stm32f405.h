/* SPDX-License-Identifier: MIT */
/*
 * The STM32F405's registers that this firmware uses. Names as in ST's reference manual, the blocks
 * in the shape of CMSIS.
 */
#ifndef FIRMWARE_STM32F405_H
#define FIRMWARE_STM32F405_H

#include <stddef.h>
#include <stdint.h>

#include "gpio.h"
#include "rcc.h"

typedef struct {
    volatile uint32_t CR;      /* 0x00 RCC_CR      */
    volatile uint32_t PLLCFGR; /* 0x04 RCC_PLLCFGR */
    volatile uint32_t CFGR;    /* 0x08 RCC_CFGR    */
    uint32_t RESERVED0[9];     /* 0x0C to 0x2C     */
    volatile uint32_t AHB1ENR; /* 0x30 RCC_AHB1ENR */
    uint32_t RESERVED1[3];     /* 0x34 to 0x3C     */
    volatile uint32_t APB1ENR; /* 0x40 RCC_APB1ENR */
    volatile uint32_t APB2ENR; /* 0x44 RCC_APB2ENR */
} RCC_TypeDef;

_Static_assert(offsetof(RCC_TypeDef, APB2ENR) == 0x44, "RCC_APB2ENR offset");

#define RCC   ((RCC_TypeDef *)0x40023800u)
#define FLASH ((FLASH_TypeDef *)0x40023C00u)
#define GPIOA ((GPIO_TypeDef *)0x40020000u)
#define GPIOC ((GPIO_TypeDef *)0x40020800u)

#define RCC_PLLCFGR_PLLQ(n)    ((n) << 24)
#define RCC_PLLCFGR_PLLSRC_HSE (1u << 22) /* 0: HSI */
#define RCC_PLLCFGR_PLLP_DIV2  (0u << 16)
#define RCC_PLLCFGR_PLLN(n)    ((n) << 6)
#define RCC_PLLCFGR_PLLM(n)    ((n) << 0)
#define RCC_CFGR_SW_PLL        0x2u
#define RCC_CFGR_PPRE2         (0x7u << 13)
#define RCC_CFGR_PPRE2_DIV2    (0x4u << 13)
#define RCC_CFGR_PPRE1_DIV4    (0x5u << 10)
#define RCC_AHB1ENR_GPIOCEN    (1u << 2)
#define RCC_AHB1ENR_GPIOAEN    (1u << 0)
#define RCC_APB2ENR_USART1EN   (1u << 4)
#define FLASH_ACR_DCEN         (1u << 10)
#define FLASH_ACR_ICEN         (1u << 9)
#define FLASH_ACR_PRFTEN       (1u << 8)
#define FLASH_ACR_LATENCY_5WS  5u

#endif
