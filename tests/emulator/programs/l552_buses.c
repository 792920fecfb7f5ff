#include "guest.h"

/* SPI, the converters and random numbers of the STM32L552, as drivers use them. Names are ST's. */
#define RCC(offset)   REG(0x40021000u + (offset))
#define SPI(offset)   REG(0x40013000u + (offset)) /* SPI1 */
#define SPI_DR8       (*(volatile uint8_t *)0x4001300Cu)
#define SPI_DR16      (*(volatile uint16_t *)0x4001300Cu)
#define DMA1(n)       ((volatile uint32_t *)(0x40020008u + 0x14u * ((n) - 1)))
#define DMAMUX_CCR(n) REG(0x40020800u + 4u * (n))
#define ADC(offset)   REG(0x42028000u + (offset)) /* ADC1 */
#define ADC_CCR       REG(0x42028308u)
#define RNG(offset)   REG(0x420C0800u + (offset))
enum { CR1 = 0, CR2 = 4, SR = 8, DR = 12 }; /* SPI */
enum { RXNE = 1, TXE = 2, BSY = 1 << 7, OVR = 1 << 6, FRLVL = 3 << 9, FTLVL = 3 << 11 };
enum { ISR = 0, IER = 4, CR = 8, CFGR = 12, SMPR1 = 0x14, SQR1 = 0x30, ADC_DR = 0x40 };
enum { ADRDY = 1, EOC = 4, EOS = 8, ADC_OVR = 16 };
enum { ADEN = 1, ADDIS = 2, ADSTART = 4, ADSTP = 16 };
#define ADVREGEN (1u << 28)
#define DEEPPWD  (1u << 29)
#define ADCAL    (1u << 31)
#define SETTINGS (7u << 28)

volatile uint8_t sent[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, received[9];
volatile uint16_t samples[8];

static void wait_for(volatile uint32_t *reg, uint32_t mask, uint32_t value)
{
    while ((*reg & mask) != value) {
    }
}

/* SPI. */
static void open_spi(uint32_t bits)
{
    SPI(CR1) = 0;
    SPI(CR2) = (bits - 1) << 8 | (bits <= 8) << 12;
    SPI(CR1) = 1u << 9 | 1u << 8 | 1u << 6 | 2u << 3 | 1u << 2;
}
/* Until nothing is under way, as drivers end: what was heard is thrown away. */
static void close_spi(void)
{
    wait_for(&SPI(SR), FTLVL, 0);
    wait_for(&SPI(SR), BSY, 0);
    while (SPI(SR) & FRLVL) {
        (void)SPI_DR8;
    }
    (void)SPI(DR);
    (void)SPI(SR);
}
uint32_t transfer(uint32_t word, uint32_t bits)
{
    open_spi(bits);
    wait_for(&SPI(SR), TXE, TXE);
    if (bits > 8) {
        SPI_DR16 = (uint16_t)word;
    } else {
        SPI_DR8 = (uint8_t)word;
    }
    wait_for(&SPI(SR), RXNE, RXNE);
    uint32_t answer = bits > 8 ? SPI_DR16 : SPI_DR8;
    close_spi();
    return answer;
}
/* Nine bytes, two at a time; what comes back is not read in time. */
uint32_t send_packed(void)
{
    open_spi(8);
    for (uint32_t n = 0; n < 8; n += 2) {
        wait_for(&SPI(SR), TXE, TXE);
        SPI_DR16 = (uint16_t)(sent[n] | sent[n + 1] << 8);
    }
    wait_for(&SPI(SR), TXE, TXE);
    SPI_DR8 = sent[8];
    wait_for(&SPI(SR), FTLVL | BSY, 0);
    uint32_t status = SPI(SR);
    close_spi();
    out[0] = SPI(SR);
    return status;
}
/* A word of a driver for older chips, which knows nothing of packing: two frames go out. */
uint32_t send_word(uint32_t word)
{
    open_spi(8);
    SPI(DR) = word;
    wait_for(&SPI(SR), FTLVL | BSY, 0);
    uint32_t levels = SPI(SR) >> 9 & 15u;
    close_spi();
    return levels;
}
/* While SPE is off nothing leaves; afterwards it does. */
uint32_t status_with_waiting(uint32_t count)
{
    open_spi(8);
    SPI(CR1) &= ~(1u << 6);
    while (count--) {
        SPI_DR8 = 0;
    }
    uint32_t status = SPI(SR);
    SPI(CR1) |= 1u << 6;
    close_spi();
    return status;
}
void exchange_by_dma(void)
{
    DMAMUX_CCR(0) = 11, DMAMUX_CCR(1) = 12;
    DMA1(1)[1] = DMA1(2)[1] = sizeof sent;
    DMA1(1)[2] = DMA1(2)[2] = 0x4001300Cu;
    DMA1(1)[3] = (uint32_t)(uintptr_t)received, DMA1(2)[3] = (uint32_t)(uintptr_t)sent;
    DMA1(1)[0] = 1u << 7 | 1u;
    DMA1(2)[0] = 1u << 7 | 1u << 4 | 1u;
    open_spi(8);
    SPI(CR2) |= 3u;
    while (DMA1(1)[1]) {
    }
    close_spi();
}
static void on_spi(void)
{
    if (SPI(SR) & RXNE) {
        note(SPI_DR8);
        if (noted < 4) {
            SPI_DR8 = (uint8_t)(noted + 1);
        }
    }
}
void exchange_by_interrupt(void)
{
    vectors[IRQ0 + 59] = on_spi;
    NVIC_ISER(1) = 1u << (59 - 32);
    open_spi(8);
    SPI(CR2) |= 1u << 6;
    SPI_DR8 = 1;
    while (noted < 4) {
        ASM("wfi");
    }
    SPI(CR2) &= ~(1u << 6);
}

/* The converter, of the bus's clock: woken, calibrated and enabled. Bits of CR that start something
 * are left alone by writing 0. */
static void change_cr(uint32_t clear, uint32_t set)
{
    ADC(CR) = (ADC(CR) & SETTINGS & ~clear) | set;
}
uint32_t wake_converter(void)
{
    ADC_CCR = 1u << 16 | 7u << 22;
    change_cr(DEEPPWD, 0);
    change_cr(0, ADVREGEN);
    change_cr(0, ADCAL);
    wait_for(&ADC(CR), ADCAL, 0);
    ADC(ISR) = ADRDY;
    change_cr(0, ADEN);
    wait_for(&ADC(ISR), ADRDY, ADRDY);
    return ADC(CR);
}
void put_converter_to_sleep(void)
{
    if (ADC(CR) & ADSTART) {
        change_cr(0, ADSTP);
        wait_for(&ADC(CR), ADSTP, 0);
    }
    if (ADC(CR) & ADEN) {
        change_cr(0, ADDIS);
        wait_for(&ADC(CR), ADEN, 0);
    }
    ADC(CR) = DEEPPWD;
    ADC(CFGR) = ADC(IER) = ADC(SMPR1) = 0;
    ADC(ISR) = 0x7FF;
}
/* Cycles go to out[0], the flags that remain to out[1]. */
uint32_t convert(uint32_t channel, uint32_t cfgr, uint32_t sampling)
{
    wake_converter();
    ADC(CFGR) = cfgr;
    ADC(SQR1) = channel << 6;
    ADC(SMPR1) = sampling << 3 * channel;
    DEMCR = 1u << 24;
    DWT_CTRL = 1;
    uint32_t begin = DWT_CYCCNT;
    change_cr(0, ADSTART);
    wait_for(&ADC(ISR), EOS, EOS);
    out[0] = DWT_CYCCNT - begin;
    uint32_t result = ADC(ADC_DR);
    out[1] = ADC(ISR);
    out[2] = ADC(CR) & (ADEN | ADSTART);
    put_converter_to_sleep();
    return result;
}
/* Channels 5, 6 and the reference, over and over, into memory by DMA. */
void scan(void)
{
    DMAMUX_CCR(2) = 5;
    DMA1(3)[1] = 6;
    DMA1(3)[2] = 0x42028040u;
    DMA1(3)[3] = (uint32_t)(uintptr_t)samples;
    DMA1(3)[0] = 1u << 10 | 1u << 8 | 1u << 7 | 1u;
    wake_converter();
    ADC(CFGR) = 1u << 13 | 1u;
    ADC(SQR1) = 2u | 5u << 6 | 6u << 12 | 0u << 18;
    change_cr(0, ADSTART);
    while (DMA1(3)[1]) {
    }
    put_converter_to_sleep();
}
/* Results that nobody reads: the first one stays, or the last one. */
uint32_t overrun(uint32_t cfgr)
{
    wake_converter();
    ADC(CFGR) = cfgr;
    ADC(SQR1) = 1u | 5u << 6 | 6u << 12;
    change_cr(0, ADSTART);
    wait_for(&ADC(ISR), ADC_OVR, ADC_OVR);
    uint32_t result = ADC(ADC_DR);
    put_converter_to_sleep();
    return result;
}
static void on_sequence(void)
{
    note(ADC(ADC_DR));
    ADC(ISR) = EOS;
}
void sequence_interrupts(void)
{
    vectors[IRQ0 + 37] = on_sequence;
    NVIC_ISER(1) = 1u << (37 - 32);
    wake_converter();
    ADC(SQR1) = 5u << 6;
    ADC(IER) = EOS;
    change_cr(0, ADSTART);
    while (!noted) {
        ASM("wfi");
    }
    put_converter_to_sleep();
}
/* Whether the converter gets ready of a clock that RCC gives it: none, PLLSAI1R or SYSCLK. */
uint32_t ready_by(uint32_t adcsel)
{
    RCC(0x10) = 1u | 40u << 8 | 1u << 25 | 1u << 24;
    RCC(0x00) |= 1u << 26;
    wait_for(&RCC(0x00), 1u << 27, 1u << 27);
    RCC(0x88) = adcsel << 28;
    ADC_CCR = 1u << 18;
    change_cr(DEEPPWD, 0);
    change_cr(0, ADVREGEN);
    ADC(ISR) = ADRDY;
    change_cr(0, ADEN);
    uint32_t is_ready = ADC(ISR) & ADRDY;
    put_converter_to_sleep();
    return is_ready;
}

/* Random numbers, of HSI48, conditioned as drivers do. */
void start_random_numbers(uint32_t settings)
{
    RCC(0x98) |= 1u;
    wait_for(&RCC(0x98), 2u, 2u);
    RNG(0) = 1u << 30 | settings;
    RNG(0) &= ~(1u << 30);
    wait_for(&RNG(0), 1u << 30, 0);
    RNG(0) |= 1u << 2;
}
uint32_t random_number(void)
{
    wait_for(&RNG(4), 1, 1);
    return RNG(8);
}
uint32_t random_status(void)
{
    return RNG(4);
}
void condition(void)
{
    RNG(0) |= 1u << 30;
}
void stop_clock_of_random_numbers(void)
{
    RCC(0x98) = 0;
}

/* Whoever asks on I2C4 is told by its own interrupt that nobody is there. */
static void on_i2c4(void)
{
    note(REG(0x40008418u) & 1u << 4);
    REG(0x4000841Cu) = 1u << 4 | 1u << 5;
}
void asks_by_interrupt(void)
{
    vectors[IRQ0 + 101] = on_i2c4;
    NVIC_ISER(3) = 1u << (101 - 96);
    REG(0x40008410u) = 0x00000404;
    REG(0x40008400u) = 1u << 4 | 1u;
    REG(0x40008404u) = 1u << 13 | 1u << 25 | 0x50u << 1;
    while (!noted) {
        ASM("wfi");
    }
}
