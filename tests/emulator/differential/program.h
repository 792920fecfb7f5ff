/*
 * What the programs share that are compared with QEMU's cores: they note what happens, in order,
 * and tell it to a semihosting host. RAM is where the machine has it; FPU is defined where there is
 * one, ARMV8M where the core is one. Addresses are noted as offsets from RAM, EXC_RETURN without
 * the bits that say Secure, in which state QEMU's Cortex-M33 is.
 */
#include <stdint.h>

#define REG(address)  (*(volatile uint32_t *)(uintptr_t)(address))
#define REG8(address) (*(volatile uint8_t *)(uintptr_t)(address))
#define NVIC_ISER     REG(0xE000E100)
#define NVIC_ISPR     REG(0xE000E200)
#define NVIC_IPR(n)   REG8(0xE000E400 + (n))
#define ICSR          REG(0xE000ED04)
#define AIRCR         REG(0xE000ED0C)
#define CCR           REG(0xE000ED14)
#define SHPR(n)       REG8(0xE000ED18 + (n) - 4)
#define SHCSR         REG(0xE000ED24)
#define CFSR          REG(0xE000ED28)
#define HFSR          REG(0xE000ED2C)
#define CPACR         REG(0xE000ED88)
#define FPCCR         REG(0xE000EF34)
#define FPCAR         REG(0xE000EF38)
#define DONE          REG(RAM + 4)
#define NOTED         REG(RAM + 8)
#define RESULTS       (RAM + 0x800)
#define ASM(text)     __asm volatile(text::: "memory")
#define NAKED         __attribute__((naked, noinline, used))
#define USED          __attribute__((noinline, used))

enum { WORDS = 256, SECURE_BITS = 0x41, XPSR_SHOWN = 0x0700FFFF };

static void note(uint32_t what)
{
    if (NOTED < WORDS) {
        REG(RESULTS + 4 * NOTED++) = what;
    }
}
static uint32_t ipsr(void)
{
    uint32_t n;
    __asm volatile("mrs %0, ipsr" : "=r"(n));
    return n;
}

/* A handler calls `then` with its EXC_RETURN and its frame. */
#define HANDLER(name, then)                                                                        \
    NAKED static void name(void)                                                                   \
    {                                                                                              \
        ASM("tst lr, #4\n\tite eq\n\tmrseq r1, msp\n\tmrsne r1, psp\n\tmov r0, lr\n\t"             \
            "push {r4, lr}\n\tbl " #then "\n\tpop {r4, pc}");                                      \
    }

NAKED static uint32_t semihosting(uint32_t operation, volatile void *argument)
{
    ASM("bkpt 0xab\n\tbx lr");
}
static void report(void)
{
    DONE = 1;
    for (uint32_t n = 0; n < WORDS; n++) {
        for (uint32_t shift = 32; shift > 0; shift -= 4) {
            volatile char character = "0123456789abcdef"[REG(RESULTS + 4 * n) >> (shift - 4) & 0xF];
            semihosting(3, &character);
        }
    }
    semihosting(0x18, (void *)0x20026);
}

/* The vector table: `fault` takes what has no handler of its own, `irq` the first four. */
#define VECTORS(fault, svc, pendsv, systick, irq)                                                  \
    void reset(void);                                                                              \
    __attribute__((section(".vectors"), used)) static void *const vectors[] = {                    \
        (void *)(RAM + 0x4F00),                                                                    \
        reset,                                                                                     \
        fault,                                                                                     \
        fault,                                                                                     \
        fault,                                                                                     \
        fault,                                                                                     \
        fault,                                                                                     \
        fault,                                                                                     \
        0,                                                                                         \
        0,                                                                                         \
        0,                                                                                         \
        svc,                                                                                       \
        fault,                                                                                     \
        0,                                                                                         \
        pendsv,                                                                                    \
        systick,                                                                                   \
        irq,                                                                                       \
        irq,                                                                                       \
        irq,                                                                                       \
        irq,                                                                                       \
    };
