#include "guest.h"

/* What Armv8-M, mainline, has and Armv7-M has not; the compiler is told of Armv7-M. */
#define V8       ".arch armv8-m.main\n\t"
#define MPU_RLAR MPU_RASR
#define FRAMES   48

static uint32_t stack[FRAMES] __attribute__((aligned(8)));

NOINLINE void skip_halfword(void)
{
    note(CFSR);
    CFSR = CFSR;
    frame[6] += 2;
}
NOINLINE void nothing(void)
{
}
FRAME_HANDLER(skips, skip_halfword)
FRAME_HANDLER(keeps, nothing)

static void set_psp(uint32_t *top)
{
    __asm volatile("msr psp, %0\n\tisb" ::"r"(top));
}
NAKED void svc_on_psp(void)
{
    ASM("mrs r0, control\n\torr r0, #2\n\tmsr control, r0\n\tisb\n\tsvc 0\n\tmrs r0, control\n\t"
        "bic r0, #2\n\tmsr control, r0\n\tisb\n\tbx lr");
}

/* EXC_RETURN */
void from_thread(uint32_t on_psp)
{
    vectors[SVCALL] = keeps;
    set_psp(&stack[FRAMES]);
    if (on_psp) {
        svc_on_psp();
    } else {
        ASM("svc 0");
    }
}
static void pends_svc(void)
{
    ASM("svc 0");
}
void from_handler(void)
{
    vectors[PENDSV] = pends_svc, vectors[SVCALL] = keeps;
    SHPR(PENDSV) = 0xFF;
    ICSR = 1u << 28;
    BARRIER();
}
NAKED void branch(uint32_t address)
{
    ASM("push {r4, lr}\n\tblx r0\n\tpop {r4, pc}");
}
NOINLINE void return_to_lr(void)
{
    note(CFSR);
    frame[6] = frame[5] & ~1u;
    frame[7] |= 1u << 24;
}
FRAME_HANDLER(returns, return_to_lr)
void branches_to(uint32_t address)
{
    vectors[MEMMANAGE] = vectors[USAGEFAULT] = returns;
    SHCSR = 7u << 16;
    branch(address);
}
/* Stack limits */
static void set_msplim(uint32_t limit)
{
    __asm volatile(V8 "msr msplim, %0\n\tisb" ::"r"(limit));
}
static void set_psplim(uint32_t limit)
{
    __asm volatile(V8 "msr psplim, %0\n\tisb" ::"r"(limit));
}
uint32_t limits(void)
{
    uint32_t msplim, psplim;
    __asm volatile(V8 "mrs %0, msplim\n\tmrs %1, psplim" : "=r"(msplim), "=r"(psplim));
    out[0] = msplim;
    return psplim;
}
uint32_t set_limits(uint32_t msplim, uint32_t psplim)
{
    set_msplim(msplim);
    set_psplim(psplim);
    return limits();
}
NAKED void privileged_again(void)
{
    ASM("mrs r0, control\n\tbic r0, #1\n\tmsr control, r0\n\tbx lr");
}
uint32_t unprivileged_sets_limit(uint32_t msplim)
{
    vectors[SVCALL] = privileged_again;
    __asm volatile("msr control, %0\n\tisb" ::"r"(1));
    set_msplim(msplim);
    ASM("svc 0");
    limits();
    return out[0];
}
/* Thread mode goes on the process stack, `room` words above its limit; there something happens. */
#define ON_PSP(name, what)                                                                         \
    NAKED void name(uint32_t *sp)                                                                  \
    {                                                                                              \
        ASM("push {r4, lr}\n\tmrs r1, control\n\torr r1, #2\n\tmsr psp, r0\n\tmsr control, "       \
            "r1\n\tisb\n\t" what                                                                   \
            "\n\tmrs r1, control\n\tbic r1, #2\n\tmsr control, r1\n\tisb\n\tpop {r4, pc}");        \
    }
ON_PSP(svc_there, "svc 0\n\t.global after_svc\nafter_svc:")
ON_PSP(push_there, ".global the_push\nthe_push:\n\tpush {r0-r9}")
extern const uint8_t after_svc[];

/* The frame has not been pushed: make one, higher up, that goes on behind the SVC. */
NOINLINE void mend(void)
{
    uint32_t psp;
    __asm volatile("mrs %0, psp" : "=r"(psp));
    note(CFSR);
    note((psp - (uint32_t)(uintptr_t)&stack[16]) / 4);
    CFSR = CFSR;
    set_psplim(0);
    stack[FRAMES - 2] = (uint32_t)(uintptr_t)after_svc & ~1u;
    stack[FRAMES - 1] = 1u << 24;
    set_psp(&stack[FRAMES - 8]);
}
NAKED void mends(void)
{
    ASM("push {r4, lr}\n\tbl mend\n\tpop {r4, pc}");
}
static void keep_lr(void)
{
    note(11);
}
static void limit(uint32_t *psplim)
{
    SHCSR = 1u << 18;
    for (uint32_t i = 0; i < FRAMES; i++) {
        stack[i] = 0x5A5A5A5A;
    }
    set_psplim((uint32_t)(uintptr_t)psplim + 7); /* whose lowest bits do not count */
}
void exception_entry(uint32_t room)
{
    vectors[SVCALL] = keep_lr, vectors[USAGEFAULT] = mends;
    limit(&stack[16]);
    svc_there(&stack[16 + room]);
    set_psplim(0);
    out[0] = stack[15];
}
void push_beyond(uint32_t room)
{
    vectors[USAGEFAULT] = skips;
    limit(&stack[16]);
    push_there(&stack[16 + room]);
    set_psplim(0);
    out[0] = stack[15];
}

/* MPU: region `n` from `base` to `limit`, permissions `ap`, execute-never or not. */
void region(uint32_t n, uint32_t base, uint32_t limit, uint32_t ap_xn)
{
    MPU_RNR = n;
    MPU_RBAR = base | ap_xn;
    MPU_RLAR = (limit & ~31u) | 1;
}
NOINLINE void skip_load(void)
{
    note(CFSR);
    note(MMFAR);
    CFSR = CFSR;
    frame[6] += 2;
}
FRAME_HANDLER(skips_load, skip_load)
NAKED uint32_t load(uint32_t address)
{
    ASM("mov r1, r0\n\tmovs r0, #42\n\tldr r0, [r1]\n\tbx lr");
}
NAKED void store(uint32_t address)
{
    ASM("mov r1, r0\n\tmovs r0, #42\n\tstr r0, [r1]\n\tbx lr");
}
void mpu_on(void)
{
    vectors[MEMMANAGE] = skips_load;
    SHCSR = 1u << 16;
    MPU_CTRL = 5; /* PRIVDEFENA */
    BARRIER();
}
NAKED uint32_t load_unprivileged(uint32_t address)
{
    ASM("movs r1, #1\n\tmsr control, r1\n\tisb\n\tmov r1, r0\n\tmovs r0, #42\n\tldr r0, [r1]\n\t"
        "svc 0\n\tbx lr");
}
/* Everything is for all, but what the test's own region forbids. */
uint32_t loads_unprivileged(uint32_t address)
{
    vectors[SVCALL] = privileged_again;
    region(6, 0x08000000, 0x0801FFFF, 3u << 1);
    region(7, 0x20000000, 0x20006FFF, 1u << 1);
    mpu_on();
    return load_unprivileged(address);
}

/* Instructions */
NAKED uint32_t acquire_release(volatile uint32_t *word, uint32_t value)
{
    ASM(V8 "stl r1, [r0]\n1:\tldaex r2, [r0]\n\tadds r2, #1\n\tstlex r3, r2, [r0]\n\tcmp r3, #0\n\t"
           "bne 1b\n\tlda r0, [r0]\n\tbx lr");
}
uint32_t increments(uint32_t value)
{
    return acquire_release(&out[1], value);
}
NAKED uint32_t rounds(uint32_t single)
{
    ASM(".fpu fpv5-sp-d16\n\tvmov s0, r0\n\tvrinta.f32 s0, s0\n\tvmov r0, s0\n\tbx lr");
}
uint32_t rounds_away(uint32_t single)
{
    REG(0xE000ED88) = 0xFu << 20;
    BARRIER();
    return rounds(single);
}

/* What is there of the Security Extension where it is not: TT without its fields, SG as a NOP. */
NAKED uint32_t tests_target(uint32_t address)
{
    ASM(V8 "tt r0, r0\n\tbx lr");
}
NAKED uint32_t tests_target_unprivileged(uint32_t address)
{
    ASM(V8 "ttt r0, r0\n\tbx lr");
}
NAKED uint32_t tests_target_in_it(uint32_t address)
{
    ASM(V8 "cmp r0, #0\n\titte ne\n\tttne r1, r0\n\taddne r0, #1\n\tttteq r0, r0\n\tbx lr");
}
NAKED uint32_t test_unprivileged(uint32_t address)
{
    ASM(V8 "movs r1, #1\n\tmsr control, r1\n\tisb\n\ttt r0, r0\n\tsvc 0\n\tbx lr");
}
uint32_t tests_target_as_unprivileged(uint32_t address)
{
    vectors[SVCALL] = privileged_again;
    return test_unprivileged(address);
}
NAKED uint32_t passes_sg(uint32_t value)
{
    ASM(V8 "sg\n\tadds r0, #1\n\tbx lr");
}
NOINLINE void skip_instruction(void)
{
    note(CFSR);
    CFSR = CFSR;
    frame[6] += REG16(frame[6]) >= 0xE800 ? 4 : 2;
}
FRAME_HANDLER(skips_instruction, skip_instruction)
#define UNDEFINED_HERE(name, instruction)                                                          \
    NAKED uint32_t name(void)                                                                      \
    {                                                                                              \
        ASM(V8 "ldr r1, =in_the_way\n\tmovs r0, #7\n\t" instruction "\n\tbx lr\n\t.ltorg");        \
    }
NAKED void in_the_way(void)
{
    ASM("movs r0, #1\n\tbx lr");
}
UNDEFINED_HERE(bxns, ".inst.n 0x470C")
UNDEFINED_HERE(blxns, ".inst.n 0x478C")
UNDEFINED_HERE(tta, ".inst.w 0xE841F280")
UNDEFINED_HERE(ttat, ".inst.w 0xE841F2C0")
UNDEFINED_HERE(vlstm, ".inst.w 0xEC210A00")
UNDEFINED_HERE(vlldm, ".inst.w 0xEC310A00")
uint32_t tries(uint32_t (*instruction)(void))
{
    vectors[USAGEFAULT] = skips_instruction;
    SHCSR = 1u << 18;
    REG(0xE000ED88) = 0xFu << 20; /* CPACR: nothing is undefined for it */
    BARRIER();
    return instruction();
}
