/* SPDX-License-Identifier: MIT */
#include "functions.h"
#include "parity.h"

AT_WORD uint32_t blink_period_ms(void)
{
    return 500;
}

AT_HALFWORD(led_text) const char *led_text(bool on)
{
    return on ? "on" : "off";
}
