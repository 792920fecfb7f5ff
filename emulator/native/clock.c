/*
 * The virtual clock's inner half: what runs between two events of the machine, once per block.
 *
 * Unicorn calls `clock_block` before each block of guest instructions. It counts them, and stops
 * the engine when the deadline has come or when something that Python must see has changed. Nothing
 * here knows what a board is; emulator/clock.py fills the structure in and reads it back.
 */
#include <string.h>

#include "clock.h"
#include "thumb.h"
#include "translation.h"

enum { FIRST_LOOK = 8, RAREST_LOOK = 4096, LONGEST_LOOP = 64 }; /* cycles */

uint32_t clock_size(void)
{
    return (uint32_t)sizeof(struct clock);
}

static const struct region *find_region(const struct clock *clock, uint32_t address)
{
    for (uint32_t i = 0; i < clock->region_count; i++) {
        const struct region *region = &clock->regions[i];
        if (address >= region->begin && address < region->end) {
            return region;
        }
    }
    return NULL;
}

static uint16_t halfword_at(const struct region **region, const struct clock *clock,
                            uint32_t address)
{
    uint16_t halfword = 0;
    if (*region == NULL || address < (*region)->begin || address >= (*region)->end) {
        *region = find_region(clock, address);
    }
    if (*region != NULL) {
        memcpy(&halfword, (*region)->host + (address - (*region)->begin), sizeof halfword);
    }
    return halfword;
}

static uint32_t count_instructions(const struct clock *clock, uint32_t address, uint32_t size)
{
    uint32_t instructions = 0;
    const struct region *region = NULL;
    for (const uint32_t end = address + size; address < end; instructions++) {
        address += is_wide(halfword_at(&region, clock, address)) ? 4u : 2u;
    }
    return instructions;
}

static int only_loads(const struct clock *clock, uint32_t address, uint32_t size)
{
    const struct region *region = NULL;
    for (const uint32_t end = address + size; address < end;) {
        const uint16_t first = halfword_at(&region, clock, address);
        const uint16_t second = is_wide(first) ? halfword_at(&region, clock, address + 2u) : 0;
        if (!changes_registers_only(first, second)) {
            return 0;
        }
        address += is_wide(first) ? 4u : 2u;
    }
    return 1;
}

static uint32_t address_of(uint64_t key)
{
    return (uint32_t)(key & ~KEY_MARKS);
}

static uint32_t size_of(uint64_t key)
{
    return (uint32_t)((key & ~KEY_MARKS) >> 32) & 0xFFFu;
}

/* Note what a block has that needs more than counting. */
static void find_effects(const struct clock *clock, struct counted *slot)
{
    const uint32_t begin = address_of(slot->key);
    const struct region *region = NULL;
    for (uint32_t address = begin; address < begin + size_of(slot->key);) {
        const uint16_t first = halfword_at(&region, clock, address);
        const uint16_t second = is_wide(first) ? halfword_at(&region, clock, address + 2u) : 0;
        slot->effects |= effects_of(first, second);
        if (slot->coprocessor_at == 0 && is_floating_point(first, second)) {
            slot->coprocessor_at = (uint16_t)(1u + (address - begin) / 2u);
        }
        address += is_wide(first) ? 4u : 2u;
    }
}

/* Note which words of the remap table a block executes, or may load, in pairs. */
static void find_table(const struct clock *clock, struct counted *slot)
{
    const uint32_t begin = address_of(slot->key), end = begin + size_of(slot->key);
    for (uint8_t i = 0; i < COMPARATORS; i++) {
        const uint32_t word = clock->remapped[i];
        if (clock->is_table_read || (!(word & 1u) && word < end && word + 4u > begin)) {
            slot->first_pair = slot->end_pair == 0 ? i / 2u : slot->first_pair;
            slot->end_pair = i / 2u + 1u;
        }
    }
}

/* Count a block anew. */
static void count_block(const struct clock *clock, struct counted *slot, uint64_t key)
{
    const uint32_t address = address_of(key), size = size_of(key);
    const struct region *region = find_region(clock, address);
    const int is_stable = region != NULL && region->is_stable;
    *slot = (struct counted){
        .key = key,
        .host = region == NULL ? NULL : region->host + (address - region->begin),
        .instructions = count_instructions(clock, address, size),
        .only_loads = is_stable && only_loads(clock, address, size),
        .is_stable = (uint8_t)is_stable,
    };
    find_effects(clock, slot);
    find_table(clock, slot);
    const unsigned harmless = clock->traps_division ? 0 : DIVIDES;
    if (!is_stable || (slot->effects & ~harmless) != 0 || slot->coprocessor_at != 0) {
        slot->key |= NEEDS_MORE;
    }
    slot->noted = slot->key;
    if (slot->end_pair != 0) {
        slot->key |= SEES_TABLE;
        slot->noted |= slot->only_loads ? 0 : SEES_TABLE;
    }
    if (slot->host != NULL && size <= KEPT_BYTES) {
        memcpy(slot->bytes, slot->host, size);
    }
}

/* Tell whether a block is still what it was when it was counted. */
static int is_unchanged(const struct counted *slot, uint64_t key)
{
    const uint32_t size = size_of(key);
    return (slot->key & ~KEY_MARKS) == key &&
           (slot->is_stable || (size <= KEPT_BYTES && slot->host != NULL &&
                                memcmp(slot->bytes, slot->host, size) == 0));
}

static uint32_t first_division(const struct clock *clock, uint32_t address)
{
    const struct region *region = NULL;
    for (;;) {
        const uint16_t first = halfword_at(&region, clock, address);
        if (effects_of(first, halfword_at(&region, clock, address + 2u)) == DIVIDES) {
            return address;
        }
        address += is_wide(first) ? 4u : 2u;
    }
}

static int masks_changed(struct clock *clock, void *engine)
{
    uint32_t now[MASKS] = {0, 0, 0};
    void *values[MASKS] = {&now[0], &now[1], &now[2]};
    clock->read_registers(engine, clock->mask_names, values, MASKS);
    return memcmp(now, clock->masks, sizeof now) != 0;
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
static void look(struct clock *clock, void *engine, const struct counted *slot)
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
    if (!is_unchanged(slot, key)) {
        count_block(clock, slot, key);
    }
    if (slot->coprocessor_at != 0 && clock->has_no_coprocessor) {
        clock->stopped_at = address_of(key) + 2u * (slot->coprocessor_at - 1u);
        stop(clock, engine, STOP_COPROCESSOR);
        return 0;
    }
    if ((slot->effects & DIVIDES) && clock->traps_division) {
        clock->stopped_at = first_division(clock, address_of(key));
        stop(clock, engine, STOP_DIVISION);
        return 0;
    }
    clock->has_event |= slot->effects & SENDS_EVENT;
    clock->is_exclusive |= slot->effects & IS_EXCLUSIVE;
    clock->is_limit_set |= slot->effects & SETS_LIMIT;
    if (clock->cycles >= clock->slow_at && !clock->is_watching_masks) {
        look(clock, engine, slot);
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
static inline int sees_the_same(const struct clock *clock, const struct counted *slot, uint64_t key)
{
    if (slot->key != (key | SEES_TABLE) || slot->end_pair - slot->first_pair != 1 ||
        clock->table == NULL) {
        return 0;
    }
    const unsigned at = 8u * slot->first_pair;
    return memcmp(clock->table + at, clock->table_copy + at, 8) == 0;
}

/* Whether a block needs counting only: as most do, and as one that comes again and stores nothing,
 * or that sees the table as it was. */
static inline int is_simple(const struct clock *clock, const struct counted *slot, uint64_t key)
{
    return clock->last == key || slot->key == key || sees_the_same(clock, slot, key);
}

/* A block for which a look at its key is not enough. */
static __attribute__((noinline)) void look_closer(void *engine, uint64_t address, uint32_t size,
                                                  struct clock *clock)
{
    struct counted *slot = slot_of(clock, (uint32_t)address);
    const uint64_t key = key_of(clock, address, size);
    if (slot->key == (key | SEES_TABLE) && clock->cycles < clock->slow_at &&
        !its_table_changed(clock, slot)) {
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
    const uint32_t begin = address_of(clock->last);
    const uint32_t end = begin + size_of(clock->last);
    if (pc >= begin && pc < end) {
        clock->cycles -= count_instructions(clock, pc, end - pc);
        clock->last = 0;
    }
}

uint32_t clock_halfword_at(const struct clock *clock, uint32_t address)
{
    const struct region *region = NULL;
    return halfword_at(&region, clock, address);
}

uint32_t clock_block_end(const struct clock *clock)
{
    return address_of(clock->last) + size_of(clock->last);
}
