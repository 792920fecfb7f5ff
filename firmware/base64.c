/* SPDX-License-Identifier: MIT */
#include "base64.h"

#define PADDING  64u /* what `value_of` calls '=' */
#define NO_VALUE 65u

static uint32_t value_of(char character)
{
    if (character >= 'A' && character <= 'Z') {
        return (uint32_t)(character - 'A');
    }
    if (character >= 'a' && character <= 'z') {
        return (uint32_t)(character - 'a') + 26u;
    }
    if (character >= '0' && character <= '9') {
        return (uint32_t)(character - '0') + 52u;
    }
    switch (character) {
    case '+':
        return 62u;
    case '/':
        return 63u;
    case '=':
        return PADDING;
    default:
        return NO_VALUE;
    }
}

/* Return how many bytes the group at `text` holds, 0 if it is not one; `*bits` are its 24 bits. */
static size_t decode_group(const char *text, uint32_t *bits)
{
    uint32_t sum = 0;
    size_t padding = 0;
    for (size_t i = 0; i < 4; i++) {
        uint32_t value = value_of(text[i]); /* the terminating NUL has no value, so it stops us */
        if (value == NO_VALUE || (padding > 0 && value != PADDING)) {
            return 0;
        }
        if (value == PADDING) {
            padding++;
            value = 0;
        }
        sum = sum << 6 | value;
    }
    if (padding > 2 || (sum & ((1u << 8 * padding) - 1u)) != 0) {
        return 0;
    }
    *bits = sum;
    return 3 - padding;
}

enum base64_result base64_decode(const char *text, uint8_t *data, size_t capacity, size_t *length)
{
    size_t done = 0;
    size_t count = 3;
    while (*text != '\0') {
        uint32_t bits = 0;
        if (count < 3) {
            return BASE64_INVALID; /* something follows the padding */
        }
        count = decode_group(text, &bits);
        if (count == 0) {
            return BASE64_INVALID;
        }
        if (count > capacity - done) {
            return BASE64_TOO_LONG;
        }
        for (size_t i = 0; i < count; i++) {
            data[done++] = (uint8_t)(bits >> (16 - 8 * i));
        }
        text += 4;
    }
    *length = done;
    return BASE64_OK;
}

void base64_encode_group(const uint8_t *data, size_t length, char group[4])
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = (uint32_t)data[0] << 16;
    bits |= length > 1 ? (uint32_t)data[1] << 8 : 0;
    bits |= length > 2 ? (uint32_t)data[2] : 0;
    for (size_t i = 0; i < 4; i++) {
        group[i] = i <= length ? alphabet[bits >> (18 - 6 * i) & 0x3Fu] : '=';
    }
}
