/* SPDX-License-Identifier: MIT */
/*
 * Collect one line, a byte per call. A line that cannot be taken whole is refused whole: what is
 * left of a command that lost its end, or its middle, is another command. (Level 1 runs it.)
 */
#ifndef FIRMWARE_LINE_H
#define FIRMWARE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 1024 bytes are 1368 characters of base64; the command around them needs about 60. */
#define LINE_SIZE 1536u

enum line_result {
    LINE_MORE,       /* not complete yet, or empty */
    LINE_READY,      /* `text` is the line, without its end */
    LINE_TOO_LONG,   /* the line that just ended did not fit */
    LINE_GARBLED,    /* it held a control character: noise, or another protocol */
    LINE_LOST_BYTES, /* bytes of it were lost before they came here */
};

struct line {
    _Alignas(4) char text[LINE_SIZE]; /* aligned: commands reuse it for data, by words */
    size_t length;
    enum line_result fault; /* LINE_MORE: none so far */
};

/* Take one received byte. After anything but LINE_MORE the next byte starts a new line. */
enum line_result line_receive(struct line *line, uint8_t byte);

/* Note that bytes went missing here: the current line cannot be trusted. */
void line_lose(struct line *line);

#endif
