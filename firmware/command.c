/* SPDX-License-Identifier: MIT */
#include "command.h"

#include <stddef.h>

#include "policy.h"

#define MAX_TAG 65535u

enum kind { TEXT, NUMBER, FLAG };

static const struct {
    const char *name;
    char letter; /* '\0': has none */
    enum kind kind;
} options[OPTION_COUNT] = {
    [OPTION_CMD] = {"cmd", 'c', TEXT},          [OPTION_SIZE] = {"size", 's', NUMBER},
    [OPTION_ADDR] = {"addr", 'a', NUMBER},      [OPTION_DATA] = {"data", 'd', TEXT},
    [OPTION_CRC] = {"crc", 'r', NUMBER},        [OPTION_LEN] = {"len", 'l', NUMBER},
    [OPTION_COMP] = {"comp", '\0', NUMBER},     [OPTION_ORIG] = {"orig", '\0', NUMBER},
    [OPTION_TARGET] = {"target", '\0', NUMBER}, [OPTION_ENABLE] = {"enable", '\0', NUMBER},
    [OPTION_ALL] = {"all", '\0', FLAG},         [OPTION_FORCE] = {"force", '\0', FLAG},
    [OPTION_TAG] = {"tag", 't', NUMBER},
};

static bool is_blank(char character)
{
    return character == ' ' || character == '\t';
}

/*
 * Cut the next token off `*rest`, quotes taken out, and end it with NUL. Returns NULL when there
 * is none, or when a quote stays open (then `**rest` is the quote's NUL and `*open` is true).
 */
static char *next_token(char **rest, bool *open)
{
    char *from = *rest;
    while (is_blank(*from)) {
        from++;
    }
    *rest = from;
    *open = false;
    if (*from == '\0') {
        return NULL;
    }

    char *token = from;
    char *to = from;
    for (; *from != '\0' && (*open || !is_blank(*from)); from++) {
        if (*from == '"') {
            *open = !*open;
        } else {
            *to++ = *from;
        }
    }
    *rest = *from == '\0' ? from : from + 1;
    *to = '\0'; /* `to` never passes `from`; when they meet, it is the blank already skipped */
    return *open ? NULL : token;
}

static uint32_t digit_of(char character)
{
    if (character >= '0' && character <= '9') {
        return (uint32_t)(character - '0');
    }
    if (character >= 'a' && character <= 'f') {
        return (uint32_t)(character - 'a') + 10u;
    }
    if (character >= 'A' && character <= 'F') {
        return (uint32_t)(character - 'A') + 10u;
    }
    return UINT32_MAX;
}

bool command_parse_number(const char *text, uint32_t *number)
{
    uint32_t base = 10;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    } else if (text[0] == '0' && text[1] != '\0') {
        base = 8;
        text += 1;
    }
    bool is_number = *text != '\0';
    uint32_t sum = 0;
    for (; *text != '\0' && is_number; text++) {
        uint32_t digit = digit_of(*text);
        is_number = digit < base && sum <= (UINT32_MAX - digit) / base;
        sum = is_number ? sum * base + digit : sum;
    }
    *number = sum;
    return is_number || !POLICY_IS_STRICT;
}

/* Return what follows `name` in `text` if that is the end or '=', otherwise NULL. */
static char *after_name(char *text, const char *name)
{
    while (*name != '\0' && *text == *name) {
        text++;
        name++;
    }
    return *name == '\0' && (*text == '\0' || *text == '=') ? text : NULL;
}

/* Find the option that `token` names; `*value` becomes the value attached to it, or NULL. */
static enum command_option find_option(char *token, char **value)
{
    for (unsigned option = 0; option < OPTION_COUNT; option++) {
        *value = NULL;
        if (token[1] == '-') {
            char *end = after_name(token + 2, options[option].name);
            if (end != NULL) {
                *value = *end == '=' ? end + 1 : NULL;
                return (enum command_option)option;
            }
        } else if (token[1] != '\0' && token[1] == options[option].letter) {
            *value = token[2] != '\0' ? token + 2 : NULL;
            return (enum command_option)option;
        }
    }
    return OPTION_COUNT;
}

static enum command_result store(struct command *command, enum command_option option,
                                 const char *value)
{
    if (options[option].kind == NUMBER) {
        if (!command_parse_number(value, &command->numbers[option])) {
            return COMMAND_INVALID_NUMBER;
        }
        return option == OPTION_TAG && command->numbers[option] > MAX_TAG ? COMMAND_INVALID_TAG
                                                                          : COMMAND_OK;
    }
    if (option == OPTION_CMD) {
        command->name = value;
    } else {
        command->data = value;
    }
    return COMMAND_OK;
}

static enum command_result take_option(char *token, char **rest, struct command *command)
{
    bool open = false;
    char *value = NULL;
    enum command_option option = find_option(token, &value);

    command->culprit = token;
    if (!POLICY_IS_STRICT && (option == OPTION_COUNT || option == OPTION_TAG)) {
        return COMMAND_OK;
    }
    if (option == OPTION_COUNT) {
        return COMMAND_UNKNOWN_OPTION;
    }
    if (command_has(command, option)) {
        return COMMAND_REPEATED_OPTION;
    }
    if (options[option].kind == FLAG) {
        command->given |= 1u << option;
        return value == NULL ? COMMAND_OK : COMMAND_UNWANTED_VALUE;
    }
    if (value == NULL) {
        value = next_token(rest, &open);
        if (value == NULL) {
            return open ? COMMAND_OPEN_QUOTE : COMMAND_MISSING_VALUE;
        }
        command->culprit = value;
    }
    enum command_result result = store(command, option, value);
    command->given |= result == COMMAND_OK ? 1u << option : 0;
    return result;
}

enum command_result command_parse(char *text, struct command *command)
{
    bool open = false;
    *command = (struct command){0};

    (void)next_token(&text, &open); /* `fl`, or however this loader is called: not checked */
    while (!open) {
        char *token = next_token(&text, &open);
        if (token == NULL) {
            break;
        }
        if (token[0] != '-' && !POLICY_IS_STRICT) {
            continue;
        }
        if (token[0] != '-') {
            command->culprit = token;
            return COMMAND_NOT_AN_OPTION;
        }
        enum command_result result = take_option(token, &text, command);
        if (result != COMMAND_OK) {
            return result;
        }
    }
    command->culprit = NULL;
    if (open) {
        return COMMAND_OPEN_QUOTE;
    }
    return command->name == NULL || command->name[0] == '\0' ? COMMAND_NO_NAME : COMMAND_OK;
}

const char *command_unused(const struct command *command, uint32_t used)
{
    for (unsigned option = 0; option < OPTION_COUNT; option++) {
        if (((command->given & ~used) >> option & 1u) != 0) {
            return options[option].name;
        }
    }
    return NULL;
}

bool command_has(const struct command *command, enum command_option option)
{
    return (command->given >> option & 1u) != 0;
}

uint32_t command_number(const struct command *command, enum command_option option,
                        uint32_t otherwise)
{
    return command_has(command, option) ? command->numbers[option] : otherwise;
}
