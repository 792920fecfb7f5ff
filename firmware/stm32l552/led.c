/* SPDX-License-Identifier: MIT */
/* The blue LED of ST's NUCLEO-L552ZE-Q board: PB7, which lights when high. */
#include "led.h"

#include "stm32l552.h"

#define PIN 7u

void led_start(void)
{
    RCC->AHB2ENR |= RCC_AHB2ENR_GPIOBEN;
    led_set(false);
    gpio_make_output(GPIOB, PIN);
}

void led_set(bool on)
{
    GPIOB->BSRR = on ? 1u << PIN : 1u << (PIN + 16);
}
