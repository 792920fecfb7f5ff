/* SPDX-License-Identifier: MIT */
#include "functions.h"
#include "parity.h"

AT_HALFWORD(digits_0) uint32_t digits_0(void)
{
    return 7;
}

AT_HALFWORD(digits_1) uint32_t digits_1(uint32_t a)
{
    return 70 + a;
}

AT_HALFWORD(digits_2) uint32_t digits_2(uint32_t a, uint32_t b)
{
    return (70 + a) * 10 + b;
}

AT_HALFWORD(digits_3) uint32_t digits_3(uint32_t a, uint32_t b, uint32_t c)
{
    return ((70 + a) * 10 + b) * 10 + c;
}

AT_HALFWORD(digits_4) uint32_t digits_4(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    return (((70 + a) * 10 + b) * 10 + c) * 10 + d;
}

AT_HALFWORD(digits_5)
uint32_t digits_5(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e)
{
    return ((((70 + a) * 10 + b) * 10 + c) * 10 + d) * 10 + e;
}

AT_HALFWORD(digits_6)
uint32_t digits_6(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e, uint32_t f)
{
    return (((((70 + a) * 10 + b) * 10 + c) * 10 + d) * 10 + e) * 10 + f;
}
