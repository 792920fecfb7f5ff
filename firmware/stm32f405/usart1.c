/* SPDX-License-Identifier: MIT */
#include "board.h"
#include "clock.h"
#include "stm32f405.h"

uint32_t board_connect_usart1(void)
{
    RCC->AHB1ENR |= RCC_AHB1ENR_GPIOAEN;
    RCC->APB2ENR |= RCC_APB2ENR_USART1EN;
    gpio_connect_usart1(GPIOA);
    return (RCC->CFGR & RCC_CFGR_PPRE2) == RCC_CFGR_PPRE2_DIV2 ? clock_hz() / 2u : clock_hz();
}
