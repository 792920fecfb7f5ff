#include "guest.h"

NOINLINE void skip_halfword(void)
{
    note(CFSR);
    CFSR = CFSR;
    frame[6] += 2;
}
NOINLINE void mend_r2(void)
{
    frame[2] = (uint32_t)(uintptr_t)out;
}
NOINLINE void return_to_lr(void)
{
    note(CFSR);
    frame[6] = frame[5] & ~1u;
    frame[7] |= 1u << 24;
}
FRAME_HANDLER(skips, skip_halfword)
FRAME_HANDLER(mends, mend_r2)
FRAME_HANDLER(returns, return_to_lr)

void enable_faults(void)
{
    SHCSR = 7u << 16;
}

NAKED uint32_t load(uint32_t address)
{
    ASM("mov r1, r0\n\tmovs r0, #42\n\tnop\n\t.global faulting_load\nfaulting_load:\n\tldr r0, "
        "[r1]\n\tbx lr");
}
NAKED uint32_t load_byte(uint32_t address)
{
    ASM("mov r1, r0\n\tldrb r0, [r1]\n\tbx lr");
}
NAKED uint32_t store(uint32_t address)
{
    ASM("nop\n\t.global faulting_store\nfaulting_store:\n\tstr r0, [r0]\n\tbx lr");
}
NAKED uint32_t load_many(uint32_t address)
{
    ASM("push {r4, lr}\n\tldm r0!, {r1, r2, r3, r4}\n\tpop {r4, pc}");
}
NAKED void branch(uint32_t address)
{
    ASM("mov r2, lr\n\tblx r0\n\tbx r2");
}
NAKED void undefined(void)
{
    ASM("nop\n\t.global udf_itself\nudf_itself:\n\tudf #1\n\tbx lr");
}
NAKED void breakpoint(void)
{
    ASM("nop\n\t.global bkpt_itself\nbkpt_itself:\n\tbkpt #1\n\tbx lr");
}
NAKED void breakpoint_in_it(void)
{
    ASM("cmp r0, r0\n\t.inst.n 0xBF18\n\tbkpt #1\n\tbx lr");
}
NAKED void undefined_in_it(void)
{
    ASM("cmp r0, r0\n\t.inst.n 0xBF18\n\t.inst.n 0xDE01\n\tbx lr");
}

uint32_t bus_fault(uint32_t address)
{
    vectors[BUSFAULT] = skips;
    enable_faults();
    return load(address);
}
uint32_t bus_fault_byte(uint32_t address)
{
    vectors[BUSFAULT] = skips;
    enable_faults();
    return load_byte(address);
}
uint32_t bus_fault_store(uint32_t address)
{
    vectors[BUSFAULT] = skips;
    enable_faults();
    return store(address);
}
uint32_t bus_fault_many(uint32_t address)
{
    vectors[BUSFAULT] = skips;
    enable_faults();
    return load_many(address);
}
void fetch_from(uint32_t address)
{
    vectors[BUSFAULT] = vectors[USAGEFAULT] = vectors[MEMMANAGE] = returns;
    enable_faults();
    branch(address);
}
void undefined_enabled(void)
{
    vectors[USAGEFAULT] = skips;
    enable_faults();
    undefined();
}
uint32_t forced(void)
{
    vectors[HARDFAULT] = skips;
    uint32_t x = load(0x60000000);
    note(HFSR);
    return x;
}
void debug_hardfault(void)
{
    vectors[HARDFAULT] = skips;
    breakpoint();
    note(HFSR);
    note(DFSR);
}
void debug_monitor(void)
{
    vectors[DEBUGMONITOR] = skips;
    DEMCR = 1u << 16;
    breakpoint();
    note(HFSR);
    note(DFSR);
    DFSR = 2;
    note(DFSR);
}
void debug_monitor_too_low(void)
{
    vectors[HARDFAULT] = skips;
    DEMCR = 1u << 16;
    SHPR(DEBUGMONITOR) = 0x80;
    __asm volatile("msr basepri, %0" ::"r"(0x40));
    breakpoint();
    note(HFSR);
}
void bkpt_in_it(void)
{
    vectors[HARDFAULT] = skips;
    breakpoint_in_it();
    note(HFSR);
}
void udf_not_executed(void)
{
    undefined_in_it();
    note(1);
}

/* The load's base is mended by the handler, then the load is done again: the IT block must go on.
 */
NAKED void faults_in_it(uint32_t bad)
{
    ASM("push {r4, lr}\n\tmov r2, r0\n\tmovs r0, #0\n\tmovs r1, #0\n\tmovs r4, #0\n\tcmp r0, r0\n\t"
        "ittet eq\n\tmoveq r0, #1\n\t.global load_in_it\nload_in_it:\n\tldreq r3, [r2]\n\tmovne "
        "r1, #1\n\tmoveq r4, #1\n\t"
        "ldr r3, =out\n\tstrd r0, r1, [r3]\n\tstr r4, [r3, #8]\n\tpop {r4, pc}");
}
void it_block(uint32_t bad)
{
    vectors[BUSFAULT] = mends;
    enable_faults();
    faults_in_it(bad);
}

/* escalation */
NOINLINE void faults_again(void)
{
    uint32_t *first = frame;
    note(1);
    load(0x60000000);
    note(3);
    first[6] += 2;
}
FRAME_HANDLER(faulting_handler, faults_again)
void fault_in_fault(void)
{
    vectors[BUSFAULT] = faulting_handler, vectors[HARDFAULT] = skips;
    enable_faults();
    load(0x60000000);
}
NOINLINE void note_two(void)
{
    note(2);
}
static void svc_in_handler(void)
{
    ASM("svc 0");
    note(HFSR);
}
void svc_escalates(void)
{
    vectors[SVCALL] = svc_in_handler, vectors[HARDFAULT] = note_two;
    ASM("svc 0");
}
NOINLINE void faults_in_hardfault(void)
{
    load(0x60000000);
}
void lockup(void)
{
    vectors[HARDFAULT] = faults_in_hardfault;
    load(0x60000000);
}
NOINLINE void bkpt_in_hardfault(void)
{
    breakpoint();
}
void lockup_by_bkpt(void)
{
    vectors[HARDFAULT] = bkpt_in_hardfault;
    load(0x60000000);
}
NAKED void recurses(void)
{
    ASM("push {r4, lr}\n\tbl recurses");
}
void stack_overflow(void)
{
    vectors[HARDFAULT] = faults_in_hardfault;
    recurses();
}

NAKED void bad_return(void)
{
    ASM("mvn r0, #14\n\tbx r0");
} /* to 0xFFFFFFF1: Handler mode, but there is none below */
NOINLINE void return_properly(void)
{
    note(CFSR);
}
NAKED void returns_to_thread(void)
{
    ASM("push {r4, lr}\n\tbl return_properly\n\tpop {r4, lr}\n\tmvn lr, #6\n\tbx lr");
}
void invpc(void)
{
    vectors[SYSTICK] = bad_return, vectors[USAGEFAULT] = returns_to_thread;
    enable_faults();
    ICSR = 1u << 26;
    BARRIER();
    note(1);
}
