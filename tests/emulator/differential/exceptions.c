/* Exceptions, step by step: what happens is noted in order, and QEMU's core must note the same. */
#include "program.h"

enum { PENDSV = 14, STACK = 64 };

static uint32_t stack[STACK] __attribute__((aligned(8)));
static volatile uint32_t skip, nested, leave_at;

USED void on_svc(uint32_t lr, uint32_t *frame)
{
    note(0x51000000 | *((uint8_t *)(uintptr_t)frame[6] - 2));
    note(lr & ~SECURE_BITS);
    note(frame[7] & XPSR_SHOWN);
    note(ICSR & 0x9FF);
}
USED void on_irq(uint32_t lr, uint32_t *frame)
{
    (void)frame;
    const uint32_t number = ipsr();
    note(0x10000 | number);
    note(lr & ~SECURE_BITS & ~0x10u);
    note(ICSR & 0x9FF);
    if (number == 16 && nested) {
        NVIC_ISPR = nested;
        ICSR = 1u << 28;
        nested = 0;
        ASM("dsb\n\tisb");
    }
    note(0x20000 | number);
}
USED void on_fault(uint32_t lr, uint32_t *frame)
{
    (void)lr;
    if (DONE) {
        for (;;) {
        }
    }
    note(0x30000 | ipsr());
    note(CFSR);
    note(HFSR);
    note(frame[7] & XPSR_SHOWN);
    CFSR = CFSR;
    HFSR = HFSR;
    if (leave_at) {
        frame[6] = leave_at & ~1u;
        frame[7] |= 1u << 24;
        leave_at = 0;
    } else {
        frame[6] += skip;
    }
}
HANDLER(svc, on_svc)
HANDLER(irq, on_irq)
HANDLER(fault, on_fault)

VECTORS(fault, svc, irq, irq, irq)

static void pend(uint32_t irqs)
{
    NVIC_ISPR = irqs;
    ASM("dsb\n\tisb");
}
static void priorities(uint8_t first, uint8_t second, uint8_t third)
{
    NVIC_IPR(0) = first, NVIC_IPR(1) = second, NVIC_IPR(2) = third;
}

static void order(void)
{
    priorities(0x80, 0x40, 0x80);
    SHPR(PENDSV) = 0xF0, SHPR(15) = 0x20;
    NVIC_ISER = 7;
    note(0xA1);
    nested = 2; /* preempts */
    pend(1);
    note(0xA2);
    nested = 4; /* waits, and is tail-chained */
    pend(1);
    note(0xA3);
    ASM("cpsid i");
    NVIC_ISPR = 7;
    ICSR = 1u << 28 | 1u << 26;
    ASM("dsb");
    note(ICSR >> 12 & 0x1FF);
    note(ICSR >> 22 & 1);
    ASM("cpsie i\n\tisb");
    note(0xA4);
    AIRCR = 0x05FA0000 | 6u << 8; /* one bit of group priority */
    priorities(0x60, 0x40, 0x20);
    nested = 6;
    pend(1);
    AIRCR = 0x05FA0000;
    priorities(0x80, 0x40, 0x80);
}

static void masks(void)
{
    uint32_t value;
    note(0xB1);
    __asm volatile("msr basepri, %0" ::"r"(0x60));
    pend(3);
    note(0xB2);
    __asm volatile("msr basepri_max, %1\n\tmrs %0, basepri" : "=r"(value) : "r"(0x80));
    note(value);
    __asm volatile("msr basepri_max, %1\n\tmrs %0, basepri" : "=r"(value) : "r"(0x20));
    note(value);
    __asm volatile("msr basepri, %0\n\tisb" ::"r"(0));
    note(0xB3);
    ASM("cpsid f");
    pend(2);
    note(0xB4);
    ASM("cpsie f\n\tisb");
    note(0xB5);
}

NAKED static void svc_aligned(void)
{
    ASM("push {r4, lr}\n\tsvc 1\n\tsub sp, #4\n\tsvc 2\n\tadd sp, #4\n\tpop {r4, pc}");
}
NAKED static uint32_t svc_in_it(void)
{
    ASM("movs r0, #1\n\tcmp r0, #1\n\titete eq\n\tsvceq 3\n\tsvcne 4\n\tmoveq r0, #5\n\tmovne r0, "
        "#6\n\t"
        "bx lr");
}
NAKED static uint32_t svc_exclusive(uint32_t *word)
{
    ASM("ldrex r1, [r0]\n\tsvc 5\n\tstrex r2, r1, [r0]\n\tmov r0, r2\n\tbx lr");
}
NAKED static void svc_on_psp(uint32_t *top)
{
    ASM("push {r4, lr}\n\tmsr psp, r0\n\tmovs r0, #2\n\tmsr control, r0\n\tisb\n\tsvc 6\n\tmov r4, "
        "sp\n\t"
        "movs r0, #0\n\tmsr control, r0\n\tisb\n\tmrs r0, psp\n\tsubs r0, r4, r0\n\tpop {r4, pc}");
}
static void calls(void)
{
    note(0xC1);
    CCR |= 1u << 9; /* STKALIGN */
    svc_aligned();
    note(svc_in_it());
    note(svc_exclusive(stack));
    svc_on_psp(&stack[STACK]);
    note(0xC2);
}

NAKED static uint32_t undefined(void)
{
    ASM("movs r0, #7\n\tudf #1\n\tadds r0, #1\n\tbx lr");
}
/* Nothing where it faults: QEMU loses a value that is still on its way to the quotient's register.
 */
NAKED static uint32_t divide(uint32_t divisor)
{
    ASM("movs r1, #42\n\tsdiv r3, r1, r0\n\tcmp r0, #0\n\tite eq\n\tmoveq r0, #9\n\tmovne r0, "
        "r3\n\t"
        "bx lr");
}
NAKED static void branch(uint32_t address)
{
    ASM("push {r4, lr}\n\tldr r1, =leaves\n\tblx r0\n\t.thumb_func\nleaves:\n\tpop {r4, "
        "pc}\n\t.ltorg");
}
extern const uint8_t leaves[];
static void faults(void)
{
    note(0xD1);
    skip = 2;
    note(undefined()); /* a HardFault: not enabled */
    SHCSR |= 7u << 16;
    note(undefined());
    __asm volatile("msr basepri, %0" ::"r"(0x20));
    SHPR(6) = 0x40;
    note(undefined()); /* a HardFault again: its priority is too low */
    __asm volatile("msr basepri, %0" ::"r"(0));
    SHPR(6) = 0;
    skip = 4;
    note(divide(0));
    CCR |= 1u << 4;
    note(divide(0));
    note(divide(5));
    CCR &= ~(1u << 4);
    leave_at = (uint32_t)(uintptr_t)leaves;
    branch((uint32_t)(uintptr_t)undefined & ~1u); /* T is clear */
    leave_at = (uint32_t)(uintptr_t)leaves;
    branch(0x50000001); /* execute never */
    note(0xD2);
    __asm volatile("msr basepri, %0" ::"r"(0x20));
    SHPR(11) = 0x40;
    skip = 0;
    ASM("svc 7"); /* escalates */
    __asm volatile("msr basepri, %0" ::"r"(0));
    SHPR(11) = 0;
}

#ifdef FPU
#define VFP ".fpu fpv4-sp-d16\n\t"
static volatile uint32_t uses_fpu;
USED void on_pendsv(uint32_t lr, uint32_t *frame)
{
    note(lr & ~SECURE_BITS);
    note(FPCCR & 1);
    note(FPCCR & 1 ? FPCAR - (uint32_t)(uintptr_t)frame : 0);
    if (uses_fpu) {
        __asm volatile(VFP "vmov s0, %0\n\tvmov s17, %0" ::"r"(0x12345678));
        note(FPCCR & 1);
        note(frame[8]);
        note(frame[15]);
    }
    uint32_t control;
    __asm volatile("mrs %0, control" : "=r"(control));
    note(control & 4);
}
HANDLER(pendsv, on_pendsv)
static void floating(void)
{
    uint32_t s0, s7, control;
    static void *table[20] __attribute__((aligned(128)));
    for (uint32_t n = 0; n < 20; n++) {
        table[n] = vectors[n];
    }
    table[PENDSV] = pendsv;
    REG(0xE000ED08) = (uint32_t)(uintptr_t)table;
    CPACR = 0xFu << 20;
    ASM("dsb\n\tisb");
    note(0xE1);
    for (uint32_t use = 0; use < 2; use++) {
        for (uint32_t lazy = 0; lazy < 2; lazy++) {
            FPCCR = (FPCCR & ~(1u << 30)) | lazy << 30;
            uses_fpu = use;
            __asm volatile(VFP "vmov s0, %0\n\tvmov s7, %1" ::"r"(0x3F800000 + use), "r"(7 + lazy));
            ICSR = 1u << 28;
            ASM("dsb\n\tisb");
            __asm volatile(VFP "vmov %0, s0\n\tvmov %1, s7" : "=r"(s0), "=r"(s7));
            note(s0);
            note(s7);
            __asm volatile("mrs %0, control" : "=r"(control));
            note(control & 4);
        }
    }
    CPACR = 0;
    ASM("dsb\n\tisb");
    skip = 4;
    note(0xE2);
    __asm volatile(VFP "vmov s0, %0" ::"r"(0)); /* no coprocessor */
}
#else
static void floating(void)
{
}
#endif

void reset(void)
{
    order();
    masks();
    calls();
    faults();
    floating();
    report();
}
