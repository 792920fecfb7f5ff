/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include "part.h"
#include "probe.h"

/* The Private Peripheral Bus: FPB, DWT, SCB, NVIC, SysTick. */
static const struct part_region core_registers = {0xE0000000u, 0x00100000u};

static bool is_inside(uint32_t address, uint32_t length, const struct part_region *region)
{
    return address >= region->address && length <= region->size &&
           address - region->address <= region->size - length;
}

bool memory_may_read(uint32_t address, uint32_t length)
{
    return is_inside(address, length, &part_flash) || is_inside(address, length, &part_sram) ||
           is_inside(address, length, &part_peripherals) ||
           is_inside(address, length, &core_registers);
}

bool memory_may_write(uint32_t address, uint32_t length)
{
    return is_inside(address, length, &part_sram);
}

static size_t width_of(uint32_t address, size_t length)
{
    size_t both = address | length;
    return (both & 3u) == 0 ? 4 : (both & 1u) == 0 ? 2 : 1;
}

size_t memory_read(uint32_t address, void *data, size_t length)
{
    size_t width = width_of(address, length);
    uint8_t *bytes = data;
    size_t done = 0;
    while (done < length &&
           probe_copy(bytes + done, (const void *)(uintptr_t)(address + done), width)) {
        done += width;
    }
    return done;
}

size_t memory_write(uint32_t address, const void *data, size_t length)
{
    size_t width = width_of(address, length);
    const uint8_t *bytes = data;
    size_t done = 0;
    while (done < length && probe_copy((void *)(uintptr_t)(address + done), bytes + done, width)) {
        done += width;
    }
    return done;
}
