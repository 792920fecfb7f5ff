#include "guest.h"

static void on_tick(void)
{
    USART1_DR = 't';
}
void program(void)
{
    vectors[SYSTICK] = on_tick;
    USART1_BRR = 69;
    USART1_CR1 = 0x200C;
    SYST_RVR = 79999;
    SYST_CVR = 0;
    SYST_CSR = 7; /* 10 ms */
    for (;;) {
        ASM("wfi");
    }
}
