/* SPDX-License-Identifier: MIT */
/* Milliseconds from SysTick. Source: DDI 0403E.e, B3.3.3. */
#include "tick.h"

#include "clock.h"
#include "cortex_m.h"
#include "interrupts.h"

static volatile uint32_t now_ms;

void tick_start(void)
{
    SysTick->LOAD = clock_hz() / 1000u - 1u;
    SysTick->VAL = 0;
    SysTick->CTRL = SysTick_CTRL_CLKSOURCE | SysTick_CTRL_TICKINT | SysTick_CTRL_ENABLE;
}

void tick_interrupt(void)
{
    now_ms++;
}

uint32_t tick_ms(void)
{
    return now_ms;
}
