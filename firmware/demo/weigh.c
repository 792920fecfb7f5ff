/* SPDX-License-Identifier: MIT */
#include "functions.h"
#include "parity.h"

AT_WORD uint32_t weigh_0(void)
{
    return 0;
}

AT_WORD uint32_t weigh_1(uint32_t a)
{
    return 2 * a;
}

AT_WORD uint32_t weigh_2(uint32_t a, uint32_t b)
{
    return 2 * a + 3 * b;
}

AT_WORD uint32_t weigh_3(uint32_t a, uint32_t b, uint32_t c)
{
    return 2 * a + 3 * b + 4 * c;
}

AT_WORD uint32_t weigh_4(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    return 2 * a + 3 * b + 4 * c + 5 * d;
}

AT_WORD uint32_t weigh_5(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e)
{
    return 2 * a + 3 * b + 4 * c + 5 * d + 6 * e;
}

AT_WORD uint32_t weigh_6(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e, uint32_t f)
{
    return 2 * a + 3 * b + 4 * c + 5 * d + 6 * e + 7 * f;
}
