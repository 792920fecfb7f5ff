#include "guest.h"

#define FLASH_KEYR REG(0x40022004)
#define FLASH_SR   REG(0x4002200C)
#define FLASH_CR   REG(0x40022010)
#define FLASH_AR   REG(0x40022014)
#define BEGIN      0x0800F000u
enum { PG = 1, PER = 2, STRT = 64 };

static void unlock(void)
{
    FLASH_KEYR = 0x45670123;
    FLASH_KEYR = 0xCDEF89AB;
}
static void erase(uint32_t address)
{
    FLASH_CR = PER;
    FLASH_AR = address;
    FLASH_CR = PER | STRT;
    while (FLASH_SR & 1) {
    }
    FLASH_CR = 0;
}
static void program(uint32_t address, uint16_t halfword)
{
    FLASH_CR = PG;
    REG16(address) = halfword;
    while (FLASH_SR & 1) {
    }
    FLASH_CR = 0;
}
/* Put `movs r0, #value; bx lr` into flash and call it, again and again. */
uint32_t runs_what_it_programs(uint32_t address, uint32_t rounds)
{
    uint32_t sum = 0;
    unlock();
    for (uint32_t value = 1; value <= rounds; value++) {
        erase(address);
        program(address, (uint16_t)(0x2000 + value));
        program(address + 2, 0x4770);
        sum = sum * 10 + ((uint32_t (*)(void))(uintptr_t)(address | 1))();
    }
    return sum;
}
/* A page that has been read, fetched from and programmed still shows what it holds. */
uint32_t reads_what_it_programs(void)
{
    uint32_t before = REG16(BEGIN);
    unlock();
    FLASH_CR = PG;
    for (uint32_t n = 0; n < 64; n++) {
        REG16(BEGIN + 2 * n) = (uint16_t)(n + 1);
        out[n & 7] = REG16(BEGIN + 2 * n);
    }
    FLASH_CR = 0;
    uint32_t sum = 0;
    for (uint32_t n = 0; n < 64; n++) {
        sum += REG16(BEGIN + 2 * n);
    }
    return before << 16 | sum;
}
NOINLINE void faults(void)
{
    out[FRAME + 12] = CFSR;
    frame[6] = frame[5] & ~1u; /* return from the function */
}
FRAME_HANDLER(on_fault, faults)
NOINLINE void store(void)
{
    REG16(BEGIN) = 0;
}
/* Whether a store faults: before PG is set, while it is, and after. */
uint32_t faults_without_pg(void)
{
    uint32_t seen = 0;
    vectors[HARDFAULT] = on_fault;
    store();
    seen |= out[FRAME_COUNT];
    unlock();
    FLASH_CR = PG;
    store();
    REG16(BEGIN) = 1; /* not erased: PGERR, and nothing changes */
    seen |= out[FRAME_COUNT] << 4;
    FLASH_CR = 0;
    store();
    return seen | out[FRAME_COUNT] << 8;
}

/* An erase, and how often BSY was seen and a tick came meanwhile; from flash, and from RAM. The
 * vectors, which are in RAM, lead to code in RAM. */
volatile uint32_t ticks;
RAM_CODE static void on_tick(void)
{
    ticks++;
}
RAM_CODE uint32_t erases_from_ram(void)
{
    uint32_t seen = 0;
    FLASH_CR = PER | STRT;
    while (FLASH_SR & 1) {
        seen++;
    }
    return seen;
}
NOINLINE uint32_t erases_from_flash(void)
{
    uint32_t seen = 0;
    FLASH_CR = PER | STRT;
    while (FLASH_SR & 1) {
        seen++;
    }
    return seen;
}
uint32_t ticks_while_it_erases(uint32_t from_ram)
{
    vectors[SYSTICK] = on_tick;
    unlock();
    FLASH_CR = PER;
    FLASH_AR = BEGIN;
    SYST_RVR = 7999; /* a millisecond */
    SYST_CVR = 0;
    SYST_CSR = 7;
    out[0] = from_ram ? erases_from_ram() : erases_from_flash();
    SYST_CSR = 0;
    return ticks;
}
