/* Boots a guest program, then waits: the tests call its functions one at a time. */
#include "guest.h"

volatile handler vectors[VECTORS] __attribute__((aligned(VECTORS > 64 ? 512 : 256)));
volatile uint32_t out[32], noted, notes[64];
uint32_t table[8] __attribute__((aligned(32)));
uint32_t *frame;
volatile uint32_t unexpected; /* the exception that came without a handler */

extern uint32_t data_start[], data_end[], bss_start[], bss_end[];
extern const uint32_t data_load[];
void reset(void);
void idle(void);
void stray(void);
void program(void); /* may be there: runs before `idle` */
__attribute__((weak)) void program(void)
{
}

#define SEVEN(x) x, x, x, x, x, x, x
struct boot_table {
    uintptr_t stack;
    handler exceptions[58];
};
__attribute__((section(".vectors"), used)) const struct boot_table boot_table = {
    0x20005000,
    {reset, stray, SEVEN(stray), SEVEN(stray), SEVEN(stray), SEVEN(stray), SEVEN(stray),
     SEVEN(stray), SEVEN(stray), SEVEN(stray)}};

NAKED void idle(void)
{
    __asm volatile("b idle");
}

NOINLINE void stray(void)
{
    __asm volatile("mrs %0, ipsr" : "=r"(unexpected));
    for (;;) {
    }
}

void keep_frame(uint32_t *at, uint32_t exc_return)
{
    frame = at;
    for (unsigned i = 0; i < 8; i++) {
        out[FRAME + i] = at[i];
    }
    out[FRAME_EXC_RETURN] = exc_return;
    out[FRAME_SP] = (uint32_t)(uintptr_t)at;
    out[FRAME_COUNT]++;
}

void reset(void)
{
#ifdef STM32F405 /* RCC: every clock is on; the FPU is */
    REG(0x40023830) = REG(0x40023834) = REG(0x40023838) = REG(0x40023840) = REG(0x40023844) = ~0u;
    REG(0xE000ED88) = 0xFu << 20;
    BARRIER();
#elif defined STM32L552
    REG(0x40021048) = REG(0x4002104C) = REG(0x40021050) = ~0u;
    REG(0x40021058) = REG(0x4002105C) = REG(0x40021060) = ~0u;
#else
    REG(0x40021014) = REG(0x40021018) = REG(0x4002101C) = ~0u;
#endif
    for (uint32_t i = 0; data_start + i < data_end; i++) {
        data_start[i] = data_load[i];
    }
    for (uint32_t *word = bss_start; word < bss_end; word++) {
        *word = 0;
    }
    for (unsigned i = 0; i < VECTORS; i++) {
        vectors[i] = stray;
    }
    VTOR = (uint32_t)(uintptr_t)vectors;
    program();
    idle();
}
