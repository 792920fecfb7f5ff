/* SPDX-License-Identifier: MIT */
#include "print.h"

#include <stdint.h>

#include "uart.h"

_Static_assert(sizeof(unsigned) == sizeof(uint32_t), "%u takes an unsigned");

static void print_text(const char *text, unsigned limit)
{
    for (; *text != '\0' && limit > 0; limit--) {
        uart_write((uint8_t)*text++);
    }
}

static unsigned read_number(const char **format)
{
    unsigned number = 0;
    for (; **format >= '0' && **format <= '9'; ++*format) {
        number = number * 10 + (unsigned)(**format - '0');
    }
    return number;
}

static void print_number(uint32_t number, uint32_t base, unsigned width)
{
    char digits[10]; /* 4294967295 */
    unsigned count = 0;
    do {
        digits[count++] = "0123456789ABCDEF"[number % base];
        number /= base;
    } while (number > 0);
    for (; width > count; width--) {
        uart_write('0');
    }
    while (count > 0) {
        uart_write((uint8_t)digits[--count]);
    }
}

void print_arguments(const char *format, va_list arguments)
{
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            uart_write((uint8_t)*format);
            continue;
        }
        format++;
        unsigned width = read_number(&format);
        unsigned precision = UINT32_MAX;
        if (*format == '.') {
            format++;
            precision = read_number(&format);
        }
        switch (*format) {
        case 's':
            print_text(va_arg(arguments, const char *), precision);
            break;
        case 'c':
            uart_write((uint8_t)va_arg(arguments, int));
            break;
        case 'u':
            print_number(va_arg(arguments, unsigned), 10, width);
            break;
        case 'X':
            print_number(va_arg(arguments, unsigned), 16, width);
            break;
        case '\0':
            return;
        default:
            uart_write((uint8_t)*format);
            break;
        }
    }
}

void print_format(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_arguments(format, arguments);
    va_end(arguments);
}
