/* SPDX-License-Identifier: MIT */
/* Text, to the serial line or into memory. */
#ifndef FIRMWARE_PRINT_H
#define FIRMWARE_PRINT_H

#include <stdarg.h>
#include <stddef.h>

/* Arguments are checked where uint32_t is unsigned. With other C libraries it is unsigned long, of
 * the same 32 bits, and every number would be a warning. */
#ifdef __clang__
#define PRINT_FORMAT(format_at, first_at) __attribute__((format(printf, format_at, first_at)))
#else
#define PRINT_FORMAT(format_at, first_at)
#endif

/*
 * A small printf: %s, %c, %u, %X and %%, with a width that pads numbers with zeros (%03u,
 * %08X), and a precision that cuts text (%.80s). Numbers are 32 bits.
 */
PRINT_FORMAT(1, 2) void print_format(const char *format, ...);

/* The same into `text`, cut so that it fits `size` bytes with its NUL; return how long it is. */
PRINT_FORMAT(3, 0)
size_t print_into(char *text, size_t size, const char *format, va_list arguments);

#endif
