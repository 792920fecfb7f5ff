/* SPDX-License-Identifier: MIT */
#include "reply.h"

#include <stdarg.h>

#include "base64.h"

struct message {
    bool is_ok;
    char text[256]; /* without its marker, cut */
};

static struct message message, kept;
static bool is_tagged;
static uint32_t tag;

void reply_begin(const struct command *command)
{
    is_tagged = command_has(command, OPTION_TAG);
    tag = command_number(command, OPTION_TAG, 0);
}

static void end(void)
{
    if (is_tagged) {
        print_format(" #%u", tag);
    }
    print_format("\n[FLEND]\n");
}

static void send(const struct message *what)
{
    print_format("[%s] %s", what->is_ok ? "FLOK" : "FLERR", what->text);
    end();
}

void reply_ok(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    message.is_ok = true;
    print_into(message.text, sizeof message.text, format, arguments);
    va_end(arguments);
    send(&message);
}

void reply_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    message.is_ok = false;
    print_into(message.text, sizeof message.text, format, arguments);
    va_end(arguments);
    send(&message);
}

void reply_keep(void)
{
    kept = message;
}

void reply_again(void)
{
    send(&kept);
}

void reply_data(const char *verb, uint16_t crc, const uint8_t *data, size_t length)
{
    print_format("[FLOK] %s %u bytes crc=0x%04X data=", verb, length, crc);
    for (size_t done = 0; done < length; done += 3) {
        char group[5] = {0};
        base64_encode_group(data + done, length - done < 3 ? length - done : 3, group);
        print_format("%s", group);
    }
    end();
}

bool reply_checks_crc(const struct command *command, uint16_t crc, const char *what)
{
    uint32_t given = command_number(command, OPTION_CRC, crc);
    if (given != crc) {
        reply_error("%s mismatch: 0x%04X != 0x%04X", what, given, crc);
        return false;
    }
    return true;
}
