/* SPDX-License-Identifier: MIT */
/* The commands. Each checks its options, does its work, and replies once. */
#ifndef FIRMWARE_HANDLERS_H
#define FIRMWARE_HANDLERS_H

#include <stdint.h>

#include "command.h"

#define HANDLERS_MAX_DATA       1024u /* bytes in one command or reply */
#define HANDLERS_DEFAULT_LENGTH 64u   /* of data asked for without --len */

/*
 * `buffer` holds HANDLERS_MAX_DATA bytes, aligned to 4. It is the command line's own: data is
 * decoded over the line it came in, so what `command` points at is gone once it was written to.
 */
typedef void handler(const struct command *command, uint8_t *buffer);

handler handlers_ping, handlers_echo, handlers_echoback, handlers_hello; /* handlers_line.c */
handler handlers_info, handlers_slots;                                   /* handlers_info.c */
handler handlers_alloc, handlers_upload, handlers_read, handlers_write;  /* handlers_memory.c */
handler handlers_patch, handlers_tpatch, handlers_dpatch;                /* handlers_patch.c */
handler handlers_enable, handlers_unpatch;                               /* handlers_patch.c */

#endif
