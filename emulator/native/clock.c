/*
 * The virtual clock's inner half: what runs between two events of the machine, once per block.
 *
 * Unicorn calls `clock_block` before each block of guest instructions. It counts them, and stops
 * the engine when the deadline has come or when something that Python must see has changed. Nothing
 * here knows what a board is; emulator/clock.py fills the structure in and reads it back.
 */
#include <string.h>

#include "blocks.h"
#include "core.h"
#include "translation.h"

uint32_t clock_size(void)
{
    return (uint32_t)sizeof(struct clock);
}

/* Tell whether the masks are others. Unprivileged code cannot change them, and reads 0. */
static int masks_changed(struct clock *clock, void *engine)
{
    uint32_t now[MASK_NAMES] = {0};
    void *values[MASK_NAMES] = {&now[0], &now[1], &now[2], &now[3], &now[4]};
    clock->read_registers(engine, clock->mask_names, values, MASK_NAMES);
    const int is_privileged = !(now[3] & 1u) || now[4] != 0;
    return is_privileged && memcmp(now, clock->masks, sizeof clock->masks) != 0;
}

static void stop(struct clock *clock, void *engine, enum clock_stop reason)
{
    clock->reason = reason;
    clock->stop(engine);
}

void clock_begin(struct clock *clock)
{
    clock->last = 0;    /* what ran before does not say why the engine stops now */
    clock->slow_at = 0; /* what a loop polls may have changed since */
    clock->asks_for_context = 1;
}

int clock_passes_deadline(struct clock *clock)
{
    if (clock->deadline == 0 || clock->on_deadline == NULL) {
        return 0;
    }
    clock->on_deadline();
    clock_begin(clock);
    return clock->cycles < clock->deadline;
}

static int table_changed(const struct clock *clock)
{
    return clock->table != NULL && memcmp(clock->table, clock->table_copy, TABLE_SIZE) != 0;
}

/* Whether words that a block sees have changed. */
static inline int its_table_changed(const struct clock *clock, const struct counted *slot)
{
    uint64_t differences = 0;
    for (unsigned pair = slot->first_pair; clock->table != NULL && pair < slot->end_pair; pair++) {
        uint64_t now, then;
        memcpy(&now, clock->table + 8u * pair, sizeof now);
        memcpy(&then, clock->table_copy + 8u * pair, sizeof then);
        differences |= now ^ then;
    }
    return differences != 0;
}

static inline void count(struct clock *clock, const struct counted *slot)
{
    clock->last = slot->noted;
    clock->cycles += slot->instructions;
}

/* Everything that a block may need; 0 where it is not to be executed. It is counted only after
 * every reason to stop has been ruled out. */
static __attribute__((noinline)) int count_slowly(struct clock *clock, void *engine,
                                                  struct counted *slot, uint64_t key)
{
    if (clock->cycles >= clock->deadline && !clock_passes_deadline(clock)) {
        stop(clock, engine, STOP_DEADLINE);
        return 0;
    }
    if (clock->is_called) {
        stop(clock, engine, STOP_CALL);
        return 0;
    }
    if (table_changed(clock)) {
        stop(clock, engine, STOP_TABLE);
        return 0;
    }
    if (clock->is_watching_masks && masks_changed(clock, engine)) {
        stop(clock, engine, STOP_MASKS);
        return 0;
    }
    if (!block_is_unchanged(slot, key)) {
        block_count(clock, slot, key);
    }
    if (slot->coprocessor_at != 0 && clock->asks_for_context &&
        !fp_is_usual(translated.core, slot->is_context_unsure)) {
        clock->stopped_at = block_address(key) + 2u * (slot->coprocessor_at - 1u);
        stop(clock, engine, STOP_COPROCESSOR);
        return 0;
    }
    if ((slot->effects & DIVIDES) && clock->traps_division) {
        clock->stopped_at = block_first_division(clock, block_address(key));
        stop(clock, engine, STOP_DIVISION);
        return 0;
    }
    clock->has_event |= slot->effects & SENDS_EVENT;
    clock->is_exclusive |= slot->effects & IS_EXCLUSIVE;
    if (clock->cycles >= clock->slow_at && !clock->is_watching_masks) {
        block_look(clock, engine, slot);
        if (clock->cycles >= clock->deadline) {
            return count_slowly(clock, engine, slot, key);
        }
    }
    count(clock, slot);
    return 1;
}

static inline struct counted *slot_of(struct clock *clock, uint32_t address)
{
    return &clock->cache[address / 2u % CACHE_SIZE];
}

static inline uint64_t key_of(const struct clock *clock, uint64_t address, uint32_t size)
{
    return address | (uint64_t)size << 32 | clock->generation;
}

/* Whether a block sees one pair of the table's words, and those as they were. */
static inline int sees_the_same(const struct counted *slot, uint64_t key)
{
    uint64_t now;
    if (slot->key != (key | SEES_TABLE)) {
        return 0;
    }
    memcpy(&now, slot->pair.now, sizeof now);
    return now == slot->pair.then;
}

/* Whether a block needs counting only: as most do, and as one that comes again and stores nothing,
 * or that sees the table as it was. */
static inline int is_simple(const struct clock *clock, const struct counted *slot, uint64_t key)
{
    return clock->last == key || slot->key == key || sees_the_same(slot, key);
}

/* Whether nothing but floating-point instructions keeps a block from being simple, and those have a
 * context. */
static inline int only_calculates(const struct clock *clock, const struct counted *slot,
                                  uint64_t key)
{
    return slot->key == (key | NEEDS_MORE) && slot->coprocessor_at != 0 && slot->is_stable &&
           slot->effects == 0 && !clock->asks_for_context;
}

/* A block for which a look at its key is not enough. */
static __attribute__((noinline)) void look_closer(void *engine, uint64_t address, uint32_t size,
                                                  struct clock *clock)
{
    struct counted *slot = slot_of(clock, (uint32_t)address);
    const uint64_t key = key_of(clock, address, size);
    if (clock->cycles < clock->slow_at &&
        ((slot->key == (key | SEES_TABLE) && !its_table_changed(clock, slot)) ||
         only_calculates(clock, slot, key))) {
        count(clock, slot);
    } else if (!count_slowly(clock, engine, slot, key) && engine_functions.stop_if_asked != NULL) {
        __attribute__((musttail)) return engine_functions.stop_if_asked(engine, 0, 0, clock);
    }
}

/*
 * UC_HOOK_BLOCK, called by the guest. What nearly all blocks need is here, the rest in functions of
 * their own, so that the compiler saves no registers on the way that matters. A block that is not
 * to be executed is left from where the guest called: in place of this function's return.
 */
void clock_block(void *engine, uint64_t address, uint32_t size, struct clock *clock)
{
    const struct counted *slot = slot_of(clock, (uint32_t)address);
    const uint64_t key = key_of(clock, address, size);
    if (clock->cycles < clock->slow_at && is_simple(clock, slot, key)) {
        count(clock, slot);
    } else {
        __attribute__((musttail)) return look_closer(engine, address, size, clock);
    }
}

/* UC_HOOK_INTR. */
void clock_interrupt(void *engine, uint32_t number, struct clock *clock)
{
    clock->interrupt = number;
    stop(clock, engine, STOP_INTERRUPT);
}

/* Take back what was counted of the last block from `pc` on, which did not retire. */
void clock_left_block_at(struct clock *clock, uint32_t pc)
{
    if (clock->last == 0) {
        return;
    }
    const uint32_t begin = block_address(clock->last);
    const uint32_t end = begin + block_size(clock->last);
    if (pc >= begin && pc < end) {
        clock->cycles -= block_instructions(clock, pc, end - pc);
        clock->last = 0;
    }
}

uint32_t clock_block_end(const struct clock *clock)
{
    return block_address(clock->last) + block_size(clock->last);
}
