/* SPDX-License-Identifier: MIT */
/* A start as the vendor's code makes it: clocks to full speed step by step, each one waited for,
 * the crystal with patience; vectors placed; a tick; a console whose rate follows from the clocks.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REG(address)  (*(volatile uint32_t *)(address))
#define BITS(r, mask) (((r) & (mask)) == (mask))

#define CPACR    REG(0xE000ED88u)
#define SCB_VTOR REG(0xE000ED08u)
#define SCB_SHPR REG(0xE000ED20u)
#define SYST_CSR REG(0xE000E010u)
#define SYST_RVR REG(0xE000E014u)
#define SYST_CVR REG(0xE000E018u)
#define ISER1    REG(0xE000E104u)
#define ON       (1u << 0) /* HSI, or the STM32L5's MSI: what it starts with */
#define HSEON    (1u << 16)
#define HSERDY   (1u << 17)
#define CSSON    (1u << 19)
#define HSEBYP   (1u << 18)
#define PLLON    (1u << 24)
#define PLLRDY   (1u << 25)

#ifdef STM32F405
#define RCC         0x40023800u
#define RCC_CR      REG(RCC + 0x00)
#define RCC_PLLCFGR REG(RCC + 0x04)
#define RCC_CFGR    REG(RCC + 0x08)
#define RCC_CIR     REG(RCC + 0x0C)
#define RCC_APB1ENR REG(RCC + 0x40)
#define RCC_APB2ENR REG(RCC + 0x44)
#define FLASH_ACR   REG(0x40023C00u)
#define PWR_CR      REG(0x40007000u)
#define USART1      0x40011000u
#define USART1EN    (1u << 4)
#define HSI_HZ      16000000u
#define FULL_HZ     168000000u
#define APB2_FULL   2u /* its prescaler at full speed */
#define ON_PLL      2u /* in SW */
#elif defined STM32L552
#define RCC          0x40021000u
#define RCC_CR       REG(RCC + 0x00)
#define RCC_CFGR     REG(RCC + 0x08)
#define RCC_PLLCFGR  REG(RCC + 0x0C)
#define RCC_CIR      REG(RCC + 0x18) /* CIER */
#define RCC_APB1ENR1 REG(RCC + 0x58)
#define RCC_APB2ENR  REG(RCC + 0x60)
#define FLASH_ACR    REG(0x40022000u)
#define PWR_CR1      REG(0x40007000u)
#define PWR_SR2      REG(0x40007014u)
#define ICACHE_CR    REG(0x40030400u)
#define USART1       0x40013800u
#define USART1EN     (1u << 14)
#define HSI_HZ       4000000u /* MSI */
#define FULL_HZ      110000000u
#define APB2_FULL    1u
#define ON_PLL       3u
#else
#define RCC         0x40021000u
#define RCC_CR      REG(RCC + 0x00)
#define RCC_CFGR    REG(RCC + 0x04)
#define RCC_CIR     REG(RCC + 0x08)
#define RCC_APB1ENR REG(RCC + 0x1C)
#define RCC_APB2ENR REG(RCC + 0x18)
#define FLASH_ACR   REG(0x40022000u)
#define USART1      0x40013800u
#define USART1EN    (1u << 14)
#define HSI_HZ      8000000u
#define FULL_HZ     72000000u
#define APB2_FULL   1u
#define ON_PLL      2u
#endif
#ifdef STM32L552
#define USART1_CR1 REG(USART1 + 0x00)
#define USART1_BRR REG(USART1 + 0x0C)
#define USART1_SR  REG(USART1 + 0x1C) /* ISR */
#define USART1_RX  REG(USART1 + 0x24) /* RDR */
#define USART1_TX  REG(USART1 + 0x28) /* TDR */
#define USART1_IRQ 61
#define UE         (1u << 0)
#define PATIENCE   0x1000u
#define TEACK      (1u << 21)
#else
#define USART1_SR  REG(USART1 + 0)
#define USART1_RX  REG(USART1 + 4) /* DR */
#define USART1_TX  USART1_RX
#define USART1_BRR REG(USART1 + 8)
#define USART1_CR1 REG(USART1 + 12)
#define USART1_IRQ 37
#define UE         (1u << 13)
#define PATIENCE   0x5000u
#endif

extern uint32_t data_start[], data_end[], bss_start[], bss_end[], stack_top[];
extern const uint32_t data_load[];
extern char heap_start[], heap_end[];
void __libc_init_array(void);
int main(void);
void reset(void);
void _init(void);

uint32_t core_hz = HSI_HZ, apb2_hz = HSI_HZ;
static volatile uint32_t tick;
static volatile char heard;

void _init(void)
{
}

/* Handlers that nobody has written are one that stays where it is. */
void stay(void);
void stay(void)
{
    for (;;) {
    }
}
#define DEFAULT(name) void name(void) __attribute__((weak, alias("stay")))
DEFAULT(nmi);
DEFAULT(fault);
DEFAULT(svc);
DEFAULT(pendsv);
void systick(void);
void usart1(void);
typedef void (*handler)(void);
__attribute__((section(".vectors"), used)) static const handler vectors[16 + USART1_IRQ + 1] = {
    (handler)stack_top,
    reset,
    nmi,
    fault,
    fault,
    fault,
    fault,
    0,
    0,
    0,
    0,
    svc,
    stay,
    0,
    pendsv,
    systick,
    [16 ... 16 + USART1_IRQ - 1] = stay,
    [16 + USART1_IRQ] = usart1,
};

/* Before anything else: the clocks as after power-on, whoever ran before; the vectors in flash. */
static void system_init(void)
{
#ifdef __ARM_FP
    CPACR |= 0xFu << 20;
#endif
    RCC_CR |= ON;
    RCC_CFGR = 0;
    RCC_CR &= ~(HSEON | CSSON | PLLON);
    RCC_CR &= ~HSEBYP;
    RCC_CIR = 0;
    SCB_VTOR = 0x08000000u;
}

void reset(void)
{
    for (uint32_t i = 0; data_start + i < data_end; i++) {
        data_start[i] = data_load[i];
    }
    for (uint32_t *word = bss_start; word < bss_end; word++) {
        *word = 0;
    }
    system_init();
    __libc_init_array();
    main();
    stay();
}

/* Full speed from the crystal; without one the internal oscillator goes on. */
static void set_clocks(void)
{
    uint32_t waited = 0;
    RCC_CR |= HSEON;
    while (!BITS(RCC_CR, HSERDY) && ++waited < PATIENCE) {
    }
    if (!BITS(RCC_CR, HSERDY)) {
        return;
    }
#ifdef STM32F405
    RCC_APB1ENR |= 1u << 28; /* PWR: the regulator's scale 1 */
    PWR_CR |= 1u << 14;
    RCC_CFGR = 5u << 10 | 4u << 13; /* APB1 a quarter, APB2 a half */
    RCC_PLLCFGR = 8u | 336u << 6 | 0u << 16 | 1u << 22 | 7u << 24;
    FLASH_ACR = 1u << 8 | 1u << 9 | 1u << 10 | 5u;
#elif defined STM32L552
    RCC_APB1ENR1 |= 1u << 28; /* PWR: the voltage's range 0 */
    PWR_CR1 &= ~(3u << 9);
    while (BITS(PWR_SR2, 1u << 10)) {
    }
    FLASH_ACR = (FLASH_ACR & ~0xFu) | 5u;
    while ((FLASH_ACR & 0xFu) != 5u) {
    }
    ICACHE_CR |= 1u;
    RCC_PLLCFGR = 3u | 1u << 4 | 55u << 8; /* the crystal by 2, times 55, by 2 */
#else
    FLASH_ACR |= 1u << 4;
    FLASH_ACR = (FLASH_ACR & ~7u) | 2u;
    RCC_CFGR = 4u << 8 | 1u << 16 | 7u << 18; /* APB1 a half; the crystal times nine */
#endif
    RCC_CR |= PLLON;
#ifdef STM32L552
    RCC_PLLCFGR |= 1u << 24; /* PLLREN, while the PLL starts, as the vendor's code does */
#endif
    while (!BITS(RCC_CR, PLLRDY)) {
    }
    RCC_CFGR = (RCC_CFGR & ~3u) | ON_PLL;
    while ((RCC_CFGR & 0xCu) != ON_PLL << 2) {
    }
    core_hz = FULL_HZ, apb2_hz = FULL_HZ / APB2_FULL;
}

void systick(void)
{
    tick++;
}
static void start_tick(void)
{
    SYST_RVR = core_hz / 1000 - 1;
    SCB_SHPR |= 0xF0000000u; /* of the lowest priority */
    SYST_CVR = 0;
    SYST_CSR = 7;
}
static void delay(uint32_t ms)
{
    const uint32_t begin = tick;
    while (tick - begin < ms) {
    }
}

void usart1(void)
{
    if (USART1_SR & 1u << 5) {
        heard = (char)USART1_RX;
    }
}
static void start_console(uint32_t baud)
{
    RCC_APB2ENR |= USART1EN;
    (void)RCC_APB2ENR; /* the clock takes a moment */
    USART1_BRR = (apb2_hz + baud / 2) / baud;
    USART1_CR1 = UE | 1u << 5 | 1u << 3 | 1u << 2;
#ifdef TEACK
    while (!BITS(USART1_SR, TEACK)) {
    }
#endif
    ISER1 = 1u << (USART1_IRQ - 32);
}
int _write(int file, const char *text, int size)
{
    (void)file;
    for (int i = 0; i < size; i++) {
        while (!(USART1_SR & 1u << 7)) {
        }
        USART1_TX = (uint8_t)text[i];
    }
    while (!(USART1_SR & 1u << 6)) {
    }
    return size;
}
void *_sbrk(ptrdiff_t more)
{
    static char *top = heap_start;
    if (more > heap_end - top) {
        return (void *)-1;
    }
    top += more;
    return top - more;
}

static int constructed;
__attribute__((constructor)) static void construct(void)
{
    constructed++;
}

int main(void)
{
    set_clocks();
    start_tick();
    start_console(115200);
    char *name = malloc(16);
    strcpy(name, "constructed");
    printf("%s %d, %lu Hz\n", name, constructed, (unsigned long)core_hz);
    free(name);
    const uint32_t before = tick;
    delay(20);
    printf("%lu ms\n", (unsigned long)(tick - before));
    while (!heard) {
        __asm volatile("wfi");
    }
    printf("heard %c\n", heard);
    return 0;
}
