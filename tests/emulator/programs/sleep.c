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
    ASM("sev\n\twfe\n\twfe\n\tyield\n\tnop.w\n\twfe.w\n\tyield.w\n\tsev.w\n\tdbg #0");
    out[0] = 1;
}
void hint_in_it_block(void)
{
    ASM("movs r0, #0\n\tmovs r1, #0\n\tcmp r0, r0\n\titte eq\n\twfeeq\n\tmoveq r0, #1\n\tmovne r1, "
        "#1\n\t"
        "ldr r2, =out\n\tstrd r0, r1, [r2]");
}
