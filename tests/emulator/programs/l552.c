#include "timer.h"

#define RCC(offset)      REG(0x40021000 + (offset))
#define PWR_CR1          REG(0x40007000)
#define PWR_SR2          REG(0x40007014)
#define FLASH(offset)    REG(0x40022000 + (offset))
#define NSKEYR           FLASH(0x08)
#define NSSR             FLASH(0x20)
#define NSCR             FLASH(0x28)
#define ICACHE(offset)   REG(0x40030400 + (offset))
#define GPIO(port)       ((volatile uint32_t *)(0x42020000u + 0x400u * (port)))
#define EXTI(offset)     REG(0x4002F400 + (offset))
#define WWDG(offset)     REG(0x40002C00 + (offset))
#define IWDG(offset)     REG(0x40003000 + (offset))
#define TAMP_BKP31R      REG(0x4000357C)
#define DMA(n, offset)   REG(0x40020000u + 0x400u * ((n) - 1) + (offset))
#define DMA_CHANNEL(n)   ((volatile uint32_t *)(0x40020408u + 0x14u * ((n) - 1))) /* DMA2's */
#define DMAMUX_CCR(n)    REG(0x40020800u + 4u * (n))
#define USART(base, reg) REG((base) + (reg))
#define LPUART1          0x40008000u
enum { CR1 = 0x00, CR2 = 0x04, CR3 = 0x08, BRR = 0x0C, RQR = 0x18, ISR = 0x1C };
enum { ICR = 0x20, RDR = 0x24, TDR = 0x28 };

static void wait_for(volatile uint32_t *reg, uint32_t mask, uint32_t value)
{
    while ((*reg & mask) != value) {
    }
}

/* The clock tree, as vendors' start-up sets it up: MSI's 4 MHz / 1 * 55 / 2 = 110 MHz. PLLREN comes
 * while the PLL is on, and MSIRGSEL before MSI's range counts. */
uint32_t start_clock(void)
{
    PWR_CR1 = (PWR_CR1 & ~(3u << 9)) | 0u << 9;
    wait_for(&PWR_SR2, 1u << 10, 0);
    RCC(0x00) |= 1u << 3;
    RCC(0x00) = (RCC(0x00) & ~(0xFu << 4)) | 6u << 4;
    wait_for(&RCC(0x00), 1u << 1, 1u << 1);
    RCC(0x0C) = 1u | 0u << 4 | 55u << 8 | 0u << 25;
    RCC(0x00) |= 1u << 24;
    RCC(0x0C) |= 1u << 24;
    wait_for(&RCC(0x00), 1u << 25, 1u << 25);
    FLASH(0) = 5u;
    wait_for(&FLASH(0), 0xFu, 5u);
    RCC(0x08) = (RCC(0x08) & ~3u) | 3u;
    wait_for(&RCC(0x08), 3u << 2, 3u << 2);
    return RCC(0x08);
}
void set_msi_range(uint32_t range)
{
    RCC(0x00) = (RCC(0x00) & ~(0xFu << 4)) | range << 4 | 1u << 3;
}
/* The cache, as the vendor's driver invalidates it. */
uint32_t invalidate(void)
{
    ICACHE(0x0C) = 1u << 1;
    ICACHE(0x00) |= 1u << 1;
    if (ICACHE(0x04) & 1u) {
        wait_for(&ICACHE(0x04), 1u << 1, 1u << 1);
    }
    uint32_t seen = ICACHE(0x04);
    ICACHE(0x0C) = 1u << 1;
    return seen << 8 | ICACHE(0x04);
}

/* A console, as vendors start one: off, set up, on, and both acknowledged. */
static void open_port(uint32_t base, uint32_t divisor, uint32_t cr1)
{
    USART(base, CR1) &= ~1u;
    USART(base, BRR) = divisor;
    USART(base, CR1) = cr1 | 1u << 3 | 1u << 2;
    USART(base, CR1) |= 1u;
    wait_for(&USART(base, ISR), 3u << 21, 3u << 21);
}
static volatile uint32_t left;
static void echo(void)
{
    uint32_t isr = USART(USART1_BASE, ISR);
    if (isr & 1u << 5) {
        USART(USART1_BASE, TDR) = USART(USART1_BASE, RDR) + 1u;
        left--;
    }
    if (isr & 0xFu) {
        note(isr & 0xFu);
        USART(USART1_BASE, ICR) = 0xFu;
    }
}
void echo_some(uint32_t count)
{
    start_clock();
    left = count;
    vectors[IRQ0 + 61] = echo;
    NVIC_ISER(1) = 1u << (61 - 32);
    open_port(USART1_BASE, 110000000u / 115200u, 1u << 5);
    while (left) {
        ASM("wfi");
    }
    wait_for(&USART(USART1_BASE, ISR), 1u << 6, 1u << 6);
}
void listen(void)
{
    open_port(USART1_BASE, 35, 0);
}
uint32_t isr(void)
{
    return USART(USART1_BASE, ISR);
}
uint32_t hear(void)
{
    return USART(USART1_BASE, RDR);
}
void clear(uint32_t flags)
{
    USART(USART1_BASE, ICR) = flags;
}
void request(uint32_t what)
{
    USART(USART1_BASE, RQR) = what;
}
/* How long a byte takes to leave: cycles of the core. `selected`: CCIPR1. */
uint32_t cycles_of_a_byte(uint32_t base, uint32_t divisor, uint32_t selected)
{
    RCC(0x00) |= 1u << 8; /* HSI16 */
    RCC(0x88) = selected;
    DEMCR = 1u << 24;
    DWT_CTRL = 1;
    open_port(base, divisor, 0);
    uint32_t begin = DWT_CYCCNT;
    USART(base, TDR) = 0x55;
    wait_for(&USART(base, ISR), 1u << 6, 1u << 6);
    return DWT_CYCCNT - begin;
}

/* As the vendor's driver changes what an interrupt may change, too. */
uint32_t set_atomically(uint32_t bits)
{
    volatile uint32_t *reg = &USART(USART1_BASE, CR3);
    uint32_t word, failed;
    do {
        __asm volatile("ldrex %0, [%1]" : "=r"(word) : "r"(reg) : "memory");
        word |= bits;
        __asm volatile("strex %0, %1, [%2]" : "=&r"(failed) : "r"(word), "r"(reg) : "memory");
    } while (failed);
    return *reg;
}

/* Ask who is there, as the vendor's driver does: the flags seen, and the time it took in cycles. */
uint32_t ask_who_is_there(uint32_t base, uint32_t address)
{
    REG(base + 0x10) = 0x00707CBB; /* 100 kHz of 64 MHz; 0x10: TIMINGR */
    REG(base) |= 1u;
    DEMCR = 1u << 24;
    DWT_CTRL = 1;
    uint32_t begin = DWT_CYCCNT;
    REG(base + 4) = 1u << 13 | 1u << 25 | address << 1;
    wait_for(&REG(base + 0x18), 1u << 5, 1u << 5);
    uint32_t seen = REG(base + 0x18);
    REG(base + 0x1C) = 1u << 5 | 1u << 4;
    out[0] = DWT_CYCCNT - begin;
    out[1] = REG(base + 0x18);
    return seen;
}

/* DMA2 channels 2 and 3 by way of DMAMUX channels 9 and 10: what comes in, and what goes out. */
void receive_by_dma(uint32_t to, uint32_t count)
{
    DMAMUX_CCR(9) = 25;
    DMA_CHANNEL(2)[1] = count;
    DMA_CHANNEL(2)[2] = USART1_BASE + RDR;
    DMA_CHANNEL(2)[3] = to;
    DMA_CHANNEL(2)[0] = 1u << 7 | 1u;
    USART(USART1_BASE, CR3) = 1u << 6;
    open_port(USART1_BASE, 35, 0);
    wait_for(&DMA(2, 0), 1u << 5, 1u << 5);
}
void send_by_dma(uint32_t from, uint32_t count)
{
    DMAMUX_CCR(10) = 26;
    DMA_CHANNEL(3)[1] = count;
    DMA_CHANNEL(3)[2] = USART1_BASE + TDR;
    DMA_CHANNEL(3)[3] = from;
    DMA_CHANNEL(3)[0] = 1u << 7 | 1u << 4 | 1u;
    USART(USART1_BASE, ICR) = 1u << 6;
    USART(USART1_BASE, CR3) |= 1u << 7;
    wait_for(&DMA(2, 0), 1u << 9, 1u << 9);
    wait_for(&USART(USART1_BASE, ISR), 1u << 6, 1u << 6);
}

/* Timers: as on the STM32F4, under other numbers. */
void timer_interrupts(uint32_t address, uint32_t irq, uint32_t period)
{
    start_clock();
    tim = (volatile uint32_t *)(uintptr_t)address;
    note_updates(irq, 1, period, 4);
}

/* Flash. */
uint32_t unlock(void)
{
    NSKEYR = 0x45670123;
    NSKEYR = 0xCDEF89AB;
    return NSCR >> 30;
}
static uint32_t finish(void)
{
    wait_for(&NSSR, 1u << 16, 0);
    NSCR = 0;
    uint32_t status = NSSR;
    NSSR = status;
    return status;
}
uint32_t erase_by(uint32_t control)
{
    NSCR = control;
    NSCR |= 1u << 16;
    return finish();
}
uint32_t program(uint32_t address, uint32_t first, uint32_t second)
{
    NSCR = 1;
    REG(address) = first;
    BARRIER();
    REG(address + 4) = second;
    BARRIER();
    return finish();
}
uint32_t program_halves(uint32_t address)
{
    NSCR = 1;
    *(volatile uint16_t *)address = 1;
    BARRIER();
    return finish();
}
uint32_t program_second_alone(uint32_t address)
{
    NSCR = 1;
    REG(address + 4) = 1;
    BARRIER();
    return finish();
}
uint32_t stray_store(uint32_t address)
{
    REG(address) = 0;
    BARRIER();
    return finish();
}
uint32_t call(uint32_t address)
{
    return ((uint32_t (*)(void))(uintptr_t)(address | 1u))();
}

/* Pins as interrupts: line 3 of port E, rising and falling. */
static void on_edge(void)
{
    note(EXTI(0x0C) << 8 | EXTI(0x10));
    EXTI(0x0C) = 1u << 3;
    EXTI(0x10) = 1u << 3;
}
void edges_of_pe3(void)
{
    GPIO(4)[0] &= ~(3u << 6); /* an input: analog after reset */
    vectors[IRQ0 + 14] = on_edge;
    NVIC_ISER(0) = 1u << 14;
    EXTI(0x60) = 4u << 24;
    EXTI(0x00) = EXTI(0x04) = 1u << 3;
    EXTI(0x80) |= 1u << 3;
    for (;;) {
        ASM("wfi");
    }
}
/* WFE goes on with an event of EXTI, which is no interrupt. */
void waits_for_edges_of_pe3(void)
{
    GPIO(4)[0] &= ~(3u << 6);
    EXTI(0x60) = 4u << 24;
    EXTI(0x80) &= ~(1u << 3);
    EXTI(0x00) = EXTI(0x84) = 1u << 3;
    ASM("sev\n\twfe"); /* clear what was there */
    for (;;) {
        ASM("wfe");
        note(EXTI(0x0C));
    }
}
void software_edge(void)
{
    vectors[IRQ0 + 14] = on_edge;
    NVIC_ISER(0) = 1u << 14;
    EXTI(0x80) |= 1u << 3;
    EXTI(0x08) = 1u << 3;
    BARRIER();
}
void drive_pb7(uint32_t level)
{
    GPIO(1)[0] = (GPIO(1)[0] & ~(3u << 14)) | 1u << 14;
    if (level) {
        GPIO(1)[6] = 1u << 7;
    } else {
        GPIO(1)[10] = 1u << 7; /* BRR */
    }
}

/* What a reset leaves alone, and the watchdog. */
void keep(uint32_t word)
{
    PWR_CR1 |= 1u << 8;
    TAMP_BKP31R = word;
}
uint32_t kept(void)
{
    return TAMP_BKP31R;
}
uint32_t reset_flags(void)
{
    uint32_t flags = RCC(0x94) >> 24;
    RCC(0x94) |= 1u << 23;
    return flags << 8 | RCC(0x94) >> 24;
}
/* At 32 kHz / 4, `reload` and `window` in eighths of a millisecond, as the vendor's driver starts
 * it. */
void start_watchdog(uint32_t reload, uint32_t window)
{
    IWDG(0x00) = 0xCCCC;
    IWDG(0x00) = 0x5555;
    IWDG(0x04) = 0;
    IWDG(0x08) = reload;
    wait_for(&IWDG(0x0C), 7u, 0);
    if (window) {
        IWDG(0x10) = window;
    } else {
        IWDG(0x00) = 0xAAAA;
    }
}
void feed(void)
{
    IWDG(0x00) = 0xAAAA;
}
/* The other one: its interrupt comes a tick before the bite. */
static void on_early_wakeup(void)
{
    note(WWDG(8));
    WWDG(8) = 0;
}
void start_window_watchdog(uint32_t wdgtb)
{
    RCC(0x58) |= 1u << 11;
    vectors[IRQ0] = on_early_wakeup;
    NVIC_ISER(0) = 1;
    WWDG(4) = 1u << 9 | wdgtb << 11 | 0x7F;
    WWDG(0) = 0xC3;
}
