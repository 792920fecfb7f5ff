/* SPDX-License-Identifier: MIT */
#include "crc16.h"

/*
 * One byte without a table: the polynomial's terms (x^12, x^5, 1) are three shifts of the byte
 * that leaves, after its own upper half was folded into its lower. A table costs 512 bytes.
 */
static uint16_t update_byte(uint16_t crc, uint8_t byte)
{
    uint32_t out = (uint32_t)(crc >> 8) ^ byte;
    out ^= out >> 4;
    return (uint16_t)(((uint32_t)crc << 8) ^ (out << 12) ^ (out << 5) ^ out);
}

uint16_t crc16_update(uint16_t crc, const void *data, size_t length)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < length; i++) {
        crc = update_byte(crc, bytes[i]);
    }
    return crc;
}

uint16_t crc16_update_word(uint16_t crc, uint32_t word)
{
    for (unsigned shift = 0; shift < 32; shift += 8) {
        crc = update_byte(crc, (uint8_t)(word >> shift));
    }
    return crc;
}
