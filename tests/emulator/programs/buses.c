#include "guest.h"

/* SPI, I2C and the converter, as drivers use them: poll a flag, do the next thing. Names are ST's.
 */
#define SPI1_CR1 REG(0x40013000)
#define SPI1_CR2 REG(0x40013004)
#define SPI1_SR  REG(0x40013008)
#define SPI1_DR  REG(0x4001300C)
#define I2C1_CR1 REG(0x40005400)
#define I2C1_DR  REG(0x40005410)
#define I2C1_SR1 REG(0x40005414)
#define I2C1_SR2 REG(0x40005418)
#define I2C1_CCR REG(0x4000541C)
#ifdef STM32F405
#define ADC1        0x40012000
#define ADC1_COMMON REG(0x40012304)
#else
#define ADC1 0x40012400
#endif
#define ADC1_SR    REG(ADC1 + 0x00)
#define ADC1_CR1   REG(ADC1 + 0x04)
#define ADC1_CR2   REG(ADC1 + 0x08)
#define ADC1_SMPR2 REG(ADC1 + 0x10)
#define ADC1_SQR1  REG(ADC1 + 0x2C)
#define ADC1_SQR3  REG(ADC1 + 0x34)
#define ADC1_DR    REG(ADC1 + 0x4C)
enum { RXNE = 1, TXE = 2, BSY = 128 };                 /* SPI_SR */
enum { SB = 1, ADDR = 2, AF = 1024, BUSY = 2 };        /* I2C_SR1, I2C_SR2 */
enum { EOC = 2, SCAN = 256, ADON = 1, ADC_DMA = 256 }; /* ADC */

volatile uint8_t sent[8] = {1, 2, 3, 4, 5, 6, 7, 8}, received[8];
volatile uint16_t samples[8];

uint32_t transfer(uint32_t word)
{
    SPI1_CR1 = 1u << 9 | 1u << 8 | 1u << 6 | 2u << 3 | 1u << 2;
    while (!(SPI1_SR & TXE)) {
    }
    SPI1_DR = word;
    while (!(SPI1_SR & RXNE)) {
    }
    uint32_t answer = SPI1_DR;
    while (SPI1_SR & BSY) {
    }
    return answer;
}
void transfer_by_dma(void)
{
#ifdef STM32F405 /* DMA2: stream 3 sends, stream 0 receives; both by channel 3 */
    volatile uint32_t *tx = (volatile uint32_t *)0x40026458, *rx = (volatile uint32_t *)0x40026410;
    tx[1] = rx[1] = sizeof sent;
    tx[2] = rx[2] = 0x4001300C;
    tx[3] = (uint32_t)(uintptr_t)sent, rx[3] = (uint32_t)(uintptr_t)received;
    rx[0] = 3u << 25 | 1u << 10 | 1;
    tx[0] = 3u << 25 | 1u << 10 | 1u << 6 | 1;
#else /* DMA1: channel 3 sends, channel 2 receives */
    volatile uint32_t *tx = (volatile uint32_t *)0x40020030, *rx = (volatile uint32_t *)0x4002001C;
    tx[1] = rx[1] = sizeof sent;
    tx[2] = rx[2] = 0x4001300C;
    tx[3] = (uint32_t)(uintptr_t)sent, rx[3] = (uint32_t)(uintptr_t)received;
    rx[0] = 1u << 7 | 1;
    tx[0] = 1u << 7 | 1u << 4 | 1;
#endif
    SPI1_CR2 = 3;
    SPI1_CR1 = 1u << 9 | 1u << 8 | 1u << 6 | 1u << 2;
    while (rx[1]) {
    }
    while (SPI1_SR & BSY) {
    }
    SPI1_CR2 = 0;
}

/* Whether a device answers at an address. */
uint32_t probe(uint32_t address)
{
    I2C1_CCR = 40;
    I2C1_CR1 = 1;
    while (I2C1_SR2 & BUSY) {
    }
    I2C1_CR1 = 1u << 8 | 1;
    while (!(I2C1_SR1 & SB)) {
    }
    I2C1_DR = address << 1;
    while (!(I2C1_SR1 & (ADDR | AF))) {
    }
    uint32_t answered = I2C1_SR1 & ADDR;
    I2C1_CR1 = 1u << 9 | 1;
    I2C1_SR1 = ~(uint32_t)AF;
    while (I2C1_SR2 & BUSY) {
    }
    return answered;
}

static void switch_converter_on(uint32_t cr2)
{
    ADC1_CR2 = cr2 | ADON;
#ifdef STM32F405
    ADC1_COMMON = 1u << 16; /* ADCPRE: 4 */
#else
    ADC1_CR2 |= 1u << 3; /* RSTCAL */
    while (ADC1_CR2 & 1u << 3) {
    }
    ADC1_CR2 |= 1u << 2; /* CAL */
    while (ADC1_CR2 & 1u << 2) {
    }
    ADC1_CR2 |= 1u << 20 | 7u << 17; /* EXTTRIG, EXTSEL: SWSTART */
#endif
}
static void start_conversion(void)
{
#ifdef STM32F405
    ADC1_CR2 |= 1u << 30;
#else
    ADC1_CR2 |= 1u << 22;
#endif
}
uint32_t convert(uint32_t channel)
{
    switch_converter_on(0);
    ADC1_SMPR2 = 7;
    ADC1_SQR1 = 0;
    ADC1_SQR3 = channel;
    start_conversion();
    while (!(ADC1_SR & EOC)) {
    }
    uint32_t result = ADC1_DR;
    out[0] = ADC1_SR & EOC;
    return result;
}
static void on_end_of_conversion(void)
{
    note(ADC1_DR);
}
void interrupts(uint32_t channel)
{
    vectors[IRQ0 + 18] = on_end_of_conversion;
    NVIC_ISER(0) = 1u << 18;
    ADC1_CR1 = 1u << 5;
    switch_converter_on(0);
    ADC1_SQR3 = channel;
    start_conversion();
    while (!noted) {
        ASM("wfi");
    }
}
/* Channels 0, 1 and 17, into memory by DMA. */
void scan(void)
{
#ifdef STM32F405 /* DMA2: stream 0 by channel 0 */
    volatile uint32_t *dma = (volatile uint32_t *)0x40026410;
    dma[1] = 3;
    dma[2] = ADC1 + 0x4C;
    dma[3] = (uint32_t)(uintptr_t)samples;
    dma[0] = 1u << 13 | 1u << 11 | 1u << 10 | 1;
#else /* DMA1: channel 1 */
    volatile uint32_t *dma = (volatile uint32_t *)0x40020008;
    dma[1] = 3;
    dma[2] = ADC1 + 0x4C;
    dma[3] = (uint32_t)(uintptr_t)samples;
    dma[0] = 1u << 10 | 1u << 8 | 1u << 7 | 1;
#endif
    ADC1_CR1 = SCAN;
    switch_converter_on(ADC_DMA);
    ADC1_SQR1 = 2u << 20;
    ADC1_SQR3 = 0u | 1u << 5 | 17u << 10;
    start_conversion();
    while (dma[1]) {
    }
}
