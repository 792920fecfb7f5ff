#include "guest.h"

static volatile uint32_t word;
uint32_t bits_of_sram(void)
{
    volatile uint32_t *alias =
        (volatile uint32_t *)(0x22000000 + ((uintptr_t)&word - 0x20000000) * 32);
    alias[0] = 1, alias[13] = 1, alias[31] = 1;
    alias[0] = 0;
    return word ^ (alias[13] + alias[12]);
}
uint32_t bits_of_a_port(void)
{
    REG(0x40011004) = 0x44244444; /* GPIOC_CRH: PC13 is an output */
    volatile uint32_t *odr = (volatile uint32_t *)(0x42000000 + 0x1100C * 32);
    odr[13] = 1;
    uint32_t on = REG(0x4001100C);
    odr[13] = 0;
    return on << 16 | REG(0x4001100C);
}
