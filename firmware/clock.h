/* SPDX-License-Identifier: MIT */
/* The core clock. Each part implements it. */
#ifndef FIRMWARE_CLOCK_H
#define FIRMWARE_CLOCK_H

#include <stdint.h>

/* Choose the fastest clock that starts; every wait is bounded. */
void clock_start(void);

/* Return the core's frequency, 72000000 when all is well. */
uint32_t clock_hz(void);

/* Name where the clock comes from: "HSE" or "HSI". */
const char *clock_source(void);

#endif
