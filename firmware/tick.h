/* SPDX-License-Identifier: MIT */
/* Time since reset. Each part implements it. */
#ifndef FIRMWARE_TICK_H
#define FIRMWARE_TICK_H

#include <stdint.h>

void tick_start(void);

/* Return the milliseconds since `tick_start`; wraps after 49 days. */
uint32_t tick_ms(void);

#endif
