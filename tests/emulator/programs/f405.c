#include "timer.h"

#define RCC_CR         REG(0x40023800)
#define RCC_PLLCFGR    REG(0x40023804)
#define RCC_CFGR       REG(0x40023808)
#define RCC_CSR        REG(0x40023874)
#define PWR_CR         REG(0x40007000)
#define PWR_CSR        REG(0x40007004)
#define FLASH(offset)  REG(0x40023C00 + (offset))
#define GPIO(port)     ((volatile uint32_t *)(0x40020000u + 0x400u * (port)))
#define SYSCFG_EXTICR1 REG(0x40013808)
#define EXTI(offset)   REG(0x40013C00 + (offset))
#define RTC_BKP0R      REG(0x40002850)
#define IWDG_KR        REG(0x40003000)
#define IWDG_RLR       REG(0x40003008)
#define DMA(n, offset) REG(0x40026000u + 0x400u * ((n) - 1) + (offset))
#define DMA2_STREAM(n) ((volatile uint32_t *)(0x40026410u + 24u * (n)))

static void wait_for(volatile uint32_t *reg, uint32_t mask, uint32_t value)
{
    while ((*reg & mask) != value) {
    }
}

/* The clock tree, as vendors' start-up sets it up: 8 MHz / 8 * 336 / 2 = 168 MHz. */
uint32_t start_clock(void)
{
    RCC_CR |= 1u << 16;
    wait_for(&RCC_CR, 1u << 17, 1u << 17);
    PWR_CR |= 1u << 14; /* VOS */
    wait_for(&PWR_CSR, 1u << 14, 1u << 14);
    RCC_CFGR |= 5u << 10 | 4u << 13; /* APB1 / 4, APB2 / 2 */
    RCC_PLLCFGR = 8u | 336u << 6 | 1u << 22 | 7u << 24;
    RCC_CR |= 1u << 24;
    wait_for(&RCC_CR, 1u << 25, 1u << 25);
    FLASH(0) = 1u << 8 | 1u << 9 | 1u << 10 | 5u;
    wait_for(&FLASH(0), 7u, 5u);
    RCC_CFGR = (RCC_CFGR & ~3u) | 2u;
    wait_for(&RCC_CFGR, 3u << 2, 2u << 2);
    return RCC_CFGR;
}

/* Timers. */
void timer_interrupts(uint32_t address, uint32_t irq, uint32_t period)
{
    start_clock();
    tim = (volatile uint32_t *)(uintptr_t)address;
    note_updates(irq, 1, period, 4);
}

/* Flash: sector 1 is at 16 KiB. */
uint32_t unlock(void)
{
    FLASH(0x04) = 0x45670123;
    FLASH(0x04) = 0xCDEF89AB;
    return FLASH(0x10) >> 31;
}
uint32_t erase_by(uint32_t sector, uint32_t psize)
{
    FLASH(0x10) = 1u << 1 | sector << 3 | psize << 8;
    FLASH(0x10) |= 1u << 16;
    wait_for(&FLASH(0x0C), 1u << 16, 0);
    FLASH(0x10) = 0;
    return FLASH(0x0C);
}
uint32_t erase(uint32_t sector)
{
    return erase_by(sector, 0);
}
uint32_t program_word(uint32_t address, uint32_t word, uint32_t psize)
{
    FLASH(0x10) = psize << 8 | 1;
    REG(address) = word;
    BARRIER();
    FLASH(0x10) = 0;
    return FLASH(0x0C);
}
uint32_t program_byte(uint32_t address, uint32_t byte)
{
    FLASH(0x10) = 1;
    REG8(address) = (uint8_t)byte;
    BARRIER();
    FLASH(0x10) = 0;
    return FLASH(0x0C);
}
void clear_errors(void)
{
    FLASH(0x0C) = 0xF0;
}
RAM_CODE void erase_all(void)
{
    FLASH(0x10) = 1u << 2 | 2u << 8;
    FLASH(0x10) |= 1u << 16;
    for (;;) {
    }
}
uint32_t stray_store(uint32_t address)
{
    REG(address) = 0;
    BARRIER();
    return FLASH(0x0C);
}
uint32_t call(uint32_t address)
{
    return ((uint32_t (*)(void))(uintptr_t)(address | 1u))();
}

/* Pins as interrupts. */
static void on_edge(void)
{
    note(EXTI(0x14));
    EXTI(0x14) = 1u << 3;
}
void edges_of_pe3(void)
{
    vectors[IRQ0 + 9] = on_edge;
    NVIC_ISER(0) = 1u << 9;
    GPIO(4)[3] = 2u << 6; /* PUPDR: down */
    SYSCFG_EXTICR1 = 4u << 12;
    EXTI(0x08) = 1u << 3;
    EXTI(0x00) = 1u << 3;
    for (;;) {
        ASM("wfi");
    }
}
void blink(uint32_t on)
{
    GPIO(2)[0] = 1u << 26; /* MODER: PC13 is an output */
    GPIO(2)[6] = on ? 1u << 13 : 1u << 29;
}

/* What survives the watchdog's bite. */
uint32_t boots(void)
{
    return RTC_BKP0R;
}
uint32_t reset_flags(void)
{
    return RCC_CSR;
}
void is_bitten(uint32_t reload)
{
    PWR_CR |= 1u << 8;
    RTC_BKP0R = RTC_BKP0R + 1;
    RCC_CSR = 1u << 24;
    IWDG_KR = 0x5555;
    IWDG_RLR = reload;
    IWDG_KR = 0xCCCC;
    for (;;) {
        ASM("wfi");
    }
}

/* DMA2 for USART1: stream 7 sends, stream 2 receives; both by channel 4. */
enum { CR, NDTR, PAR, M0AR, M1AR };
volatile uint8_t buffer[8];

static void set_up(unsigned stream, uint32_t memory, uint32_t count, uint32_t cr)
{
    volatile uint32_t *dma = DMA2_STREAM(stream);
    dma[PAR] = USART1_BASE + 4;
    dma[M0AR] = memory;
    dma[NDTR] = count;
    dma[CR] = 4u << 25 | 1u << 10 | cr | 1; /* MINC, EN */
}
static void on_receive(void)
{
    note(DMA(2, 0) >> 16 & 0x3F);
    DMA(2, 8) = 0x3Fu << 16;
}
void receive_into_a_ring(void)
{
    vectors[IRQ0 + 58] = on_receive;
    NVIC_ISER(1) = 1u << 26;
    USART1_BRR = 139; /* 16 MHz / 115200 */
    REG(USART1_BASE + 20) = 1u << 6;
    USART1_CR1 = 0x2004;
    set_up(2, (uint32_t)(uintptr_t)buffer, sizeof buffer, 1u << 8 | 1u << 4 | 1u << 3);
    for (;;) {
        ASM("wfi");
    }
}
static const uint8_t greeting[] = "hello from flash";
uint32_t send_from_memory(void)
{
    USART1_BRR = 139;
    USART1_SR = 0;
    REG(USART1_BASE + 20) = 1u << 7;
    USART1_CR1 = 0x2008;
    set_up(7, (uint32_t)(uintptr_t)greeting, sizeof greeting - 1, 1u << 6);
    while (!(USART1_SR & 1u << 6)) {
    }
    return DMA2_STREAM(7)[CR] & 1;
}
/* Copy a word; return the stream's flags. */
uint32_t copy(uint32_t to, uint32_t from)
{
    volatile uint32_t *dma = DMA2_STREAM(0);
    DMA(2, 8) = 0x3F;
    dma[PAR] = from;
    dma[M0AR] = to;
    dma[NDTR] = 1;
    dma[CR] = 2u << 11 | 2u << 13 | 2u << 6 | 1;
    return DMA(2, 0) & 0x3F;
}

/* Core-coupled memory holds data, and cannot be executed. */
uint32_t put_code(uint32_t address)
{
    REG(address) = 0x47702007; /* movs r0, #7; bx lr */
    BARRIER();
    return REG(address);
}
void on_bus_fault(void)
{
    frame[6] = frame[5]; /* return to the caller of what cannot be executed */
    frame[0] = REG(0xE000ED28);
    REG(0xE000ED28) = ~0u;
}
FRAME_HANDLER(bus_fault, on_bus_fault)
uint32_t call_guarded(uint32_t address)
{
    vectors[BUSFAULT] = bus_fault;
    REG(0xE000ED24) = 1u << 17;
    return call(address);
}

/* A voltage at PA5, which is channel 2's. */
void convert(uint32_t value)
{
    REG(0x40007400) = 1u << 16;
    REG(0x40007414) = value;
}

/* Random numbers, of a clock of 48 MHz. */
#define RNG(offset) REG(0x50060800 + (offset))
uint32_t random_number(void)
{
    REG(0x40023834) |= 1u << 6;
    RNG(0) = 1u << 2;
    wait_for(&RNG(4), 1, 1);
    return RNG(8);
}
uint32_t random_status(void)
{
    return RNG(4);
}
uint32_t cycles_between_numbers(void)
{
    DEMCR = 1u << 24;
    DWT_CTRL = 1;
    random_number();
    uint32_t begin = DWT_CYCCNT;
    random_number();
    return DWT_CYCCNT - begin;
}
static void on_number(void)
{
    note(RNG(8));
}
void notes_random_numbers(void)
{
    vectors[IRQ0 + 80] = on_number;
    NVIC_ISER(2) = 1u << 16;
    random_number();
    RNG(0) = 1u << 3 | 1u << 2;
    while (noted < 4) {
        ASM("wfi");
    }
    RNG(0) = 0;
}

/* Floats travel in floating-point registers. */
NOINLINE float scale(float value, float by)
{
    return value * by;
}
uint32_t hundred_halves(void)
{
    volatile float half = 0.5f, hundred = 100.0f;
    return (uint32_t)scale(hundred, half);
}
