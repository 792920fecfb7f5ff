/* What every guest program of these tests starts with. Addresses are DDI 0403E.e's and ST's. */
#pragma once
#include <stdint.h>

#define REG(address)   (*(volatile uint32_t *)(uintptr_t)(address))
#define REG16(address) (*(volatile uint16_t *)(uintptr_t)(address))
#define REG8(address)  (*(volatile uint8_t *)(uintptr_t)(address))

#define DWT_CTRL      REG(0xE0001000)
#define DWT_CYCCNT    REG(0xE0001004)
#define FP_CTRL       REG(0xE0002000)
#define FP_REMAP      REG(0xE0002004)
#define FP_COMP(n)    REG(0xE0002008 + 4 * (n))
#define SYST_CSR      REG(0xE000E010)
#define SYST_RVR      REG(0xE000E014)
#define SYST_CVR      REG(0xE000E018)
#define NVIC_ISER(n)  REG(0xE000E100 + 4 * (n))
#define NVIC_ICER(n)  REG(0xE000E180 + 4 * (n))
#define NVIC_ISPR(n)  REG(0xE000E200 + 4 * (n))
#define NVIC_ICPR(n)  REG(0xE000E280 + 4 * (n))
#define NVIC_IPR(irq) REG8(0xE000E400 + (irq))
#define ICSR          REG(0xE000ED04)
#define VTOR          REG(0xE000ED08)
#define AIRCR         REG(0xE000ED0C)
#define SCR           REG(0xE000ED10)
#define CCR           REG(0xE000ED14)
#define SHPR(number)  REG8(0xE000ED18 + (number) - 4) /* by exception number */
#define SHCSR         REG(0xE000ED24)
#define CFSR          REG(0xE000ED28)
#define HFSR          REG(0xE000ED2C)
#define DFSR          REG(0xE000ED30)
#define MMFAR         REG(0xE000ED34)
#define BFAR          REG(0xE000ED38)
#define MPU_TYPE      REG(0xE000ED90)
#define MPU_CTRL      REG(0xE000ED94)
#define MPU_RNR       REG(0xE000ED98)
#define MPU_RBAR      REG(0xE000ED9C)
#define MPU_RASR      REG(0xE000EDA0)
#define DEMCR         REG(0xE000EDFC)
#define STIR          REG(0xE000EF00)
#ifdef STM32F405
#define USART1_BASE 0x40011000
#define VECTORS     98
#elif defined STM32L552
#define USART1_BASE 0x40013800
#define VECTORS     124
#else
#define USART1_BASE 0x40013800
#define VECTORS     59
#endif
#define USART1_SR  REG(USART1_BASE)
#define USART1_DR  REG(USART1_BASE + 4)
#define USART1_BRR REG(USART1_BASE + 8)
#define USART1_CR1 REG(USART1_BASE + 12)

#define NAKED     __attribute__((naked, noinline, used))
#define NOINLINE  __attribute__((noinline, used))
#define RAM_CODE  __attribute__((section(".ramcode"), noinline, used))
#define BARRIER() __asm volatile("dsb\n\tisb" ::: "memory")
#define ASM(text) __asm volatile(text::: "memory")

enum {
    NMI = 2,
    HARDFAULT,
    MEMMANAGE,
    BUSFAULT,
    USAGEFAULT,
    SVCALL = 11,
    DEBUGMONITOR,
    PENDSV = 14,
    SYSTICK,
    IRQ0
};

typedef void (*handler)(void);
extern volatile handler
    vectors[VECTORS];               /* in RAM; VTOR points here. A test puts its handlers in. */
extern volatile uint32_t out[32];   /* what a test reads afterwards */
extern volatile uint32_t noted;     /* how many `note` has put into `notes` */
extern volatile uint32_t notes[64]; /* the order in which things happened */
extern uint32_t table[8];           /* the remap table, 32-byte aligned */

static inline void note(uint32_t what)
{
    notes[noted++] = what;
}

/* A handler that keeps the frame, EXC_RETURN and the frame's address in out[16..], and counts; then
 * calls `then`. */
#define FRAME_HANDLER(name, then)                                                                  \
    NAKED void name(void)                                                                          \
    {                                                                                              \
        __asm volatile("tst lr, #4\n\tite eq\n\tmrseq r0, msp\n\tmrsne r0, psp\n\tmov r1, lr\n\t"  \
                       "push {r4, lr}\n\tbl keep_frame\n\tbl " #then "\n\tpop {r4, pc}");          \
    }
enum {
    FRAME = 16,
    FRAME_LR = FRAME + 5,
    FRAME_PC,
    FRAME_XPSR,
    FRAME_EXC_RETURN,
    FRAME_SP,
    FRAME_COUNT
};
extern uint32_t *frame; /* the last one kept, to be changed before the return */
void keep_frame(uint32_t *at, uint32_t exc_return);
