/* SPDX-License-Identifier: MIT */
#include "print.h"

#include <stdint.h>

#include "uart.h"

_Static_assert(sizeof(unsigned) == sizeof(uint32_t), "%u takes an unsigned");

struct sink {
    char *text;  /* NULL: the serial line */
    size_t room; /* left in `text` */
};

static void put(struct sink *sink, char character)
{
    if (sink->text == NULL) {
        uart_write((uint8_t)character);
    } else if (sink->room > 0) {
        *sink->text++ = character;
        sink->room--;
    }
}

static void print_text(struct sink *sink, const char *text, unsigned limit)
{
    for (; *text != '\0' && limit > 0; limit--) {
        put(sink, *text++);
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

static void print_number(struct sink *sink, uint32_t number, uint32_t base, unsigned width)
{
    char digits[10]; /* 4294967295 */
    unsigned count = 0;
    do {
        digits[count++] = "0123456789ABCDEF"[number % base];
        number /= base;
    } while (number > 0);
    for (; width > count; width--) {
        put(sink, '0');
    }
    while (count > 0) {
        put(sink, digits[--count]);
    }
}

/* By pointer: what a callee takes from a va_list given by value is lost to the caller. */
static void print_arguments(struct sink *sink, const char *format, va_list *arguments)
{
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            put(sink, *format);
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
            print_text(sink, va_arg(*arguments, const char *), precision);
            break;
        case 'c':
            put(sink, (char)va_arg(*arguments, int));
            break;
        case 'u':
            print_number(sink, va_arg(*arguments, unsigned), 10, width);
            break;
        case 'X':
            print_number(sink, va_arg(*arguments, unsigned), 16, width);
            break;
        case '\0':
            return;
        default:
            put(sink, *format);
            break;
        }
    }
}

void print_format(const char *format, ...)
{
    struct sink line = {NULL, 0};
    va_list arguments;
    va_start(arguments, format);
    print_arguments(&line, format, &arguments);
    va_end(arguments);
}

size_t print_into(char *text, size_t size, const char *format, va_list arguments)
{
    struct sink memory = {text, size - 1};
    va_list copy;
    va_copy(copy, arguments);
    print_arguments(&memory, format, &copy);
    va_end(copy);
    *memory.text = '\0';
    return (size_t)(memory.text - text);
}
