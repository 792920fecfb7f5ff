#include "guest.h"

static void on_byte(void)
{
    out[noted] = USART1_SR;
    note(USART1_DR);
}
void listen_as(uint32_t brr, uint32_t cr1)
{
    vectors[IRQ0 + 37] = on_byte;
    NVIC_ISER(1) = 1u << 5;
    USART1_BRR = brr;
    USART1_CR1 = cr1;
    for (;;) {
        ASM("wfi");
    }
}
void listen(uint32_t brr)
{
    listen_as(brr, 0x202C);
}
void listen_late(uint32_t brr)
{
    USART1_BRR = brr;
    USART1_CR1 = 0x200C;
    while (!(USART1_SR & 1u << 3)) {
    }
    out[0] = USART1_DR;
    out[1] = USART1_SR;
}
void say(uint32_t brr)
{
    USART1_BRR = brr;
    USART1_CR1 = 0x200C;
    for (uint32_t byte = 'a'; byte < 'e'; byte++) {
        while (!(USART1_SR & 1u << 7)) {
        }
        USART1_DR = byte;
    }
}
