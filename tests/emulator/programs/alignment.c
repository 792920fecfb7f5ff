#include "guest.h"

/* Which accesses must be aligned: some always, all of them while CCR.UNALIGN_TRP is set; a
 * UsageFault otherwise, and nothing has changed. DDI 0403E.e A3.2.1, B3.2. */
#define UNALIGN_TRP (1u << 3)
#define CPACR       REG(0xE000ED88)

volatile uint32_t words[8] = {0x03020100, 0x07060504, 0x0B0A0908, 0x0F0E0D0C};
uint32_t width; /* of the access that is tried */

NOINLINE void skip_it(void)
{
    note(CFSR);
    CFSR = CFSR;
    frame[6] += width;
}
FRAME_HANDLER(skips, skip_it)

/* One access at r0, of two words at most: in r2 and r3, which are 42 and 43 before. Returns the sum
 * of both, with the address behind it in out[0]. */
#define ACCESS(name, instruction)                                                                  \
    NAKED uint32_t name(uint32_t address)                                                          \
    {                                                                                              \
        ASM(".fpu fpv4-sp-d16\n\tpush {r4, lr}\n\tmovs r1, #0\n\tmovs r2, #42\n\tmovs r3, "        \
            "#43\n\t.global " #name "_itself\n" #name "_itself:\n\t" instruction                   \
            "\n\tldr r1, =out\n\tstr r0, [r1]\n\tadd r0, r2, r3\n\tpop {r4, pc}\n\t.ltorg");       \
    }
ACCESS(ldm, "ldm.n r0!, {r2, r3}")
ACCESS(stm, "stm.n r0!, {r2, r3}")
ACCESS(ldm_wide, "ldm.w r0, {r2, r3}")
ACCESS(ldmdb, "ldmdb r0!, {r2, r3}")
ACCESS(stmdb, "stmdb r0!, {r2, r3}")
ACCESS(ldrd, "ldrd r2, r3, [r0]")
ACCESS(ldrd_after, "ldrd r2, r3, [r0], #8")
ACCESS(strd, "strd r2, r3, [r0]")
ACCESS(strd_before, "strd r2, r3, [r0, #8]!")
ACCESS(vldr, "vldr s0, [r0]")
ACCESS(vldr_double, "vldr d0, [r0]")
ACCESS(vstm, "vstm r0!, {s0-s1}")
ACCESS(ldr, "ldr.n r2, [r0]")
ACCESS(str, "str.n r2, [r0]")
ACCESS(ldr_wide, "ldr.w r2, [r0], #4")
ACCESS(str_wide, "str.w r2, [r0, #4]!")
ACCESS(ldr_indexed, "ldr.n r2, [r0, r1]")
ACCESS(ldrh, "ldrh.n r2, [r0]")
ACCESS(ldrsh, "ldrsh.w r2, [r0]")
ACCESS(strh, "strh.n r2, [r0]")
ACCESS(ldrb, "ldrb.n r2, [r0]")
ACCESS(strb, "strb.n r2, [r0]")
ACCESS(strex, "strex r2, r3, [r0]")
ACCESS(strexh, "strexh r2, r3, [r0]")
ACCESS(ldr_in_it, "cmp r1, #0\n\titet eq\n\tmoveq r3, #1\n\tldrne r2, [r0]\n\tldreq r2, [r0]")

/* An instruction whose second halfword is 0 comes before. */
NAKED uint32_t loads_behind_zero(uint32_t address)
{
    ASM("mov r2, r0\n\tbic r0, #3\n\tldr.w r0, [r0]\n\tldm.n r2!, {r0, r3}\n\tbx lr");
}

/* Try an access, `of` bytes wide as an instruction. */
uint32_t tries(uint32_t (*access)(uint32_t), uint32_t address, uint32_t of, uint32_t trap)
{
    width = of;
    vectors[USAGEFAULT] = skips;
    SHCSR = 1u << 18;
    CCR = (CCR & ~UNALIGN_TRP) | (trap ? UNALIGN_TRP : 0);
    BARRIER();
    return access(address);
}
void fpu_on(void)
{
    CPACR |= 0xFu << 20;
    BARRIER();
}
