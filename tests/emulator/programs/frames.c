#include "guest.h"

NOINLINE void nothing(void)
{
}
FRAME_HANDLER(keeps, nothing)

NAKED void svc_with_known_registers(void)
{
    ASM("push {r4, lr}\n\t"
        "movs r0, #1\n\tmovs r1, #2\n\tmovs r2, #3\n\tmovs r3, #4\n\tmov r12, #5\n\tmov lr, #7\n\t"
        "cmp r0, r0\n\t" /* Z and C */
        ".global svc_itself\nsvc_itself:\n\tsvc 0\n\t"
        "pop {r4, pc}");
}
void on_msp(void)
{
    vectors[SVCALL] = keeps;
    svc_with_known_registers();
}

static uint32_t thread_stack[64] __attribute__((aligned(8)));
NAKED void use_psp(uint32_t *top)
{
    ASM("msr psp, r0\n\tmrs r0, control\n\torr r0, #2\n\tmsr control, r0\n\tisb\n\tbx lr");
}
NAKED void use_msp(void)
{
    ASM("mrs r0, control\n\tbic r0, #2\n\tmsr control, r0\n\tisb\n\tbx lr");
}
NAKED uint32_t on_psp_inner(uint32_t *top)
{
    ASM("push {r4, lr}\n\tbl use_psp\n\tsvc 0\n\tmrs r4, control\n\tbl use_msp\n\tmov r0, "
        "r4\n\tpop {r4, pc}");
}
uint32_t on_psp(void)
{
    vectors[SVCALL] = keeps;
    return on_psp_inner(&thread_stack[64]);
}
uint32_t stack_top(void)
{
    return (uint32_t)(uintptr_t)&thread_stack[64];
}

static void calls_svc(void)
{
    ASM("svc 0");
}
void from_handler(void)
{
    vectors[SVCALL] = keeps, vectors[SYSTICK] = calls_svc;
    SHPR(SYSTICK) = 0x80;
    ICSR = 1u << 26;
    BARRIER();
}
NAKED uint32_t svc_at(uint32_t misaligned)
{
    ASM("push {r4, r5, r6, lr}\n\tmov r5, sp\n\tsubs r6, r5, r0\n\tmov sp, r6\n\tsvc 0\n\tmov r6, "
        "sp\n\tmov sp, r5\n\t"
        "mov r0, r6\n\tpop {r4, r5, r6, pc}");
}
void frame_at(uint32_t below, uint32_t stkalign)
{
    vectors[SVCALL] = keeps;
    CCR = stkalign << 9;
    out[0] = svc_at(below);
}
static void pends_other(void)
{
    note(1);
    NVIC_ISPR(0) = 2;
    BARRIER();
}
void tail_chained(void)
{
    vectors[IRQ0] = pends_other, vectors[IRQ0 + 1] = keeps;
    NVIC_ISER(0) = 3;
    NVIC_ISPR(0) = 1;
    BARRIER();
}
