#include "guest.h"

NAKED void straight(void)
{
    ASM(".rept 100\n\tnop\n\t.endr\n\tbx lr");
}
NAKED void wide(void)
{
    ASM(".rept 50\n\tnop.w\n\tnop\n\t.endr\n\tbx lr");
}
NAKED void longer_than_a_block(void)
{
    ASM(".rept 3000\n\tnop\n\t.endr\n\tbx lr");
}
NAKED void loop(uint32_t n)
{
    ASM("1:\n\tsubs r0, #1\n\tbne 1b\n\tbx lr");
}
NAKED void loop_that_loads(uint32_t n)
{
    ASM("mov r1, sp\n\tsub r1, #4\n1:\n\tldr r2, [r1]\n\tsubs r0, #1\n\tbne 1b\n\tbx lr");
}
NAKED void it_block(void)
{
    ASM("cmp r0, r0\n\tite eq\n\tmoveq r0, #1\n\tmovne r0, #2\n\tbx lr");
}
NAKED void peripheral(void)
{
    ASM("ldr r0, =0xE000ED00\n\tldr r1, [r0]\n\tldr r1, [r0, #8]\n\tbx lr");
}
RAM_CODE __attribute__((naked)) void in_ram(void)
{
    ASM(".rept 20\n\tnop\n\t.endr\n\tbx lr");
}
NAKED void svc(void)
{
    ASM("nop\n\tsvc 0\n\tbx lr");
}
NAKED void empty_handler(void)
{
    ASM("bx lr");
}
void prepare(void)
{
    vectors[SVCALL] = empty_handler;
}
