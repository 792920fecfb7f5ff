/* SPDX-License-Identifier: MIT */
#include "branch.h"

bool branch_encode(uint32_t from, uint32_t to, uint32_t *instruction)
{
    uint32_t offset = to - (from + 4); /* the PC reads as the instruction's address plus 4 */
    if (offset + (1u << 24) >= 1u << 25) {
        return false;
    }
    uint32_t s = offset >> 24 & 1u;
    uint32_t j1 = (~(offset >> 23) ^ s) & 1u; /* I1 = NOT(J1 EOR S), bit 23 of the offset */
    uint32_t j2 = (~(offset >> 22) ^ s) & 1u; /* I2 = NOT(J2 EOR S), bit 22 */
    uint32_t first = 0xF000u | s << 10 | (offset >> 12 & 0x3FFu);
    uint32_t second = 0x9000u | j1 << 13 | j2 << 11 | (offset >> 1 & 0x7FFu);
    *instruction = second << 16 | first;
    return true;
}
