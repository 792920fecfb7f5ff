/*
 * What of a Thumb instruction the virtual clock must know, by its encoding.
 * Source: Armv7-M Architecture Reference Manual, DDI 0403E.e, A5 and A7.
 */
#ifndef EMULATOR_NATIVE_THUMB_H
#define EMULATOR_NATIVE_THUMB_H

#include <stdint.h>

/* Of a block: SEV; LDREX and its kind; SDIV or UDIV. */
enum effect { SENDS_EVENT = 1, IS_EXCLUSIVE = 2, DIVIDES = 4 };

/* DDI 0403E.e A5.1: a halfword whose bits [15:11] are 0b11101, 0b11110 or 0b11111 starts a 32-bit
 * instruction. */
static inline int is_wide(uint16_t halfword)
{
    return halfword >= 0xE800u;
}

/*
 * Tell whether an instruction changes nothing but core registers. Encodings: DDI 0403E.e A5.2 and
 * A5.3; what is not listed counts as changing something.
 */
static inline int changes_registers_only(uint16_t first, uint16_t second)
{
    const unsigned opcode = first >> 12;
    switch (opcode) {
    case 0x0:
    case 0x1:
    case 0x2:
    case 0x3:
    case 0x4:
    case 0xA: /* shift, add, move, compare; data processing, BX, literal loads; address of */
        return 1;
    case 0x5: /* register offset: the first three of eight store */
        return (first >> 9 & 7u) >= 3u;
    case 0x6:
    case 0x7:
    case 0x8:
    case 0x9: /* immediate offset: bit 11 loads */
        return first >> 11 & 1;
    case 0xB: /* CBZ and CBNZ, extend, NOP */
        return (first & 0xF500u) == 0xB100u || (first & 0xFF00u) == 0xB200u || first == 0xBF00u;
    case 0xD: /* conditional branch, but not UDF and SVC */
        return (first & 0x0E00u) != 0x0E00u;
    case 0xE:
        return first < 0xE800u || (first & 0xFE00u) == 0xEA00u; /* B; data processing, shifted */
    case 0xF: /* data processing, immediate; B.W and BL; single loads */
        return first < 0xF800u ? (second & 0x8000u) == 0 || (second & 0x9000u) == 0x9000u
                               : (first & 0xFF10u) == 0xF810u;
    default:
        return 0;
    }
}

/* DDI 0403E.e A5.3.18 and A7: coprocessors 10 and 11 are the floating-point extension. */
static inline int is_floating_point(uint16_t first, uint16_t second)
{
    return (first & 0xEC00u) == 0xEC00u && (second & 0x0E00u) == 0x0A00u;
}

/* How many instructions IT has executed on a condition; 0 for all others. DDI 0403E.e A7.7. */
static inline unsigned it_length(uint16_t halfword)
{
    const unsigned mask = halfword & 0xFu;
    return (halfword & 0xFF00u) != 0xBF00u || mask == 0 ? 0
           : mask & 1u                                  ? 4
           : mask & 2u                                  ? 3
           : mask & 4u                                  ? 2
                                                        : 1;
}

/* LDM, STM; LDRD, STRD, exclusives, but not TBB and TBH; VLDR, VLDM and their kind: a word at an
 * address that is none is a fault. DDI 0403E.e A3.2.1, A5.2, A5.3. */
static inline int is_always_aligned(uint16_t first, uint16_t second)
{
    if (!is_wide(first)) {
        return first >> 12 == 0xCu;
    }
    if ((first & 0xFFF0u) == 0xE8D0u && (second & 0xE0u) == 0) {
        return 0;
    }
    return (first & 0xFE00u) == 0xE800u || (first & 0xFE00u) == 0xEC00u;
}

/* The bits of an address that must be 0 for STREX, STREXH and their kind; 0 for all others. */
static inline uint32_t exclusive_store_mask(uint16_t first, uint16_t second)
{
    if ((first & 0xFFF0u) == 0xE840u) {
        return 3u;
    }
    return (first & 0xFFF0u) == 0xE8C0u && (second & 0x40u) ? (1u << (second >> 4 & 3u)) - 1u : 0;
}

/* BXNS and BLXNS, of which only a core with the Security Extension knows. */
static inline int is_security_branch(uint16_t halfword)
{
    return (halfword & 0xFF07u) == 0x4704u;
}

/* VLSTM and VLLDM, which are undefined where nothing is Secure. */
static inline int is_lazy_multiple(uint16_t first, uint16_t second)
{
    return (first & 0xFFE0u) == 0xEC20u && second == 0x0A00u;
}

/* TT and TTT, and TTA and TTAT, of which only a core with the Security Extension knows. */
static inline int is_test_target(uint16_t first, uint16_t second)
{
    return (first & 0xFFF0u) == 0xE840u && (second & 0xF03Fu) == 0xF000u;
}

/* LDRT, STRT and their kind, which access as unprivileged code does. DDI 0403E.e A5.3.7 to A5.3.10.
 */
static inline int is_unprivileged(uint16_t first, uint16_t second)
{
    return (first & 0xFE80u) == 0xF800u && (first & 0xFu) != 0xFu && (second & 0x0F00u) == 0x0E00u;
}

/* SEV, SEV.W; LDREX, and what tells LDREXB, LDREXH and their kind from TBB. DDI 0403E.e A7.7. */
static inline unsigned effects_of(uint16_t first, uint16_t second)
{
    if (first == 0xBF40u || (first == 0xF3AFu && second == 0x8004u)) {
        return SENDS_EVENT;
    }
    if ((first & 0xFFF0u) == 0xE850u || ((first & 0xFFF0u) == 0xE8D0u && (second & 0x40u))) {
        return IS_EXCLUSIVE;
    }
    return (first & 0xFFD0u) == 0xFB90u && (second & 0xF0F0u) == 0xF0F0u ? DIVIDES : 0;
}

#endif
