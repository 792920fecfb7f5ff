/*
 * A core's state for core.c and frames.c. emulator/native/core.py mirrors the structures.
 */
#ifndef EMULATOR_NATIVE_CORE_H
#define EMULATOR_NATIVE_CORE_H

#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "fp_context.h"
#include "literals.h"

enum { MEMORIES = 12, FRAME_WORDS = 8, FRAME_SIZE = 4 * FRAME_WORDS };
enum { PC = 6, XPSR = 7 };                  /* in a frame: r0-r3, r12, lr, return address, xPSR */
enum { NUMBERS = 512 };                     /* of exceptions */
enum { MSPLIM = 10, PSPLIM, CONTROL = 20 }; /* special registers, as MSR has them */

#define XPSR_T            (1u << 24)
#define XPSR_IPSR         0x1FFu
#define XPSR_IT           (3u << 25 | 0x3Fu << 10)
#define NPRIV             (1u << 0) /* CONTROL */
#define HARDFAULT         3u        /* in IPSR: Handler mode, where everything can be accessed */
#define RETURNS_ON_PSP    (1u << 2) /* EXC_RETURN */
#define RETURNS_TO_THREAD (1u << 3)
#define RETURNS_BASIC     (1u << 4) /* the frame has no floating-point context */

struct memory {
    uint32_t begin; /* guest addresses [begin, end) */
    uint32_t end;
    uint8_t *host;
    uint32_t is_writable;
    uint32_t reserved;
};

/*
 * What the core may do by itself between two looks of emulator/interrupts.py, which knows the rest;
 * and what of it the core has done. 0 is no exception.
 */
struct interrupts {
    uint64_t began_at;      /* cycles */
    uint32_t next;          /* nothing but the masks holds it back, and nothing else is going on */
    uint32_t vtor;          /* VTOR */
    uint32_t stkalign;      /* CCR.STKALIGN */
    uint32_t alone;         /* it is active, no other is, and none could be taken */
    uint32_t may_sleep;     /* none could be taken: WFI waits for the next event */
    uint32_t began;         /* the core has entered it */
    uint32_t ended;         /* the core has returned from it */
    uint32_t has_acted;     /* one of these two is new */
    uint32_t is_asleep;     /* the core waits, and has waited until now */
    uint8_t lines[NUMBERS]; /* by exception: 1 while its line is high */
};

struct core {
    void *engine;
    int (*read)(void *engine, const int *names, void *const *values, int count);
    int (*write)(void *engine, const int *names, void *const *values, int count);
    int (*start)(void *engine, uint64_t begin, uint64_t until, uint64_t timeout, size_t count);
    int frame[FRAME_WORDS]; /* the engine's numbers of a frame's registers */
    struct clock *clock;
    struct interrupts *interrupts;
    struct fp_context *fp;
    int fp_registers[FP_WORDS]; /* the engine's numbers of a context's registers */
    int lr, sp, msp, psp, control, ipsr, cpsr, primask, basepri, faultmask;
    uint32_t to_handler;      /* EXC_RETURN to Handler mode */
    uint32_t traps_unaligned; /* CCR.UNALIGN_TRP */
    uint32_t has_limits;      /* the core has MSPLIM and PSPLIM */
    uint32_t limits[2];       /* these */
    uint32_t is_judged;       /* the next instruction's accesses are allowed; only it is executed */
    uint32_t pc;              /* these five: where and how the core stopped, while `is_known` */
    uint32_t xpsr;
    uint32_t masks[3]; /* PRIMASK, BASEPRI, FAULTMASK */
    uint32_t is_known;
    uint32_t memory_count;
    struct memory memories[MEMORIES];
    struct literals literals;
};

/* Registers to be read or written in one call, in this order. */
struct batch {
    int names[FP_WORDS];
    void *values[FP_WORDS];
    int count;
};

static inline void add(struct batch *batch, int name, uint32_t *value)
{
    batch->names[batch->count] = name;
    batch->values[batch->count++] = value;
}

static inline void read_all(const struct core *core, const struct batch *batch)
{
    core->read(core->engine, batch->names, batch->values, batch->count);
}

static inline void write_all(const struct core *core, const struct batch *batch)
{
    core->write(core->engine, batch->names, batch->values, batch->count);
}

/* translation.h: this thread runs the engine of a core of ours from here on, or of none, NULL;
 * return which it was before. */
struct core *translate_for(struct core *core);

extern uint32_t unasked; /* how many calls have been left out; 0 where Unicorn's functions run */

/* core.c: MSR has been executed. The engine does not show what stack limits it has. */
void core_wrote(struct core *core, uint32_t special, uint32_t value);

/* frames.c: these two return 0 where it takes more, and nothing has been changed. */
int core_enter(const struct core *core, uint32_t number, uint32_t vtor, uint32_t stkalign);
int core_leave(const struct core *core, uint32_t exc_return);

/* Return where the bytes at an address are, or NULL where not all of them are in one memory. */
uint8_t *bytes_at(const struct core *core, uint32_t address, uint32_t size, int to_write);

#endif
