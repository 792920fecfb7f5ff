/* SPDX-License-Identifier: MIT */
/* What the vector table points at. */
#ifndef FIRMWARE_INTERRUPTS_H
#define FIRMWARE_INTERRUPTS_H

void Reset_Handler(void);
void fault_entry(void);     /* every exception that nobody expects */
void hardfault_entry(void); /* HardFault */
void debugmon_entry(void);  /* DebugMonitor */
void tick_interrupt(void);
void uart_interrupt(void);

#endif
