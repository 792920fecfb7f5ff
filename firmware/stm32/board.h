/* SPDX-License-Identifier: MIT */
/* What each part with these files tells them, beside its device.h. */
#ifndef FIRMWARE_BOARD_H
#define FIRMWARE_BOARD_H

#include <stdbool.h>
#include <stdint.h>

/* Clock USART1 and connect it to PA9 (TX) and PA10 (RX), whose pull is up; return the frequency of
 * its bus in hertz. */
uint32_t board_connect_usart1(void);

/* Set flash's wait states, the buses' dividers and the PLL's factors, for the crystal or else for
 * the internal oscillator; return the PLL's frequency in hertz. It is switched on, and to, later.
 */
uint32_t board_set_pll(bool has_hse);

#endif
