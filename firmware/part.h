/* SPDX-License-Identifier: MIT */
/* What the loader asks of the part it runs on: its memory. The linker script and part.c answer. */
#ifndef FIRMWARE_PART_H
#define FIRMWARE_PART_H

#include <stddef.h>
#include <stdint.h>

struct part_region {
    uint32_t address;
    uint32_t size;
};

extern const char part_name[];
extern const struct part_region part_flash;
extern const struct part_region part_sram;
extern const struct part_region part_peripherals;

/* The image as programmed: vectors, code, constants, and the initial values of data. */
struct part_region part_image(void);

/* SRAM that nothing else uses: for patches. */
struct part_region part_arena(void);

#endif
