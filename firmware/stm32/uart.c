/* SPDX-License-Identifier: MIT */
/* USART1, PA9 (TX) and PA10 (RX): received by interrupt, sent by polling. */
#include "uart.h"

#include "board.h"
#include "cortex_m.h"
#include "device.h"
#include "interrupts.h"
#include "policy.h"
#include "usart.h"

#define USART1     ((USART_TypeDef *)DEVICE_USART1)
#define BAUD       115200u
#define RING_SIZE  POLICY_RING_SIZE
#define AFTER_LOSS 0x100u

/* The interrupt moves `head` only, the program `tail` only; both count up and wrap. */
static volatile uint16_t ring[RING_SIZE];
static volatile uint32_t head, tail;
static uint32_t loss; /* of the interrupt: AFTER_LOSS if the next byte comes after a gap */

_Static_assert((RING_SIZE & (RING_SIZE - 1)) == 0, "indices wrap by masking");

void uart_start(void)
{
    USART1->BRR = (board_connect_usart1() + BAUD / 2) / BAUD;
    USART1->CR1 = USART_CR1_UE | USART_CR1_TE | USART_CR1_RE | USART_CR1_RXNEIE;
    NVIC_ISER[DEVICE_USART1_IRQ / 32] = 1u << DEVICE_USART1_IRQ % 32;
}

void uart_interrupt(void)
{
    uint32_t flags = usart_flags(USART1);
    uint32_t byte = usart_take(USART1, flags) & 0xFFu;

    if ((flags & (USART_FE | USART_NE)) != 0) {
        loss = AFTER_LOSS; /* the byte is not what was sent */
    } else if ((flags & USART_RXNE) != 0) {
        if (head - tail == POLICY_RING_USABLE) {
            loss = AFTER_LOSS;
        } else {
            ring[head % RING_SIZE] = (uint16_t)(byte | loss);
            head++;
            loss = 0;
        }
    }
    if ((flags & USART_ORE) != 0) {
        loss = AFTER_LOSS; /* the byte is good, the one after it is gone */
    }
}

void uart_write(uint8_t byte)
{
    while ((usart_flags(USART1) & USART_TXE) == 0) {
    }
    usart_send(USART1, byte);
}

void uart_flush(void)
{
    while ((usart_flags(USART1) & USART_TC) == 0) {
    }
}

bool uart_readable(void)
{
    return head != tail;
}

enum uart_result uart_read(uint8_t *byte)
{
    if (!uart_readable()) {
        return UART_EMPTY;
    }
    uint32_t entry = ring[tail % RING_SIZE];
    tail++;
    *byte = (uint8_t)entry;
    return (entry & AFTER_LOSS) != 0 ? UART_BYTE_AFTER_LOSS : UART_BYTE;
}
