/* SPDX-License-Identifier: MIT */
/* The part's memory, and what the linker made of it. */
#include "part.h"

#include "device.h"

extern const char image_start[], image_end[];
extern const char arena_start[], arena_end[];

const char part_name[] = DEVICE_NAME;
const struct part_region part_flash = {0x08000000u, DEVICE_FLASH_SIZE};
const struct part_region part_sram = {0x20000000u, DEVICE_SRAM_SIZE};
const struct part_region part_peripherals = {0x40000000u, 0x20000000u};

static struct part_region between(const char *start, const char *end)
{
    uint32_t address = (uint32_t)(uintptr_t)start;
    return (struct part_region){address, (uint32_t)(uintptr_t)end - address};
}

struct part_region part_image(void)
{
    return between(image_start, image_end);
}

struct part_region part_arena(void)
{
    return between(arena_start, arena_end);
}
