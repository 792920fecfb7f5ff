#include "guest.h"

static void on_byte(void)
{
    while (!(USART1_SR & 1u << 7)) {
    }
    USART1_DR = USART1_DR ^ 0x20;
}
void program(void)
{
    vectors[IRQ0 + 37] = on_byte;
    NVIC_ISER(1) = 1u << 5;
    USART1_BRR = 69;
    USART1_CR1 = 0x202C;
    USART1_DR = '!';
    for (;;) {
        ASM("wfi");
    }
}
