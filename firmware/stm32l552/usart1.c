/* SPDX-License-Identifier: MIT */
#include "board.h"
#include "clock.h"
#include "stm32l552.h"

uint32_t board_connect_usart1(void)
{
    RCC->AHB2ENR |= RCC_AHB2ENR_GPIOAEN;
    RCC->APB2ENR |= RCC_APB2ENR_USART1EN;
    GPIOA->AFR[1] = (GPIOA->AFR[1] & ~(0xFFu << 4)) | GPIO_AF7_USART1 << 4 | GPIO_AF7_USART1 << 8;
    GPIOA->PUPDR = (GPIOA->PUPDR & ~(0x3u << 20)) | GPIO_PULL_UP << 20; /* an open line is idle */
    GPIOA->MODER = (GPIOA->MODER & ~(0xFu << 18)) | GPIO_ALTERNATE << 18 | GPIO_ALTERNATE << 20;
    return clock_hz(); /* APB2 runs at the core's clock */
}
