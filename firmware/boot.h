/* SPDX-License-Identifier: MIT */
/*
 * A number that changes with every reset: a host that sees it change knows that all patches are
 * gone. It lives in .noinit, which start-up leaves alone, and steps at each reset. Where power was
 * off, it starts from a hash of what SRAM powered up with and the time of the first byte received.
 */
#ifndef FIRMWARE_BOOT_H
#define FIRMWARE_BOOT_H

#include <stdint.h>

void boot_start(void);

/* Note that a byte was received; only the first one counts. */
void boot_heard(void);

uint32_t boot_id(void);

#endif
