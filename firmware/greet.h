/* SPDX-License-Identifier: MIT */
#ifndef FIRMWARE_GREET_H
#define FIRMWARE_GREET_H

/* Return what the command `hello` answers. Made to be patched. */
const char *greet(void);

#endif
