/* SPDX-License-Identifier: MIT */
/* ping, echo, echoback, hello: is anybody there, and what does the line let through. */
#include "crc16.h"
#include "greet.h"
#include "handlers.h"
#include "reply.h"

void handlers_ping(const struct command *command, uint8_t *buffer)
{
    (void)command;
    (void)buffer;
    reply_ok("PONG");
}

static bool is_hex_digit(char character)
{
    return (character >= '0' && character <= '9') || (character >= 'a' && character <= 'f') ||
           (character >= 'A' && character <= 'F');
}

void handlers_echo(const struct command *command, uint8_t *buffer)
{
    size_t length = 0;
    (void)buffer;
    if (!command_has(command, OPTION_DATA)) {
        reply_error("Missing --data");
        return;
    }
    while (is_hex_digit(command->data[length])) {
        length++;
    }
    if (command->data[length] != '\0' || length % 2 != 0) {
        reply_error("Invalid hex data");
        return;
    }
    reply_ok("ECHO %u Bytes, CRC 0x%04X", length / 2,
             crc16_update(CRC16_START, command->data, length));
}

void handlers_echoback(const struct command *command, uint8_t *buffer)
{
    uint32_t length = command_number(command, OPTION_LEN, HANDLERS_DEFAULT_LENGTH);
    if (length == 0 || length > HANDLERS_MAX_DATA) {
        reply_error("Invalid length %u (max %u)", length, HANDLERS_MAX_DATA);
        return;
    }
    for (uint32_t i = 0; i < length; i++) {
        buffer[i] = (uint8_t)i;
    }
    reply_data("ECHOBACK", crc16_update(CRC16_START, buffer, length), buffer, length);
}

void handlers_hello(const struct command *command, uint8_t *buffer)
{
    (void)command;
    (void)buffer;
    reply_ok("%s", greet());
}
