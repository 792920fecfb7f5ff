/* What a handler's end does beside going back. */
#include "guest.h"

static void on_console(void)
{
    note(37);
    if (out[0]++ == 2) {
        NVIC_ICER(1) = 1u << 5;
    }
}
/* TC is high, and nobody lowers it: the handler begins again before the next instruction. */
void line_stays_high(void)
{
    vectors[16 + 37] = on_console;
    REG(0x40021018) |= 1u << 14;
    USART1_CR1 = 1u << 13 | 1u << 6 | 1u << 3;
    NVIC_ISER(1) = 1u << 5;
    BARRIER();
    note(1);
}

static void start_ticks(handler on_tick)
{
    vectors[SYSTICK] = on_tick;
    SYST_RVR = 999;
    SYST_CVR = 0;
    SYST_CSR = 7;
}
static void on_tick_that_decides(void)
{
    note(15);
    SCR = ++out[0] < 3 ? 1u << 1 : 0;
}
void sleeponexit_set_in_the_handler(void)
{
    start_ticks(on_tick_that_decides);
    while (out[0] == 0) {
    }
    note(1);
    SYST_CSR = 0;
}

static void on_tick_that_waits(void)
{
    ASM("sev\n\twfe"); /* no event is left */
    out[0]++;
}
void end_is_an_event(void)
{
    start_ticks(on_tick_that_waits);
    while (out[0] == 0) {
    }
    ASM("wfe");
    out[1] = out[0];
    SYST_CSR = 0;
}

static void on_tick_that_marks(void)
{
    __asm volatile("ldrex r2, [%0]" ::"r"(&out[2]) : "r2", "memory");
    out[0]++;
}
void end_clears_the_monitor(void)
{
    uint32_t failed = 0;
    start_ticks(on_tick_that_marks);
    while (out[0] == 0) {
    }
    __asm volatile("strex %0, %1, [%2]" : "=&r"(failed) : "r"(7), "r"(&out[2]) : "memory");
    out[1] = failed;
    SYST_CSR = 0;
}

/* What comes in the midst of a run, of which nobody but the core need know. */
static void on_nmi(void)
{
    note(2);
}
void nmi_under_primask(void)
{
    vectors[NMI] = on_nmi;
    ASM("cpsid i");
    ICSR = 1u << 31;
    BARRIER();
    note(1);
    ASM("cpsie i");
}

static void on_tick_of_old(void)
{
    note(1);
}
static void on_tick_of_new(void)
{
    note(15);
}
static handler other_vectors[16] __attribute__((aligned(128)));
void vectors_moved_in_the_same_block(void)
{
    vectors[SYSTICK] = on_tick_of_old;
    other_vectors[SYSTICK] = on_tick_of_new;
    uint32_t moved = (uint32_t)other_vectors, pends = 1u << 26;
    __asm volatile("str %1, [%0, #8]\n\tstr %2, [%0, #4]" ::"r"(0xE000ED00), "r"(moved),
                   "r"(pends));
    BARRIER();
    note(2);
}

void tick_ends_wfi_under_primask(void)
{
    start_ticks(on_tick_of_old);
    ASM("cpsid i\n\twfi");
    SYST_CSR = 0;
    note(2);
    ASM("cpsie i");
    BARRIER();
    note(3);
}
