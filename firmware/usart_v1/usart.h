/* SPDX-License-Identifier: MIT */
/* USART, as the STM32F1 and F4 have it. Names as in ST's reference manuals, the block in the shape
 * of CMSIS. */
#ifndef FIRMWARE_USART_H
#define FIRMWARE_USART_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    volatile uint32_t SR;   /* 0x00 USART_SR   */
    volatile uint32_t DR;   /* 0x04 USART_DR   */
    volatile uint32_t BRR;  /* 0x08 USART_BRR  */
    volatile uint32_t CR1;  /* 0x0C USART_CR1  */
    volatile uint32_t CR2;  /* 0x10 USART_CR2  */
    volatile uint32_t CR3;  /* 0x14 USART_CR3  */
    volatile uint32_t GTPR; /* 0x18 USART_GTPR */
} USART_TypeDef;

_Static_assert(offsetof(USART_TypeDef, CR1) == 0x0C, "USART_CR1 offset");

#define USART_TXE        (1u << 7)
#define USART_TC         (1u << 6)
#define USART_RXNE       (1u << 5)
#define USART_ORE        (1u << 3)
#define USART_NE         (1u << 2)
#define USART_FE         (1u << 1)
#define USART_CR1_UE     (1u << 13)
#define USART_CR1_RXNEIE (1u << 5)
#define USART_CR1_TE     (1u << 3)
#define USART_CR1_RE     (1u << 2)

static inline uint32_t usart_flags(const USART_TypeDef *usart)
{
    return usart->SR;
}

/* Take the data that flags were seen with, and clear those. */
static inline uint32_t usart_take(USART_TypeDef *usart, uint32_t flags)
{
    (void)flags; /* reading SR, then DR clears them */
    return usart->DR;
}

static inline void usart_send(USART_TypeDef *usart, uint8_t byte)
{
    usart->DR = byte;
}

#endif
