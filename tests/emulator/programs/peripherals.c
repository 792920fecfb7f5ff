#include "timer.h"

#define USART1_CR3     REG(0x40013814)
#define TIM(n)         ((volatile uint32_t *)(0x40000000u + 0x400u * ((n) - 2)))
#define IWDG_KR        REG(0x40003000)
#define IWDG_RLR       REG(0x40003008)
#define BKP_DR1        REG(0x40006C04)
#define PWR_CR         REG(0x40007000)
#define AFIO_EXTICR1   REG(0x40010008)
#define EXTI_IMR       REG(0x40010400)
#define EXTI_EMR       REG(0x40010404)
#define EXTI_RTSR      REG(0x40010408)
#define EXTI_PR        REG(0x40010414)
#define GPIOB_CRL      REG(0x40010C00)
#define GPIOB_ODR      REG(0x40010C0C)
#define DMA_ISR        REG(0x40020000)
#define DMA_IFCR       REG(0x40020004)
#define DMA_CHANNEL(n) ((volatile uint32_t *)(0x40020008u + 20u * ((n) - 1)))
#define RCC_CSR        REG(0x40021024)

/* Timers. */
void timer_interrupts(uint32_t timer, uint32_t irq, uint32_t prescaler, uint32_t period)
{
    tim = timer == 1 ? (volatile uint32_t *)0x40012C00u : TIM(timer);
    note_updates(irq, prescaler, period, 5);
}
uint32_t waits_for_count(uint32_t count)
{
    tim = TIM(4);
    DEMCR = 1u << 24;
    DWT_CTRL = 1;
    tim[TIM_CR1] = 1;
    uint32_t start = DWT_CYCCNT;
    while (tim[TIM_CNT] < count) {
    }
    return DWT_CYCCNT - start;
}

/* The watchdog, and what survives its bite. */
uint32_t boots(void)
{
    return BKP_DR1;
}
uint32_t reset_flags(void)
{
    return RCC_CSR;
}
void is_bitten(uint32_t reload)
{
    PWR_CR = 1u << 8;
    BKP_DR1 = BKP_DR1 + 1;
    RCC_CSR = 1u << 24;
    IWDG_KR = 0x5555;
    IWDG_RLR = reload;
    IWDG_KR = 0xCCCC;
    for (;;) {
        ASM("wfi");
    }
}

#define WWDG(offset) REG(0x40002C00 + (offset))
static void on_early_wakeup(void)
{
    note(WWDG(8));
    WWDG(8) = 0;
    if (noted < 3) {
        WWDG(0) = 0x50;
    }
}
/* The other watchdog: reloaded twice by its interrupt, then no more. */
void is_bitten_in_the_end(void)
{
    vectors[IRQ0] = on_early_wakeup;
    NVIC_ISER(0) = 1;
    RCC_CSR = 1u << 24;
    WWDG(4) = 1u << 9 | 0x7F;
    WWDG(0) = 0xD0;
    for (;;) {
        ASM("wfi");
    }
}

/* Pins as interrupts. */
static void on_edge(void)
{
    note(EXTI_PR);
    EXTI_PR = 1u << 3;
}
void edges_of_pb3(void)
{
    vectors[IRQ0 + 9] = on_edge;
    NVIC_ISER(0) = 1u << 9;
    GPIOB_CRL = 0x44448444; /* PB3: input with a pull */
    GPIOB_ODR = 0;          /* down */
    AFIO_EXTICR1 = 0x1000;  /* EXTI3 is port B's */
    EXTI_RTSR = 1u << 3;
    EXTI_IMR = 1u << 3;
    for (;;) {
        ASM("wfi");
    }
}

/* DMA for USART1: channel 4 sends, channel 5 receives. */
enum { DMA_CCR, DMA_CNDTR, DMA_CPAR, DMA_CMAR };
volatile uint8_t buffer[8];

static void set_up(unsigned channel, uint32_t buffer_address, uint32_t count, uint32_t ccr)
{
    volatile uint32_t *dma = DMA_CHANNEL(channel);
    dma[DMA_CPAR] = 0x40013804;
    dma[DMA_CMAR] = buffer_address;
    dma[DMA_CNDTR] = count;
    dma[DMA_CCR] = ccr;
}
static void on_receive(void)
{
    note(DMA_ISR >> 16 & 15);
    DMA_IFCR = 15u << 16;
}
void receive_into_a_ring(void)
{
    vectors[IRQ0 + 15] = on_receive;
    NVIC_ISER(0) = 1u << 15;
    USART1_BRR = 69;
    USART1_CR3 = 1u << 6;
    USART1_CR1 = 0x2004;
    set_up(5, (uint32_t)(uintptr_t)buffer, sizeof buffer, 0xA7); /* MINC, CIRC, HTIE, TCIE, EN */
    for (;;) {
        ASM("wfi");
    }
}
static void on_sent(void)
{
    note(DMA_ISR >> 12 & 15);
    DMA_IFCR = 15u << 12;
}
static const uint8_t greeting[] = "hello from flash";
void send_from_memory(void)
{
    vectors[IRQ0 + 14] = on_sent;
    NVIC_ISER(0) = 1u << 14;
    USART1_BRR = 69;
    USART1_SR = 0;
    USART1_CR3 = 1u << 7;
    USART1_CR1 = 0x2008;
    set_up(4, (uint32_t)(uintptr_t)greeting, sizeof greeting - 1, 0x93); /* MINC, DIR, TCIE, EN */
    while (!(USART1_SR & 1u << 6)) {
    }
}
RAM_CODE __attribute__((naked)) uint32_t answer(void)
{
    ASM("movs r0, #1\n\tbx lr");
}
/* Copy other code over a function in RAM that has been called. */
uint32_t code_copied_by_dma(void)
{
    static const uint16_t code[2] = {0x2007, 0x4770}; /* movs r0, #7; bx lr */
    uint32_t target = (uint32_t)(uintptr_t)answer & ~1u, before = answer();
    volatile uint32_t *dma = DMA_CHANNEL(1);
    dma[DMA_CPAR] = (uint32_t)(uintptr_t)code;
    dma[DMA_CMAR] = target;
    dma[DMA_CNDTR] = 2;
    dma[DMA_CCR] = 0x45C1; /* MEM2MEM, halfwords, MINC, PINC, EN */
    return before << 4 | answer();
}

/* WFE goes on with an event of EXTI, which is no interrupt. */
uint32_t waits_for_edges(void)
{
    uint32_t count = 0;
    EXTI_EMR = EXTI_RTSR = 1u << 3;
    ASM("sev\n\twfe"); /* clear what was there */
    for (;;) {
        ASM("wfe");
        out[0] = ++count;
    }
}
