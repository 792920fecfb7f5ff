/*
 * The virtual clock's inner half: what runs between two events of the machine, once per block.
 *
 * Unicorn calls `clock_block` before each block of guest instructions. It counts them, and stops
 * the engine when the deadline has come or when something that Python must see has changed. Nothing
 * here knows what a board is; emulator/clock.py fills the structure in and reads it back.
 */
#include <stdint.h>
#include <string.h>

enum { REGIONS = 16, CACHE_SIZE = 4096, MASKS = 3, CORE_REGISTERS = 16, SPIN_MIN = 4 };
enum { TABLE_SIZE = 32, KEPT_BYTES = 20 };

enum clock_stop {
    STOP_NONE,        /* the guest stopped by itself: WFI, or a fault */
    STOP_DEADLINE,    /* the next block would start at or after the deadline */
    STOP_TABLE,       /* the remap table is no longer what it was */
    STOP_MASKS,       /* PRIMASK, BASEPRI or FAULTMASK is no longer what it was */
    STOP_INTERRUPT,   /* SVC, BKPT or an exception return: its number is in `interrupt` */
    STOP_COPROCESSOR, /* the next block has a floating-point instruction, at `stopped_at` */
    STOP_DIVISION     /* the next block has a division, at `stopped_at`, and they are trapped */
};

/* Of a block: SEV; LDREX and its kind; a write of a stack limit; SDIV or UDIV. */
enum effect { SENDS_EVENT = 1, IS_EXCLUSIVE = 2, SETS_LIMIT = 4, DIVIDES = 8 };

struct region {
    uint32_t begin; /* guest addresses [begin, end) */
    uint32_t end;
    const uint8_t *host; /* what a fetch from `begin` sees */
    uint32_t is_stable;  /* 1: changes only together with `generation` */
    uint32_t reserved;
};

struct counted {
    uint64_t key; /* address, and size << 32 */
    uint32_t generation;
    uint16_t instructions;
    uint8_t is_plain;   /* 1: stable, without an effect and without floating point */
    uint8_t only_loads; /* 1: changes nothing but core registers */
    const uint8_t *host;
    uint8_t bytes[KEPT_BYTES]; /* of a block in RAM: what was counted */
    uint8_t is_stable;         /* 1: in memory that changes only together with the generation */
    uint8_t effects;           /* enum effect */
    uint16_t coprocessor_at;   /* 1 + the halfword of the first floating-point instruction, or 0 */
};

struct clock {
    uint64_t cycles;   /* instructions retired since reset, plus what sleep skipped */
    uint64_t deadline; /* no block starts at or after it */
    int (*stop)(void *engine);
    int (*read_registers)(void *engine, int *names, void **values, int count);
    const uint8_t *table;           /* the remap table in the guest's RAM, or NULL */
    uint8_t table_copy[TABLE_SIZE]; /* what the views of flash were made from */
    uint32_t is_watching_masks;
    uint32_t masks[MASKS]; /* the values at the last stop */
    int mask_names[MASKS]; /* the engine's numbers of the three registers */
    uint32_t reason;       /* enum clock_stop */
    uint32_t interrupt;
    const struct counted *last; /* the block counted last */
    uint32_t generation;        /* raised when a view of flash changes */
    uint32_t repeats;           /* how often in a row the last block was executed before */
    uint32_t is_time_read;      /* the guest has read a register that changes without an event */
    int core_names[CORE_REGISTERS]; /* r0-r12, sp, lr, xpsr: the engine's numbers */
    uint32_t core[CORE_REGISTERS];  /* their values at a repeat */
    uint32_t has_event;             /* the event register: SEV has been executed */
    uint32_t is_exclusive;          /* LDREX has been executed */
    uint32_t has_no_coprocessor;    /* stop before a floating-point instruction */
    uint32_t stopped_at;            /* the address that the reason is about */
    uint32_t traps_division;        /* stop before SDIV and UDIV; changes with `generation` */
    uint32_t is_limit_set;          /* MSPLIM or PSPLIM has been written */
    uint32_t reserved;
    uint32_t region_count;
    struct region regions[REGIONS]; /* earlier ones win */
    struct counted cache[CACHE_SIZE];
};

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

/* DDI 0403E.e A5.1: a halfword whose bits [15:11] are 0b11101, 0b11110 or 0b11111 starts a 32-bit
 * instruction. */
static int is_wide(uint16_t halfword)
{
    return halfword >= 0xE800u;
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

/*
 * Tell whether an instruction changes nothing but core registers. Encodings: DDI 0403E.e A5.2 and
 * A5.3; what is not listed counts as changing something.
 */
static int changes_registers_only(uint16_t first, uint16_t second)
{
    const unsigned opcode = first >> 12;
    switch (opcode) {
    case 0x0:
    case 0x1:
    case 0x2:
    case 0x3:
    case 0xA: /* shift, add, move, compare; address of */
        return 1;
    case 0x4: /* data processing and literal loads, but not BX and BLX */
        return (first & 0xFF00u) != 0x4700u;
    case 0x5: /* register offset: the first three of eight store */
        return (first >> 9 & 7u) >= 3u;
    case 0x6:
    case 0x7:
    case 0x8:
    case 0x9: /* immediate offset: bit 11 loads */
        return first >> 11 & 1;
    case 0xB: /* CBZ and CBNZ, extend, NOP */
        return (first & 0xF500u) == 0xB100u || (first & 0xFF00u) == 0xB200u || first == 0xBF00u;
    case 0xD: /* conditional branch, but not UDF and SVC */
        return (first & 0x0E00u) != 0x0E00u;
    case 0xE:
        return first < 0xE800u || (first & 0xFE00u) == 0xEA00u; /* B; data processing, shifted */
    case 0xF: /* data processing, immediate; B.W; single loads */
        return first < 0xF800u ? (second & 0x8000u) == 0 || (second & 0xD000u) == 0x9000u
                               : (first & 0xFF10u) == 0xF810u;
    default:
        return 0;
    }
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

/* DDI 0403E.e A5.3.18 and A7: coprocessors 10 and 11 are the floating-point extension. */
static int is_floating_point(uint16_t first, uint16_t second)
{
    return (first & 0xEC00u) == 0xEC00u && (second & 0x0E00u) == 0x0A00u;
}

/* SEV, SEV.W; LDREX, and what tells LDREXB, LDREXH and their kind from TBB. DDI 0403E.e A7.7. */
static unsigned effects_of(uint16_t first, uint16_t second)
{
    if (first == 0xBF40u || (first == 0xF3AFu && second == 0x8004u)) {
        return SENDS_EVENT;
    }
    if ((first & 0xFFF0u) == 0xE850u || ((first & 0xFFF0u) == 0xE8D0u && (second & 0x40u))) {
        return IS_EXCLUSIVE;
    }
    if ((first & 0xFFF0u) == 0xF380u && (second & 0xFFFEu) == 0x880Au) {
        return SETS_LIMIT;
    }
    return (first & 0xFFD0u) == 0xFB90u && (second & 0xF0F0u) == 0xF0F0u ? DIVIDES : 0;
}

/* Note what a block has that needs more than counting. */
static void find_effects(const struct clock *clock, struct counted *slot, uint32_t begin,
                         uint32_t size)
{
    const struct region *region = NULL;
    for (uint32_t address = begin; address < begin + size;) {
        const uint16_t first = halfword_at(&region, clock, address);
        const uint16_t second = is_wide(first) ? halfword_at(&region, clock, address + 2u) : 0;
        slot->effects |= (uint8_t)effects_of(first, second);
        if (slot->coprocessor_at == 0 && is_floating_point(first, second)) {
            slot->coprocessor_at = (uint16_t)(1u + (address - begin) / 2u);
        }
        address += is_wide(first) ? 4u : 2u;
    }
    const unsigned harmless = clock->traps_division ? 0 : DIVIDES;
    slot->is_plain =
        slot->is_stable && (slot->effects & ~harmless) == 0 && slot->coprocessor_at == 0;
}

/* Count a block anew. */
static void count_block(const struct clock *clock, struct counted *slot, uint32_t address,
                        uint32_t size)
{
    const struct region *region = find_region(clock, address);
    const int is_stable = region != NULL && region->is_stable;
    const int loads = is_stable && only_loads(clock, address, size);
    *slot = (struct counted){
        .key = address | (uint64_t)size << 32,
        .generation = clock->generation,
        .instructions = (uint16_t)count_instructions(clock, address, size),
        .is_stable = (uint8_t)is_stable,
        .only_loads = (uint8_t)loads,
        .host = region == NULL ? NULL : region->host + (address - region->begin),
    };
    find_effects(clock, slot, address, size);
    if (slot->host != NULL && size <= KEPT_BYTES) {
        memcpy(slot->bytes, slot->host, size);
    }
}

/* Tell whether a block in RAM is still what it was when it was counted. */
static int is_unchanged(const struct counted *slot, uint32_t size)
{
    return size <= KEPT_BYTES && slot->host != NULL && memcmp(slot->bytes, slot->host, size) == 0;
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

static __attribute__((noinline)) int masks_changed(struct clock *clock, void *engine)
{
    uint32_t now[MASKS] = {0, 0, 0};
    void *values[MASKS] = {&now[0], &now[1], &now[2]};
    clock->read_registers(engine, clock->mask_names, values, MASKS);
    return memcmp(now, clock->masks, sizeof now) != 0;
}

static __attribute__((noinline)) void stop(struct clock *clock, void *engine,
                                           enum clock_stop reason)
{
    clock->reason = reason;
    clock->stop(engine);
}

/*
 * A block that only loads, repeats, and leaves every register as it was will do so until an event
 * changes what it loads: a loop that polls. Count the repetitions up to the deadline without
 * executing them. The registers are compared at powers of two, so that a loop that counts costs
 * next to nothing.
 */
static __attribute__((noinline)) void skip_spin(struct clock *clock, void *engine,
                                                uint32_t instructions)
{
    const int saves = (clock->repeats & (clock->repeats - 1u)) == 0;
    uint32_t now[CORE_REGISTERS];
    void *values[CORE_REGISTERS];
    for (unsigned i = 0; i < CORE_REGISTERS; i++) {
        values[i] = &now[i];
    }
    clock->read_registers(engine, clock->core_names, values, CORE_REGISTERS);
    if (saves) {
        memcpy(clock->core, now, sizeof now);
        clock->is_time_read = 0;
    } else if (!clock->is_time_read && memcmp(clock->core, now, sizeof now) == 0) {
        clock->cycles += (clock->deadline - 1u - clock->cycles) / instructions * instructions;
        clock->repeats = 0;
    }
    clock->cycles += instructions;
}

/* Tell whether to look closer at a block that repeats: at powers of two, and right after each. */
static inline int is_worth_a_look(uint32_t repeats)
{
    return repeats >= SPIN_MIN &&
           ((repeats & (repeats - 1u)) == 0 || (repeats & (repeats - 2u)) == 1u);
}

/* Count a block that is new, or in RAM, or has effects of its own. */
static __attribute__((noinline)) void count_slowly(struct clock *clock, void *engine,
                                                   struct counted *slot, uint32_t address,
                                                   uint32_t size)
{
    const uint64_t key = address | (uint64_t)size << 32;
    const int is_known = slot->key == key && slot->generation == clock->generation;
    if (!is_known || !(slot->is_stable || is_unchanged(slot, size))) {
        count_block(clock, slot, address, size);
    }
    if (slot->coprocessor_at != 0 && clock->has_no_coprocessor) {
        clock->stopped_at = address + 2u * (slot->coprocessor_at - 1u);
        stop(clock, engine, STOP_COPROCESSOR);
        return;
    }
    if ((slot->effects & DIVIDES) && clock->traps_division) {
        clock->stopped_at = first_division(clock, address);
        stop(clock, engine, STOP_DIVISION);
        return;
    }
    clock->has_event |= slot->effects & SENDS_EVENT;
    clock->is_exclusive |= slot->effects & IS_EXCLUSIVE;
    clock->is_limit_set |= slot->effects & SETS_LIMIT;
    clock->repeats = 0;
    clock->last = slot;
    clock->cycles += slot->instructions;
}

static __attribute__((noinline)) void count_if_masks_hold(struct clock *clock, void *engine,
                                                          struct counted *slot, uint32_t address,
                                                          uint32_t size)
{
    if (masks_changed(clock, engine)) {
        stop(clock, engine, STOP_MASKS);
    } else {
        count_slowly(clock, engine, slot, address, size);
    }
}

/*
 * UC_HOOK_BLOCK. A block that this stops is not executed, so it is counted only after every reason
 * to stop has been ruled out. What most blocks need is here, the rest in functions of their own, so
 * that the compiler saves no registers on the way that matters.
 */
void clock_block(void *engine, uint64_t address, uint32_t size, struct clock *clock)
{
    struct counted *slot = &clock->cache[(uint32_t)address / 2u % CACHE_SIZE];
    if (clock->cycles >= clock->deadline) {
        stop(clock, engine, STOP_DEADLINE);
    } else if (clock->table != NULL && memcmp(clock->table, clock->table_copy, TABLE_SIZE) != 0) {
        stop(clock, engine, STOP_TABLE);
    } else if (clock->is_watching_masks) {
        count_if_masks_hold(clock, engine, slot, (uint32_t)address, size);
    } else if (!slot->is_plain || slot->key != (address | (uint64_t)size << 32) ||
               slot->generation != clock->generation) {
        count_slowly(clock, engine, slot, (uint32_t)address, size);
    } else if (!slot->only_loads) {
        clock->last = slot;
        clock->cycles += slot->instructions;
    } else if (slot != clock->last) {
        clock->repeats = 0;
        clock->last = slot;
        clock->cycles += slot->instructions;
    } else if (!is_worth_a_look(++clock->repeats)) {
        clock->cycles += slot->instructions;
    } else {
        skip_spin(clock, engine, slot->instructions);
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
    if (clock->last == NULL) {
        return;
    }
    const uint32_t begin = (uint32_t)clock->last->key;
    const uint32_t end = begin + (uint32_t)(clock->last->key >> 32);
    if (pc >= begin && pc < end) {
        clock->cycles -= count_instructions(clock, pc, end - pc);
        clock->last = NULL;
    }
}

/* Return the halfword that a fetch sees, or 0 where nothing is. */
uint32_t clock_halfword_at(const struct clock *clock, uint32_t address)
{
    const struct region *region = NULL;
    return halfword_at(&region, clock, address);
}

/* Return the address behind the block counted last. */
uint32_t clock_block_end(const struct clock *clock)
{
    return clock->last == NULL ? 0
                               : (uint32_t)clock->last->key + (uint32_t)(clock->last->key >> 32);
}
