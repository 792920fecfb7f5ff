/* SPDX-License-Identifier: MIT */
/* USART, as the STM32L5 has it. Names as in ST's device header stm32l552xx.h. */
#ifndef FIRMWARE_USART_H
#define FIRMWARE_USART_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    volatile uint32_t CR1;  /* 0x00 USART_CR1  */
    volatile uint32_t CR2;  /* 0x04 USART_CR2  */
    volatile uint32_t CR3;  /* 0x08 USART_CR3  */
    volatile uint32_t BRR;  /* 0x0C USART_BRR  */
    volatile uint32_t GTPR; /* 0x10 USART_GTPR */
    volatile uint32_t RTOR; /* 0x14 USART_RTOR */
    volatile uint32_t RQR;  /* 0x18 USART_RQR  */
    volatile uint32_t ISR;  /* 0x1C USART_ISR  */
    volatile uint32_t ICR;  /* 0x20 USART_ICR  */
    volatile uint32_t RDR;  /* 0x24 USART_RDR  */
    volatile uint32_t TDR;  /* 0x28 USART_TDR  */
} USART_TypeDef;

_Static_assert(offsetof(USART_TypeDef, TDR) == 0x28, "USART_TDR offset");

#define USART_TXE        (1u << 7)
#define USART_TC         (1u << 6)
#define USART_RXNE       (1u << 5)
#define USART_ORE        (1u << 3)
#define USART_NE         (1u << 2)
#define USART_FE         (1u << 1)
#define USART_CR1_UE     (1u << 0)
#define USART_CR1_RXNEIE (1u << 5)
#define USART_CR1_TE     (1u << 3)
#define USART_CR1_RE     (1u << 2)

static inline uint32_t usart_flags(const USART_TypeDef *usart)
{
    return usart->ISR;
}

/* Take the data that flags were seen with, and clear those. */
static inline uint32_t usart_take(USART_TypeDef *usart, uint32_t flags)
{
    uint32_t data = usart->RDR;
    uint32_t errors = flags & (USART_ORE | USART_NE | USART_FE);
    if (errors != 0) {
        usart->ICR = errors;
    }
    return data;
}

static inline void usart_send(USART_TypeDef *usart, uint8_t byte)
{
    usart->TDR = byte;
}

#endif
