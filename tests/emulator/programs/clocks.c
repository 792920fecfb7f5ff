#include "guest.h"

#define RCC_APB2RSTR REG(0x4002100C)
#define RCC_APB2ENR  REG(0x40021018)
#define RCC_CSR      REG(0x40021024)
#define USART1EN     (1u << 14)

/* Use USART1 with its clock on, off, and on again. */
uint32_t gated(void)
{
    USART1_BRR = 0x123;
    RCC_APB2ENR &= ~USART1EN;
    out[0] = USART1_BRR;
    out[1] = USART1_SR;
    USART1_BRR = 0x456;
    RCC_APB2ENR |= USART1EN;
    return USART1_BRR;
}
uint32_t reset_by_rcc(void)
{
    USART1_BRR = 0x123;
    RCC_APB2RSTR = USART1EN;
    RCC_APB2RSTR = 0;
    return USART1_BRR;
}
uint32_t flags(void)
{
    return RCC_CSR;
}
void forget_and_reset(void)
{
    RCC_CSR = 1u << 24;
    AIRCR = 0x05FA0004;
    for (;;) {
    }
}
