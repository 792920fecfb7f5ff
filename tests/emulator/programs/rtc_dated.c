#include "guest.h"

/* The calendar of the STM32F405 or the STM32L552, as their drivers use it. Names are ST's. */
#define PWR_CR   REG(0x40007000) /* the L5's CR1 */
#define RTC      0x40002800
#define RTC_TR   REG(RTC + 0x00)
#define RTC_DR   REG(RTC + 0x04)
#define RTC_ISR  REG(RTC + 0x0C) /* the L5's ICSR */
#define RTC_PRER REG(RTC + 0x10)
#define RTC_WUTR REG(RTC + 0x14)
#define RTC_WPR  REG(RTC + 0x24)
enum { ALRAWF = 1, WUTWF = 4, RSF = 1 << 5, INITF = 1 << 6, INIT = 1 << 7 };
#ifdef STM32L552
#define RCC_CR     REG(0x40021000)
#define RCC_BDCR   REG(0x40021090)
#define RCC_CSR    REG(0x40021094)
#define RTC_SSR    REG(RTC + 0x08)
#define RTC_CR     REG(RTC + 0x18)
#define RTC_ALRMAR REG(RTC + 0x40)
#define RTC_MISR   REG(RTC + 0x54)
#define RTC_SCR    REG(RTC + 0x5C)
#define ALARM_IRQ  2
#define WAKEUP_IRQ 2
enum { ALRAF = 1 << 0, WUTF = 1 << 2 }; /* SR */
static void divide_hse(void)
{
    /* It is divided by 32. */
}
static void listen_to(uint32_t line)
{
    (void)line; /* no matter of EXTI's */
}
static uint32_t flags(void)
{
    return RTC_MISR;
}
static void clear(uint32_t flag, uint32_t line)
{
    (void)line;
    RTC_SCR = flag;
}
#else
#define RCC_CR     REG(0x40023800)
#define RCC_BDCR   REG(0x40023870)
#define RCC_CSR    REG(0x40023874)
#define RTC_CR     REG(RTC + 0x08)
#define RTC_ALRMAR REG(RTC + 0x1C)
#define RTC_SSR    REG(RTC + 0x28)
#define EXTI_IMR   REG(0x40013C00)
#define EXTI_RTSR  REG(0x40013C08)
#define EXTI_PR    REG(0x40013C14)
#define ALARM_IRQ  41
#define WAKEUP_IRQ 3
enum { ALRAF = 1 << 8, WUTF = 1 << 10 }; /* ISR */
static void divide_hse(void)
{
    REG(0x40023808) |= 8u << 16; /* RTCPRE */
}
static void listen_to(uint32_t line)
{
    EXTI_IMR |= 1u << line;
    EXTI_RTSR |= 1u << line;
}
static uint32_t flags(void)
{
    return RTC_ISR;
}
static void clear(uint32_t flag, uint32_t line)
{
    RTC_ISR &= ~(flag | INIT);
    EXTI_PR = 1u << line;
}
#endif
enum { FMT = 1 << 6, ALRAE = 1 << 8, WUTE = 1 << 10, ALRAIE = 1 << 12, WUTIE = 1 << 14 }; /* CR */

static void unlock(void)
{
    RTC_WPR = 0xCA;
    RTC_WPR = 0x53;
}
static void lock(void)
{
    RTC_WPR = 0xFF;
}
NOINLINE void enter_initialization(void)
{
    unlock();
    RTC_ISR = ~0u;
    while (!(RTC_ISR & INITF)) {
    }
}
/* Start it from LSE (1), LSI (2) or HSE / 8, HSE / 32 (3), with what makes a second of it. */
void start_rtc(uint32_t source, uint32_t prescalers)
{
    PWR_CR |= 1u << 8;
    RCC_BDCR |= 1; /* LSEON */
    RCC_CSR |= 1;  /* LSION */
    RCC_CR |= 1u << 16;
    divide_hse();
    RCC_BDCR |= source << 8 | 1u << 15;
    enter_initialization();
    RTC_PRER = prescalers;
    RTC_ISR &= ~(uint32_t)INIT;
    lock();
}
void set(uint32_t tr, uint32_t dr, uint32_t is_12_hours)
{
    enter_initialization();
    RTC_TR = tr;
    RTC_DR = dr;
    RTC_CR = is_12_hours ? RTC_CR | FMT : RTC_CR & ~(uint32_t)FMT;
    RTC_ISR &= ~(uint32_t)INIT;
    RTC_ISR &= ~(uint32_t)RSF;
    while (!(RTC_ISR & RSF)) {
    }
    lock();
}
uint32_t date(void)
{
    out[0] = RTC_TR;
    return RTC_DR;
}
uint32_t subseconds(void)
{
    return RTC_SSR;
}
static void on_alarm(void)
{
    note(RTC_TR);
    clear(ALRAF, 17);
}
void set_alarm(uint32_t alarm)
{
    vectors[IRQ0 + ALARM_IRQ] = on_alarm;
    NVIC_ISER(ALARM_IRQ / 32) = 1u << ALARM_IRQ % 32;
    listen_to(17);
    unlock();
    RTC_CR &= ~(uint32_t)ALRAE;
    while (!(RTC_ISR & ALRAWF)) {
    }
    RTC_ALRMAR = alarm;
    RTC_CR |= ALRAE | ALRAIE;
    RTC_ALRMAR = 0; /* which is too late */
    lock();
}
static void on_wakeup(void)
{
    note(flags() & WUTF);
    clear(WUTF, 22);
}
void set_wakeup(uint32_t selected, uint32_t count)
{
    vectors[IRQ0 + WAKEUP_IRQ] = on_wakeup;
    NVIC_ISER(0) = 1u << WAKEUP_IRQ;
    listen_to(22);
    unlock();
    RTC_CR &= ~(uint32_t)WUTE;
    while (!(RTC_ISR & WUTWF)) {
    }
    RTC_WUTR = count;
    RTC_CR = (RTC_CR & ~7u) | selected;
    RTC_CR |= WUTE | WUTIE;
    lock();
}
/* Writes that do nothing: without the keys, outside of initialization, with the domain locked. */
void writes_in_vain(void)
{
    RTC_TR = 0x010203;
    RTC_CR = FMT;
    unlock();
    RTC_TR = 0x010203;
    RTC_PRER = 0;
    PWR_CR &= ~(1u << 8);
    RTC_CR = FMT;
}
