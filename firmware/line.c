/* SPDX-License-Identifier: MIT */
#include "line.h"

#include "policy.h"

#define BACKSPACE 0x08u
#define DELETE    0x7Fu

_Static_assert(POLICY_LINE_USABLE < LINE_SIZE, "a line ends with NUL");

static enum line_result finish(struct line *line)
{
    enum line_result result = line->fault;
    if (result == LINE_MORE && line->length > 0) {
        line->text[line->length] = '\0';
        result = LINE_READY;
    }
    line->length = 0;
    line->fault = LINE_MORE;
    return result;
}

enum line_result line_receive(struct line *line, uint8_t byte)
{
    if (byte == '\n' || byte == '\r') {
        return finish(line);
    }
    if (line->fault != LINE_MORE) {
        return LINE_MORE; /* the first fault is the one to report */
    }
    if (byte == BACKSPACE || byte == DELETE) {
        line->length -= line->length > 0 ? 1u : 0u;
        return LINE_MORE;
    }
    bool is_control = (byte < ' ' && byte != '\t') || byte > DELETE;
    if (is_control && POLICY_IS_STRICT) {
        line->fault = LINE_GARBLED;
    } else if (line->length == POLICY_LINE_USABLE) {
        line->fault = POLICY_IS_STRICT ? LINE_TOO_LONG : LINE_MORE;
    } else {
        line->text[line->length++] = (char)byte;
    }
    return LINE_MORE;
}

void line_lose(struct line *line)
{
    if (line->fault == LINE_MORE && POLICY_IS_STRICT) {
        line->fault = LINE_LOST_BYTES;
    }
}
