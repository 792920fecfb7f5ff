#include "guest.h"

static volatile uint32_t pages[3][256] __attribute__((aligned(1024)));

/* The first access to a page, in an IT block; then instructions without a condition. */
NAKED uint32_t it_then_count(volatile uint32_t *address)
{
    ASM("movs r1, #0\n\tcmp r1, r1\n\titt eq\n\tldreq r2, [r0]\n\tstreq r1, [r0]\n\t"
        "b 1f\n1:\tadds r1, #1\n\tadds r1, #1\n\tadds r1, #1\n\tadds r1, #1\n\tmov r0, r1\n\tbx "
        "lr");
}
uint32_t it_block_on_a_new_page(uint32_t n)
{
    return it_then_count(pages[n]);
}
uint32_t it_block_on_a_peripheral(void)
{
    return it_then_count(&REG(0x40010C0C));
}

static void on_tick(void)
{
    note(1);
}
void store_that_makes_an_exception_pending(void)
{
    vectors[SYSTICK] = on_tick;
    for (uint32_t i = 0; i < 10; i++) {
        ICSR = 1u << 26;
        BARRIER();
    }
}
void send(uint32_t count)
{
    USART1_BRR = 69;
    USART1_CR1 = 0x200C;
    for (uint32_t i = 0; i < count; i++) {
        while (!(USART1_SR & 1u << 7)) {
        }
        USART1_DR = 'a' + i;
    }
}
uint32_t data_page_becomes_code(void)
{
    volatile uint32_t *page = pages[2];
    uint32_t (*run)(void) = (uint32_t (*)(void))((uintptr_t)page | 1), sum = 0;
    for (uint32_t i = 1; i < 40; i++) {
        page[0] = 0x47702000 | i;
        BARRIER();
        sum += run();
        page[1] = i;
    }
    return sum;
}
void counts_to_out_0(void)
{
    for (;;) {
        out[0]++;
    }
}

static void handler_of_tick(void)
{
    uint32_t n;
    __asm volatile("mrs %0, ipsr" : "=r"(n));
    note(n);
    for (unsigned i = 0; i < 200; i++) {
        ASM("nop");
    }
    __asm volatile("mrs %0, ipsr" : "=r"(n));
    note(n);
}
void long_handler(void)
{
    vectors[SYSTICK] = handler_of_tick;
    ICSR = 1u << 26;
    BARRIER();
    note(99);
}

static uint32_t stack[32] __attribute__((aligned(8)));
NAKED void unprivileged_for_ever(uint32_t *top)
{
    ASM("msr psp, r0\n\tmovs r0, #3\n\tmsr control, r0\n\tisb\n1:\tb 1b");
}
void goes_unprivileged(void)
{
    unprivileged_for_ever(&stack[32]);
}
uint32_t reads_stack_pointers(void)
{
    uint32_t msp, psp;
    __asm volatile("msr psp, %0" ::"r"(0x20001230));
    __asm volatile("mrs %0, msp" : "=r"(msp));
    __asm volatile("mrs %0, psp" : "=r"(psp));
    out[0] = msp;
    return psp;
}
