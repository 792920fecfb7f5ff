#include "guest.h"

/* Floating-point contexts across exceptions. Single precision, by encodings that any core takes. */
#define FPU    ".fpu fpv4-sp-d16\n\t"
#define CPACR  REG(0xE000ED88)
#define FPCCR  REG(0xE000EF34)
#define FPCAR  REG(0xE000EF38)
#define FPDSCR REG(0xE000EF3C)

static uint32_t thread_stack[128] __attribute__((aligned(8)));

void enable(uint32_t cpacr)
{
    CPACR = cpacr << 20 | cpacr << 22;
    BARRIER();
}
NAKED uint32_t add(uint32_t a, uint32_t b)
{
    ASM(FPU "vmov s0, r0\n\tvmov s1, r1\n\tvadd.f32 s0, s0, s1\n\tvmov r0, s0\n\tbx lr");
}
NAKED uint32_t control(void)
{
    ASM("mrs r0, control\n\tbx lr");
}
NOINLINE void skip_word(void)
{
    note(CFSR);
    CFSR = CFSR;
    frame[6] += 4;
}
FRAME_HANDLER(skips, skip_word)
NAKED void privileged_again(void)
{
    ASM("mrs r0, control\n\tbic r0, #1\n\tmsr control, r0\n\tbx lr");
}
uint32_t uses(uint32_t cpacr, uint32_t unprivileged)
{
    vectors[USAGEFAULT] = skips, vectors[SVCALL] = privileged_again;
    SHCSR = 1u << 18;
    enable(cpacr);
    if (unprivileged) {
        ASM("movs r0, #1\n\tmsr control, r0\n\tisb");
    }
    uint32_t sum = add(0x3F800000, 0x40000000); /* 1.0f + 2.0f */
    if (unprivileged) {
        ASM("svc 0");
    }
    return sum;
}

/* Fill s0-s15 with 1..16 and FPSCR with DN, take an exception, and see what is there then. */
NAKED void fill(uint32_t first)
{
    ASM(FPU
        "vmov s0, r0\n\tadd r0, #1\n\tvmov s1, r0\n\tadd r0, #1\n\tvmov s2, r0\n\tadd r0, "
        "#1\n\tvmov s3, "
        "r0\n\tadd r0, #1\n\tvmov s4, r0\n\tadd r0, #1\n\tvmov s5, r0\n\tadd r0, #1\n\tvmov s6, "
        "r0\n\tadd r0, "
        "#1\n\tvmov s7, r0\n\tadd r0, #1\n\tvmov s8, r0\n\tadd r0, #1\n\tvmov s9, r0\n\tadd r0, "
        "#1\n\tvmov s10, "
        "r0\n\tadd r0, #1\n\tvmov s11, r0\n\tadd r0, #1\n\tvmov s12, r0\n\tadd r0, #1\n\tvmov s13, "
        "r0\n\tadd "
        "r0, #1\n\tvmov s14, r0\n\tadd r0, #1\n\tvmov s15, r0\n\tmov r0, #0x2000000\n\tvmsr fpscr, "
        "r0\n\tbx lr");
}
NAKED void keep(volatile uint32_t *where)
{
    ASM(FPU "vstmia r0!, {s0-s15}\n\tvmrs r1, fpscr\n\tstr r1, [r0]\n\tbx lr");
}
NOINLINE void look(void)
{
    note(FPCCR & 1);
    for (unsigned i = 0; i < 18; i++) {
        notes[10 + i] = frame[8 + i];
    }
    note(frame == (uint32_t *)(FPCAR - 32));
}
FRAME_HANDLER(looks, look)
NOINLINE void look_and_use(void)
{
    look();
    note(control() & 4);
    uint32_t fpscr;
    fill(100);
    __asm volatile(FPU "vmrs %0, fpscr" : "=r"(fpscr));
    note(control() & 4);
    look();
}
FRAME_HANDLER(uses_it, look_and_use)
/* What `then` finds: 0 looks only, 1 uses floating point; `lazily` is FPCCR.LSPEN. */
void interrupted(uint32_t then, uint32_t lazily)
{
    vectors[SVCALL] = then ? uses_it : looks;
    enable(3);
    FPCCR = 1u << 31 | lazily << 30;
    fill(1);
    ASM("svc 0");
    keep(out);
    note(control() & 4);
}
static void on_inner(void)
{
    fill(200);
}
NOINLINE void nest(void)
{
    ICSR = 1u << 26; /* SysTick, of a higher priority, interrupts this handler */
    BARRIER();
    keep(notes + 30);
}
NAKED void fills_and_nests(void)
{
    ASM("push {r4, lr}\n\tmovs r0, #100\n\tbl fill\n\tbl nest\n\tpop {r4, pc}");
}
void nested(void)
{
    vectors[SVCALL] = fills_and_nests, vectors[SYSTICK] = on_inner;
    SHPR(SVCALL) = 0x80;
    enable(3);
    fill(1);
    ASM("svc 0");
    keep(out);
}
static void uses_default(void)
{
    uint32_t fpscr;
    __asm volatile(FPU "vmrs %0, fpscr" : "=r"(fpscr));
    note(fpscr);
}
void default_status(uint32_t fpdscr)
{
    vectors[SVCALL] = uses_default;
    enable(3);
    FPDSCR = fpdscr;
    fill(1);
    ASM("svc 0");
    uses_default();
}
/* Two threads, each with a context or without one, switched by PendSV as kernels do. */
NAKED uint32_t conditional(uint32_t n)
{
    ASM(FPU "mov r1, #0\n\tcmp r0, #0\n\tittt eq\n\tmoveq r1, #1\n\tvmoveq s0, r1\n\tmoveq r1, "
            "#3\n\tmov r0, "
            "r1\n\tbx lr");
}
uint32_t condition_fails(uint32_t n)
{
    enable(3);
    uint32_t result = conditional(n);
    note(control() & 4);
    return result;
}
NAKED void clear_fpca(void)
{
    ASM("mrs r0, control\n\tbic r0, #4\n\tmsr control, r0\n\tisb\n\tbx lr");
}
NOINLINE void nothing(void)
{
}
FRAME_HANDLER(keeps_frame, nothing)
void frame_without_context(void)
{
    vectors[SVCALL] = keeps_frame;
    enable(3);
    fill(1);
    clear_fpca();
    ASM("svc 0");
}
/* The context is to be stored where nothing is. */
NAKED void stacks_badly(uint32_t psp)
{
    ASM("push {r4, lr}\n\tmsr psp, r0\n\tmrs r0, control\n\torr r0, #2\n\tmsr control, "
        "r0\n\tisb\n\tsvc "
        "0\n\tmrs r0, control\n\tbic r0, #2\n\tmsr control, r0\n\tisb\n\tpop {r4, pc}");
}
uint32_t *top_of_thread_stack(void)
{
    return thread_stack + 128;
}
void on_psp(void)
{
    vectors[SVCALL] = uses_it;
    enable(3);
    fill(1);
    stacks_badly((uint32_t)(uintptr_t)top_of_thread_stack());
    keep(out);
}
/* The context is stored where the block has come to, neither before nor behind it. */
NAKED void looks_around_use(volatile uint32_t *fpccr)
{
    ASM(FPU "ldr r1, [r0]\n\tvmov s0, r0\n\tldr r2, [r0]\n\tldr r0, =out\n\t"
            "strd r1, r2, [r0, #80]\n\tbx lr\n\t.pool");
}
static void on_svc_in_a_block(void)
{
    looks_around_use(&FPCCR);
}
void in_a_block(void)
{
    vectors[SVCALL] = on_svc_in_a_block;
    enable(3);
    fill(1);
    ASM("svc 0");
    keep(out);
}
/* An instruction that is not executed, and one that is: behind a branch, or in the same block. */
#define UNSURE(name, between)                                                                      \
    NAKED void name(uint32_t condition)                                                            \
    {                                                                                              \
        ASM(FPU "cmp r0, #0\n\tit eq\n\tvmoveq s0, r0\n\t" between "\n\tvmov s1, r0\n\tbx lr");    \
    }
UNSURE(unsure_behind_a_branch, "b 0f\n\tnop\n\t0:")
UNSURE(unsure_in_a_block, "nop")
UNSURE(unsure_twice, "b 0f\n\tnop\n\t0: it eq\n\tvmoveq s0, r0")
void begins_behind_a_condition(uint32_t which)
{
    static void (*const unsure[])(uint32_t) = {
        unsure_behind_a_branch,
        unsure_in_a_block,
        unsure_twice,
    };
    enable(3);
    for (uint32_t condition = 0; condition < 2; condition++) {
        clear_fpca();
        unsure[which](condition);
        note(control() & 4);
    }
}
/* Without ASPEN no context begins: FPSCR stays. */
void without_contexts(void)
{
    uint32_t fpscr;
    enable(3);
    FPDSCR = 1u << 24;
    fill(1);
    FPCCR &= ~(1u << 31);
    clear_fpca();
    unsure_in_a_block(1);
    clear_fpca();
    __asm volatile(FPU "vmov s0, %1\n\tvmrs %0, fpscr" : "=r"(fpscr) : "r"(0));
    note(fpscr);
}
/* A handler that says itself that it has a context. */
NAKED void set_fpca(uint32_t fpca)
{
    ASM("mrs r1, control\n\tbic r1, #12\n\torr r1, r0\n\tmsr control, r1\n\tisb\n\tbx lr");
}
uint32_t status_behind_claim(uint32_t fpca)
{
    uint32_t fpscr;
    enable(3);
    fill(1);
    set_fpca(fpca);
    __asm volatile(FPU "vmov s0, %1\n\tvmrs %0, fpscr" : "=r"(fpscr) : "r"(0));
    return fpscr;
}
NOINLINE void claim_and_use(void)
{
    set_fpca(12);
    fill(100);
    look();
}
FRAME_HANDLER(claims_it, claim_and_use)
void claimed(void)
{
    vectors[SVCALL] = claims_it;
    enable(3);
    fill(1);
    ASM("svc 0");
    keep(out);
}
/* The thread's SP is not aligned to eight bytes when it is interrupted. */
NAKED void svc_below(uint32_t below)
{
    ASM("push {r4, lr}\n\tmov r4, sp\n\tsubs r0, r4, r0\n\tmov sp, r0\n\tsvc 0\n\t"
        "mov sp, r4\n\tpop {r4, pc}");
}
void frame_at(uint32_t below)
{
    vectors[SVCALL] = uses_it;
    CCR = 0;
    enable(3);
    fill(1);
    svc_below(below);
    keep(out);
}
/* SysTick reaches 0 again and again, and is no exception. */
NAKED uint32_t count_up(uint32_t n)
{
    ASM(FPU "vmov.f32 s1, #1.0\n\tvsub.f32 s0, s1, s1\n\t1: vadd.f32 s0, s0, s1\n\t"
            "subs r0, #1\n\tbne 1b\n\tvmov r0, s0\n\tbx lr");
}
uint32_t calculates_at_events(uint32_t n)
{
    enable(3);
    REG(0xE000E014) = 99; /* SYST_RVR, CVR, CSR: ENABLE without TICKINT */
    REG(0xE000E018) = 0;
    REG(0xE000E010) = 5;
    return count_up(n);
}
uint32_t read(uint32_t address)
{
    return REG(address);
}
void write(uint32_t address, uint32_t word)
{
    REG(address) = word;
}
