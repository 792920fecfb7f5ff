/* SPDX-License-Identifier: MIT */
#include "reply.h"

#include <stdarg.h>

#include "base64.h"
#include "print.h"

#define END "\n[FLEND]\n"

void reply_ok(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_format("[FLOK] ");
    print_arguments(format, arguments);
    print_format(END);
    va_end(arguments);
}

void reply_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_format("[FLERR] ");
    print_arguments(format, arguments);
    print_format(END);
    va_end(arguments);
}

void reply_data(const char *verb, uint16_t crc, const uint8_t *data, size_t length)
{
    print_format("[FLOK] %s %u bytes crc=0x%04X data=", verb, length, crc);
    for (size_t done = 0; done < length; done += 3) {
        char group[5] = {0};
        base64_encode_group(data + done, length - done < 3 ? length - done : 3, group);
        print_format("%s", group);
    }
    print_format(END);
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
