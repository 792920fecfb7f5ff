#include "guest.h"

/* The DebugMonitor steps through what runs below it, and notes where it is after each step. */
static uint32_t steps;
NOINLINE void step(void)
{
    if (DFSR & 1) { /* HALTED */
        note(frame[6]);
        DFSR = 1;
    }
    if (noted == steps) {
        DEMCR &= ~(1u << 18);
    }
}
FRAME_HANDLER(on_step, step)
static void start(uint32_t count)
{
    steps = count;
    vectors[DEBUGMONITOR] = on_step;
    DEMCR = 1u << 16 | 1u << 18;
}
__asm(".section .text.stepped,\"ax\",%progbits\n\t.p2align 2\n\t.global stepped\n\t.type stepped, "
      "%function\n\t.thumb_func\nstepped:\n\tmovs r0, #0\n\tmovw r1, #0x1234\n\tcmp r0, #0\n\titte "
      "eq\n\taddeq r0, #1\n\taddeq.w r0, r0, #2\n\taddne r0, #4\n\tb 1f\n\tudf #0\n1:\tadds r0, "
      "#8\n\tsvc 0\n\tbx lr\n\t.text");
extern uint32_t stepped(void);
static void on_svc(void)
{
}
static void returns(void)
{
}
/* MON_PEND takes the first monitor exception; its return is where stepping begins. */
uint32_t steps_through(uint32_t count)
{
    vectors[SVCALL] = on_svc;
    SHPR(DEBUGMONITOR) = 0x80;
    SHPR(SVCALL) = 0x40; /* above the monitor: not stepped into */
    start(count);
    return stepped();
}
/* Stepping through an interrupt of a lower priority than the monitor's, and not of a higher. */
NOINLINE void handler_of_irq(void)
{
    ASM("nop\n\t.global in_irq\nin_irq:\n\tnop");
}
uint32_t steps_into(uint32_t priority)
{
    vectors[IRQ0] = handler_of_irq;
    NVIC_IPR(0) = (uint8_t)priority;
    SHPR(DEBUGMONITOR) = 0x80;
    NVIC_ISER(0) = 1;
    start(20);
    NVIC_ISPR(0) = 1;
    BARRIER();
    for (unsigned i = 0; i < 20; i++) {
        ASM("nop");
    }
    return noted;
}
void mon_pend(uint32_t mon_en)
{
    vectors[DEBUGMONITOR] = returns;
    ASM("cpsid i");
    DEMCR = mon_en << 16 | 1u << 17;
    note(DEMCR);
    DEMCR = mon_en << 16;
    note(DEMCR);
    DEMCR = mon_en << 16 | 1u << 17;
    ASM("cpsie i\n\tisb");
    note(DEMCR);
}
uint32_t no_step_without_mon_en(void)
{
    vectors[DEBUGMONITOR] = on_step;
    DEMCR = 1u << 18;
    BARRIER();
    ASM("nop\n\tnop");
    return noted;
}
uint32_t read(uint32_t address)
{
    return REG(address);
}
uint32_t write(uint32_t address, uint32_t word)
{
    REG(address) = word;
    return REG(address);
}
