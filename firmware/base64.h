/* SPDX-License-Identifier: MIT */
/* Base64 with padding. Source: RFC 4648, section 4. */
#ifndef FIRMWARE_BASE64_H
#define FIRMWARE_BASE64_H

#include <stddef.h>
#include <stdint.h>

enum base64_result { BASE64_OK, BASE64_INVALID, BASE64_TOO_LONG };

/*
 * Decode `text` into `data`, which holds `capacity` bytes. Canonical input only: whole groups of
 * four, padding at the end alone, its unused bits zero. `data` may be the text's own buffer, at or
 * before the text: a group is read before its three bytes are written.
 */
enum base64_result base64_decode(const char *text, uint8_t *data, size_t capacity, size_t *length);

/* Encode one group of 1 to 3 bytes as four characters. */
void base64_encode_group(const uint8_t *data, size_t length, char group[4]);

#endif
