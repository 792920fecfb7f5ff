/* SPDX-License-Identifier: MIT */
/* A program around the loader that calls functions of every shape, all the time. */
#include "abi.h"
#include "clock.h"
#include "loader.h"
#include "tick.h"
#include "uart.h"

int main(void);
void call_all_w(volatile uint32_t results[CALLS]);
void call_all_h(volatile uint32_t results[CALLS]);

volatile uint32_t unpatched; /* 0, which no compiler knows */
volatile struct zeros zero;
volatile uint32_t results_w[CALLS], results_h[CALLS];
volatile uint32_t rounds;

/* For patches of the tick's interrupt: what they count. */
volatile uint32_t ticks, wrong;

int main(void)
{
    clock_start();
    tick_start();
    uart_start();
    loader_start();
    ticks = wrong = 0; /* or the linker leaves them out */
    for (;;) {
        loader_poll();
        call_all_w(results_w);
        call_all_h(results_h);
        rounds++;
    }
}
