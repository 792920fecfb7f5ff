/* SPDX-License-Identifier: MIT */
/* One access that may fault, without taking the program with it. */
#ifndef FIRMWARE_PROBE_H
#define FIRMWARE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copy 1, 2 or 4 bytes in one access each; false if either access faulted. */
bool probe_copy(volatile void *to, const volatile void *from, size_t width);

/* For the fault handler: true if `pc` is inside the access, then `*resume` is where to go on. */
bool probe_recover(uint32_t pc, uint32_t *resume);

#endif
