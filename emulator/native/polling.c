/* Loops that only poll: found, and counted without being executed. */
#include <string.h>

#include "blocks.h"

enum { FIRST_LOOK = 8, RAREST_LOOK = 4096, LONGEST_LOOP = 64 }; /* cycles */

static void look_later(struct clock *clock)
{
    clock->looked_key = 0;
    clock->interval =
        clock->interval < RAREST_LOOK ? clock->interval + clock->interval / 2u : RAREST_LOOK;
    clock->slow_at = clock->cycles + clock->interval;
    if (clock->slow_at > clock->deadline) {
        clock->slow_at = clock->deadline;
    }
}

/*
 * Blocks that only load, and come back to the first of them with every register as it was, will do
 * so until an event changes what they load: a loop that polls. Count its repetitions up to the
 * deadline without executing them. `slow_at` has a loop looked at as soon as the guest runs or
 * reads a register, and then ever less often, so that one that does something costs next to
 * nothing.
 */
void block_look(struct clock *clock, void *engine, const struct counted *slot)
{
    const uint64_t cycles = clock->cycles;
    if (clock->last == 0) { /* the guest has begun to run */
        clock->looked_key = 0;
        clock->interval = FIRST_LOOK;
    }
    const int has_begun = clock->looked_key != 0, is_back = clock->looked_key == slot->key;
    const int is_lost = has_begun && !is_back && cycles - clock->looked_cycle > clock->window;
    clock->window = !has_begun ? FIRST_LOOK : is_lost ? 2u * clock->window : clock->window;
    if (!slot->only_loads || clock->window > LONGEST_LOOP) {
        look_later(clock);
        return;
    }
    clock->slow_at = 0;
    if (has_begun && !is_back && !is_lost) {
        return;
    }
    uint32_t now[CORE_REGISTERS];
    void *values[CORE_REGISTERS];
    for (unsigned i = 0; i < CORE_REGISTERS; i++) {
        values[i] = &now[i];
    }
    clock->read_registers(engine, clock->core_names, values, CORE_REGISTERS);
    if (!is_back) { /* begin, or begin again from here: the loop may lie ahead */
        clock->looked_key = slot->key;
        clock->looked_cycle = cycles;
        clock->is_time_read = 0;
        memcpy(clock->core, now, sizeof now);
        return;
    }
    if (!clock->is_time_read && memcmp(clock->core, now, sizeof now) == 0) {
        const uint64_t loop = cycles - clock->looked_cycle;
        /* Only before a block is a deadline seen: in a loop of one, before each repetition. */
        const uint64_t ahead = clock->deadline - cycles + (loop == slot->instructions) * loop;
        const uint64_t skipped = (ahead - 1u) / loop * loop;
        clock->cycles += skipped;
        clock->idle += skipped;
    }
    look_later(clock);
}
