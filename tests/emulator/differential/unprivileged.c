/* Unprivileged Thread mode: what it may not, and how it asks a privileged handler by SVC. */
#include "program.h"

#define BFAR  REG(0xE000ED38)
#define VTOR  REG(0xE000ED08)
#define STIR  REG(0xE000EF00)
#define STACK 64

static uint32_t stack[STACK] __attribute__((aligned(8)));

/* What a system call does: SVC's number is in the instruction, arguments and result in the frame.
 */
USED void on_svc(uint32_t lr, uint32_t *frame)
{
    const uint8_t call = *((uint8_t *)(uintptr_t)frame[6] - 2);
    uint32_t control;
    __asm volatile("mrs %0, control" : "=r"(control));
    note(0x50000000 | (uint32_t)call << 8 | control);
    note(lr & ~SECURE_BITS);
    switch (call) {
    case 1:
        frame[0] = frame[0] + frame[1] * frame[2];
        break;
    case 2:
        NVIC_ISPR = frame[0]; /* which is taken behind this one, or preempts it */
        ASM("dsb\n\tisb");
        frame[0] = ipsr();
        break;
    case 3:
        CCR = (CCR & ~2u) | frame[0] << 1; /* USERSETMPEND */
        break;
    default:
        __asm volatile("msr control, %0\n\tisb" ::"r"(control & ~1u));
    }
}
HANDLER(svc, on_svc)
USED void on_irq(uint32_t lr, uint32_t *frame)
{
    (void)frame;
    note(0x10000 | ipsr());
    note(lr & ~SECURE_BITS);
}
HANDLER(irq, on_irq)
USED void on_fault(uint32_t lr, uint32_t *frame)
{
    (void)lr;
    if (DONE) {
        for (;;) {
        }
    }
    note(0x30000 | ipsr());
    note(CFSR);
    note(CFSR & 0x8000 ? BFAR : 0);
    note(HFSR);
    CFSR = CFSR;
    HFSR = HFSR;
    frame[0] = 0xBAD;
    frame[6] += 2;
}
HANDLER(fault, on_fault)

VECTORS(fault, svc, irq, irq, irq)

/* An access from Thread mode, whichever that is. */
NAKED static uint32_t load(uint32_t address)
{
    ASM("ldr r0, [r0]\n\tbx lr");
}
NAKED static uint32_t store(uint32_t address, uint32_t word)
{
    ASM("str r1, [r0]\n\tbx lr");
}
NAKED static uint32_t multiply_and_add(uint32_t a, uint32_t b, uint32_t c)
{
    ASM("svc 1\n\tbx lr");
}
NAKED static uint32_t pend_irqs(uint32_t irqs)
{
    ASM("svc 2\n\tbx lr");
}
NAKED static uint32_t allow_pending(uint32_t is_allowed)
{
    ASM("svc 3\n\tbx lr");
}
NAKED static void become_privileged(void)
{
    ASM("svc 0\n\tbx lr");
}
static void become_unprivileged(void)
{
    uint32_t control;
    __asm volatile("mrs %0, control\n\torr %0, #1\n\tmsr control, %0\n\tisb" : "=r"(control));
}

/* Special registers: some read as zero, none can be written. */
static void registers(void)
{
    uint32_t control, number, primask, msp, flags;
    __asm volatile("mrs %0, control\n\tmrs %1, ipsr" : "=r"(control), "=r"(number));
    note(control << 16 | number);
    ASM("cpsid i");
    __asm volatile("msr primask, %1\n\tmsr basepri, %1\n\tmrs %0, primask"
                   : "=r"(primask)
                   : "r"(1));
    note(primask);
    __asm volatile("mrs %0, msp" : "=r"(msp));
    note(msp);
    __asm volatile("msr control, %1\n\tisb\n\tmrs %0, control" : "=r"(control) : "r"(0));
    note(control);
    __asm volatile("msr apsr_nzcvq, %1\n\tmrs %0, apsr" : "=r"(flags) : "r"(0xA8000000) : "cc");
    note(flags & 0xF8000000);
}
static void accesses(void)
{
    note(load(0xE000ED00));     /* CPUID */
    note(store(0xE000E100, 0)); /* NVIC_ISER */
    note(store((uint32_t)(uintptr_t)&STIR, 1));
    note(allow_pending(1));
    note(store((uint32_t)(uintptr_t)&STIR, 1) & 0xFF);
    note(allow_pending(0));
    note(store((uint32_t)(uintptr_t)&STIR, 1));
}
static void everything(void)
{
    become_unprivileged();
    registers();
    note(multiply_and_add(5, 6, 7));
    note(pend_irqs(1)); /* which preempts the call */
    note(pend_irqs(4)); /* which comes behind it */
    note(pend_irqs(7));
    accesses();
    become_privileged();
}
NAKED static void on_psp(uint32_t *top, void (*function)(void))
{
    ASM("push {r4, lr}\n\tmsr psp, r0\n\tmovs r0, #2\n\tmsr control, r0\n\tisb\n\tblx r1\n\t"
        "movs r0, #0\n\tmsr control, r0\n\tisb\n\tpop {r4, pc}");
}

void reset(void)
{
    CCR |= 1u << 9; /* STKALIGN */
    SHPR(11) = 0x80;
    NVIC_IPR(0) = 0x40, NVIC_IPR(1) = 0x60, NVIC_IPR(2) = 0xC0;
    NVIC_ISER = 7;
    note(0xA1);
    everything();
    SHCSR |= 7u << 16;
    note(0xA2);
    on_psp(&stack[STACK], everything);
    note(0xA3);
    report();
}
