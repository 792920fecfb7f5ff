/* SPDX-License-Identifier: MIT */
/* CRC-16/CCITT-FALSE: polynomial 0x1021, initial value 0xFFFF, no reflection. */
#ifndef FIRMWARE_CRC16_H
#define FIRMWARE_CRC16_H

#include <stddef.h>
#include <stdint.h>

#define CRC16_START 0xFFFFu

/* Continue `crc` over `length` bytes. */
uint16_t crc16_update(uint16_t crc, const void *data, size_t length);

/* Continue `crc` over a number as it travels in a command's CRC: four bytes, lowest first. */
uint16_t crc16_update_word(uint16_t crc, uint32_t word);

#endif
