#include "guest.h"

static void on_tick(void)
{
    note(DWT_CYCCNT);
}
void sleeps(uint32_t primask)
{
    vectors[SYSTICK] = on_tick;
    DEMCR = 1u << 24;
    DWT_CTRL = 1;
    SYST_RVR = 9999;
    SYST_CVR = 0;
    SYST_CSR = 7;
    DWT_CYCCNT = 0;
    if (primask) {
        ASM("cpsid i");
    }
    ASM("wfi");
    out[0] = DWT_CYCCNT;
    SYST_CSR = 0;
    ASM("cpsie i");
    out[1] = DWT_CYCCNT;
}
void hints(void)
{
    ASM("sev\n\twfe\n\tyield\n\tnop.w\n\tsev.w\n\twfe.w\n\tyield.w\n\tsev\n\tdbg #0");
    out[0] = 1;
}
void hint_in_it_block(void)
{
    ASM("sev\n\tmovs r0, #0\n\tmovs r1, #0\n\tcmp r0, r0\n\titte eq\n\twfeeq\n\tmoveq r0, "
        "#1\n\tmovne r1, "
        "#1\n\t"
        "ldr r2, =out\n\tstrd r0, r1, [r2]");
}

/* The event register: what sets it, and that WFE clears it. */
static void on_pendsv(void)
{
}
void waits_for_event(uint32_t how)
{
    DEMCR = 1u << 24;
    DWT_CTRL = 1;
    vectors[PENDSV] = on_pendsv, vectors[SYSTICK] = on_tick;
    ASM("sev\n\twfe"); /* clear */
    SYST_RVR = 9999;
    SYST_CVR = 0;
    SYST_CSR = 7;
    DWT_CYCCNT = 0;
    if (how == 1) {
        ASM("sev");
    } else if (how == 2) {
        ICSR = 1u << 28;
        BARRIER();
    } else if (how == 3 || how == 4) {
        SCR = how == 4 ? 1u << 4 : 0; /* SEVONPEND */
        NVIC_ISPR(0) = 1;             /* not enabled */
        BARRIER();
    }
    ASM("wfe");
    out[0] = DWT_CYCCNT;
    ASM("wfe"); /* the event is used up: until the next tick */
    out[1] = DWT_CYCCNT;
    SYST_CSR = 0;
}
void wfe_with_primask(uint32_t sevonpend)
{
    DEMCR = 1u << 24;
    DWT_CTRL = 1;
    SCR = sevonpend << 4;
    SYST_RVR = 999;
    SYST_CVR = 0;
    ASM("cpsid i\n\tsev\n\twfe");
    SYST_CSR = 7;
    ASM("wfe");
    out[0] = 1;
}
static void on_tick_that_counts(void)
{
    if (++out[1] == 3) {
        SCR = 0;
    }
}
void sleeps_on_exit(void)
{
    vectors[SYSTICK] = on_tick_that_counts;
    SYST_RVR = 999;
    SYST_CVR = 0;
    SCR = 1u << 1;
    SYST_CSR = 7;
    ASM("wfi");
    out[0] = out[1]; /* reached only after the handler clears SLEEPONEXIT */
    SYST_CSR = 0;
}
