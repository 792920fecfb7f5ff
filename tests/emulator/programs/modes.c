#include "guest.h"

/* Returns: which EXC_RETURN is legal when, and what the return does. */
static void on_pendsv(void)
{
    note(14);
}
uint32_t return_value;
NAKED void returns_with_return_value(void)
{
    ASM("ldr r0, =return_value\n\tldr r0, [r0]\n\tbx r0\n\t.pool");
}
NOINLINE void note_cfsr(void)
{
    note(CFSR >> 16);
    CFSR = CFSR;
}
NAKED void on_usage_fault(void)
{
    ASM("mov r1, lr\n\tldr r0, =out\n\tstr r1, [r0]\n\tpush {r4, lr}\n\tbl note_cfsr\n\tpop {r4, "
        "lr}\n\tmvn lr, #6\n\tbx lr\n\t.pool");
}
void returns_to(uint32_t exc_return)
{
    return_value = exc_return;
    vectors[PENDSV] = returns_with_return_value, vectors[USAGEFAULT] = on_usage_fault;
    SHCSR = 1u << 18;
    ICSR = 1u << 28;
    BARRIER();
    note(1);
}
/* The handler clears its own active bit: it returns from an exception that is not active. */
static void deactivates_itself(void)
{
    SHCSR &= ~(1u << 10);
}
void returns_from_inactive(void)
{
    vectors[PENDSV] = deactivates_itself, vectors[USAGEFAULT] = on_usage_fault;
    SHCSR = 1u << 18;
    ICSR = 1u << 28;
    BARRIER();
    note(1);
}
/* A frame whose IPSR does not fit the mode that EXC_RETURN names. */
NAKED void spoils_ipsr(void)
{
    ASM("ldr r0, [sp, #28]\n\torr r0, #15\n\tstr r0, [sp, #28]\n\tbx lr");
}
NAKED void mends_ipsr(void)
{
    ASM("ldr r0, [sp, #28]\n\tbic r0, #15\n\tstr r0, [sp, #28]\n\tpush {r4, lr}\n\tbl "
        "note_cfsr\n\tpop {r4, pc}");
}
void returns_to_wrong_mode(void)
{
    vectors[PENDSV] = spoils_ipsr, vectors[USAGEFAULT] = mends_ipsr;
    SHCSR = 1u << 18;
    ICSR = 1u << 28;
    BARRIER();
    note(1);
}
/* NONBASETHRDENA: SVCall's handler goes to Thread mode with the exception still active. */
uint32_t mode;
static void calls_svc(void)
{
    uint32_t ipsr;
    __asm volatile("svc 0\n\tmrs %0, ipsr" : "=r"(ipsr)::"memory");
    out[1] = ipsr;
    ASM("svc 0");
}
NAKED void svc_changes_mode(void)
{
    /* The first SVC's frame gets IPSR 0 and returns to Thread mode, the second's gets 14 back. */
    ASM("ldr r0, =mode\n\tldr r1, [r0]\n\tldr r2, [sp, #28]\n\tcbnz r1, 1f\n\t"
        "movs r1, #1\n\tstr r1, [r0]\n\tbic r2, #15\n\tstr r2, [sp, #28]\n\tmvn lr, #6\n\tbx lr\n"
        "1:\torr r2, #14\n\tstr r2, [sp, #28]\n\tmvn lr, #14\n\tbx lr\n\t.pool");
}
void thread_mode_inside_a_handler(uint32_t nonbasethrdena)
{
    CCR = CCR | nonbasethrdena;
    SHCSR = 1u << 18;
    vectors[PENDSV] = calls_svc, vectors[SVCALL] = svc_changes_mode;
    vectors[USAGEFAULT] = on_usage_fault;
    SHPR(PENDSV) = 0x80;
    out[1] = 99;
    ICSR = 1u << 28;
    BARRIER();
    note(1);
}

/* ICSR, SHCSR, STIR */
static void keeps_icsr_and_shcsr(void)
{
    out[0] = ICSR, out[1] = SHCSR;
}
void looks_from_a_handler(void)
{
    vectors[PENDSV] = keeps_icsr_and_shcsr;
    vectors[SYSTICK] = on_pendsv;
    __asm volatile("msr basepri, %0" ::"r"(0x40));
    SHPR(SYSTICK) = 0x40; /* masked by BASEPRI: VECTPENDING does not show it */
    SHPR(PENDSV) = 0x20;
    ICSR = 1u << 28 | 1u << 26;
    BARRIER();
    out[2] = ICSR;
    __asm volatile("cpsid i\n\tmsr basepri, %0" ::"r"(0));
    out[3] = ICSR; /* masked by PRIMASK: VECTPENDING shows it all the same */
}
static void on_nmi(void)
{
    out[0] = ICSR;
    note(2);
}
void nmi(void)
{
    vectors[NMI] = on_nmi;
    ASM("cpsid i\n\tcpsid f");
    ICSR = 1u << 31;
    BARRIER();
    ASM("cpsie f");
    note(1);
}
static void nmi_returns(void)
{
}
uint32_t nmi_keeps_faultmask(void)
{
    uint32_t faultmask;
    vectors[NMI] = nmi_returns;
    ASM("cpsid f");
    ICSR = 1u << 31;
    BARRIER();
    __asm volatile("mrs %0, faultmask" : "=r"(faultmask));
    return faultmask;
}
static void clears_with_faultmask(void)
{
    ASM("cpsid f");
}
uint32_t return_clears_faultmask(void)
{
    uint32_t faultmask;
    vectors[PENDSV] = clears_with_faultmask;
    ICSR = 1u << 28;
    BARRIER();
    __asm volatile("mrs %0, faultmask" : "=r"(faultmask));
    return faultmask;
}
void pends_by_shcsr(uint32_t bit, uint32_t number)
{
    vectors[number] = on_pendsv;
    SHCSR = 7u << 16;
    SHCSR = 7u << 16 | 1u << bit;
    BARRIER();
    note(1);
}
/* An active bit that software sets holds back what has no higher priority. */
void activates_by_shcsr(void)
{
    vectors[PENDSV] = on_pendsv;
    SHPR(SYSTICK) = 0x40, SHPR(PENDSV) = 0x40;
    SHCSR = 1u << 11;
    ICSR = 1u << 28;
    BARRIER();
    note(1);
    SHCSR = 0;
    BARRIER();
    note(2);
}
static void on_irq_3(void)
{
    note(19);
}
void triggers_by_software(uint32_t irq)
{
    vectors[IRQ0 + 3] = on_irq_3;
    NVIC_ISER(0) = 1u << 3;
    STIR = irq;
    BARRIER();
    note(1);
}

/* Unprivileged code. */
NOINLINE void note_bus_fault(uint32_t *at)
{
    note(CFSR);
    note(BFAR);
    CFSR = CFSR;
    at[6] += 2;
}
NAKED void skips_bus_fault(void)
{
    ASM("mov r0, sp\n\tb note_bus_fault");
}
NAKED void privileged_again(void)
{
    ASM("mrs r0, control\n\tbic r0, #1\n\tmsr control, r0\n\tbx lr");
}
NAKED uint32_t unprivileged_load(uint32_t address)
{
    ASM("movs r1, #1\n\tmsr control, r1\n\tisb\n\tmov r1, r0\n\tmovs r0, #42\n\tldr r0, "
        "[r1]\n\tnop\n\t"
        "svc 0\n\tbx lr");
}
NAKED void unprivileged_store(uint32_t address, uint32_t word)
{
    ASM("movs r2, #1\n\tmsr control, r2\n\tisb\n\tstr r1, [r0]\n\tsvc 0\n\tbx lr");
}
static void prepare_unprivileged(void)
{
    vectors[SVCALL] = privileged_again, vectors[BUSFAULT] = skips_bus_fault;
    SHCSR = 1u << 17;
}
uint32_t loads_unprivileged(uint32_t address)
{
    prepare_unprivileged();
    (void)REG(address); /* privileged code may, before and after */
    uint32_t seen = unprivileged_load(address);
    (void)REG(address);
    return seen;
}
void stirs_unprivileged(uint32_t usersetmpend)
{
    prepare_unprivileged();
    vectors[IRQ0 + 3] = on_irq_3;
    NVIC_ISER(0) = 1u << 3;
    CCR = usersetmpend << 1;
    unprivileged_store(0xE000EF00, 3);
}
/* What is masked stays so while unprivileged code runs, though it reads the masks as 0. */
static void notes_tick(void)
{
    note(1);
}
#define COUNTS_MASKED(mask, value)                                                                 \
    NAKED void counts_with_##mask(uint32_t count)                                                  \
    {                                                                                              \
        ASM("movs r1, #" #value "\n\tmsr " #mask ", r1\n\tmovs r2, #1\n\tmsr control, r2\n\tisb\n" \
            "\tmrs r1, " #mask "\n1:\tsubs r0, #1\n\tbne 1b\n2:\tadds r0, #1\n\tb 2b");            \
    }
COUNTS_MASKED(primask, 1)
COUNTS_MASKED(basepri, 0x40)
COUNTS_MASKED(faultmask, 1)
void ticks(void)
{
    vectors[SYSTICK] = notes_tick;
    SHPR(SYSTICK) = 0x40;
    SYST_RVR = 100;
    SYST_CSR = 7;
}
/* An exception from unprivileged code is privileged, and its return ends that. */
static void uses_scb(void)
{
    out[0] = SHCSR;
}
NAKED void svc_unprivileged(uint32_t address)
{
    ASM("movs r1, #1\n\tmsr control, r1\n\tisb\n\tsvc 1\n\tldr r1, [r0]\n\tbx lr");
}
void exception_from_unprivileged(void)
{
    prepare_unprivileged();
    vectors[SVCALL] = uses_scb;
    svc_unprivileged(0xE000ED24);
}

/* Faults while an exception is taken. */
NOINLINE void note_hfsr(void)
{
    note(HFSR);
    HFSR = HFSR;
    VTOR = (uint32_t)(uintptr_t)vectors;
}
void vector_unreadable(uint32_t vtor)
{
    vectors[HARDFAULT] = note_hfsr, vectors[IRQ0 + 16] = on_pendsv;
    NVIC_ISER(0) = 1u << 16;
    VTOR = vtor;
    NVIC_ISPR(0) = 1u << 16;
    BARRIER();
    note(1);
}
/* PendSV's frame faults; BusFault is of a higher priority and goes first, with the same EXC_RETURN:
 * its handler gives the thread its stack back, so PendSV is then taken from there. */
uint32_t good_psp[64] __attribute__((aligned(8)));
NAKED void mends_psp(void)
{
    ASM("push {r4, lr}\n\tbl note_cfsr_of_bus\n\tldr r0, =good_psp+64\n\tmsr psp, r0\n\t"
        "ldr r1, =back_to_thread\n\tstr r1, [r0, #24]\n\tmov r1, #0x1000000\n\tstr r1, [r0, "
        "#28]\n\tpop {r4, lr}\n\tmvn lr, #2\n\tbx lr\n\t.pool");
}
NOINLINE void note_cfsr_of_bus(void)
{
    note(CFSR);
}
NAKED void stacking_faults(void)
{
    ASM("push {r4, lr}\n\tldr r0, =0x60000000\n\tmsr psp, r0\n\tmrs r0, control\n\torr r0, "
        "#2\n\tmsr "
        "control, r0\n\tisb\n\tldr r0, =0xE000ED04\n\tmov r1, #0x10000000\n\tstr r1, "
        "[r0]\n\tdsb\n\tisb\n\t"
        "udf #0\n\t.thumb_func\nback_to_thread:\n\tmrs r0, control\n\tbic r0, #2\n\tmsr control, "
        "r0\n\tisb\n\tpop {r4, pc}\n\t.pool");
}
void stack_fault(uint32_t busfault_priority)
{
    vectors[BUSFAULT] = mends_psp, vectors[PENDSV] = on_pendsv;
    SHPR(BUSFAULT) = busfault_priority;
    SHPR(PENDSV) = 0x80;
    SHCSR = 1u << 17;
    stacking_faults();
    note(1);
}
/* The frame to be popped is nowhere. */
NAKED void loses_psp(void)
{
    ASM("ldr r0, =0x60000000\n\tmsr psp, r0\n\tmvn lr, #2\n\tbx lr\n\t.pool");
}
void unstack_fault(void)
{
    vectors[PENDSV] = loses_psp, vectors[BUSFAULT] = mends_psp;
    SHCSR = 1u << 17;
    ICSR = 1u << 28;
    BARRIER();
}

/* BFHFNMIGN */
NOINLINE uint32_t probe(volatile uint32_t *address)
{
    *address = 5;
    uint32_t seen = *address;
    note(seen);
    note(CFSR);
    return seen;
}
static void probes(void)
{
    probe((volatile uint32_t *)0x60000000);
}
void probes_in_nmi(uint32_t bfhfnmign)
{
    vectors[NMI] = probes;
    CCR = bfhfnmign << 8;
    ICSR = 1u << 31;
    BARRIER();
    note(1);
}

/* The exclusive monitor. */
static uint32_t word;
NAKED uint32_t ldrex_svc_strex(volatile uint32_t *address, uint32_t with_svc)
{
    ASM("ldrex r2, [r0]\n\tcbz r1, 1f\n\tsvc 0\n1:\tmovs r2, #9\n\tstrex r3, r2, [r0]\n\tmov r0, "
        "r3\n\tbx lr");
}
static void does_nothing(void)
{
}
uint32_t exclusive(uint32_t with_svc)
{
    vectors[SVCALL] = does_nothing;
    uint32_t failed = ldrex_svc_strex(&word, with_svc);
    note(word);
    return failed;
}
NAKED uint32_t ldrex(uint32_t address)
{
    ASM("nop\n\t.global ldrex_itself\nldrex_itself:\n\tldrex r1, [r0]\n\tbx lr");
}
NOINLINE void skip_word(void)
{
    note(CFSR);
    frame[6] += 4;
}
FRAME_HANDLER(skips_word, skip_word)
void ldrex_unaligned(void)
{
    vectors[USAGEFAULT] = skips_word;
    SHCSR = 1u << 18;
    ldrex((uint32_t)(uintptr_t)&word + 2);
}

/* Coprocessors that this core does not have. */
NAKED uint32_t float_add(uint32_t a)
{
    ASM("movs r0, #1\n\tadds r0, #1\n\t.global float_itself\nfloat_itself:\n\t.inst.w "
        "0xee300a00\n\t"
        "adds r0, #1\n\tbx lr");
}
NAKED uint32_t float_not_executed(void)
{
    ASM("movs r0, #1\n\tcmp r0, #2\n\tittt eq\n\taddeq r0, #1\n\t.inst.w 0xee300a00\n\taddeq r0, "
        "#1\n\tadds r0, #4\n\tbx lr");
}
NAKED uint32_t other_coprocessor(void)
{
    ASM("movs r0, #1\n\t.inst.w 0xee110e10\n\tadds r0, #1\n\tbx lr"); /* mrc p14 */
}
uint32_t uses_coprocessor(uint32_t which)
{
    vectors[USAGEFAULT] = skips_word;
    SHCSR = 1u << 18;
    return which == 0 ? float_add(0) : which == 1 ? float_not_executed() : other_coprocessor();
}
