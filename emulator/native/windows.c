/*
 * The windows of the guest's addresses behind which peripherals are: accesses go on to
 * emulator/bus.py. emulator/native/core.py mirrors the structure.
 */
#include "clock.h"

struct window {
    struct clock *clock;
    uint32_t (*read)(uint32_t address, uint32_t size);
    void (*write)(uint32_t address, uint32_t size, uint32_t value);
    uint32_t begin; /* guest address */
    uint32_t reserved;
};

/* uc_mmio_map's callbacks. What is read may be polled: that is looked at from the next block on. */
uint64_t window_read(void *engine, uint64_t offset, unsigned size, const struct window *window)
{
    (void)engine;
    window->clock->slow_at = 0;
    return window->read(window->begin + (uint32_t)offset, size);
}

void window_write(void *engine, uint64_t offset, unsigned size, uint64_t value,
                  const struct window *window)
{
    (void)engine;
    window->write(window->begin + (uint32_t)offset, size, (uint32_t)value);
}
