/* SPDX-License-Identifier: MIT */
#include "loader.h"

#include "crc16.h"
#include "fpb.h"
#include "greet.h"
#include "handlers.h"
#include "line.h"
#include "reply.h"
#include "uart.h"

static handler ping, echo, hello;

static const struct {
    const char *name;
    handler *run;
} commands[] = {
    {"ping", ping},
    {"echo", echo},
    {"hello", hello},
    {"info", handlers_info},
    {"alloc", handlers_alloc},
    {"upload", handlers_upload},
    {"read", handlers_read},
    {"write", handlers_write},
    {"tpatch", handlers_tpatch},
    {"enable", handlers_enable},
    {"unpatch", handlers_unpatch},
};

static struct line line;

_Static_assert(sizeof line.text >= HANDLERS_MAX_DATA, "commands use the line as their buffer");

static void ping(const struct command *command, uint8_t *buffer)
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

static void echo(const struct command *command, uint8_t *buffer)
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

static void hello(const struct command *command, uint8_t *buffer)
{
    (void)command;
    (void)buffer;
    reply_ok("%s", greet());
}

static bool is_same(const char *one, const char *other)
{
    while (*one != '\0' && *one == *other) {
        one++;
        other++;
    }
    return *one == *other;
}

static void run(const struct command *command)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (is_same(command->name, commands[i].name)) {
            commands[i].run(command, (uint8_t *)line.text);
            return;
        }
    }
    reply_error("Unknown: %.80s", command->name);
}

static void run_line(void)
{
    struct command command;
    switch (command_parse(line.text, &command)) {
    case COMMAND_OK:
        run(&command);
        break;
    case COMMAND_NO_NAME:
        reply_error("Missing --cmd");
        break;
    case COMMAND_OPEN_QUOTE:
        reply_error("Invalid arguments: quote not closed");
        break;
    case COMMAND_NOT_AN_OPTION:
        reply_error("Invalid arguments: %.80s is not an option", command.culprit);
        break;
    case COMMAND_UNKNOWN_OPTION:
        reply_error("Invalid arguments: unknown option %s", command.culprit);
        break;
    case COMMAND_REPEATED_OPTION:
        reply_error("Invalid arguments: %.80s given twice", command.culprit);
        break;
    case COMMAND_MISSING_VALUE:
        reply_error("Invalid arguments: %.80s needs a value", command.culprit);
        break;
    case COMMAND_UNWANTED_VALUE:
        reply_error("Invalid arguments: %.80s takes no value", command.culprit);
        break;
    case COMMAND_INVALID_NUMBER:
        reply_error("Invalid arguments: %.80s is not a number", command.culprit);
        break;
    }
}

static void receive(uint8_t byte)
{
    switch (line_receive(&line, byte)) {
    case LINE_MORE:
        break;
    case LINE_READY:
        run_line();
        break;
    case LINE_TOO_LONG:
        reply_error("Line too long");
        break;
    case LINE_GARBLED:
        reply_error("Line garbled");
        break;
    case LINE_LOST_BYTES:
        reply_error("Line lost bytes");
        break;
    }
}

void loader_start(void)
{
    fpb_start();
}

void loader_poll(void)
{
    uint8_t byte = 0;
    enum uart_result result = UART_EMPTY;
    while ((result = uart_read(&byte)) != UART_EMPTY) {
        if (result == UART_BYTE_AFTER_LOSS) {
            line_lose(&line);
        }
        receive(byte);
    }
}
