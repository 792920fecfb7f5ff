/* SPDX-License-Identifier: MIT */
/*
 * The STM32F103's registers that this firmware uses. Names as in ST's reference manual, the blocks
 * in the shape of CMSIS.
 */
#ifndef FIRMWARE_STM32F103_H
#define FIRMWARE_STM32F103_H

#include <stddef.h>
#include <stdint.h>

#include "rcc.h"

typedef struct {
    volatile uint32_t CR;       /* 0x00 RCC_CR       */
    volatile uint32_t CFGR;     /* 0x04 RCC_CFGR     */
    volatile uint32_t CIR;      /* 0x08 RCC_CIR      */
    volatile uint32_t APB2RSTR; /* 0x0C RCC_APB2RSTR */
    volatile uint32_t APB1RSTR; /* 0x10 RCC_APB1RSTR */
    volatile uint32_t AHBENR;   /* 0x14 RCC_AHBENR   */
    volatile uint32_t APB2ENR;  /* 0x18 RCC_APB2ENR  */
    volatile uint32_t APB1ENR;  /* 0x1C RCC_APB1ENR  */
} RCC_TypeDef;

typedef struct {
    volatile uint32_t CRL;  /* 0x00 GPIOx_CRL  */
    volatile uint32_t CRH;  /* 0x04 GPIOx_CRH  */
    volatile uint32_t IDR;  /* 0x08 GPIOx_IDR  */
    volatile uint32_t ODR;  /* 0x0C GPIOx_ODR  */
    volatile uint32_t BSRR; /* 0x10 GPIOx_BSRR */
    volatile uint32_t BRR;  /* 0x14 GPIOx_BRR  */
    volatile uint32_t LCKR; /* 0x18 GPIOx_LCKR */
} GPIO_TypeDef;

_Static_assert(offsetof(RCC_TypeDef, APB1ENR) == 0x1C, "RCC_APB1ENR offset");
_Static_assert(offsetof(GPIO_TypeDef, BSRR) == 0x10, "GPIOx_BSRR offset");

#define RCC   ((RCC_TypeDef *)0x40021000u)
#define FLASH ((FLASH_TypeDef *)0x40022000u)
#define GPIOA ((GPIO_TypeDef *)0x40010800u)
#define GPIOC ((GPIO_TypeDef *)0x40011000u)

#define RCC_CFGR_PLLMUL(n)  (((n) - 2u) << 18) /* the PLL multiplies by n, 2 to 16 */
#define RCC_CFGR_PLLMULL    (0xFu << 18)
#define RCC_CFGR_PLLXTPRE   (1u << 17)
#define RCC_CFGR_PLLSRC     (1u << 16) /* 0: HSI / 2, 1: HSE */
#define RCC_CFGR_SW_PLL     0x2u
#define RCC_CFGR_PPRE1      (0x7u << 8)
#define RCC_CFGR_PPRE1_DIV2 (0x4u << 8)

#define RCC_APB2ENR_USART1EN (1u << 14)
#define RCC_APB2ENR_IOPCEN   (1u << 4)
#define RCC_APB2ENR_IOPAEN   (1u << 2)

#define FLASH_ACR_PRFTBE  (1u << 4)
#define FLASH_ACR_LATENCY (0x7u << 0)

/* One pin's four bits in GPIOx_CRL/CRH: CNF[1:0], MODE[1:0]. */
#define GPIO_INPUT_PULL      0x8u
#define GPIO_OUTPUT_2MHZ     0x2u /* push-pull */
#define GPIO_ALTERNATE_50MHZ 0xBu /* push-pull */

#endif
