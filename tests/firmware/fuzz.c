/* SPDX-License-Identifier: MIT */
/* One call per line for the fuzzer: whole lines in, so that the time goes into the parser. */
#include <stddef.h>
#include <stdint.h>

#include "base64.h"
#include "command.h"
#include "line.h"

enum line_result fuzz_line(struct line *line, const uint8_t *bytes, size_t count);
enum command_result fuzz_parse(const struct line *line, size_t length, char *end,
                               struct command *command);

/* Feed bytes up to the first that ends a line; LINE_MORE if none does. */
enum line_result fuzz_line(struct line *line, const uint8_t *bytes, size_t count)
{
    enum line_result result = LINE_MORE;
    for (size_t i = 0; i < count && result == LINE_MORE; i++) {
        result = line_receive(line, bytes[i]);
    }
    return result;
}

/* Parse the line where it ends right before memory that nobody may touch. */
enum command_result fuzz_parse(const struct line *line, size_t length, char *end,
                               struct command *command)
{
    char *text = end - length - 1;
    for (size_t i = 0; i <= length; i++) {
        text[i] = line->text[i];
    }
    return command_parse(text, command);
}
