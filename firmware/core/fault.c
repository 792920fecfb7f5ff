/* SPDX-License-Identifier: MIT */
/*
 * A fault, or an exception nobody expects: say so on the serial line, then reset. The reset also
 * takes every patch back, so a patch that crashes cannot keep the board.
 */
#include <stdint.h>

#include "cortex_m.h"
#include "frame.h"
#include "interrupts.h"
#include "part.h"
#include "print.h"
#include "probe.h"
#include "uart.h"

/* Called by fault_entry alone. */
void fault_handle(struct frame *frame);

/*
 * The stack lies at the bottom of SRAM, so what overflows it leaves SRAM and faults. This handler
 * would fault too, which is lockup: with the stack that low it takes a new one. The handler needs
 * less than 256 bytes.
 */
__attribute__((naked)) void fault_entry(void)
{
    __asm volatile("tst lr, #4\n\t"
                   "ite eq\n\t"
                   "mrseq r0, msp\n\t"
                   "mrsne r0, psp\n\t"
                   "ldr r1, =stack_bottom + 256\n\t"
                   "mrs r2, msp\n\t"
                   "cmp r2, r1\n\t"
                   "bhs 1f\n\t"
                   "ldr r2, =stack_top\n\t"
                   "msr msp, r2\n\t"
                   "1:\n\t"
                   "b fault_handle");
}

static const char *name_of(uint32_t exception)
{
    switch (exception) {
    case 2:
        return "NMI";
    case 3:
        return "HardFault";
    case 4:
        return "MemManage";
    case 5:
        return "BusFault";
    case 6:
        return "UsageFault";
    case 12:
        return "DebugMonitor";
    default:
        return "Exception";
    }
}

void fault_handle(struct frame *frame)
{
    uint32_t exception = SCB->ICSR & 0x1FFu; /* VECTACTIVE */
    uint32_t cfsr = SCB->CFSR;
    uint32_t hfsr = SCB->HFSR;
    uint32_t address = (uint32_t)(uintptr_t)frame;
    uint32_t resume = 0;

    if (address < part_sram.address ||
        address - part_sram.address > part_sram.size - sizeof *frame) {
        print_format("\n[FAULT] %s %u, stack overflow (sp=0x%08X)", name_of(exception), exception,
                     address);
    } else if (probe_recover(frame->pc, &resume)) {
        SCB->CFSR = cfsr; /* write 1 to clear */
        SCB->HFSR = hfsr;
        frame->pc = resume;
        return;
    } else {
        print_format("\n[FAULT] %s %u at pc=0x%08X lr=0x%08X", name_of(exception), exception,
                     frame->pc, frame->lr);
    }
    print_format(" cfsr=0x%08X hfsr=0x%08X", cfsr, hfsr);
    if ((cfsr & (SCB_CFSR_BFARVALID | SCB_CFSR_MMARVALID)) != 0) {
        print_format(" address=0x%08X", (cfsr & SCB_CFSR_BFARVALID) != 0 ? SCB->BFAR : SCB->MMFAR);
    }
    print_format(", resetting\n");
    uart_flush();
    cortex_m_reset();
}
