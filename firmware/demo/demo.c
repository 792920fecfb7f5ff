/* SPDX-License-Identifier: MIT */
#include "demo.h"

#include "functions.h"
#include "led.h"
#include "print.h"
#include "tick.h"

static bool led_on;
static uint32_t toggled_ms;

void demo_start(void)
{
    led_start();
}

/* The arguments are 1, 2, 3, ...: whoever patches one of these knows what to expect. */
static void print_calls(void)
{
    print_format("[demo] weigh %u %u %u %u %u %u %u", weigh_0(), weigh_1(1), weigh_2(1, 2),
                 weigh_3(1, 2, 3), weigh_4(1, 2, 3, 4), weigh_5(1, 2, 3, 4, 5),
                 weigh_6(1, 2, 3, 4, 5, 6));
    print_format(" digits %u %u %u %u %u %u %u\n", digits_0(), digits_1(1), digits_2(1, 2),
                 digits_3(1, 2, 3), digits_4(1, 2, 3, 4), digits_5(1, 2, 3, 4, 5),
                 digits_6(1, 2, 3, 4, 5, 6));
}

void demo_poll(void)
{
    uint32_t now_ms = tick_ms();
    if (now_ms - toggled_ms < blink_period_ms()) {
        return;
    }
    toggled_ms = now_ms;
    led_on = !led_on;
    led_set(led_on);
    print_format("LED %s  %u.%03u s\n", led_text(led_on), now_ms / 1000, now_ms % 1000);
    print_calls();
}
