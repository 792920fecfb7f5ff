/* SPDX-License-Identifier: MIT */
/*
 * Take a command line apart: `fl -c <name> [--option value]...`.
 * `-c X`, `-cX`, `--cmd X` and `--cmd=X` mean the same; blanks separate, "..." groups.
 */
#ifndef FIRMWARE_COMMAND_H
#define FIRMWARE_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

enum command_option {
    OPTION_CMD,
    OPTION_SIZE,
    OPTION_ADDR,
    OPTION_DATA,
    OPTION_CRC,
    OPTION_LEN,
    OPTION_COMP,
    OPTION_ORIG,
    OPTION_TARGET,
    OPTION_ENABLE,
    OPTION_ALL,
    OPTION_FORCE,
    OPTION_TAG,
    OPTION_COUNT,
};

enum command_result {
    COMMAND_OK,
    COMMAND_NO_NAME,
    COMMAND_OPEN_QUOTE,
    COMMAND_NOT_AN_OPTION,
    COMMAND_UNKNOWN_OPTION,
    COMMAND_REPEATED_OPTION,
    COMMAND_MISSING_VALUE,
    COMMAND_UNWANTED_VALUE,
    COMMAND_INVALID_NUMBER,
    COMMAND_INVALID_TAG,
};

struct command {
    uint32_t given;                 /* bit n: option n was given */
    uint32_t numbers[OPTION_COUNT]; /* values of the options that take a number */
    const char *name;               /* of the command; points into the line */
    const char *data;               /* of --data; points into the line */
    const char *culprit;            /* after a refusal: the token it is about, or NULL */
};

/* Take `text` apart in place: it is changed, and `*command` points into it. */
enum command_result command_parse(char *text, struct command *command);

/* The options whose bits are in `given` and not in `used`: the lowest one's name, or NULL. */
const char *command_unused(const struct command *command, uint32_t used);

bool command_has(const struct command *command, enum command_option option);

/* Return the option's number, `otherwise` if it was not given. */
uint32_t command_number(const struct command *command, enum command_option option,
                        uint32_t otherwise);

/* Read a whole text as a number in C notation (0x1F, 017, 15), at most 32 bits. */
bool command_parse_number(const char *text, uint32_t *number);

#endif
