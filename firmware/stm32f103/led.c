/* SPDX-License-Identifier: MIT */
/* The Blue Pill's LED: PC13, which lights when low. */
#include "led.h"

#include "stm32f103.h"

#define PIN 13u

void led_start(void)
{
    RCC->APB2ENR |= RCC_APB2ENR_IOPCEN;
    led_set(false);
    GPIOC->CRH = (GPIOC->CRH & ~(0xFu << 20)) | GPIO_OUTPUT_2MHZ << 20;
}

void led_set(bool on)
{
    GPIOC->BSRR = on ? 1u << (PIN + 16) : 1u << PIN;
}
