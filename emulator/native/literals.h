/*
 * The words that a literal comparator of the Flash Patch unit shows to a load, and memory's own.
 */
#ifndef EMULATOR_NATIVE_LITERALS_H
#define EMULATOR_NATIVE_LITERALS_H

#include <stdint.h>

enum { LITERALS = 2 };

struct literal {
    const uint8_t *own; /* memory's bytes */
    uint32_t address;
    uint32_t reserved;
};

struct literals {
    uint64_t count;
    struct literal words[LITERALS];
};

#endif
