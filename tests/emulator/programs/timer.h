/* A timer's registers, and a program that notes the cycle of each of its updates. */
#ifndef TIMER_H
#define TIMER_H

#include "guest.h"

enum { TIM_CR1, TIM_DIER = 3, TIM_SR, TIM_EGR, TIM_CNT = 9, TIM_PSC, TIM_ARR };

static volatile uint32_t *tim;

static void on_update(void)
{
    tim[TIM_SR] = 0;
    note(DWT_CYCCNT);
}

static void note_updates(uint32_t irq, uint32_t prescaler, uint32_t period, uint32_t times)
{
    vectors[IRQ0 + irq] = on_update;
    NVIC_ISER(irq / 32) = 1u << irq % 32;
    DEMCR = 1u << 24;
    DWT_CTRL = 1;
    tim[TIM_PSC] = prescaler - 1;
    tim[TIM_ARR] = period - 1;
    tim[TIM_EGR] = 1;
    tim[TIM_SR] = 0;
    tim[TIM_DIER] = 1;
    tim[TIM_CR1] = 1;
    while (noted < times) {
        ASM("wfi");
    }
    tim[TIM_CR1] = 0;
}

#endif
