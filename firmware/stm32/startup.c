/* SPDX-License-Identifier: MIT */
/* Vector table, and the way from reset to main. */
#include <stdint.h>

#include "cortex_m.h"
#include "device.h"
#include "fpb.h"
#include "interrupts.h"

extern uint32_t stack_top[];
extern uint32_t data_start[], data_end[];
extern const uint32_t data_load[];
extern uint32_t bss_start[], bss_end[];

int main(void);

struct vector_table {
    uint32_t *stack;
    void (*exceptions[15])(void); /* 1 to 15 */
    void (*interrupts[DEVICE_IRQ_COUNT])(void);
};

_Static_assert(sizeof(struct vector_table) == 4 * (16 + DEVICE_IRQ_COUNT), "a word per exception");

__attribute__((section(".vectors"), used)) static const struct vector_table vectors = {
    .stack = stack_top,
    .exceptions =
        {
            Reset_Handler,   /* 1 */
            fault_entry,     /* 2 NMI */
            hardfault_entry, /* 3 */
            fault_entry,     /* 4 MemManage */
            fault_entry,     /* 5 BusFault */
            fault_entry,     /* 6 UsageFault */
            0,
            0,
            0,
            0,              /* 7 to 10 are reserved */
            fault_entry,    /* 11 SVCall */
            debugmon_entry, /* 12 */
            0,              /* 13 is reserved */
            fault_entry,    /* 14 PendSV */
            tick_interrupt, /* 15 SysTick */
        },
    .interrupts =
        {
            DEVICE_IRQS_BEFORE_USART1(fault_entry),
            uart_interrupt, /* DEVICE_USART1_IRQ */
            DEVICE_IRQS_AFTER_USART1(fault_entry),
        },
};

void Reset_Handler(void)
{
    /* First of all: a reset need not disable the FPB, and then code below may still be remapped to
     * SRAM that no longer holds a patch. */
    FPB->CTRL = FPB_CTRL_KEY;
#if DEVICE_HAS_FPU
    SCB_CPACR =
        SCB_CPACR_CP10_CP11_FULL; /* the compiler may use floating-point registers anywhere */
#endif
    cortex_m_barrier();

    for (uint32_t i = 0; data_start + i < data_end; i++) {
        data_start[i] = data_load[i];
    }
    for (uint32_t *word = bss_start; word < bss_end; word++) {
        *word = 0;
    }

    SCB->VTOR = (uint32_t)(uintptr_t)&vectors;
    SCB->CCR |= SCB_CCR_STKALIGN; /* off at reset in the M3's revision 1: AAPCS wants 8 bytes */
    SCB->SHCSR |= SCB_SHCSR_USGFAULTENA | SCB_SHCSR_BUSFAULTENA | SCB_SHCSR_MEMFAULTENA;
    cortex_m_barrier();

    (void)main();
    cortex_m_reset(); /* main does not return */
}
