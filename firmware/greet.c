/* SPDX-License-Identifier: MIT */
#include "greet.h"

#include "parity.h"

AT_WORD const char *greet(void)
{
    return "Hello from flash";
}
