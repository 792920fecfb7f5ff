#include "guest.h"

RAM_CODE __attribute__((naked)) uint32_t in_ram(void)
{
    ASM("movs r0, #1\n\tbx lr");
}
typedef uint32_t (*function)(void);
static uint32_t buffer[4];

uint32_t rewritten(uint32_t times)
{
    uint32_t wrong = 0;
    function run = (function)((uintptr_t)buffer | 1);
    for (uint32_t i = 0; i < times; i++) {
        buffer[0] = 0x47702000 | (i & 0xFF); /* movs r0, #i; bx lr */
        BARRIER();
        wrong += run() != (i & 0xFF);
    }
    return wrong;
}
uint32_t rewritten_by_halfwords(uint32_t times)
{
    uint32_t wrong = 0;
    function run = (function)((uintptr_t)buffer | 1);
    REG16((uintptr_t)buffer + 2) = 0x4770;
    for (uint32_t i = 0; i < times; i++) {
        REG8((uintptr_t)buffer + 1) = 0x20, REG8(buffer) = (uint8_t)i;
        BARRIER();
        wrong += run() != (i & 0xFF);
    }
    return wrong;
}
uint32_t rewritten_through_bit_band(void)
{
    function run = (function)((uintptr_t)buffer | 1);
    buffer[0] = 0x47702001;
    uint32_t before = run();
    REG(0x22000000 + ((uintptr_t)buffer - 0x20000000) * 32 + 4 * 2) =
        1; /* bit 2 of its immediate */
    BARRIER();
    return before << 8 | run();
}
uint32_t call_in_ram(void)
{
    return in_ram();
}
