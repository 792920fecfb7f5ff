#include "guest.h"

/* CCR.DIV_0_TRP: a division by zero is a UsageFault, or gives 0. DDI 0403E.e B3.2, A7.7. */
NOINLINE void skip_word(void)
{
    note(CFSR);
    CFSR = CFSR;
    frame[6] += 4;
}
FRAME_HANDLER(skips, skip_word)

NAKED uint32_t divide(int32_t a, int32_t b)
{
    ASM("mov r2, r0\n\tmovs r0, #42\n\t.global the_sdiv\nthe_sdiv:\n\tsdiv r0, r2, r1\n\tbx lr");
}
NAKED uint32_t divide_unsigned(uint32_t a, uint32_t b)
{
    ASM("mov r2, r0\n\tmovs r0, #42\n\tudiv r0, r2, r1\n\tbx lr");
}
static void trap(uint32_t on)
{
    vectors[USAGEFAULT] = skips;
    SHCSR = 1u << 18;
    CCR = CCR | on << 4;
    BARRIER();
}
uint32_t divides(uint32_t on, int32_t a, int32_t b)
{
    trap(on);
    return divide(a, b);
}
uint32_t divides_unsigned(uint32_t on, uint32_t a, uint32_t b)
{
    trap(on);
    return divide_unsigned(a, b);
}
uint32_t trap_off_again(int32_t a)
{
    trap(1);
    divide(a, 0);
    CCR &= ~(1u << 4);
    return divide(a, 0);
}

/* Of the divisions of an IT block, the one that is not executed does not fault. */
NAKED uint32_t in_it_block(uint32_t a)
{
    ASM("movs r1, #0\n\tmovs r2, #7\n\tmovs r3, #7\n\tcmp r1, r1\n\titete eq\n\tmoveq r1, #2\n\t"
        "udivne r2, r0, r1\n\tudiveq r3, r0, r1\n\tmovne r3, #1\n\tadds r0, r2, r3\n\tbx lr");
}
uint32_t divides_in_it_block(uint32_t a)
{
    trap(1);
    return in_it_block(a);
}

/* A sum that a loop of divisions makes, with an interrupt now and then. */
static void on_tick(void)
{
    out[0]++;
}
uint32_t divides_often(uint32_t on, uint32_t count)
{
    uint32_t sum = 0;
    trap(on);
    vectors[SYSTICK] = on_tick;
    SYST_RVR = 99;
    SYST_CVR = 0;
    SYST_CSR = 7;
    for (uint32_t i = 1; i <= count; i++) {
        sum += divide_unsigned(1000000, i) + divide(-1000000, (int32_t)i);
    }
    SYST_CSR = 0;
    return sum;
}
