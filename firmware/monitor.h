/* SPDX-License-Identifier: MIT */
/*
 * DebugMonitor: a breakpoint at a function's first instruction takes this exception, and its
 * return goes to the patch in place of the function (core/debugmon.c). It needs no remapping, so it
 * is the way of an FPB version 2, and it takes one comparator wherever the function begins.
 * Source: DDI 0403E.e C1.6.
 */
#ifndef FIRMWARE_MONITOR_H
#define FIRMWARE_MONITOR_H

#include <stdbool.h>

enum monitor_result {
    MONITOR_OK,
    MONITOR_DEBUGGER, /* DHCSR.C_DEBUGEN: breakpoints halt the core instead */
    MONITOR_ABSENT,   /* DEMCR.MON_EN cannot be set */
};

/* Have breakpoints take the exception, at the highest priority there is to give. */
enum monitor_result monitor_start(void);

bool monitor_is_on(void);

#endif
