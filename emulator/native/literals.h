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

/* Say that this thread runs an engine of ours, whether that traps every unaligned access, whether
 * accesses were judged, and which words a load may see in place of memory's; and that it no longer
 * does. */
void translate_for_us(int traps_unaligned, int is_judged, const struct literals *literals);
void translate_for_others(void);

#endif
