#include "guest.h"

/*
 * A real-time kernel in miniature. SVC starts it and serves its tasks, PendSV switches between
 * them, SysTick has them take turns. Tasks are unprivileged and have process stacks of their own,
 * with a limit where the core has stack limits (Armv8-M). What the kernel was started from goes on
 * when a task says so: its frame has stayed on the main stack.
 */
enum { SENDER, RECEIVER, CARRIER_A, CARRIER_B, TASKS };
enum { STACK_WORDS = 160, SLOTS = 2, CONTEXT = 9, FRAME_WORDS = 8, MESSAGES = 12 };
enum { START, SEND, RECEIVE, FINISH }; /* the numbers of SVC */
enum { SWITCHES, TICKS, FULL, EMPTY, LAZY, DAMAGE, ROUNDS_A, ROUNDS_B, KINDS }; /* of `out` */

#define CPACR    REG(0xE000ED88)
#define FPCCR    REG(0xE000EF34)
#define LSPACT   1u
#define PEND_SV  (1u << 28)
#define FP       ".fpu fpv4-sp-d16\n\t"
#define SERVE(n) ASM("svc " #n "\n\tbx lr")

static uint32_t stacks[TASKS][STACK_WORDS] __attribute__((aligned(8)));
static struct task {
    uint32_t *sp; /* of a task that does not run: where its context is */
    uint32_t is_waiting;
} tasks[TASKS];
static uint32_t running, has_fpu, has_limits;
volatile uint32_t back; /* EXC_RETURN to before the start */
static volatile uint32_t is_over;
static uint32_t queue[SLOTS], sent, received;

/* What tasks ask for. */
NAKED void send(uint32_t value)
{
    SERVE(1);
}
NAKED uint32_t receive(void)
{
    SERVE(2);
}
NAKED void finish(void)
{
    SERVE(3);
}

/* The kernel. */

/* Go on with the task whose context is at r0, or, without one, behind the start. */
NAKED void resume(uint32_t *sp)
{
    ASM(FP "cbz r0, 1f\n\t"
           "ldmia r0!, {r4-r11, lr}\n\ttst lr, #16\n\tbne 0f\n\tvldmia r0!, {s16-s31}\n\t"
           "0: msr psp, r0\n\tbx lr\n\t"
           "1: movs r1, #0\n\tmsr control, r1\n\tmovw r1, #:lower16:back\n\t"
           "movt r1, #:upper16:back\n\tldr lr, [r1]\n\tbx lr");
}
static void limit_stack(uint32_t task)
{
    if (has_limits) {
        __asm volatile(".arch armv8-m.main\n\tmsr psplim, %0\n\t.arch armv7-m" ::"r"(stacks[task]));
    }
}
NOINLINE uint32_t *next_task(uint32_t *sp)
{
    tasks[running].sp = sp;
    out[SWITCHES]++;
    if (is_over) {
        return 0;
    }
    do {
        running = (running + 1) % TASKS;
    } while (tasks[running].is_waiting);
    limit_stack(running);
    return tasks[running].sp;
}
NAKED void on_pendsv(void)
{
    ASM(FP "mrs r0, psp\n\ttst lr, #16\n\tbne 0f\n\tvstmdb r0!, {s16-s31}\n\t"
           "0: stmdb r0!, {r4-r11, lr}\n\tpush {r4, lr}\n\tbl next_task\n\tpop {r4, lr}\n\t"
           "b resume");
}
static void on_systick(void)
{
    out[TICKS]++;
    out[LAZY] += has_fpu && FPCCR & LSPACT;
    ICSR = PEND_SV;
}
/* The task waits, then asks again: its return address is the SVC. */
static void wait(uint32_t *asked, uint32_t what)
{
    out[what]++;
    tasks[running].is_waiting = 1;
    asked[6] -= 2;
    ICSR = PEND_SV;
}
static void wake_all(void)
{
    for (uint32_t i = 0; i < TASKS; i++) {
        tasks[i].is_waiting = 0;
    }
}
NOINLINE uint32_t *serve(uint32_t *asked, uint32_t exc_return)
{
    switch (REG16(asked[6] - 2) & 0xFF) {
    case START:
        back = exc_return;
        limit_stack(running);
        __asm volatile("msr control, %0" ::"r"(1));
        return tasks[running].sp;
    case SEND:
        if (sent - received == SLOTS) {
            wait(asked, FULL);
        } else {
            queue[sent++ % SLOTS] = asked[0];
            wake_all();
        }
        break;
    case RECEIVE:
        if (sent == received) {
            wait(asked, EMPTY);
        } else {
            asked[0] = queue[received++ % SLOTS];
            wake_all();
        }
        break;
    case FINISH:
        is_over = 1;
        ICSR = PEND_SV;
        break;
    }
    return 0;
}
NAKED void on_svc(void)
{
    ASM("tst lr, #4\n\tite eq\n\tmrseq r0, msp\n\tmrsne r0, psp\n\tmov r1, lr\n\tpush {r4, lr}\n\t"
        "bl serve\n\tpop {r4, lr}\n\tcbz r0, 0f\n\tb resume\n\t0: bx lr");
}
NOINLINE uint32_t *give_up(void)
{
    note(CFSR);
    note(running);
    CFSR = CFSR;
    SYST_CSR = 0;
    return 0;
}
NAKED void on_usage_fault(void)
{
    ASM("bl give_up\n\tb resume");
}

/* The tasks. */

/* Square a number, in floating point where there is some. */
NOINLINE uint32_t square(uint32_t number)
{
    if (!has_fpu) {
        return number * number;
    }
    __asm volatile(FP "vmov s20, %0\n\tvcvt.f32.u32 s20, s20\n\tvmul.f32 s20, s20, s20\n\t"
                      "vcvt.u32.f32 s20, s20\n\tvmov %0, s20"
                   : "+r"(number));
    return number;
}
static void sender(void)
{
    for (uint32_t i = 1;; i++) {
        send(square(i));
    }
}
static void receiver(void)
{
    for (uint32_t i = 0; i < MESSAGES; i++) {
        note(receive());
    }
    while (!out[ROUNDS_A] || !out[ROUNDS_B] || out[TICKS] < 3 * TASKS) {
    }
    finish();
}
/* Hold numbers of one's own in r4 to r11, and in s0 to s31 if there is an FPU, for a while; return
 * 0 if all of them are still there. */
NAKED uint32_t carry(uint32_t own, uint32_t in_fpu)
{
    ASM(FP
        "push {r4-r11, lr}\n\t"
        ".irp k, 4, 5, 6, 7, 8, 9, 10, 11\n\tadd r\\k, r0, #\\k\n\t.endr\n\t"
        "cmp r1, #0\n\tbeq 0f\n\t"
        ".irp k, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, "
        "22, 23, 24, 25, 26, 27, 28, 29, 30, 31\n\tadd r2, r0, #\\k\n\tvmov s\\k, r2\n\t.endr\n\t"
        "0: mov r12, #200\n\t1: subs r12, #1\n\tbne 1b\n\tmovs r3, #0\n\t"
        ".irp k, 4, 5, 6, 7, 8, 9, 10, 11\n\tsub r2, r\\k, #\\k\n\teor r2, r0\n\torr r3, r2\n\t"
        ".endr\n\t"
        "cmp r1, #0\n\tbeq 2f\n\t"
        ".irp k, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, "
        "22, 23, 24, 25, 26, 27, 28, 29, 30, 31\n\tvmov r2, s\\k\n\tsub r2, #\\k\n\t"
        "eor r2, r0\n\torr r3, r2\n\t.endr\n\t"
        "2: mov r0, r3\n\tpop {r4-r11, pc}");
}
static void carrier(uint32_t own)
{
    for (;;) {
        out[DAMAGE] |= carry(own << 8, has_fpu);
        out[ROUNDS_A + own - CARRIER_A]++;
    }
}
NAKED void diver(void) /* uses up its stack */
{
    ASM("0: push {r0-r7}\n\tb 0b");
}

/* Give a task its first frame and context, as if it had been switched from at its entry. */
static void make_task(uint32_t number, uintptr_t entry)
{
    uint32_t *sp = &stacks[number][STACK_WORDS] - FRAME_WORDS;
    sp[0] = number;
    sp[6] = entry & ~1u;
    sp[7] = 1u << 24;
    sp -= CONTEXT;
    sp[CONTEXT - 1] = has_limits ? 0xFFFFFFBCu : 0xFFFFFFFDu;
    tasks[number].sp = sp;
}
/* Run the tasks until they say that they are done. */
void kernel(uint32_t with_fpu, uint32_t with_limits, uint32_t with_diver)
{
    has_fpu = with_fpu, has_limits = with_limits;
    if (has_fpu) {
        CPACR |= 0xFu << 20;
        BARRIER();
    }
    vectors[SVCALL] = on_svc, vectors[PENDSV] = on_pendsv, vectors[SYSTICK] = on_systick;
    vectors[USAGEFAULT] = on_usage_fault;
    SHCSR = 1u << 18;
    SHPR(PENDSV) = 0xFF, SHPR(SYSTICK) = 0xC0;
    make_task(SENDER, (uintptr_t)sender);
    make_task(RECEIVER, with_diver ? (uintptr_t)diver : (uintptr_t)receiver);
    make_task(CARRIER_A, (uintptr_t)carrier);
    make_task(CARRIER_B, (uintptr_t)carrier);
    SYST_RVR = 1499;
    SYST_CVR = 0;
    SYST_CSR = 7;
    __asm volatile("svc 0" ::: "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "memory");
    SYST_CSR = 0;
    __asm volatile("mrs %0, control" : "=r"(out[KINDS]));
}
