/* SPDX-License-Identifier: MIT */
/*
 * The STM32L552's registers that this firmware uses. Names as in ST's device header stm32l552xx.h,
 * the blocks in the shape of CMSIS.
 */
#ifndef FIRMWARE_STM32L552_H
#define FIRMWARE_STM32L552_H

#include <stddef.h>
#include <stdint.h>

#include "gpio.h"
#include "rcc.h"

typedef struct {
    volatile uint32_t CR;       /* 0x00 RCC_CR       */
    volatile uint32_t ICSCR;    /* 0x04 RCC_ICSCR    */
    volatile uint32_t CFGR;     /* 0x08 RCC_CFGR     */
    volatile uint32_t PLLCFGR;  /* 0x0C RCC_PLLCFGR  */
    uint32_t RESERVED0[15];     /* 0x10 to 0x48      */
    volatile uint32_t AHB2ENR;  /* 0x4C RCC_AHB2ENR  */
    uint32_t RESERVED1[2];      /* 0x50 to 0x54      */
    volatile uint32_t APB1ENR1; /* 0x58 RCC_APB1ENR1 */
    volatile uint32_t APB1ENR2; /* 0x5C RCC_APB1ENR2 */
    volatile uint32_t APB2ENR;  /* 0x60 RCC_APB2ENR  */
} RCC_TypeDef;

typedef struct {
    volatile uint32_t CR1; /* 0x00 PWR_CR1 */
    uint32_t RESERVED0[4]; /* 0x04 to 0x10 */
    volatile uint32_t SR2; /* 0x14 PWR_SR2 */
} PWR_TypeDef;

_Static_assert(offsetof(RCC_TypeDef, APB2ENR) == 0x60, "RCC_APB2ENR offset");
_Static_assert(offsetof(PWR_TypeDef, SR2) == 0x14, "PWR_SR2 offset");

#define PWR   ((PWR_TypeDef *)0x40007000u)
#define RCC   ((RCC_TypeDef *)0x40021000u)
#define FLASH ((FLASH_TypeDef *)0x40022000u)
#define GPIOA ((GPIO_TypeDef *)0x42020000u)
#define GPIOB ((GPIO_TypeDef *)0x42020400u)

#define RCC_CFGR_SW_PLL        0x3u
#define RCC_PLLCFGR_PLLR_DIV2  (0u << 25)
#define RCC_PLLCFGR_PLLREN     (1u << 24)
#define RCC_PLLCFGR_PLLN(n)    ((n) << 8)
#define RCC_PLLCFGR_PLLM(n)    (((n) - 1u) << 4)
#define RCC_PLLCFGR_PLLSRC_HSE 3u
#define RCC_PLLCFGR_PLLSRC_MSI 1u
#define RCC_AHB2ENR_GPIOBEN    (1u << 1)
#define RCC_AHB2ENR_GPIOAEN    (1u << 0)
#define RCC_APB1ENR1_PWREN     (1u << 28)
#define RCC_APB2ENR_USART1EN   (1u << 14)

#define PWR_CR1_VOS  (0x3u << 9) /* 0: range 0, the fastest */
#define PWR_SR2_VOSF (1u << 10)

#define FLASH_ACR_LATENCY     0xFu
#define FLASH_ACR_LATENCY_5WS 5u

#endif
