#include "guest.h"

/* LDRT, STRT and their kind: privileged code accesses as unprivileged code would. */
NOINLINE void skip_word(void)
{
    note(CFSR);
    note(CFSR & 1u << 15 ? BFAR : MMFAR);
    CFSR = CFSR;
    frame[6] += 4;
}
FRAME_HANDLER(skips, skip_word)
void faults_are_noted(void)
{
    vectors[MEMMANAGE] = vectors[BUSFAULT] = skips;
    SHCSR = 3u << 16;
}
#define ACCESS(instruction)                                                                        \
    NAKED uint32_t instruction(uint32_t address, uint32_t value)                                   \
    {                                                                                              \
        ASM("sub r2, r0, #4\n\tmov r0, r1\n\t" #instruction " r0, [r2, #4]\n\tbx lr");             \
    }
ACCESS(ldrt)
ACCESS(ldrht)
ACCESS(ldrsht)
ACCESS(ldrbt)
ACCESS(ldrsbt)
ACCESS(strt)
ACCESS(strht)
ACCESS(strbt)
ACCESS(ldr)
ACCESS(str)

/* Loads if `condition` is not 0. */
NAKED uint32_t conditional(uint32_t address, uint32_t condition)
{
    ASM("mov r2, r0\n\tmovs r0, #42\n\tcmp r1, #0\n\titte ne\n\tldrtne r0, [r2]\n\taddne r0, "
        "#1\n\taddeq r0, #2\n\tbx lr");
}
