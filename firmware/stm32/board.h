/* SPDX-License-Identifier: MIT */
/* What each part with these files tells them, beside its device.h. */
#ifndef FIRMWARE_BOARD_H
#define FIRMWARE_BOARD_H

#include <stdint.h>

/* Clock USART1 and connect it to PA9 (TX) and PA10 (RX), whose pull is up; return the frequency of
 * its bus in hertz. */
uint32_t board_connect_usart1(void);

#endif
