#include "guest.h"

/* Version 2 of the unit: breakpoints at any instruction, in flash and in RAM. */
#define FOUR_STEPS(name, section)                                                                  \
    __asm(".section " section "\n\t.p2align 2\n\t.global " #name "\n\t.type " #name                \
          ", %function\n\t.thumb_func\n" #name ":\n\tmovs r0, #1\n\tadds r0, #2\n\tmovw r1, "      \
          "#0x1234\n\tadds r0, #4\n\tbx lr\n\t.text");                                             \
    extern uint32_t name(void);
FOUR_STEPS(in_flash, ".text.in_flash,\"ax\",%progbits")
FOUR_STEPS(in_ram, ".ramcode,\"ax\",%progbits")

NOINLINE void disable(void)
{
    FP_COMP(0) = 0;
    note(DFSR);
}
FRAME_HANDLER(on_break, disable)
NOINLINE void count(void)
{
    note(frame[6]);
    if (noted == 3) {
        FP_COMP(0) = 0;
    }
}
FRAME_HANDLER(on_break_again, count)

static uint32_t breaks_at(uint32_t address, handler then, uint32_t (*function)(void))
{
    vectors[DEBUGMONITOR] = vectors[HARDFAULT] = then;
    DEMCR = 1u << 16;
    FP_COMP(0) = address | 1;
    FP_CTRL = 3;
    BARRIER();
    return function();
}
uint32_t breaks_in_flash(uint32_t offset)
{
    return breaks_at(((uint32_t)(uintptr_t)in_flash & ~1u) + offset, on_break, in_flash);
}
uint32_t breaks_in_ram(uint32_t offset)
{
    return breaks_at(((uint32_t)(uintptr_t)in_ram & ~1u) + offset, on_break, in_ram);
}
uint32_t breaks_again(void)
{
    return breaks_at((uint32_t)(uintptr_t)in_flash & ~1u, on_break_again, in_flash);
}
/* Code in RAM that is rewritten under a breakpoint is executed as it now stands. */
uint32_t rewritten(uint32_t instruction)
{
    volatile uint16_t *code = (volatile uint16_t *)((uintptr_t)in_ram & ~(uintptr_t)1);
    uint32_t before = breaks_in_ram(2);
    out[0] = before;
    code[1] = (uint16_t)instruction;
    BARRIER();
    return breaks_in_ram(2);
}
NAKED uint32_t sleeps_before_it(void)
{
    ASM("movs r0, #5\n\twfi\n\t.global behind_wfi\nbehind_wfi:\n\tadds r0, #1\n\tbx lr");
}
static void on_tick(void)
{
    SYST_CSR = 0;
}
uint32_t breaks_behind_wfi(void)
{
    extern uint8_t behind_wfi[];
    vectors[SYSTICK] = on_tick;
    SYST_RVR = 9999;
    SYST_CVR = 0;
    SYST_CSR = 7;
    return breaks_at((uint32_t)(uintptr_t)behind_wfi & ~1u, on_break, sleeps_before_it);
}
uint32_t unmonitored(void)
{
    vectors[HARDFAULT] = on_break;
    DEMCR = 0;
    FP_COMP(0) = ((uint32_t)(uintptr_t)in_flash & ~1u) | 1;
    FP_CTRL = 3;
    BARRIER();
    return in_flash();
}
