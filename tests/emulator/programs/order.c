#include "guest.h"

static void low(void)
{
    note(1);
    NVIC_ISPR(0) = 1u << 1;
    BARRIER();
    note(2);
}
static void high(void)
{
    note(10);
}
static void other(void)
{
    note(20);
}
static void pends_equal(void)
{
    note(1);
    NVIC_ISPR(0) = 1u << 1;
    BARRIER();
    note(2);
}

static void two_irqs(handler first, handler second, unsigned first_priority,
                     unsigned second_priority)
{
    vectors[IRQ0] = first, vectors[IRQ0 + 1] = second;
    NVIC_IPR(0) = (uint8_t)first_priority, NVIC_IPR(1) = (uint8_t)second_priority;
    NVIC_ISER(0) = 3;
}
void nesting(void)
{
    two_irqs(low, high, 0x80, 0x40);
    NVIC_ISPR(0) = 1;
    BARRIER();
    note(3);
}
void no_nesting(void)
{
    two_irqs(pends_equal, high, 0x80, 0x80);
    NVIC_ISPR(0) = 1;
    BARRIER();
    note(3);
}
void same_group(void)
{
    AIRCR = 0x05FA0000 | 5u << 8; /* priority bits [7:6] decide on preemption */
    two_irqs(low, high, 0x90, 0x80);
    NVIC_ISPR(0) = 1;
    BARRIER();
    note(3);
}
void both_at_once(void)
{
    two_irqs(high, other, 0x80, 0x40);
    ASM("cpsid i");
    NVIC_ISPR(0) = 3;
    ASM("cpsie i");
    note(3);
}
void lowest_number_first(void)
{
    two_irqs(high, other, 0x80, 0x80);
    ASM("cpsid i");
    NVIC_ISPR(0) = 3;
    ASM("cpsie i");
    note(3);
}

static void on_tick(void)
{
    note(15);
}
uint32_t held_off_by_primask(void)
{
    vectors[SYSTICK] = on_tick;
    ASM("cpsid i");
    ICSR = 1u << 26;
    BARRIER();
    note(1);
    uint32_t pending = ICSR;
    ASM("cpsie i");
    note(2);
    return pending;
}
void withdrawn_while_held_off(void)
{
    vectors[IRQ0] = high;
    NVIC_ISER(0) = 1;
    ASM("cpsid i");
    NVIC_ISPR(0) = 1;
    BARRIER();
    note(1);
    NVIC_ICPR(0) = 1;
    BARRIER();
    ASM("cpsie i");
    note(2);
}
uint32_t held_off_by_basepri(void)
{
    vectors[SYSTICK] = on_tick;
    SHPR(SYSTICK) = 0x80;
    __asm volatile("msr basepri, %0" ::"r"(0x80));
    ICSR = 1u << 26;
    BARRIER();
    note(1);
    __asm volatile("msr basepri, %0" ::"r"(0x90));
    note(2);
    __asm volatile("msr basepri, %0" ::"r"(0));
    return ICSR;
}
uint32_t basepri_of_unimplemented_bits(void)
{
    vectors[SYSTICK] = on_tick;
    SHPR(SYSTICK) = 0x80;
    __asm volatile("msr basepri, %0" ::"r"(0x08)); /* bits [3:0] do not exist: this is 0 */
    ICSR = 1u << 26;
    BARRIER();
    note(1);
    __asm volatile("msr basepri, %0" ::"r"(0));
    return 0;
}
void held_off_by_faultmask(void)
{
    vectors[NMI] = high;
    vectors[SYSTICK] = on_tick;
    ASM("cpsid f");
    ICSR = 1u << 26;
    BARRIER();
    note(1);
    ICSR = 1u << 31;
    BARRIER();
    note(2);
    ASM("cpsie f");
    note(3);
}
void grouping_changed(void)
{
    two_irqs(low, high, 0x80, 0x40);
    AIRCR = 0x05FA0000 | 7u << 8; /* no preemption at all */
    NVIC_ISPR(0) = 1;
    BARRIER();
    note(3);
}
static void regroups(void)
{
    note(1);
    NVIC_ISPR(0) = 1u << 1;
    BARRIER();
    note(2);
    AIRCR = 0x05FA0000;
    BARRIER();
    note(3);
}
void grouping_changed_while_pending(void)
{
    AIRCR = 0x05FA0000 | 7u << 8;
    two_irqs(regroups, high, 0x80, 0x40);
    NVIC_ISPR(0) = 1;
    BARRIER();
    note(4);
}
static void pends_pendsv(void)
{
    note(1);
    ICSR = 1u << 28;
    BARRIER();
    note(2);
}
static void on_pendsv(void)
{
    note(14);
}
void pendsv(void)
{
    vectors[SVCALL] = pends_pendsv, vectors[PENDSV] = on_pendsv;
    SHPR(PENDSV) = 0xF0;
    ASM("svc 7");
    note(3);
}
