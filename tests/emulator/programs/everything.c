#include "guest.h"

static volatile uint32_t flag, received;
RAM_CODE uint32_t scramble(uint32_t x)
{
    return x * 1664525 + 1013904223;
}
__attribute__((aligned(4))) NAKED uint32_t version(void)
{
    ASM("movs r0, #1\n\tbx lr");
}
static void on_tick(void)
{
    FP_COMP(0) ^= 1;
    for (unsigned i = 0; i < 40; i++) {
        flag = scramble(flag);
    }
}
static void on_byte(void)
{
    received = received << 8 | USART1_DR;
}
static uint32_t stack[128] __attribute__((aligned(8)));
NOINLINE void work(void)
{
    for (;;) {
        while (!(USART1_SR & 1u << 7)) {
        }
        USART1_DR = flag ^ version() ^ received;
        note(flag);
        if (noted == 60) {
            noted = 0;
        }
    }
}
NAKED void become_unprivileged(uint32_t *top)
{
    ASM("msr psp, r0\n\tmovs r0, #3\n\tmsr control, r0\n\tisb\n\tbl work");
}
void everything(void)
{
    vectors[SYSTICK] = on_tick, vectors[IRQ0 + 37] = on_byte;
    NVIC_IPR(37) = 0x40, SHPR(SYSTICK) = 0x80, NVIC_ISER(1) = 1u << 5;
    USART1_BRR = 69;
    USART1_CR1 = 0x202C;
    table[0] = 0x47702055;
    FP_REMAP = (uint32_t)(uintptr_t)table;
    FP_COMP(0) = (uint32_t)(uintptr_t)version & ~1u;
    FP_CTRL = 3;
    SYST_RVR = 799;
    SYST_CVR = 0;
    SYST_CSR = 7;
    become_unprivileged(&stack[128]);
}
