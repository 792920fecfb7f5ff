#include "guest.h"

uint32_t pages[2][256] __attribute__((aligned(2048)));

/* Permissions (AP) and sizes (log2) as MPU_RASR wants them. */
enum { NONE, PRIVILEGED, READ_ONLY_FOR_USER, FULL };
#define RASR(ap, bits, srd) ((ap) << 24 | (srd) << 8 | ((bits) - 1) << 1 | 1)

static void region(uint32_t n, uint32_t base, uint32_t rasr)
{
    MPU_RBAR = base | 1u << 4 | n;
    MPU_RASR = rasr;
}
NOINLINE void skip_halfword(void)
{
    note(CFSR);
    note(CFSR & 1u << 7 ? MMFAR : 0);
    CFSR = CFSR;
    frame[6] += 2;
}
FRAME_HANDLER(skips, skip_halfword)
NOINLINE void return_to_lr(void)
{
    note(CFSR);
    CFSR = CFSR;
    frame[6] = frame[5] & ~1u;
}
FRAME_HANDLER(returns, return_to_lr)
NAKED void privileged_again(void)
{
    ASM("mrs r0, control\n\tbic r0, #1\n\tmsr control, r0\n\tbx lr");
}
/* Flash and SRAM for all code, and on top of that what a test asks for. */
void protect(uint32_t base, uint32_t rasr, uint32_t ctrl)
{
    vectors[MEMMANAGE] = skips, vectors[SVCALL] = privileged_again;
    SHCSR = 1u << 16;
    region(0, 0x08000000, RASR(FULL, 16, 0));
    region(1, 0x20000000, RASR(FULL, 16, 0));
    region(5, base, rasr);
    MPU_CTRL = ctrl;
    BARRIER();
}
void protect_also(uint32_t n, uint32_t base, uint32_t rasr)
{
    region(n, base, rasr);
    BARRIER();
}
NAKED uint32_t load(uint32_t address)
{
    ASM("mov r1, r0\n\tmovs r0, #42\n\tldr r0, [r1]\n\tbx lr");
}
NAKED uint32_t store(uint32_t address)
{
    ASM("str r0, [r0]\n\tbx lr");
}
NAKED uint32_t load_unprivileged(uint32_t address)
{
    ASM("movs r1, #1\n\tmsr control, r1\n\tisb\n\tmov r1, r0\n\tmovs r0, #42\n\tldr r0, "
        "[r1]\n\tnop\n\tpush "
        "{r0}\n\tsvc 0\n\tpop {r0}\n\tbx lr");
}
NAKED uint32_t store_unprivileged(uint32_t address)
{
    ASM("movs r1, #1\n\tmsr control, r1\n\tisb\n\tstr r0, [r0]\n\tnop\n\tsvc 0\n\tbx lr");
}
/* Stores four words; returns r0 as it is afterwards. */
NAKED uint32_t store_many(uint32_t address)
{
    ASM("push {r4, lr}\n\tmovs r1, #1\n\tmovs r2, #2\n\tmovs r3, #3\n\tmovs r4, #4\n\tstm r0!, "
        "{r1, r2, r3, "
        "r4}\n\tpop {r4, pc}");
}
NAKED void branch(uint32_t address)
{
    ASM("mov r2, lr\n\tblx r0\n\tbx r2");
}
void executes(uint32_t address)
{
    vectors[MEMMANAGE] = returns;
    for (unsigned i = 0; i < 256; i++) {
        ((uint16_t *)pages)[2 * i] = 0x4770, ((uint16_t *)pages)[2 * i + 1] = 0x4770; /* bx lr */
    }
    BARRIER();
    branch(address | 1);
    note(1);
}
static volatile uint32_t secret_address;
NOINLINE void reads_secret(void)
{
    note(load(secret_address));
}
static void on_nmi(void)
{
    reads_secret();
}
void reads_in_nmi(uint32_t address)
{
    vectors[NMI] = on_nmi;
    secret_address = address;
    ICSR = 1u << 31;
    BARRIER();
    note(load(address));
}
/* FAULTMASK, set and cleared in two ways; a read of what is protected with it and behind it. */
void reads_with_faultmask(uint32_t address)
{
    ASM("cpsid f");
    note(load(address));
    ASM("cpsie f");
    note(load(address));
}
void reads_with_msr_faultmask(uint32_t address)
{
    ASM("movs r1, #1\n\tmsr faultmask, r1");
    note(load(address));
    ASM("movs r1, #0\n\tmsr faultmask, r1");
    note(load(address));
}
static void masks_and_reads(void)
{
    ASM("cpsid f");
    reads_secret();
}
void return_clears_faultmask(uint32_t address)
{
    vectors[PENDSV] = masks_and_reads;
    secret_address = address;
    ICSR = 1u << 28;
    BARRIER();
    note(load(address));
}
/* Time passes while FAULTMASK is set, with events of the board. */
void waits_with_faultmask(uint32_t address)
{
    SYST_RVR = 100;
    SYST_CSR = 5;
    ASM("cpsid f");
    note(load(address));
    for (unsigned ticks = 0; ticks < 3; ticks += SYST_CSR >> 16) {
    }
    SYST_CSR = 0;
    ASM("cpsie f");
    note(load(address));
}
/* NMI is the one exception that FAULTMASK lets in. */
static void on_nmi_with_faultmask(void)
{
    note(1);
}
NAKED void pends_nmi_on_psp(uint32_t psp)
{
    ASM("push {r4, lr}\n\tmsr psp, r0\n\tmrs r4, control\n\torr r1, r4, #2\n\tcpsid f\n\tmsr "
        "control, r1\n\tisb\n\tldr r2, =0xE000ED04\n\tmov r3, #0x80000000\n\tstr r3, "
        "[r2]\n\tdsb\n\t"
        "isb\n\tmsr control, r4\n\tisb\n\tcpsie f\n\tpop {r4, pc}\n\t.pool");
}
void nmi_with_faultmask(uint32_t psp)
{
    vectors[NMI] = on_nmi_with_faultmask;
    pends_nmi_on_psp(psp);
    note(2);
}
/* PendSV comes while PSP points where the thread may not write. */
NAKED void gives_a_stack(void)
{
    ASM("push {r4, lr}\n\tbl note_cfsr\n\tldr r0, =pages+128\n\tmsr psp, r0\n\tldr r1, "
        "=thread_goes_on\n\tstr r1, [r0, #24]\n\tmov r1, #0x1000000\n\tstr r1, [r0, #28]\n\tpop "
        "{r4, "
        "lr}\n\tmvn lr, #2\n\tbx lr\n\t.pool");
}
NOINLINE void note_cfsr(void)
{
    note(CFSR);
}
NAKED void pends_with_psp(uint32_t psp)
{
    ASM("push {r4, lr}\n\tmsr psp, r0\n\tmrs r0, control\n\torr r0, #2\n\tmsr control, "
        "r0\n\tisb\n\tldr r0, "
        "=0xE000ED04\n\tmov r1, #0x10000000\n\tstr r1, [r0]\n\tdsb\n\tisb\n\tudf "
        "#0\n\t.thumb_func\nthread_goes_on:\n\tmrs r0, control\n\tbic r0, #2\n\tmsr control, "
        "r0\n\tisb\n\tpop {r4, pc}\n\t.pool");
}
static void does_nothing(void)
{
}
void stack_is_protected(uint32_t psp)
{
    vectors[MEMMANAGE] = gives_a_stack, vectors[PENDSV] = does_nothing;
    SHPR(PENDSV) = 0x80;
    pends_with_psp(psp);
    note(1);
}
uint32_t read(uint32_t address)
{
    return REG(address);
}
void write(uint32_t address, uint32_t word)
{
    REG(address) = word;
}

/* Code that is rewritten while the MPU says that its page is data. */
uint32_t rewritten_while_data(uint32_t times)
{
    uint32_t wrong = 0;
    volatile uint32_t *code = pages[0];
    uint32_t (*run)(void) = (uint32_t (*)(void))((uintptr_t)code | 1);
    for (uint32_t i = 0; i < times; i++) {
        region(5, (uint32_t)(uintptr_t)pages, RASR(FULL, 10, 0) | 1u << 28);
        BARRIER();
        *code = 0x47702000 | i; /* movs r0, #i; bx lr */
        region(5, (uint32_t)(uintptr_t)pages, RASR(FULL, 10, 0));
        BARRIER();
        wrong += run() != i;
    }
    return wrong;
}
