/* SPDX-License-Identifier: MIT */
#include "loader.h"

#include "boot.h"
#include "crc16.h"
#include "fpb.h"
#include "handlers.h"
#include "line.h"
#include "policy.h"
#include "reply.h"
#include "uart.h"

#define BIT(option) (1u << OPTION_##option)
#define PATCHING    (BIT(COMP) | BIT(ORIG) | BIT(TARGET) | BIT(CRC))

enum kind {
    ANSWERS, /* changes nothing, and its marker line is the whole answer */
    SHOWS,   /* changes nothing, and its answer is longer: done again when it is asked for again */
    CHANGES, /* needs its CRC when it is tagged */
};

static const struct {
    const char *name;
    handler *run;
    uint32_t options; /* that it uses, beside --cmd and --tag */
    enum kind kind;
} commands[] = {
    {"ping", handlers_ping, 0, ANSWERS},
    {"echo", handlers_echo, BIT(DATA), ANSWERS},
    {"echoback", handlers_echoback, BIT(LEN), SHOWS},
    {"hello", handlers_hello, 0, ANSWERS},
    {"info", handlers_info, 0, SHOWS},
#if POLICY_LEVEL > 1
    {"slots", handlers_slots, 0, SHOWS},
#endif
    {"alloc", handlers_alloc, BIT(SIZE) | BIT(CRC), CHANGES},
    {"upload", handlers_upload, BIT(ADDR) | BIT(DATA) | BIT(CRC), CHANGES},
    {"read", handlers_read, BIT(ADDR) | BIT(LEN) | BIT(DATA) | BIT(CRC) | BIT(FORCE), SHOWS},
    {"write", handlers_write, BIT(ADDR) | BIT(DATA) | BIT(CRC) | BIT(FORCE), CHANGES},
    {"patch", handlers_patch, PATCHING, CHANGES},
    {"tpatch", handlers_tpatch, PATCHING, CHANGES},
    {"dpatch", handlers_dpatch, PATCHING, CHANGES},
    {"enable", handlers_enable, BIT(COMP) | BIT(ALL) | BIT(ENABLE) | BIT(CRC), CHANGES},
    {"unpatch", handlers_unpatch, BIT(COMP) | BIT(ALL) | BIT(CRC), CHANGES},
};

/* What tells a request from others: its tag, and the whole line. */
struct request {
    bool is_tagged;
    uint32_t tag;
    size_t length;
    uint16_t crc;
};

static struct line line;
static struct request last; /* the command that ran last, if its marker line answers it again */

_Static_assert(sizeof line.text >= HANDLERS_MAX_DATA, "commands use the line as their buffer");

static bool is_same(const char *one, const char *other)
{
    while (*one != '\0' && *one == *other) {
        one++;
        other++;
    }
    return *one == *other;
}

static bool is_repeat(const struct request *request)
{
    return request->is_tagged && last.is_tagged && request->tag == last.tag &&
           request->length == last.length && request->crc == last.crc;
}

static void run(const struct command *command, const struct request *request)
{
    size_t i = 0;
    while (i < sizeof commands / sizeof commands[0] && !is_same(command->name, commands[i].name)) {
        i++;
    }
    if (i == sizeof commands / sizeof commands[0]) {
        reply_error("Unknown: %.80s", command->name);
        return;
    }
    const char *unused = command_unused(command, commands[i].options | BIT(CMD) | BIT(TAG));
    if (unused != NULL && POLICY_IS_STRICT) {
        reply_error("Invalid arguments: %s does not use --%s", commands[i].name, unused);
    } else if (request->is_tagged && commands[i].kind == CHANGES &&
               !command_has(command, OPTION_CRC)) {
        reply_error("Missing --crc");
    } else {
        commands[i].run(command, (uint8_t *)line.text);
        last = commands[i].kind != SHOWS ? *request : (struct request){0};
        reply_keep();
    }
}

static void refuse(enum command_result result, const char *culprit)
{
    switch (result) {
    case COMMAND_OK:
        break;
    case COMMAND_NO_NAME:
        reply_error("Missing --cmd");
        break;
    case COMMAND_OPEN_QUOTE:
        reply_error("Invalid arguments: quote not closed");
        break;
    case COMMAND_NOT_AN_OPTION:
        reply_error("Invalid arguments: %.80s is not an option", culprit);
        break;
    case COMMAND_UNKNOWN_OPTION:
        reply_error("Invalid arguments: unknown option %.80s", culprit);
        break;
    case COMMAND_REPEATED_OPTION:
        reply_error("Invalid arguments: %.80s given twice", culprit);
        break;
    case COMMAND_MISSING_VALUE:
        reply_error("Invalid arguments: %.80s needs a value", culprit);
        break;
    case COMMAND_UNWANTED_VALUE:
        reply_error("Invalid arguments: %.80s takes no value", culprit);
        break;
    case COMMAND_INVALID_NUMBER:
        reply_error("Invalid arguments: %.80s is not a number", culprit);
        break;
    case COMMAND_INVALID_TAG:
        reply_error("Invalid arguments: %.80s is not a tag (0 to 65535)", culprit);
        break;
    }
}

static void run_line(void)
{
    struct command command;
    struct request request = {0};
    while (line.text[request.length] != '\0') {
        request.length++;
    }
    request.crc = crc16_update(CRC16_START, line.text, request.length);
    enum command_result result = command_parse(line.text, &command);

    request.is_tagged = command_has(&command, OPTION_TAG);
    request.tag = command_number(&command, OPTION_TAG, 0);
    reply_begin(&command);
    if (result != COMMAND_OK) {
        refuse(result, command.culprit);
    } else if (is_repeat(&request)) {
        reply_again();
    } else {
        run(&command, &request);
    }
}

/* What is left of such a line may have another's tag: it is answered without one. */
static void refuse_line(const char *reason)
{
    struct command untagged = {0};
    reply_begin(&untagged);
    reply_error("Line %s", reason);
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
        refuse_line("too long");
        break;
    case LINE_GARBLED:
        refuse_line("garbled");
        break;
    case LINE_LOST_BYTES:
        refuse_line("lost bytes");
        break;
    }
}

void loader_start(void)
{
    boot_start();
    fpb_start();
}

void loader_poll(void)
{
    uint8_t byte = 0;
    enum uart_result result = UART_EMPTY;
    while ((result = uart_read(&byte)) != UART_EMPTY) {
        boot_heard();
        if (result == UART_BYTE_AFTER_LOSS) {
            line_lose(&line);
        }
        receive(byte);
    }
}
