/* SPDX-License-Identifier: MIT */
/* The functions of the demo that are made to be patched; each is called from another file. */
#ifndef FIRMWARE_DEMO_FUNCTIONS_H
#define FIRMWARE_DEMO_FUNCTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* How long the LED stays as it is. At address%4 == 0. */
uint32_t blink_period_ms(void);

/* What the LED's line says. At address%4 == 2. */
const char *led_text(bool on);

/* Sum of the arguments times 2, 3, 4, ...: sees when one is lost or in the wrong place. At
 * address%4 == 0. */
uint32_t weigh_0(void);
uint32_t weigh_1(uint32_t a);
uint32_t weigh_2(uint32_t a, uint32_t b);
uint32_t weigh_3(uint32_t a, uint32_t b, uint32_t c);
uint32_t weigh_4(uint32_t a, uint32_t b, uint32_t c, uint32_t d);
uint32_t weigh_5(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e);
uint32_t weigh_6(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e, uint32_t f);

/* The arguments as digits after a 7, base 10: 7, 71, 712, ... At address%4 == 2. */
uint32_t digits_0(void);
uint32_t digits_1(uint32_t a);
uint32_t digits_2(uint32_t a, uint32_t b);
uint32_t digits_3(uint32_t a, uint32_t b, uint32_t c);
uint32_t digits_4(uint32_t a, uint32_t b, uint32_t c, uint32_t d);
uint32_t digits_5(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e);
uint32_t digits_6(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e, uint32_t f);

#endif
