#include "guest.h"

/* Two threads on stacks of their own; SVC switches from one to the other. */
static uint32_t stacks[2][64] __attribute__((aligned(8)));
static uint32_t *saved[2];
static uint32_t current;
NOINLINE uint32_t *switch_to_other(uint32_t *sp)
{
    saved[current] = sp;
    current ^= 1;
    return saved[current];
}
NAKED void on_pendsv(void)
{
    ASM("mrs r0, psp\n\tstmdb r0!, {r4-r11}\n\tpush {r3, lr}\n\tbl switch_to_other\n\tpop {r3, "
        "lr}\n\t"
        "ldmia r0!, {r4-r11}\n\tmsr psp, r0\n\tbx lr");
}
NOINLINE void yield(void)
{
    ICSR = 1u << 28;
    BARRIER();
}
NOINLINE void thread_b(void)
{
    for (uint32_t i = 100;; i++) {
        note(i);
        yield();
    }
}
NAKED void on_svc(void)
{
    ASM("mvn lr, #2\n\tbx lr");
} /* EXC_RETURN 0xFFFFFFFD: go on, on PSP */
void threads(void)
{
    vectors[PENDSV] = on_pendsv, vectors[SVCALL] = on_svc;
    SHPR(PENDSV) = 0xFF;
    uint32_t *b = &stacks[1][64] - 16;
    for (unsigned i = 0; i < 16; i++) {
        b[i] = 0;
    }
    b[14] = (uint32_t)(uintptr_t)thread_b & ~1u, b[15] = 1u << 24;
    saved[1] = b;
    uint32_t *a = &stacks[0][56];
    register uint32_t *top __asm("r0") = a;
    __asm volatile(
        "msr psp, %0\n\tmrs r1, control\n\torr r1, #2\n\tmsr control, r1\n\tisb" ::"r"(top)
        : "r1", "memory");
    for (uint32_t i = 0; i < 5; i++) {
        note(i);
        yield();
    }
    __asm volatile("mrs r1, control\n\tbic r1, #2\n\tmsr control, r1\n\tisb" ::: "r1", "memory");
}
/* unprivileged until SVC */
NAKED void privileged_svc(void)
{
    ASM("mrs r0, control\n\tbic r0, #1\n\tmsr control, r0\n\tbx lr");
}
uint32_t unprivileged(void)
{
    uint32_t before, after;
    vectors[SVCALL] = privileged_svc;
    __asm volatile("mov r0, #1\n\tmsr control, r0\n\tisb\n\tmrs %0, control" : "=r"(before)::"r0");
    __asm volatile("mov r0, #0\n\tmsr control, r0\n\tcpsid i\n\tmrs %0, control"
                   : "=r"(after)::"r0");
    out[0] = before, out[1] = after;
    __asm volatile("mrs %0, primask" : "=r"(after));
    out[2] = after;
    ASM("svc 0");
    __asm volatile("mrs %0, control" : "=r"(after));
    return after;
}
