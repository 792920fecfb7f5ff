/* SPDX-License-Identifier: MIT */
/* The loader, and the demo program that it patches. */
#include "clock.h"
#include "cortex_m.h"
#include "demo.h"
#include "loader.h"
#include "part.h"
#include "print.h"
#include "tick.h"
#include "uart.h"
#include "version.h"

int main(void);

/* Sleep until an interrupt. Masked interrupts wake the core too, and run after the unmasking: so a
 * byte that comes between the question and the sleep does not wait for the next tick. */
static void sleep_unless_received(void)
{
    uint32_t primask = cortex_m_mask();
    if (!uart_readable()) {
        cortex_m_wait_for_interrupt();
    }
    cortex_m_unmask(primask);
}

int main(void)
{
    clock_start();
    tick_start();
    uart_start();
    loader_start();
    demo_start();
    print_format("\n%s %s %u MHz %s\n", VERSION_NAME, part_name, clock_hz() / 1000000u,
                 clock_source());
    for (;;) {
        loader_poll();
        demo_poll();
        sleep_unless_received();
    }
}
