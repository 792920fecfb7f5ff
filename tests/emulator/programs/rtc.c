#include "guest.h"

/* The STM32F103's clock of seconds, as its drivers use it: unlock the backup domain, choose a
 * clock, wait for the registers to be in step, write between two waits. Names are ST's. */
#define RCC_BDCR REG(0x40021020)
#define RCC_CSR  REG(0x40021024)
#define PWR_CR   REG(0x40007000)
#define RTC      0x40002800
#define RTC_CRH  REG(RTC + 0x00)
#define RTC_CRL  REG(RTC + 0x04)
#define RTC_PRLH REG(RTC + 0x08)
#define RTC_PRLL REG(RTC + 0x0C)
#define RTC_DIVL REG(RTC + 0x14)
#define RTC_CNTH REG(RTC + 0x18)
#define RTC_CNTL REG(RTC + 0x1C)
#define RTC_ALRH REG(RTC + 0x20)
#define RTC_ALRL REG(RTC + 0x24)
#define RTC_IRQ  3
enum { SECF = 1, ALRF = 2, OWF = 4, RSF = 8, CNF = 16, RTOFF = 32 };

static void wait_for(uint32_t flag)
{
    while (!(RTC_CRL & flag)) {
    }
}
uint32_t count(void)
{
    return RTC_CNTH << 16 | RTC_CNTL;
}
uint32_t divider(void)
{
    return RTC_DIVL;
}
void set_count(uint32_t count)
{
    wait_for(RTOFF);
    RTC_CRL |= CNF;
    RTC_CNTH = count >> 16, RTC_CNTL = count & 0xFFFF;
    RTC_CRL &= ~(uint32_t)CNF;
    wait_for(RTOFF);
}
void set_alarm(uint32_t count)
{
    wait_for(RTOFF);
    RTC_CRL |= CNF;
    RTC_ALRH = count >> 16, RTC_ALRL = count & 0xFFFF;
    RTC_CRL &= ~(uint32_t)CNF;
    wait_for(RTOFF);
}
/* Start it from LSE (1), LSI (2), or HSE/128 (3), with what makes a second of it. */
void start_rtc(uint32_t source, uint32_t divider)
{
    PWR_CR |= 1u << 8;
    RCC_BDCR |= 1; /* LSEON */
    RCC_CSR |= 1;  /* LSION */
    REG(0x40021000) |= 1u << 16;
    RCC_BDCR |= source << 8 | 1u << 15;
    RTC_CRL &= ~(uint32_t)RSF;
    wait_for(RSF);
    wait_for(RTOFF);
    RTC_CRL |= CNF;
    RTC_PRLH = (divider - 1) >> 16, RTC_PRLL = (divider - 1) & 0xFFFF;
    RTC_CRL &= ~(uint32_t)CNF;
    wait_for(RTOFF);
}
static void on_rtc(void)
{
    note(RTC_CRL & (SECF | ALRF | OWF));
    RTC_CRL &= ~(uint32_t)(SECF | ALRF | OWF);
}
void interrupts(uint32_t enables)
{
    vectors[IRQ0 + RTC_IRQ] = on_rtc;
    NVIC_ISER(0) = 1u << RTC_IRQ;
    RTC_CRH = enables;
}
void write_outside_of_configuration(uint32_t count)
{
    RTC_CNTL = count;
}
void lock(void)
{
    PWR_CR = 0;
}

/* The alarm on line 17 of EXTI. */
static void on_line(void)
{
    note(REG(0x40010414));
    REG(0x40010414) = 1u << 17;
}
void alarm_by_exti(void)
{
    vectors[IRQ0 + 41] = on_line;
    NVIC_ISER(1) = 1u << (41 - 32);
    REG(0x40010400) = 1u << 17; /* EXTI_IMR */
    REG(0x40010408) = 1u << 17; /* EXTI_RTSR */
}
