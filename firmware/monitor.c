/* SPDX-License-Identifier: MIT */
#include "monitor.h"

#include "cortex_m.h"

enum monitor_result monitor_start(void)
{
    if ((CoreDebug->DHCSR & CoreDebug_DHCSR_C_DEBUGEN) != 0) {
        return MONITOR_DEBUGGER;
    }
    SCB->SHP[2] &= ~0xFFu; /* SHPR3, PRI_12: priority 0 */
    CoreDebug->DEMCR |= CoreDebug_DEMCR_MON_EN;
    cortex_m_barrier();
    return monitor_is_on() ? MONITOR_OK : MONITOR_ABSENT;
}

bool monitor_is_on(void)
{
    return (CoreDebug->DEMCR & CoreDebug_DEMCR_MON_EN) != 0;
}
