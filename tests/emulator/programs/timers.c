#include "guest.h"

#ifdef STM32F405
#define TIM1_BASE 0x40010000u
#define GPIOA_IDR REG(0x40020010)
#define EXTI_BASE 0x40013C00u
#elif defined STM32L552
#define TIM1_BASE 0x40012C00u
#define GPIOA_IDR REG(0x42020010)
#define EXTI_BASE 0x4002F400u
#else
#define TIM1_BASE 0x40012C00u
#define GPIOA_IDR REG(0x40010808)
#define EXTI_BASE 0x40010400u
#endif
#define EXTI(offset) REG(EXTI_BASE + (offset))
#ifdef STM32L552 /* offsets, and the interrupt of line 8 */
enum { RTSR = 0x00, FTSR = 0x04, PR1 = 0x0C, PR2 = 0x10, IMR = 0x80, EXTI8 = 19 };
#else
enum { RTSR = 0x08, FTSR = 0x0C, PR1 = 0x14, PR2 = 0x14, IMR = 0x00, EXTI8 = 23 };
#endif
enum { CR1, CR2, SMCR, DIER, SR, EGR, CCMR1, CCMR2, CCER, CNT, PSC, ARR, RCR, CCR1, BDTR = 17 };

static volatile uint32_t *tim = (volatile uint32_t *)TIM1_BASE;

static void start(uint32_t arr, uint32_t ccr1, uint32_t ccmr1, uint32_t ccer)
{
    DEMCR = 1u << 24;
    DWT_CTRL = 1;
    tim[ARR] = arr;
    tim[CCR1] = ccr1;
    tim[CCMR1] = ccmr1;
    tim[CCER] = ccer;
    tim[BDTR] = 1u << 15;
    tim[EGR] = 1;
    tim[SR] = 0;
    tim[CR1] = 1;
}
void use_timer(uint32_t address)
{
    tim = (volatile uint32_t *)(uintptr_t)address;
}
static void on_compare(void)
{
    note(DWT_CYCCNT);
    note(tim[SR]);
    tim[SR] = ~2u;
}
/* Compare once a period, beside updates that interrupt nobody. */
void compares(uint32_t irq)
{
    vectors[IRQ0 + irq] = on_compare;
    NVIC_ISER(irq / 32) = 1u << irq % 32;
    tim[DIER] = 2;
    start(999, 300, 0, 0);
    while (noted < 8) {
        ASM("wfi");
    }
    tim[CR1] = 0;
}
/* Poll a match's flag; return when it came, in cycles of the period. */
uint32_t polls_a_match(void)
{
    start(9999, 5000, 0, 0);
    while (!(tim[SR] & 2)) {
    }
    return tim[CNT];
}
/* PWM on CH1, whose pin is PA8. */
void pwm(uint32_t arr, uint32_t ccr)
{
    start(arr, ccr, 6u << 4 | 1u << 3, 1);
}
void duty(uint32_t ccr)
{
    tim[CCR1] = ccr;
}
/* Watch the pin by polling it; return how long it was high. */
uint32_t high_time(void)
{
    while (GPIOA_IDR & 1u << 8) {
    }
    while (!(GPIOA_IDR & 1u << 8)) {
    }
    uint32_t begin = DWT_CYCCNT;
    while (GPIOA_IDR & 1u << 8) {
    }
    return DWT_CYCCNT - begin;
}
/* Interrupts by the pin's edges. */
static void on_edge(void)
{
    note(DWT_CYCCNT);
    EXTI(PR1) = 1u << 8;
    EXTI(PR2) = 1u << 8;
}
void edges(uint32_t rising, uint32_t falling)
{
    vectors[IRQ0 + EXTI8] = on_edge;
    NVIC_ISER(0) = 1u << EXTI8;
    EXTI(IMR) = 1u << 8;
    EXTI(RTSR) = rising << 8;
    EXTI(FTSR) = falling << 8;
    noted = 0;
    for (;;) {
        ASM("wfi");
    }
}
/* Capture rising edges of CH1's pin. */
static void on_capture(void)
{
    note(tim[CCR1]);
}
void captures(uint32_t irq)
{
    vectors[IRQ0 + irq] = on_capture;
    NVIC_ISER(irq / 32) = 1u << irq % 32;
    tim[DIER] = 2;
    tim[PSC] = 7;
    start(0xFFFF, 0, 1, 1);
    for (;;) {
        ASM("wfi");
    }
}
void start_capture_2(void)
{
    tim[CCMR1] = 1u << 8;
    tim[CCER] = 1u << 4;
}
/* A value of CCR1 for each period, by DMA with each update; and each capture of CH1 by DMA. */
volatile uint16_t wave[6] = {100, 200, 300, 400, 500, 600};
volatile uint16_t captured[4];
static void set_up_dma(uint32_t memory, uint32_t count, int from_memory)
{
#ifdef STM32F405 /* DMA2's stream 5 or 1, channel 6 */
    volatile uint32_t *dma = (volatile uint32_t *)(0x40026410u + 24u * (from_memory ? 5 : 1));
    dma[1] = count;
    dma[2] = TIM1_BASE + 0x34;
    dma[3] = memory;
    dma[0] = 6u << 25 | 1u << 13 | 1u << 11 | 1u << 10 | (from_memory ? 1u << 6 : 0) | 1;
#else            /* DMA1's channel 5 or 2 */
#ifdef STM32L552 /* by DMAMUX's channel 4 or 1 */
    REG(0x40020800u + 4u * (from_memory ? 4 : 1)) = from_memory ? 46 : 42;
#endif
    volatile uint32_t *dma = (volatile uint32_t *)(0x40020008u + 20u * (from_memory ? 4 : 1));
    dma[2] = TIM1_BASE + 0x34;
    dma[3] = memory;
    dma[1] = count;
    dma[0] = 1u << 10 | 1u << 8 | 1u << 7 | (from_memory ? 1u << 4 : 0) | 1;
#endif
}
void plays_a_wave(void)
{
    set_up_dma((uint32_t)(uintptr_t)wave, 6, 1);
    tim[DIER] = 1u << 8;
    start(999, 50, 6u << 4 | 1u << 3, 1);
}
uint32_t wave_is_played(void)
{
#ifdef STM32F405
    return REG(0x40026404) >> 11 & 1; /* TCIF5 */
#else
    return REG(0x40020000) >> 17 & 1;
#endif
}
void captures_to_memory(void)
{
    set_up_dma((uint32_t)(uintptr_t)captured, 4, 0);
    tim[DIER] = 1u << 9;
    start(0xFFFF, 0, 1, 1);
}
uint32_t get(uint32_t address)
{
    return REG(address);
}
void set(uint32_t address, uint32_t word)
{
    REG(address) = word;
}
