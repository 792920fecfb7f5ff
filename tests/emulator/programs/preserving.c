#include "guest.h"

/* A handler's first floating-point instruction stores the context of the code it interrupted. */
#define FPU   ".fpu fpv4-sp-d16\n\t"
#define CPACR REG(0xE000ED88)
#define FPCCR REG(0xE000EF34)
#define FPCAR REG(0xE000EF38)

uint32_t area[64] __attribute__((aligned(256)));

NAKED void use(void)
{
    ASM(FPU "movs r0, #42\n\tvmov s0, r0\n\tbx lr");
}
static volatile uint32_t is_using;
/* What a fault finds; where it came at once, nothing is to be preserved when it is tried again. */
static void notes_fault(void)
{
    uint32_t ipsr;
    __asm volatile("mrs %0, ipsr" : "=r"(ipsr));
    note(ipsr);
    note(CFSR);
    note(HFSR);
    note(FPCCR & 9); /* THREAD, LSPACT: it is still that of the thread */
    FPCCR &= ~is_using;
}
static volatile uint32_t enabled_by_handler;
NOINLINE void uses_it(void)
{
    note(FPCCR & 0x7F0);
    SHCSR |= enabled_by_handler;
    BARRIER();
    is_using = 1;
    use();
    is_using = 0;
    note(100 + (FPCCR & 1));
    FPCCR |= 1; /* the return leaves the room alone */
}
/* Thread mode has a context on the process stack; CONTROL is 2, and 1 more while unprivileged. */
#define ON_PSP(name, what)                                                                         \
    NAKED void name(uint32_t psp, uint32_t control)                                                \
    {                                                                                              \
        ASM(FPU "push {r4, lr}\n\tmsr psp, r0\n\tvmov s0, r0\n\tldr r2, =0xE000ED04\n\tmov r3, "   \
                "#0x80000000\n\tmrs r4, control\n\torr r1, #4\n\tmsr control, r1\n\tisb\n\t" what  \
                "\n\tbic r4, #4\n\tmsr control, r4\n\tisb\n\tpop {r4, pc}\n\t.pool");              \
    }
ON_PSP(svc_there, "svc 0")
ON_PSP(nmi_there, "cpsid f\n\tstr r3, [r2]\n\tdsb\n\tisb\n\tcpsie f")
NAKED void privileged_then_uses_it(void)
{
    ASM("mrs r0, control\n\tbic r0, #1\n\tmsr control, r0\n\tb uses_it");
}
static void faults(uint32_t enabled)
{
    vectors[HARDFAULT] = vectors[MEMMANAGE] = vectors[BUSFAULT] = vectors[USAGEFAULT] = notes_fault;
    CPACR = 0xFu << 20;
    SHCSR = enabled;
    BARRIER();
}
/* Priorities are what the test has made them. */
void preserves(uint32_t psp, uint32_t enabled, uint32_t enabled_later, uint32_t control)
{
    faults(enabled);
    enabled_by_handler = enabled_later;
    vectors[SVCALL] = privileged_then_uses_it;
    svc_there(psp, control);
    note(200);
}
void preserves_in_nmi(uint32_t psp, uint32_t enabled)
{
    faults(enabled);
    vectors[NMI] = uses_it;
    nmi_there(psp, 2);
    note(200);
}
/* The room is moved to where nothing is by the instruction before the one that stores it. */
NAKED void move_and_use(volatile uint32_t *fpcar)
{
    ASM(FPU
        "mov r1, #0x30000000\n\tstr r1, [r0]\n\tvmov s0, r1\n\tb 0f\n\t0: vmov s1, r1\n\tbx lr");
}
static void moves_and_uses(void)
{
    is_using = 1;
    move_and_use(&FPCAR);
    is_using = 0;
    note(100 + (FPCCR & 1));
}
void preserves_elsewhere(uint32_t psp, uint32_t enabled)
{
    faults(enabled);
    vectors[SVCALL] = moves_and_uses;
    svc_there(psp, 2);
    note(200);
}
static void denies_and_uses(void)
{
    CPACR = 5u << 20; /* for privileged code */
    privileged_then_uses_it();
}
void preserves_what_was_denied(uint32_t psp, uint32_t enabled)
{
    faults(enabled);
    vectors[SVCALL] = denies_and_uses;
    svc_there(psp, 3);
    note(200);
}
