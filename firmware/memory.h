/* SPDX-License-Identifier: MIT */
/* Reads and writes at addresses that the host names. */
#ifndef FIRMWARE_MEMORY_H
#define FIRMWARE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Flash, SRAM, the part's peripherals and the core's registers. */
bool memory_may_read(uint32_t address, uint32_t length);

/* SRAM only: a register, or the flash controller, is for who says --force. */
bool memory_may_write(uint32_t address, uint32_t length);

/*
 * Copy between `data` and `address`: by words if address and length allow, then by halfwords, else
 * by bytes, since many registers take one width only. Returns how many bytes were copied: fewer
 * than `length` when the bus answered with a fault at the next one.
 */
size_t memory_read(uint32_t address, void *data, size_t length);
size_t memory_write(uint32_t address, const void *data, size_t length);

#endif
