/* SPDX-License-Identifier: MIT */
/* Every way of passing arguments and results: types, and what each call passes. */
#ifndef TESTS_ABI_H
#define TESTS_ABI_H

#include <stdarg.h>
#include <stdint.h>

struct byte_pair { /* fits one register */
    uint8_t a;
    uint16_t b;
};

struct words { /* as an argument: four words in registers, two on the stack */
    uint32_t v[6];
};

struct mixed { /* 8-byte aligned */
    uint8_t a;
    uint64_t b;
};

struct zeros { /* constants beside a function would align it to words */
    float single;
    double twice;
};

#define CALLS 22

#endif
