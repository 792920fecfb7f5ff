/* SPDX-License-Identifier: MIT */
/* The board's one LED. Each part implements it. */
#ifndef FIRMWARE_LED_H
#define FIRMWARE_LED_H

#include <stdbool.h>

void led_start(void);
void led_set(bool on);

#endif
