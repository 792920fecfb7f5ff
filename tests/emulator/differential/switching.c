/*
 * Three tasks that SysTick and PendSV switch between, each on a stack of its own; two of them use
 * floating point where there is any, and so does every second tick. When they are switched differs;
 * what they come to does not.
 */
#include "program.h"

#define SYST_CSR REG(0xE000E010)
#define SYST_RVR REG(0xE000E014)
#define SYST_CVR REG(0xE000E018)

enum { PENDSV = 14, SYSTICK = 15, TASKS = 3, STACK = 128, ROUNDS = 6000, ENOUGH = 20 };

static uint32_t stacks[TASKS + 1][STACK] __attribute__((aligned(8))); /* and what comes before */
static uint32_t *stack_of[TASKS + 1]; /* r4-r11 and EXC_RETURN are at its top, below the frame */
static volatile uint32_t current, switches, finished, results[TASKS];

static uint32_t *next(uint32_t *sp)
{
    stack_of[current] = sp;
    current = (current + 1) % TASKS;
    switches++;
    return stack_of[current];
}
USED uint32_t *switch_from(uint32_t *sp)
{
    return next(sp);
}
#ifdef FPU
#define SAVE    "tst lr, #16\n\tit eq\n\tvstmdbeq r0!, {s16-s31}\n\t"
#define RESTORE "tst lr, #16\n\tit eq\n\tvldmiaeq r0!, {s16-s31}\n\t"
#else
#define SAVE
#define RESTORE
#endif
NAKED static void pendsv(void)
{
    ASM(".fpu fpv4-sp-d16\n\tmrs r0, psp\n\t" SAVE
        "stmdb r0!, {r4-r11, lr}\n\tbl switch_from\n\tldmia r0!, {r4-r11, lr}\n\t" RESTORE
        "msr psp, r0\n\tisb\n\tbx lr");
}
static void systick(void)
{
#ifdef FPU
    if (switches % 2) { /* overwrite what is not its own */
        __asm volatile(".fpu fpv4-sp-d16\n\tvmov s0, %0\n\tvmov s15, %0\n\tvcmp.f32 s0, s15\n\t"
                       "vadd.f32 s1, s0, s15" ::"r"(0x40490FDB)
                       : "s0", "s1", "s15");
    }
#endif
    ICSR = 1u << 28;
}
USED void on_svc(uint32_t lr, uint32_t *frame);
HANDLER(svc, on_svc)
NAKED static void stop(void)
{
    ASM("wfi\n\tb stop");
}

VECTORS(stop, svc, pendsv, systick, 0)

static uint32_t mixed(uint32_t seed)
{
    uint32_t sum = seed;
    for (uint32_t n = 0; n < ROUNDS; n++) {
        sum = (sum << 5 | sum >> 27) ^ (sum * 2654435761u + n);
        if (n % 7 == seed % 7) {
            sum += sum / (n + 1);
        }
    }
    return sum;
}
#ifdef FPU
static uint32_t floated(uint32_t seed)
{
    float sum = seed % 2 ? 11.0f : 12.0f, step = 0.5f;
    for (uint32_t n = 0; n < ROUNDS; n++) {
        __asm volatile(
            ".fpu fpv4-sp-d16\n\tvmov s0, %0\n\tvmov s17, %1\n\tb 0f\n\t0: vadd.f32 s0, s0, s17\n\t"
            "vmul.f32 s17, s17, s17\n\tvmul.f32 s16, s17, s17\n\tb 1f\n\t1: vsub.f32 s0, s0, "
            "s16\n\t"
            "vmov %0, s0"
            : "+r"(sum)
            : "r"(step)
            : "s0", "s16", "s17");
    }
    uint32_t bits;
    __builtin_memcpy(&bits, &sum, sizeof bits);
    return bits;
}
#else
#define floated mixed
#endif
static void task(uint32_t number)
{
    results[number] = number < 2 ? floated(number + 11) : mixed(number + 11);
    ASM("cpsid i");
    finished++;
    ASM("cpsie i");
    while (finished < TASKS || switches < ENOUGH) {
        if (number == 2) {
            ICSR = 1u << 28; /* gives way */
            ASM("dsb\n\tisb");
        }
    }
    SYST_CSR = 0;
    ASM("cpsid i");
    for (uint32_t n = 0; n < TASKS; n++) {
        note(results[n]);
    }
    note(switches >= ENOUGH);
    report();
}

/* Start the first task; the others begin where they are switched to. */
USED void on_svc(uint32_t lr, uint32_t *frame)
{
    (void)frame;
    for (uint32_t number = 0; number < TASKS; number++) {
        uint32_t *sp = &stacks[number][STACK - 8];
        sp[0] = number;
        sp[5] = (uint32_t)(uintptr_t)stop;
        sp[6] = (uint32_t)(uintptr_t)task & ~1u;
        sp[7] = 1u << 24;
        sp -= 9;
        sp[8] = lr | 4; /* EXC_RETURN: to a process stack */
        stack_of[number] = sp;
    }
    current = TASKS;
    __asm volatile("msr psp, %0" ::"r"(&stacks[TASKS][STACK]));
    SHPR(PENDSV) = 0xFF, SHPR(SYSTICK) = 0xF0;
    SYST_RVR = 1999;
    SYST_CVR = 0;
    SYST_CSR = 7;
    ICSR = 1u << 28;
}
void reset(void)
{
#ifdef FPU
    CPACR = 0xFu << 20;
    ASM("dsb\n\tisb");
#endif
    ASM("svc 0");
    for (;;) {
    }
}
