/* SPDX-License-Identifier: MIT */
/*
 * A firmware that was there before the loader, with its own start-up, interrupts and memory map:
 * what firmware/PORTING.md asks of it, and nothing else. An STM32F103 at the 8 MHz it starts with.
 */
#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "fpb.h"
#include "interrupts.h"
#include "loader.h"
#include "part.h"
#include "tick.h"
#include "uart.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define RCC_APB2ENR REGISTER(0x40021018u)
#define GPIOA_CRH   REGISTER(0x40010804u)
#define USART1_SR   REGISTER(0x40013800u)
#define USART1_DR   REGISTER(0x40013804u)
#define USART1_BRR  REGISTER(0x40013808u)
#define USART1_CR1  REGISTER(0x4001380Cu)
#define SYST_CSR    REGISTER(0xE000E010u)
#define SYST_RVR    REGISTER(0xE000E014u)
#define NVIC_ISER1  REGISTER(0xE000E104u)

#define TXE    (1u << 7)
#define TC     (1u << 6)
#define RXNE   (1u << 5)
#define ERRORS 0xEu /* ORE, NE, FE */

extern uint32_t _estack[], _sidata[], _sdata[], _edata[], _sbss[], _ebss[];
extern const char _flash_end[];

int main(void);
int doubled(int number);
extern volatile int number, result;

/* The functions of the table. */

static volatile uint32_t now_ms;

void tick_interrupt(void)
{
    now_ms++;
}

uint32_t tick_ms(void)
{
    return now_ms;
}

uint32_t clock_hz(void)
{
    return 8000000u;
}

const char *clock_source(void)
{
    return "HSI";
}

static volatile struct {
    uint8_t bytes[512];
    unsigned head, tail;
    bool has_lost;
} ring;

void uart_interrupt(void)
{
    uint32_t status = USART1_SR;
    uint8_t byte = (uint8_t)USART1_DR;
    bool has_room = ring.head - ring.tail < sizeof ring.bytes;
    ring.has_lost = ring.has_lost || (status & ERRORS) != 0 || !has_room;
    if ((status & RXNE) != 0 && has_room) {
        ring.bytes[ring.head % sizeof ring.bytes] = byte;
        ring.head++;
    }
}

bool uart_readable(void)
{
    return ring.head != ring.tail;
}

enum uart_result uart_read(uint8_t *byte)
{
    if (!uart_readable()) {
        return UART_EMPTY;
    }
    *byte = ring.bytes[ring.tail % sizeof ring.bytes];
    ring.tail++;
    bool has_lost = ring.has_lost;
    ring.has_lost = false;
    return has_lost ? UART_BYTE_AFTER_LOSS : UART_BYTE;
}

void uart_write(uint8_t byte)
{
    while ((USART1_SR & TXE) == 0) {
    }
    USART1_DR = byte;
}

void uart_flush(void)
{
    while ((USART1_SR & TC) == 0) {
    }
}

static _Alignas(8) uint8_t patch_memory[8192];

const char part_name[] = "imaginary";
const struct part_region part_flash = {0x08000000u, 64u * 1024u};
const struct part_region part_sram = {0x20000000u, 20u * 1024u};
const struct part_region part_peripherals = {0x40000000u, 0x20000000u};

struct part_region part_image(void)
{
    uint32_t end = (uint32_t)(uintptr_t)_flash_end;
    return (struct part_region){part_flash.address, end - part_flash.address};
}

struct part_region part_arena(void)
{
    return (struct part_region){(uint32_t)(uintptr_t)patch_memory, sizeof patch_memory};
}

/* The firmware. */

void fault_entry(void)
{
    for (;;) {
    }
}

__attribute__((section(".isr_vector"), used)) static void (*const vectors[16 + 43])(void) = {
    [0] = (void (*)(void))_estack,
    [1] = Reset_Handler,
    [2] = fault_entry,
    [3] = hardfault_entry,
    [4] = fault_entry,
    [5] = fault_entry,
    [6] = fault_entry,
    [12] = debugmon_entry,
    [15] = tick_interrupt,
    [16 + 37] = uart_interrupt,
};

void Reset_Handler(void)
{
    FPB->CTRL = FPB_CTRL_KEY;
    for (uint32_t i = 0; _sdata + i < _edata; i++) {
        _sdata[i] = _sidata[i];
    }
    for (uint32_t *word = _sbss; word < _ebss; word++) {
        *word = 0;
    }
    (void)main();
}

volatile int number = 21, result;

__attribute__((noinline)) int doubled(int n)
{
    __asm volatile("");
    return n * 2;
}

int main(void)
{
    RCC_APB2ENR |= 1u << 14 | 1u << 2; /* USART1, GPIOA */
    GPIOA_CRH = 0x444448B4u;           /* PA9 alternate output, PA10 input with a pull */
    USART1_BRR = 69;                   /* 115200 baud */
    USART1_CR1 = 1u << 13 | 1u << 5 | 1u << 3 | 1u << 2;
    NVIC_ISER1 = 1u << 5;
    SYST_RVR = 7999;
    SYST_CSR = 7;
    loader_start();
    for (;;) {
        loader_poll();
        result = doubled(number);
    }
}
