/* A function of six arguments that says who calls it with what, by the firmware's own print. */
#include <stdint.h>

void print_format(const char *format, ...); /* the firmware's: %s %u %X */

/* FPB_INJECT */
uint32_t weigh_6(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e, uint32_t f)
{
    uint32_t caller = (uint32_t)(uintptr_t)__builtin_return_address(0);
    print_format("weigh_6(%u, %u, %u, %u, %u, %u) for 0x%08X\n", a, b, c, d, e, f, caller);
    return 2 * a + 3 * b + 4 * c + 5 * d + 6 * e + 7 * f;
}
