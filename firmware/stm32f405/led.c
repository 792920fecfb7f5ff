/* SPDX-License-Identifier: MIT */
/* The LED of Olimex's STM32-H405 board: PC12, which lights when low. */
#include "led.h"

#include "stm32f405.h"

#define PIN 12u

void led_start(void)
{
    RCC->AHB1ENR |= RCC_AHB1ENR_GPIOCEN;
    led_set(false);
    gpio_make_output(GPIOC, PIN);
}

void led_set(bool on)
{
    GPIOC->BSRR = on ? 1u << (PIN + 16) : 1u << PIN;
}
