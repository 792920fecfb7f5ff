/* SPDX-License-Identifier: MIT */
/*
 * What every Cortex-M of Armv7-M and Armv8-M Mainline has: System Control Block, debug, SysTick,
 * NVIC, barriers, PRIMASK. Shapes and names are CMSIS-Core's; the comments give the architecture's.
 */
#ifndef FIRMWARE_CORTEX_M_H
#define FIRMWARE_CORTEX_M_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    volatile uint32_t CPUID;  /* 0x00 CPUID */
    volatile uint32_t ICSR;   /* 0x04 ICSR  */
    volatile uint32_t VTOR;   /* 0x08 VTOR  */
    volatile uint32_t AIRCR;  /* 0x0C AIRCR */
    volatile uint32_t SCR;    /* 0x10 SCR   */
    volatile uint32_t CCR;    /* 0x14 CCR   */
    volatile uint32_t SHP[3]; /* 0x18 SHPR1-SHPR3 */
    volatile uint32_t SHCSR;  /* 0x24 SHCSR */
    volatile uint32_t CFSR;   /* 0x28 CFSR  */
    volatile uint32_t HFSR;   /* 0x2C HFSR  */
    volatile uint32_t DFSR;   /* 0x30 DFSR  */
    volatile uint32_t MMFAR;  /* 0x34 MMFAR */
    volatile uint32_t BFAR;   /* 0x38 BFAR  */
} SCB_Type;

_Static_assert(offsetof(SCB_Type, SHCSR) == 0x24, "SHCSR is at 0xE000ED24");
_Static_assert(offsetof(SCB_Type, BFAR) == 0x38, "BFAR is at 0xE000ED38");

typedef struct {
    volatile uint32_t CTRL;  /* 0x0 SYST_CSR   */
    volatile uint32_t LOAD;  /* 0x4 SYST_RVR   */
    volatile uint32_t VAL;   /* 0x8 SYST_CVR   */
    volatile uint32_t CALIB; /* 0xC SYST_CALIB */
} SysTick_Type;

typedef struct {
    volatile uint32_t DHCSR; /* 0x0 DHCSR */
    volatile uint32_t DCRSR; /* 0x4 DCRSR */
    volatile uint32_t DCRDR; /* 0x8 DCRDR */
    volatile uint32_t DEMCR; /* 0xC DEMCR */
} CoreDebug_Type;

#define SCB       ((SCB_Type *)0xE000ED00u)
#define SysTick   ((SysTick_Type *)0xE000E010u)
#define CoreDebug ((CoreDebug_Type *)0xE000EDF0u)
#define NVIC_ISER ((volatile uint32_t *)0xE000E100u) /* NVIC_ISERn */

#define SCB_CPACR (*(volatile uint32_t *)0xE000ED88u) /* CPACR */

#define SCB_CPACR_CP10_CP11_FULL (0xFu << 20) /* the floating-point unit, for everybody */
#define SCB_AIRCR_VECTKEY        (0x05FAu << 16)
#define SCB_AIRCR_SYSRESETREQ    (1u << 2)
#define SCB_CCR_STKALIGN         (1u << 9)
#define SCB_SHCSR_USGFAULTENA    (1u << 18)
#define SCB_SHCSR_BUSFAULTENA    (1u << 17)
#define SCB_SHCSR_MEMFAULTENA    (1u << 16)
#define SCB_CFSR_BFARVALID       (1u << 15)
#define SCB_CFSR_MMARVALID       (1u << 7)
#define SCB_HFSR_DEBUGEVT        (1u << 31)
#define SCB_DFSR_BKPT            (1u << 1)

#define CoreDebug_DHCSR_C_DEBUGEN (1u << 0)
#define CoreDebug_DEMCR_MON_EN    (1u << 16)

#define SysTick_CTRL_CLKSOURCE (1u << 2)
#define SysTick_CTRL_TICKINT   (1u << 1)
#define SysTick_CTRL_ENABLE    (1u << 0)

/* Complete all stores, then fetch anew. */
static inline void cortex_m_barrier(void)
{
    __asm volatile("dsb\n\tisb" ::: "memory");
}

/* Mask all interrupts; returns what `cortex_m_unmask` takes back, so pairs may nest. */
static inline uint32_t cortex_m_mask(void)
{
    uint32_t primask = 0;
    __asm volatile("mrs %0, primask\n\tcpsid i" : "=r"(primask)::"memory");
    return primask;
}

static inline void cortex_m_unmask(uint32_t primask)
{
    __asm volatile("msr primask, %0" ::"r"(primask) : "memory");
}

static inline void cortex_m_wait_for_interrupt(void)
{
    __asm volatile("dsb\n\twfi" ::: "memory");
}

/* Reset the part; does not return. */
_Noreturn static inline void cortex_m_reset(void)
{
    cortex_m_barrier();
    SCB->AIRCR = SCB_AIRCR_VECTKEY | SCB_AIRCR_SYSRESETREQ;
    cortex_m_barrier();
    for (;;) {
    }
}

#endif
