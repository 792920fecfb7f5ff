/* SPDX-License-Identifier: MIT */
/* A program around the loader that calls functions of floats, once a millisecond. */
#include <stdint.h>

#include "clock.h"
#include "cortex_m.h"
#include "loader.h"
#include "parity.h"
#include "tick.h"
#include "uart.h"

int main(void);
float blend(float a, float b, float part);
float area(float width, uint32_t count, float height);

volatile float zero, blended, areas;
volatile uint32_t rounds;

AT_WORD float blend(float a, float b, float part)
{
    return a + (b - a) * part;
}

/* A leaf whose first instructions are the patch's to relocate. */
AT_HALFWORD(area) float area(float width, uint32_t count, float height)
{
    return width * height * (float)count;
}

int main(void)
{
    clock_start();
    tick_start();
    uart_start();
    loader_start();
    for (;;) {
        loader_poll();
        if (tick_ms() == rounds) {
            cortex_m_wait_for_interrupt();
            continue;
        }
        float one = zero + 1.0f;
        blended = blend(one, one * 3, one / 2);
        areas = area(one * 2, 3, one / 4);
        rounds = tick_ms();
    }
}
