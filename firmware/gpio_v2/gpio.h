/* SPDX-License-Identifier: MIT */
/* GPIO, as the STM32F4 and L5 have it. Names as in ST's reference manuals, the block in the shape
 * of CMSIS. */
#ifndef FIRMWARE_GPIO_H
#define FIRMWARE_GPIO_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    volatile uint32_t MODER;   /* 0x00 GPIOx_MODER   */
    volatile uint32_t OTYPER;  /* 0x04 GPIOx_OTYPER  */
    volatile uint32_t OSPEEDR; /* 0x08 GPIOx_OSPEEDR */
    volatile uint32_t PUPDR;   /* 0x0C GPIOx_PUPDR   */
    volatile uint32_t IDR;     /* 0x10 GPIOx_IDR     */
    volatile uint32_t ODR;     /* 0x14 GPIOx_ODR     */
    volatile uint32_t BSRR;    /* 0x18 GPIOx_BSRR    */
    volatile uint32_t LCKR;    /* 0x1C GPIOx_LCKR    */
    volatile uint32_t AFR[2];  /* 0x20 GPIOx_AFRL, GPIOx_AFRH */
} GPIO_TypeDef;

_Static_assert(offsetof(GPIO_TypeDef, AFR) == 0x20, "GPIOx_AFRL offset");

#define GPIO_OUTPUT     0x1u /* in MODER */
#define GPIO_ALTERNATE  0x2u
#define GPIO_PULL_UP    0x1u /* in PUPDR */
#define GPIO_AF7_USART1 7u

static inline void gpio_make_output(GPIO_TypeDef *port, uint32_t pin)
{
    port->MODER = (port->MODER & ~(0x3u << 2u * pin)) | GPIO_OUTPUT << 2u * pin;
}

/* Give USART1 the pins PA9 and PA10. */
static inline void gpio_connect_usart1(GPIO_TypeDef *port_a)
{
    port_a->AFR[1] = (port_a->AFR[1] & ~(0xFFu << 4)) | GPIO_AF7_USART1 << 4 | GPIO_AF7_USART1 << 8;
    port_a->PUPDR = (port_a->PUPDR & ~(0x3u << 20)) | GPIO_PULL_UP << 20; /* an open line is idle */
    port_a->MODER = (port_a->MODER & ~(0xFu << 18)) | GPIO_ALTERNATE << 18 | GPIO_ALTERNATE << 20;
}

#endif
