/* SPDX-License-Identifier: MIT */
#include "match.h"

#include "policy.h"

#define COMP_ADDRESS  0x1FFFFFFCu /* version 1: bits [28:2] of the word's address */
#define REPLACE_LOWER (1u << 30)  /* version 1: a breakpoint in the word's lower halfword */
#define REPLACE_UPPER (2u << 30)
#define BPADDR        0xFFFFFFFEu /* version 2: bits [31:1] of the instruction's address */

static uint32_t remap(uint32_t address)
{
    return (address & COMP_ADDRESS) | MATCH_ENABLE;
}

unsigned match_branch(uint32_t original, uint32_t branch, const uint32_t own[2],
                      struct match matches[2])
{
    if ((original & 2u) == 0 || !POLICY_HAS_PAIRS) {
        matches[0] = (struct match){remap(original), branch};
        return 1;
    }
    matches[0] = (struct match){remap(original), (own[0] & 0xFFFFu) | branch << 16};
    matches[1] = (struct match){remap(original + 2), branch >> 16 | (own[1] & 0xFFFF0000u)};
    return 2;
}

struct match match_breakpoint(uint32_t version, uint32_t original)
{
    if (version > 1) {
        return (struct match){(original & BPADDR) | MATCH_ENABLE, 0};
    }
    uint32_t half = (original & 2u) != 0 ? REPLACE_UPPER : REPLACE_LOWER;
    return (struct match){half | remap(original), 0};
}
