/*
 * What the core does again and again, in one call each: run to the next stop, and enter and leave
 * an exception about which nothing is unusual.
 *
 * Entry and return are two or three calls of the engine in place of a dozen from Python, and the
 * same steps as in emulator/exception_model.py, which does itself whatever is refused here.
 * Source: Armv7-M Architecture Reference Manual, DDI 0403E.e, B1.5.6 and B1.5.8.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "clock.h"

enum { MEMORIES = 12, FRAME_WORDS = 8, FRAME_SIZE = 4 * FRAME_WORDS };
enum { NOT_THUMB = -1 };     /* EPSR.T is 0: the core cannot execute */
enum { PC = 6, XPSR = 7 };   /* in a frame: r0-r3, r12, lr, return address, xPSR */
enum { NUMBERS = 512 };      /* of exceptions */
enum { EXCEPTION_EXIT = 8 }; /* the engine's number of it */
enum { WFI = 0xBF30, HINT_W = 0xF3AF, WFI_W = 0x8003 }; /* DDI 0403E.e A7.7.262 */

#define XPSR_ALIGNED      (1u << 9)
#define XPSR_T            (1u << 24)
#define XPSR_IPSR         0x1FFu
#define NPRIV             (1u << 0) /* CONTROL */
#define SPSEL             (1u << 1)
#define FPCA              (1u << 2)
#define FPCA_IN_ENGINE    (FPCA | 1u << 3)
#define RETURNS_ON_PSP    (1u << 2) /* EXC_RETURN */
#define RETURNS_TO_THREAD (1u << 3)
#define RETURNS_BASIC     (1u << 4)
#define HARDFAULT         3u /* in IPSR: Handler mode, where everything can be written */

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
    int lr, sp, msp, psp, control, ipsr, cpsr, primask, basepri, faultmask;
    uint32_t to_handler;      /* EXC_RETURN to Handler mode */
    uint32_t traps_unaligned; /* CCR.UNALIGN_TRP */
    uint32_t has_fpu;         /* which code that is not privileged may be forbidden to use */
    uint32_t pc;              /* these five: where and how the core stopped, while `is_known` */
    uint32_t xpsr;
    uint32_t masks[3]; /* PRIMASK, BASEPRI, FAULTMASK */
    uint32_t is_known;
    uint32_t memory_count;
    struct memory memories[MEMORIES];
};

/* Registers to be read or written in one call, in this order. */
struct batch {
    int names[16];
    void *values[16];
    int count;
};

void translate_for_us(int traps_unaligned); /* translation.h */
void translate_for_others(void);

uint32_t core_size(void)
{
    return (uint32_t)sizeof(struct core);
}

static void add(struct batch *batch, int name, uint32_t *value)
{
    batch->names[batch->count] = name;
    batch->values[batch->count++] = value;
}

static void add_frame(struct batch *batch, const struct core *core, uint32_t *words)
{
    for (int i = 0; i < FRAME_WORDS; i++) {
        add(batch, core->frame[i], &words[i]);
    }
}

static void read_all(const struct core *core, const struct batch *batch)
{
    core->read(core->engine, batch->names, batch->values, batch->count);
}

static void write_all(const struct core *core, const struct batch *batch)
{
    core->write(core->engine, batch->names, batch->values, batch->count);
}

/* Return where the bytes at an address are, or NULL where not all of them are in one memory. */
static uint8_t *bytes_at(const struct core *core, uint32_t address, uint32_t size, int to_write)
{
    for (uint32_t i = 0; i < core->memory_count; i++) {
        const struct memory *memory = &core->memories[i];
        if (address >= memory->begin && address < memory->end && memory->end - address >= size &&
            (memory->is_writable || !to_write)) {
            return memory->host + (address - memory->begin);
        }
    }
    return NULL;
}

/* Have the engine access memory as the new mode may: only this recomputes its own flag. */
static void renew_mode(const struct core *core, uint32_t control)
{
    if (control & NPRIV) {
        uint32_t cpsr = 0;
        struct batch batch = {.count = 0};
        add(&batch, core->cpsr, &cpsr);
        read_all(core, &batch);
        write_all(core, &batch);
    }
}

/* Push the frame and start a handler. 0 where that takes more, and nothing has been changed. */
int core_enter(const struct core *core, uint32_t number, uint32_t vtor, uint32_t stkalign)
{
    uint32_t words[FRAME_WORDS], control = 0, sp = 0;
    struct batch now = {.count = 0};
    add_frame(&now, core, words);
    add(&now, core->control, &control);
    add(&now, core->sp, &sp);
    read_all(core, &now);

    const int is_thread = (words[XPSR] & XPSR_IPSR) == 0, on_psp = is_thread && (control & SPSEL);
    const int is_misaligned = stkalign && (sp & 4u);
    sp -= FRAME_SIZE + (is_misaligned ? 4u : 0u);
    uint8_t *const where = bytes_at(core, sp, FRAME_SIZE, 1);
    const uint8_t *const vector_at = bytes_at(core, vtor + 4u * number, sizeof(uint32_t), 0);
    if (where == NULL || vector_at == NULL || (control & FPCA) ||
        (core->has_fpu && (control & NPRIV))) {
        return 0;
    }
    uint32_t vector = 0;
    memcpy(&vector, vector_at, sizeof vector);
    words[XPSR] = (words[XPSR] & ~XPSR_ALIGNED) | (is_misaligned ? XPSR_ALIGNED : 0u);
    memcpy(where, words, FRAME_SIZE);

    uint32_t handler_mode = HARDFAULT, msp_selected = control & ~SPSEL, pc = vector & ~1u;
    uint32_t lr =
        core->to_handler | (is_thread ? RETURNS_TO_THREAD : 0u) | (on_psp ? RETURNS_ON_PSP : 0u);
    uint32_t xpsr = number | (vector & 1u ? XPSR_T : 0u);
    struct batch next = {.count = 0};
    add(&next, core->ipsr, &handler_mode);
    add(&next, on_psp ? core->psp : core->msp, &sp);
    add(&next, core->control, &msp_selected);
    add(&next, core->lr, &lr);
    add(&next, core->frame[PC], &pc);
    add(&next, core->frame[XPSR], &xpsr);
    add(&next, core->ipsr, &number);
    write_all(core, &next);
    renew_mode(core, control);
    return 1;
}

/* Pop the frame that EXC_RETURN means. 0 where that takes more, and nothing has been changed. */
int core_leave(const struct core *core, uint32_t exc_return)
{
    const int is_thread = (exc_return & RETURNS_TO_THREAD) != 0;
    const int on_psp = (exc_return & RETURNS_ON_PSP) != 0;
    const int stack = on_psp ? core->psp : core->msp;
    uint32_t control = 0, sp = 0, words[FRAME_WORDS];
    struct batch now = {.count = 0};
    add(&now, core->control, &control);
    add(&now, stack, &sp);
    read_all(core, &now);

    const uint8_t *const where = bytes_at(core, sp, FRAME_SIZE, 1);
    if (where == NULL || !(exc_return & RETURNS_BASIC) || (control & FPCA_IN_ENGINE)) {
        return 0;
    }
    memcpy(words, where, FRAME_SIZE);
    uint32_t ipsr = words[XPSR] & XPSR_IPSR;
    if ((ipsr == 0) != is_thread || (core->has_fpu && (control & NPRIV))) {
        return 0;
    }
    sp += FRAME_SIZE + (words[XPSR] & XPSR_ALIGNED ? 4u : 0u);
    control = on_psp ? control | SPSEL : control & ~SPSEL;
    words[PC] &= ~1u;
    words[XPSR] &= ~XPSR_ALIGNED;
    struct batch next = {.count = 0};
    add(&next, stack, &sp);
    add(&next, core->control, &control);
    add_frame(&next, core, words);
    add(&next, core->ipsr, &ipsr); /* last: it may end the privilege to write the rest */
    write_all(core, &next);
    renew_mode(core, control);
    return 1;
}

/* Run from where the core is until something stops it; return the engine's status. */
static int run_once(struct core *core)
{
    struct batch state = {.count = 0};
    add(&state, core->frame[PC], &core->pc);
    add(&state, core->frame[XPSR], &core->xpsr);
    read_all(core, &state);
    if (!(core->xpsr & XPSR_T)) {
        return NOT_THUMB;
    }
    struct clock *const clock = core->clock;
    clock->reason = STOP_NONE;
    clock->last = 0;    /* what ran before does not say why the engine stops now */
    clock->slow_at = 0; /* what a loop polls may have changed since */
    core->is_known = 0;
    const int status = core->start(core->engine, core->pc | 1u, 0, 0, 0);
    add(&state, core->primask, &core->masks[0]);
    add(&state, core->basepri, &core->masks[1]);
    add(&state, core->faultmask, &core->masks[2]);
    read_all(core, &state);
    core->is_known = 1;
    return status;
}

/* Enter the exception that the masks held back, where they no longer do; whether it was. */
static int went_in(struct core *core)
{
    struct interrupts *const interrupts = core->interrupts;
    struct clock *const clock = core->clock;
    const uint32_t number = interrupts->next;
    const int is_free = (core->masks[0] | core->masks[1] | core->masks[2]) == 0;
    const int is_usual = !clock->is_exclusive && !clock->is_limit_set;
    if (clock->reason != STOP_MASKS || number == 0 || !is_free || !is_usual ||
        !core_enter(core, number, interrupts->vtor, interrupts->stkalign)) {
        return 0;
    }
    interrupts->began = interrupts->alone = number;
    interrupts->began_at = clock->cycles;
    interrupts->next = 0;
    interrupts->may_sleep = 1;
    clock->is_watching_masks = 0;
    clock->has_event = 1;
    return 1;
}

/* Return from the exception that is alone, where that is all there is to do; whether it was. */
static int went_back(struct core *core)
{
    struct interrupts *const interrupts = core->interrupts;
    struct clock *const clock = core->clock;
    const uint32_t number = interrupts->alone, to_thread = core->to_handler | RETURNS_TO_THREAD;
    const uint32_t exc_return = core->pc | ((core->xpsr & XPSR_T) != 0);
    const int is_its_end = clock->reason == STOP_INTERRUPT && clock->interrupt == EXCEPTION_EXIT &&
                           number != 0 && number == (core->xpsr & XPSR_IPSR) &&
                           (exc_return & ~RETURNS_ON_PSP) == to_thread;
    const int is_usual = !interrupts->lines[number] && core->masks[2] == 0 && !clock->is_exclusive;
    if (!is_its_end || !is_usual || !core_leave(core, exc_return)) {
        return 0;
    }
    interrupts->ended = number;
    interrupts->alone = 0;
    clock->has_event = 1;
    return 1;
}

/* Let the time until the next event pass, where the core waits for it; whether it does. */
static int slept(const struct core *core)
{
    struct clock *const clock = core->clock;
    if (clock->reason != STOP_NONE || core->pc != clock_block_end(clock)) {
        return 0;
    }
    const uint32_t last = clock_halfword_at(clock, core->pc - 2u);
    const int is_wide = last == WFI_W && clock_halfword_at(clock, core->pc - 4u) == HINT_W;
    if (last != WFI && !is_wide) {
        return 0;
    }
    clock->idle += clock->deadline - clock->cycles;
    clock->cycles = clock->deadline;
    clock->reason = STOP_DEADLINE;
    core->interrupts->is_asleep = 1;
    return 1;
}

static int run_on(struct core *core)
{
    const struct clock *const clock = core->clock;
    for (;;) {
        const int status = run_once(core);
        if (status != 0 || clock->cycles >= clock->deadline) {
            return status;
        }
        if (core->interrupts->may_sleep && slept(core)) {
            return status;
        }
        if (!went_in(core) && !went_back(core)) {
            return status;
        }
    }
}

/*
 * Run until something stops the core that is not its own affair. A deadline that has come, or been
 * withdrawn because something has changed, is another's: who set it looks at everything anew.
 */
int core_run(struct core *core)
{
    translate_for_us((int)core->traps_unaligned);
    const int status = run_on(core);
    translate_for_others();
    return status;
}
