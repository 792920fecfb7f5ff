/* The MPU, of Armv7-M or of Armv8-M: what of an arena may be read, written and executed by whom. */
#include "program.h"

#define MPU_CTRL  REG(0xE000ED94)
#define MPU_RNR   REG(0xE000ED98)
#define MPU_RBAR  REG(0xE000ED9C)
#define MPU_RASR  REG(0xE000EDA0) /* MPU_RLAR of Armv8-M */
#define MPU_MAIR0 REG(0xE000EDC0)
#define MMFAR     REG(0xE000ED34)
#define ARENA     (RAM + 0x2000)
#define ARENA_END (ARENA + 256)

enum { ENABLE = 1, HFNMIENA = 2, PRIVDEFENA = 4 };
enum { RETURN_7_TOO = 0x4770 << 16 | 0x2007 }; /* movs r0, #7; bx lr */

static volatile uint32_t outcome, leaves_function, in_hardfault;

static uint32_t load(uint32_t address);

/* What was forbidden, and where: the fault's cause, the number of the exception, the address. */
USED void on_fault(uint32_t lr, uint32_t *frame)
{
    (void)lr;
    if (DONE) {
        for (;;) {
        }
    }
    const uint32_t cause = CFSR, address = cause & 0x80 ? MMFAR - ARENA : 0;
    outcome = cause << 24 | ipsr() << 16 | (address & 0xFFFF);
    CFSR = cause;
    if (in_hardfault) {
        const uint32_t where = in_hardfault;
        in_hardfault = 0;
        outcome = load(where);
    }
    frame[6] = leaves_function ? frame[5] & ~1u : frame[6] + 2;
    leaves_function = 0;
}
HANDLER(fault, on_fault)
USED void on_svc(uint32_t lr, uint32_t *frame)
{
    (void)lr, (void)frame;
    __asm volatile("msr control, %0\n\tisb" ::"r"(0)); /* privileged again */
}
HANDLER(svc, on_svc)

VECTORS(fault, svc, 0, 0, 0)

NAKED static uint32_t load(uint32_t address)
{
    ASM("ldr r0, [r0]\n\tbx lr");
}
NAKED static uint32_t store(uint32_t address)
{
    ASM("str r0, [r0]\n\tbx lr");
}
NAKED static uint32_t load_as_others(uint32_t address)
{
    ASM("ldrt r0, [r0]\n\tbx lr"); /* whose second halfword alone shifts r0 */
}
NAKED static uint32_t load_pair(uint32_t address)
{
    ASM("movs r2, r0\n\tldmia r0!, {r1, r3}\n\tsubs r0, r0, r2\n\tbx lr");
}
NAKED static uint32_t unprivileged(uint32_t (*access)(uint32_t), uint32_t address)
{
    ASM("push {r4, lr}\n\tmovs r2, #1\n\tmsr control, r2\n\tisb\n\tmov r2, r0\n\tmov r0, r1\n\t"
        "blx r2\n\tsvc 0\n\tpop {r4, pc}");
}
static void try(uint32_t (*access)(uint32_t), uint32_t address, uint32_t is_privileged)
{
    outcome = 0;
    if (is_privileged) {
        access(address);
    } else {
        unprivileged(access, address);
    }
    note(outcome);
}

#ifdef ARMV8M
enum { FOR_ALL = 1, FOR_PRIVILEGED = 0, PERMISSIONS = 4, READ_ONLY = 3 };
static void region(uint32_t number, uint32_t begin, uint32_t end, uint32_t ap, uint32_t xn)
{
    MPU_RNR = number;
    MPU_RBAR = begin | ap << 1 | xn;
    MPU_RASR = (end - 32) | ENABLE;
}
static void around_the_arena(uint32_t flash)
{
    MPU_MAIR0 = 0x44;
    region(0, flash, flash + 0x10000, READ_ONLY, 0);
    region(1, RAM, ARENA, FOR_ALL, 0);
    region(3, ARENA_END, RAM + 0x5000, FOR_ALL, 0);
}
static void of_the_family(void)
{
    note(0xC1);
    region(2, ARENA, ARENA_END, FOR_ALL, 0);
    region(4, ARENA + 32, ARENA + 64, FOR_ALL, 0); /* two regions: a fault */
    for (uint32_t offset = 0; offset < 128; offset += 32) {
        try(load, ARENA + offset, 1);
    }
    MPU_RNR = 4, MPU_RASR = 0;
}
static void test_targets(void)
{
    note(0xE1);
    for (uint32_t ap = 0; ap < PERMISSIONS; ap++) {
        region(2, ARENA, ARENA_END, ap, 0);
        for (uint32_t offset = 0; offset <= 256; offset += 128) {
            uint32_t privileged, others;
            __asm volatile(".arch armv8-m.main\n\ttt %0, %2\n\tttt %1, %2"
                           : "=&r"(privileged), "=&r"(others)
                           : "r"(ARENA + offset));
            note(privileged & 0x000D01FF); /* without what says Secure */
            note(others & 0x000D01FF);
        }
    }
}
#else
enum { FOR_ALL = 3, FOR_PRIVILEGED = 1, PERMISSIONS = 8, READ_ONLY = 7 };
static void region(uint32_t number, uint32_t begin, uint32_t end, uint32_t ap, uint32_t xn)
{
    uint32_t log = 4;
    while (2u << log < end - begin) {
        log++;
    }
    MPU_RNR = number;
    MPU_RBAR = begin;
    MPU_RASR = xn << 28 | ap << 24 | log << 1 | ENABLE;
}
static void around_the_arena(uint32_t flash)
{
    region(0, flash, flash + 0x10000, READ_ONLY, 0);
    region(1, RAM, RAM + 0x8000, FOR_ALL, 0);
}
static void of_the_family(void)
{
    note(0xC1);
    for (uint32_t offset = 0; offset < 256; offset += 32) {
        region(2, ARENA, ARENA_END, 0, 0); /* anew, or QEMU keeps region 1's answer for the page */
        MPU_RASR |= 0xA5u << 8;            /* subregions of 32 bytes that belong to region 1 */
        try(load, ARENA + offset, 1);
    }
    region(3, ARENA + 32, ARENA + 64, FOR_ALL, 0); /* the higher number wins */
    try(store, ARENA + 32, 0);
    MPU_RNR = 3, MPU_RASR = 0;
}
static void test_targets(void)
{
}
#endif

static void permissions(void)
{
    note(0xA1);
    for (uint32_t ap = 0; ap < PERMISSIONS; ap++) {
        if (PERMISSIONS == 8 && ap == 4) {
            continue; /* unpredictable */
        }
        region(2, ARENA, ARENA_END, ap, 1);
        for (uint32_t is_privileged = 0; is_privileged < 2; is_privileged++) {
            try(load, ARENA + 0x40, is_privileged);
            try(store, ARENA + 0x44, is_privileged);
        }
    }
    region(2, ARENA, ARENA_END, 0, 1);
    try(load, ARENA - 4, 0);
    try(load, ARENA_END, 0);
    try(load_pair, ARENA - 4, 0);
    try(load, 0xE000ED00, 1); /* system space is not the MPU's */
}
static void execution(void)
{
    note(0xB1);
    region(2, ARENA, ARENA_END, FOR_ALL, 1);
    REG(ARENA) = RETURN_7_TOO;
    ASM("dsb\n\tisb");
    for (uint32_t xn = 0; xn < 2; xn++) {
        for (uint32_t ap = 0; ap <= FOR_ALL; ap += FOR_ALL) {
            region(2, ARENA, ARENA_END, ap, xn);
            ASM("dsb\n\tisb");
            leaves_function = 1;
            outcome = 0;
            try((uint32_t (*)(uint32_t))(uintptr_t)(ARENA | 1), 0, 0);
            leaves_function = 0;
        }
    }
}
/* What is forbidden and not aligned either. */
static void unaligned(void)
{
    note(0xF0);
    region(2, ARENA, ARENA_END, FOR_PRIVILEGED, 1);
    for (uint32_t traps = 0; traps < 2; traps++) {
        CCR = (CCR & ~8u) | traps << 3; /* UNALIGN_TRP */
        try(load, ARENA + 0x41, 0);
        try(load_as_others, ARENA + 0x41, 0);
        try(load_as_others, ARENA + 0x41, 1);
        try(load_as_others, ARENA + 0x40, 1);
    }
    CCR &= ~8u;
}
/* HardFault's handler reads what is forbidden, with and without the MPU. */
static void urgent(void)
{
    note(0xD1);
    region(2, ARENA, ARENA_END, FOR_ALL, 1);
    REG(ARENA + 8) = 0x1234;
    region(2, ARENA, ARENA_END, 0, 1);
    in_hardfault = ARENA + 8;
    outcome = 0;
    ASM("udf 1");
    note(outcome);
}

void reset(void)
{
    around_the_arena((uint32_t)(uintptr_t)vectors);
    SHCSR = 1u << 16;
    MPU_CTRL = ENABLE;
    ASM("dsb\n\tisb");
    permissions();
    execution();
    of_the_family();
    unaligned();
    urgent();
    MPU_CTRL = ENABLE | PRIVDEFENA;
    note(0xF1);
    try(load, RAM + 0x10000 - 4, 0);
    test_targets();
    MPU_CTRL = 0;
    report();
}
