#include "guest.h"

static void on_byte(void)
{
    out[noted] = USART1_SR;
    note(USART1_DR);
}
void listen(uint32_t brr)
{
    vectors[IRQ0 + 37] = on_byte;
    NVIC_ISER(1) = 1u << 5;
    USART1_BRR = brr;
    USART1_CR1 = 0x202C;
    for (;;) {
        ASM("wfi");
    }
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
