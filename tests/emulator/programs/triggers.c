#include "guest.h"

/* A converter that a timer starts, as drivers set them up: ADC1, at PA3. */
enum { CR1, CR2, SMCR, DIER, SR, EGR, CCMR1, CCMR2, CCER, CNT, PSC, ARR, RCR, CCR1, BDTR = 17 };
enum { CEN = 1, UG = 1, MOE = 1 << 15 };
static volatile uint32_t *tim;

#ifdef STM32L552
#define ADC(offset)  REG(0x42028000u + (offset))
#define DATA         0x40
#define CFGR         ADC(0x0C)
#define DMAMUX_CCR   REG(0x40020800)
#define DMA          ((volatile uint32_t *)0x40020008)
#define DMA_CIRCULAR (1u << 10 | 1u << 8 | 1u << 7 | 1u << 5 | 1)
enum { ADC_IRQ = 37, SELECTED = 8, ISR = 0, CR = 8, ENDED = 4, OVERRUN = 16, BY_DMA = 3 };
#else
#define DATA 0x4C
#ifdef STM32F405
#define ADC(offset)  REG(0x40012000u + (offset))
#define DMA          ((volatile uint32_t *)0x40026410)
#define DMA_CIRCULAR (1u << 13 | 1u << 11 | 1u << 10 | 1u << 8 | 1)
enum { BY_DMA = 3 << 8 };
#else
#define ADC(offset)  REG(0x40012400u + (offset))
#define DMA          ((volatile uint32_t *)0x40020008)
#define DMA_CIRCULAR (1u << 10 | 1u << 8 | 1u << 7 | 1u << 5 | 1)
enum { BY_DMA = 1 << 8 };
#endif
enum { ADC_IRQ = 18, SELECTED = 3, ISR = 0, ENDED = 2, OVERRUN = 32 };
#endif

volatile uint16_t samples[8];

/* With further bits of what says how results are taken, such as DMA. */
static void select_trigger(uint32_t extsel, uint32_t edges, uint32_t further)
{
#ifdef STM32L552
    CFGR = extsel << 6 | edges << 10 | further;
    ADC(CR) |= 4; /* ADSTART */
#elif defined STM32F405
    ADC(8) = extsel << 24 | edges << 28 | 1u << 10 | further | 1; /* EOCS, ADON */
#else
    ADC(8) = extsel << 17 | edges << 20 | further | 1;
#endif
}
static void on_conversion(void)
{
    note(DWT_CYCCNT);
    note(tim[CNT]);
    (void)ADC(DATA);
}
void arm(uint32_t extsel, uint32_t edges, uint32_t sampling)
{
    vectors[IRQ0 + ADC_IRQ] = on_conversion;
    NVIC_ISER(ADC_IRQ / 32) = 1u << ADC_IRQ % 32;
#ifdef STM32L552
    if (!(ADC(CR) & 1)) {
        REG(0x42028308) = 1u << 16; /* the bus's clock */
        ADC(CR) = 1u << 28;         /* DEEPPWD off, ADVREGEN */
        ADC(CR) = 1u << 28 | 1;     /* ADEN */
    }
    ADC(CR) |= 1u << 4; /* ADSTP */
    ADC(0x14) = sampling << 24;
    ADC(0x30) = SELECTED << 6;
    ADC(4) = ENDED;
#else
    ADC(0x10) = sampling << 9;
    ADC(0x34) = SELECTED;
    ADC(4) = 1u << 5; /* EOCIE */
#endif
    (void)ADC(DATA);
    select_trigger(extsel, edges, 0);
}
/* A period of 1000, and a channel, from 1 on, that compares with 300. */
void set_up(uint32_t address, uint32_t cr2, uint32_t channel, uint32_t mode)
{
    DEMCR = 1u << 24;
    DWT_CTRL = 1;
    tim = (volatile uint32_t *)(uintptr_t)address;
    tim[CR2] = cr2;
    tim[ARR] = 999;
    tim[CCMR1] = tim[CCMR2] = tim[CCER] = 0;
    if (channel--) {
        tim[CCR1 + channel] = 300;
        tim[channel < 2 ? CCMR1 : CCMR2] = mode << (4 + 8 * (channel % 2));
        tim[CCER] = 1u << 4 * channel;
        if (address >> 16 == 0x4001) {
            tim[BDTR] = MOE;
        }
    }
    tim[EGR] = UG;
    tim[SR] = 0;
    (void)ADC(DATA);
}
void conversions(uint32_t times)
{
    noted = 0;
    tim[CR1] = CEN;
    while (noted < 2 * times) {
        ASM("wfi");
    }
    tim[CR1] = 0;
}
/* How many there are in some milliseconds of virtual time, by the timer's 1000 cycles. */
uint32_t conversions_in(uint32_t periods)
{
    noted = 0;
    tim[CR1] = CEN;
    uint32_t begin = DWT_CYCCNT;
    while (DWT_CYCCNT - begin < 1000 * periods) {
    }
    tim[CR1] = 0;
    return noted / 2;
}
void set_period(uint32_t cycles)
{
    tim[ARR] = cycles - 1;
}
void start(void)
{
    tim[CR1] = CEN;
}
void generate(uint32_t events)
{
    tim[EGR] = events;
}
/* Eight results, by DMA, around and around; the core is in nobody's way. */
void start_stream(uint32_t extsel)
{
    NVIC_ICER(ADC_IRQ / 32) = 1u << ADC_IRQ % 32;
#ifdef STM32L552
    DMAMUX_CCR = 5;
    ADC(CR) |= 1u << 4;
#endif
    DMA[1] = 8;
    DMA[2] = (uint32_t)(uintptr_t)&ADC(DATA);
    DMA[3] = (uint32_t)(uintptr_t)samples;
    DMA[0] = DMA_CIRCULAR;
    select_trigger(extsel, 1, BY_DMA);
}
/* Nobody reads: what the status says then. */
uint32_t leave_unread(void)
{
    NVIC_ICER(ADC_IRQ / 32) = 1u << ADC_IRQ % 32;
    tim[CR1] = CEN;
    while (!(ADC(ISR) & OVERRUN)) {
    }
    tim[CR1] = 0;
    return ADC(ISR);
}
/* The other way: a value for PA4, of the DAC. */
void convert_back(uint32_t cr, uint32_t value)
{
    REG(0x40007400) = cr;
    REG(0x40007408) = value;
}
/* Another timer that obeys this one for some of its periods, and its count. */
uint32_t follow(uint32_t slave, uint32_t smcr, uint32_t cr1, uint32_t periods)
{
    volatile uint32_t *other = (volatile uint32_t *)(uintptr_t)slave;
    other[ARR] = 0xFFFF;
    other[SMCR] = 0;
    other[EGR] = UG;
    other[SR] = 0;
    other[SMCR] = smcr;
    other[CR1] = cr1;
    conversions_in(periods);
    uint32_t count = other[CNT];
    out[0] = tim[CNT], out[1] = other[SR], out[2] = other[CR1];
    other[SMCR] = other[CR1] = 0;
    return count;
}
void set(uint32_t address, uint32_t word)
{
    REG(address) = word;
}
uint32_t get_status(uint32_t address)
{
    return ((volatile uint32_t *)(uintptr_t)address)[SR];
}
/* Two that restart each other. */
void ring(uint32_t slave, uint32_t smcr, uint32_t smcr_back)
{
    volatile uint32_t *other = (volatile uint32_t *)(uintptr_t)slave;
    other[CR2] = 2u << 4;
    other[SMCR] = smcr;
    tim[SMCR] = smcr_back;
    tim[EGR] = UG;
    other[SMCR] = tim[SMCR] = 0;
}
