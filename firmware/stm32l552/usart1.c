/* SPDX-License-Identifier: MIT */
#include "board.h"
#include "clock.h"
#include "stm32l552.h"

uint32_t board_connect_usart1(void)
{
    RCC->AHB2ENR |= RCC_AHB2ENR_GPIOAEN;
    RCC->APB2ENR |= RCC_APB2ENR_USART1EN;
    gpio_connect_usart1(GPIOA);
    return clock_hz(); /* APB2 runs at the core's clock */
}
