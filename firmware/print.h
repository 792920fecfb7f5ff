/* SPDX-License-Identifier: MIT */
/* Text, to the serial line or into memory. */
#ifndef FIRMWARE_PRINT_H
#define FIRMWARE_PRINT_H

#include <stdarg.h>
#include <stddef.h>

/*
 * A small printf: %s, %c, %u, %X and %%, with a width that pads numbers with zeros (%03u,
 * %08X), and a precision that cuts text (%.80s). Numbers are 32 bits.
 */
__attribute__((format(printf, 1, 2))) void print_format(const char *format, ...);

/* The same into `text`, cut so that it fits `size` bytes with its NUL; return how long it is. */
__attribute__((format(printf, 3, 0))) size_t print_into(char *text, size_t size, const char *format,
                                                        va_list arguments);

#endif
