#include "guest.h"

static volatile uint32_t flag;
static void on_tick(void)
{
    flag++;
}
static void put(uint32_t byte)
{
    while (!(USART1_SR & 1u << 7)) {
    }
    USART1_DR = byte;
}
static __attribute__((noinline)) uint32_t ticks(void)
{
    return flag;
}
static __attribute__((noinline)) uint32_t is_sent(void)
{
    return USART1_SR & 1u << 6;
}
static void prepare(void)
{
    vectors[SYSTICK] = on_tick;
    DEMCR = 1u << 24;
    DWT_CTRL = 1;
    USART1_BRR = 69;
    USART1_CR1 = 0x200C;
    SYST_RVR = 1999;
    SYST_CVR = 0;
    SYST_CSR = 7;
}
/* Everything one can wait for, in turn. */
void everything(void)
{
    prepare();
    for (uint32_t i = 0;; i++) {
        put('A' + (i & 15));
        uint32_t start = DWT_CYCCNT, old = flag;
        while (flag == old) {
        }
        out[0] = DWT_CYCCNT - start;
        while (DWT_CYCCNT - start < 300 + 10 * (i & 7)) {
        }
        while (SYST_CVR < 500) {
        }
        out[1] = SYST_CVR;
        while (!(SYST_CSR & 1u << 16)) {
        }
        while (!is_sent()) {
        }
        out[3] = DWT_CYCCNT;
        for (old = ticks(); ticks() == old && DWT_CYCCNT - out[3] < 700;) {
        }
        for (old = ticks(); ticks() == old && !(USART1_SR & 1u << 5);) {
        }
        out[2] = DWT_CYCCNT - start;
        note((out[0] ^ out[1] << 8 ^ out[2] << 16) & 0xFFFFFF);
        if (noted == 60) {
            noted = 0;
        }
        if (USART1_SR & 1u << 5) {
            put(USART1_DR);
        }
    }
}
uint32_t waits_for_cyccnt(uint32_t cycles)
{
    prepare();
    uint32_t start = DWT_CYCCNT;
    while (DWT_CYCCNT - start < cycles) {
    }
    return DWT_CYCCNT - start;
}
uint32_t waits_for_systick_count(void)
{
    SYST_RVR = 9999;
    SYST_CVR = 0;
    SYST_CSR = 5;
    uint32_t now;
    do {
        now = SYST_CVR;
    } while (now > 5000 || now == 0);
    return now;
}
void waits_for_out_0(void)
{
    while (out[0] == 0) {
    }
}
void waits_by_a_call(void)
{
    while (ticks() == 0) {
    }
}
uint32_t highest_count_seen(void)
{
    uint32_t highest = 0;
    SYST_RVR = 6;
    SYST_CVR = 0;
    SYST_CSR = 5;
    for (unsigned i = 0; i < 500; i++) {
        uint32_t now = SYST_CVR;
        ASM("nop");
        if (now > highest) {
            highest = now;
        }
    }
    return highest;
}
