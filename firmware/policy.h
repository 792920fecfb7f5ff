/* SPDX-License-Identifier: MIT */
/*
 * Which loader this is. Level 2 is ours. Level 1 is a stand-in for the boards in the field, with
 * their limits and their leniency, so that a host can be tested against them without one.
 */
#ifndef FIRMWARE_POLICY_H
#define FIRMWARE_POLICY_H

#ifndef POLICY_LEVEL
#define POLICY_LEVEL 2
#endif

#if POLICY_LEVEL == 2
#define POLICY_NAME        "FPBInject v1.6.0"
#define POLICY_LINE_USABLE 1535u
#define POLICY_RING_SIZE   512u /* a power of two: 44 ms of a line that never pauses */
#define POLICY_RING_USABLE 512u
#define POLICY_ALIGNMENT   8u /* AAPCS: the largest alignment a C type asks for */
#define POLICY_ARENA_SKIP  0u
#else
#define POLICY_NAME        "FPBInject v1.5.6"
#define POLICY_LINE_USABLE 511u
#define POLICY_RING_SIZE   128u
#define POLICY_RING_USABLE 127u
#define POLICY_ALIGNMENT   1u
#define POLICY_ARENA_SKIP  5u /* allocations begin at any address */
#endif

/* Level 1 runs what is left of a line that was too long or lost bytes, reads a number as far as it
 * is one, takes no notice of options it does not know, and knows no tags. */
#define POLICY_IS_STRICT (POLICY_LEVEL == 2)

/* Level 1 has one comparator for a function at address%4 == 2, and its branch lands wrong. */
#define POLICY_HAS_PAIRS (POLICY_LEVEL == 2)

/* The first dpatch of level 1 forgets what the other comparators match. */
#define POLICY_DPATCH_CLEARS (POLICY_LEVEL == 1)

#endif
