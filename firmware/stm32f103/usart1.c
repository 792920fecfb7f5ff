/* SPDX-License-Identifier: MIT */
#include "board.h"
#include "clock.h"
#include "stm32f103.h"

uint32_t board_connect_usart1(void)
{
    RCC->APB2ENR |= RCC_APB2ENR_IOPAEN | RCC_APB2ENR_USART1EN;
    GPIOA->BSRR = 1u << 10; /* the input's pull is up: an open line is idle, not noise */
    GPIOA->CRH = (GPIOA->CRH & ~(0xFFu << 4)) | GPIO_ALTERNATE_50MHZ << 4 | GPIO_INPUT_PULL << 8;
    return clock_hz(); /* APB2 runs at the core's clock */
}
