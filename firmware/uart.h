/* SPDX-License-Identifier: MIT */
/* The serial line to the host, 115200 8N1. Each part implements it. */
#ifndef FIRMWARE_UART_H
#define FIRMWARE_UART_H

#include <stdbool.h>
#include <stdint.h>

void uart_start(void);

/* Wait for room, then send one byte. Works with interrupts masked, so a fault can report itself. */
void uart_write(uint8_t byte);

/* Wait until the last byte has left the part. */
void uart_flush(void);

enum uart_result {
    UART_EMPTY,
    UART_BYTE,
    UART_BYTE_AFTER_LOSS, /* bytes before this one were lost: ring full, overrun, or framing */
};

/* Take the oldest received byte, if there is one. */
enum uart_result uart_read(uint8_t *byte);

/* Tell whether `uart_read` would return a byte. */
bool uart_readable(void);

#endif
