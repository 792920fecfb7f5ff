/* SPDX-License-Identifier: MIT */
/* A C library's program: printf to USART1, malloc on a heap, floats, sorting, long jumps. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define REG(address) (*(volatile uint32_t *)(address))
#ifdef STM32F405
#define USART1      0x40011000u
#define DIVISOR     139u /* 16 MHz / 115200 */
#define RCC_APB2ENR REG(0x40023844u)
#define USART1EN    (1u << 4)
#elif defined STM32L552
#define USART1      0x40013800u
#define DIVISOR     35u /* 4 MHz / 115200 */
#define RCC_APB2ENR REG(0x40021060u)
#define USART1EN    (1u << 14)
#else
#define USART1      0x40013800u
#define DIVISOR     69u /* 8 MHz / 115200 */
#define RCC_APB2ENR REG(0x40021018u)
#define USART1EN    (1u << 14)
#endif
#ifdef STM32L552
#define USART_CR1 REG(USART1 + 0x00)
#define USART_BRR REG(USART1 + 0x0C)
#define USART_SR  REG(USART1 + 0x1C) /* ISR */
#define USART_DR  REG(USART1 + 0x28) /* TDR */
#define UE_TE     0x0009u
#else
#define USART_SR  REG(USART1 + 0x00)
#define USART_DR  REG(USART1 + 0x04)
#define USART_BRR REG(USART1 + 0x08)
#define USART_CR1 REG(USART1 + 0x0C)
#define UE_TE     0x2008u
#endif

extern uint32_t data_start[], data_end[], bss_start[], bss_end[], stack_top[];
extern const uint32_t data_load[];
extern char heap_start[], heap_end[];
void __libc_init_array(void);
int main(void);
void reset(void);
void _init(void);

__attribute__((section(".vectors"), used)) static void *const vectors[2] = {stack_top, reset};

void _init(void)
{
}

void reset(void)
{
    memcpy(data_start, data_load, (size_t)((char *)data_end - (char *)data_start));
    memset(bss_start, 0, (size_t)((char *)bss_end - (char *)bss_start));
#ifdef __ARM_FP
    REG(0xE000ED88u) = 0xFu << 20;
    __asm volatile("dsb\n\tisb");
#endif
    RCC_APB2ENR |= USART1EN;
    USART_BRR = DIVISOR;
    USART_CR1 = UE_TE;
    __libc_init_array();
    main();
    for (;;) {
        __asm volatile("wfi");
    }
}

int _write(int file, const char *text, int size)
{
    (void)file;
    for (int i = 0; i < size; i++) {
        while (!(USART_SR & 1u << 7)) {
        }
        USART_DR = (uint8_t)text[i];
    }
    return size;
}

void *_sbrk(ptrdiff_t more)
{
    static char *top = heap_start;
    if (more > heap_end - top) {
        errno = ENOMEM;
        return (void *)-1;
    }
    top += more;
    return top - more;
}

static int ascending(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static jmp_buf back;

__attribute__((noinline)) static void leap(int depth)
{
    if (depth == 0) {
        longjmp(back, 42);
    }
    leap(depth - 1);
    printf("not here\n");
}

static float total;
__attribute__((constructor)) static void before_main(void)
{
    total = 0.5f;
}

int main(void)
{
    int numbers[] = {5, -3, 11, 0, 7};
    char *list = NULL;
    size_t used = 0;

    qsort(numbers, 5, sizeof *numbers, ascending);
    for (int i = 0; i < 5; i++) {
        char text[8];
        int size = snprintf(text, sizeof text, "%d ", numbers[i]);
        list = realloc(list, used + (size_t)size + 1);
        memcpy(list + used, text, (size_t)size + 1);
        used += (size_t)size;
    }
    printf("sorted %s\n", list);
    free(list);

    for (int i = 1; i <= 100; i++) {
        total += 1.0f / (float)(i * i);
    }
    printf("%.4f %.3e %g\n", (double)total, sqrt(2.0) * 1e10, strtod("0x1.8p3", NULL));
    printf("%lld %llu %08lx\n", -1234567890123LL / 7, 1ULL << 63, 0xBEEFul);

    int blocks = 0;
    for (void *block; (block = malloc(1000)) != NULL; blocks++) {
        memset(block, blocks, 1000);
    }
    printf("%s after %s blocks\n", strerror(errno), blocks >= 4 ? "some" : "few");

    int leapt = setjmp(back);
    if (leapt == 0) {
        leap(10);
    }
    printf("leapt %d\n", leapt);
    return 0;
}
