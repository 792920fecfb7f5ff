/*
 * The virtual clock's state, and what clock.c tells of it. emulator/native/clock.py mirrors the
 * structures.
 */
#ifndef EMULATOR_NATIVE_CLOCK_H
#define EMULATOR_NATIVE_CLOCK_H

#include <stdint.h>

enum { REGIONS = 16, CACHE_SIZE = 4096, MASKS = 3, MASK_NAMES = 5, CORE_REGISTERS = 16 };
enum { TABLE_SIZE = 32, COMPARATORS = 8, KEPT_BYTES = 24 };

enum clock_stop {
    STOP_NONE,        /* the guest stopped by itself: WFI, or a fault */
    STOP_DEADLINE,    /* the next block would start at or after the deadline */
    STOP_TABLE,       /* the remap table is no longer what it was */
    STOP_MASKS,       /* PRIMASK, BASEPRI or FAULTMASK is no longer what it was */
    STOP_INTERRUPT,   /* SVC, BKPT or an exception return: its number is in `interrupt` */
    STOP_COPROCESSOR, /* the next block has a floating-point instruction, at `stopped_at` */
    STOP_DIVISION,    /* the next block has a division, at `stopped_at`, and they are trapped */
    STOP_CALL         /* `is_called` */
};

struct region {
    uint32_t begin; /* guest addresses [begin, end) */
    uint32_t end;
    const uint8_t *host; /* what a fetch from `begin` sees */
    uint32_t is_stable;  /* 1: changes only together with `generation` */
    uint32_t reserved;
};

/*
 * A block's key: its address, its size << 32, and the generation of the views it was counted in,
 * which is a multiple of 1 << 44. Address and size are even; in their lowest bits a slot says where
 * counting is not enough: then no key that `clock_block` looks for first is equal to it.
 */
#define NEEDS_MORE ((uint64_t)1)
#define SEES_TABLE ((uint64_t)1 << 32) /* executes or loads words of the remap table */
#define KEY_MARKS  (NEEDS_MORE | SEES_TABLE)

struct counted {
    uint64_t key;
    uint64_t noted; /* as `last` has it: the key itself where the block may come again unseen */
    uint64_t instructions;
    const uint8_t *host;
    uint16_t coprocessor_at; /* 1 + the halfword of the first floating-point instruction, or 0 */
    uint8_t only_loads;      /* 1: changes nothing but core registers */
    uint8_t is_stable;       /* 1: in memory that changes only together with the generation */
    uint8_t effects;         /* enum effect */
    uint8_t first_pair;      /* of the remap table's words: those that it sees */
    uint8_t end_pair;
    uint8_t is_context_unsure; /* has one on a condition, and others behind it */
    union {
        uint8_t bytes[KEPT_BYTES]; /* of a block in RAM: what was counted */
        struct {                   /* of one in flash that sees a single pair of those words */
            const uint8_t *now;
            uint64_t then;
        } pair;
    };
};

struct clock {
    uint64_t cycles;      /* instructions retired since reset, plus what sleep skipped */
    uint64_t deadline;    /* no block starts at or after it */
    uint64_t slow_at;     /* the deadline or before; blocks that start at or after it need more */
    uint64_t generation;  /* raised when a view of flash changes */
    const uint8_t *table; /* the remap table in the guest's RAM, or NULL; it and its copy change
                             with `generation` */
    uint64_t last;        /* the key of the block counted last, or 0 */
    uint8_t table_copy[TABLE_SIZE]; /* what the views of flash were made from */
    int (*stop)(void *engine);
    void (*on_deadline)(void); /* has happen what is due; it may set a later deadline, or 0 */
    int (*read_registers)(void *engine, int *names, void **values, int count);
    uint64_t idle;         /* of `cycles`: passed without an instruction being executed */
    uint64_t looked_key;   /* the block that a look began with, or 0 */
    uint64_t looked_cycle; /* when that was */
    uint32_t interval;     /* cycles between two looks */
    uint32_t window;       /* cycles for a look's loop to come back, before it begins again */
    uint32_t is_called;    /* stop before the next block: an exception may be due */
    uint32_t is_watching_masks;
    uint32_t masks[MASKS];      /* the values at the last stop */
    int mask_names[MASK_NAMES]; /* the engine's numbers of these, and of CONTROL and IPSR */
    uint32_t reason;            /* enum clock_stop */
    uint32_t interrupt;
    uint32_t is_time_read; /* the guest has read a register that changes without an event */
    int core_names[CORE_REGISTERS]; /* r0-r12, sp, lr, xpsr: the engine's numbers */
    uint32_t core[CORE_REGISTERS];  /* their values when the look began */
    uint32_t has_event;             /* the event register: SEV has been executed */
    uint32_t is_exclusive;          /* LDREX has been executed */
    uint32_t asks_for_context;      /* ask whether a floating-point instruction may be executed */
    uint32_t stopped_at;            /* the address that the reason is about */
    uint32_t traps_division;        /* stop before SDIV and UDIV; changes with `generation` */
    uint32_t remapped[COMPARATORS]; /* the words fetched from the table, or 1; this and what follows
                                       change with `generation` */
    uint32_t is_table_read;         /* data reads see words of the table, too */
    uint32_t region_count;
    struct region regions[REGIONS]; /* earlier ones win */
    struct counted cache[CACHE_SIZE];
};

/* Begin to execute: look anew at what the guest does. */
void clock_begin(struct clock *clock);

/* The deadline has come: have happen what is due. Whether the guest may go on. */
int clock_passes_deadline(struct clock *clock);

/* Return the halfword that a fetch sees, or 0 where nothing is. */
uint32_t clock_halfword_at(const struct clock *clock, uint32_t address);

/* Return the address behind the block counted last. */
uint32_t clock_block_end(const struct clock *clock);

#endif
