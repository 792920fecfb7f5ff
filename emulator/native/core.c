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

enum { RAMS = 8, FRAME_WORDS = 8, FRAME_SIZE = 4 * FRAME_WORDS };
enum { NOT_THUMB = -1 };   /* EPSR.T is 0: the core cannot execute */
enum { PC = 6, XPSR = 7 }; /* in a frame: r0-r3, r12, lr, return address, xPSR */

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

struct ram {
    uint32_t begin; /* guest addresses [begin, end) */
    uint32_t end;
    uint8_t *host;
};

struct core {
    void *engine;
    int (*read)(void *engine, const int *names, void *const *values, int count);
    int (*write)(void *engine, const int *names, void *const *values, int count);
    int (*start)(void *engine, uint64_t begin, uint64_t until, uint64_t timeout, size_t count);
    int frame[FRAME_WORDS]; /* the engine's numbers of a frame's registers */
    int lr, sp, msp, psp, control, ipsr, cpsr, primask, basepri, faultmask;
    uint32_t to_handler;      /* EXC_RETURN to Handler mode */
    uint32_t traps_unaligned; /* CCR.UNALIGN_TRP */
    uint32_t pc;              /* these five: where and how the core stopped, while `is_known` */
    uint32_t xpsr;
    uint32_t masks[3]; /* PRIMASK, BASEPRI, FAULTMASK */
    uint32_t is_known;
    uint32_t ram_count;
    struct ram rams[RAMS];
};

/* Registers to be read or written in one call, in this order. */
struct batch {
    int names[16];
    void *values[16];
    int count;
};

void trap_unaligned(int is_on); /* alignment.h */

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

/* Run from where the core is until something stops it; return the engine's status. */
int core_run(struct core *core)
{
    struct batch state = {.count = 0};
    add(&state, core->frame[PC], &core->pc);
    add(&state, core->frame[XPSR], &core->xpsr);
    read_all(core, &state);
    if (!(core->xpsr & XPSR_T)) {
        return NOT_THUMB;
    }
    core->is_known = 0;
    trap_unaligned((int)core->traps_unaligned);
    const int status = core->start(core->engine, core->pc | 1u, 0, 0, 0);
    add(&state, core->primask, &core->masks[0]);
    add(&state, core->basepri, &core->masks[1]);
    add(&state, core->faultmask, &core->masks[2]);
    read_all(core, &state);
    core->is_known = 1;
    return status;
}

/* Return where a frame at `sp` is, or NULL where not all of it is in RAM. */
static uint8_t *frame_at(const struct core *core, uint32_t sp)
{
    for (uint32_t i = 0; i < core->ram_count; i++) {
        const struct ram *ram = &core->rams[i];
        if (sp >= ram->begin && sp < ram->end && ram->end - sp >= FRAME_SIZE) {
            return ram->host + (sp - ram->begin);
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
int core_enter(const struct core *core, uint32_t number, uint32_t vector, uint32_t stkalign)
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
    uint8_t *const where = frame_at(core, sp);
    if (where == NULL || (control & FPCA)) {
        return 0;
    }
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

    const uint8_t *const where = frame_at(core, sp);
    if (where == NULL || !(exc_return & RETURNS_BASIC) || (control & FPCA_IN_ENGINE)) {
        return 0;
    }
    memcpy(words, where, FRAME_SIZE);
    uint32_t ipsr = words[XPSR] & XPSR_IPSR;
    if ((ipsr == 0) != is_thread) {
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
