/* SPDX-License-Identifier: MIT */
/*
 * Answers to a command. Every command ends with exactly one of these; its marker line carries the
 * request's tag, so that a host never takes the answer to one request for another's.
 */
#ifndef FIRMWARE_REPLY_H
#define FIRMWARE_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "command.h"
#include "print.h"

/* Say which request the next answer is for: its tag, where it has one. */
void reply_begin(const struct command *command);

PRINT_FORMAT(1, 2) void reply_ok(const char *format, ...);
PRINT_FORMAT(1, 2) void reply_error(const char *format, ...);

/* "[FLOK] READ n bytes crc=0x1234 data=base64" */
void reply_data(const char *verb, uint16_t crc, const uint8_t *data, size_t length);

/* Keep the last marker line of `reply_ok` or `reply_error`; send what was kept once more. */
void reply_keep(void);
void reply_again(void);

/* Compare --crc with `crc` if it was given; after a mismatch this was the reply, and false. */
bool reply_checks_crc(const struct command *command, uint16_t crc, const char *what);

#endif
