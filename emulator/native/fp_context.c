/*
 * Floating-point contexts begun, stacked and given back, where nothing about it is unusual; what is
 * refused here is emulator/fp_context.py's. The engine has a context begin with the instruction
 * itself, but knows nothing of a frame's room: native/translation.h has it ask `fp_begin` then.
 * Source: Armv7-M Architecture Reference Manual, DDI 0403E.e, B1.5.7.
 */
#include <string.h>

#include "core.h"

#define ASPEN      (1u << 31) /* FPCCR */
#define LSPEN      (1u << 30)
#define READY      0x570u /* UFRDY, MONRDY, BFRDY, MMRDY, HFRDY */
#define THREAD     (1u << 3)
#define USER       (1u << 1)
#define LSPACT     (1u << 0)
#define CP10       20 /* CPACR: the lower bit's number */
#define PRIVILEGED 1u
#define FULL       3u

static uint32_t access_of(const struct fp_context *fp)
{
    return fp->cpacr >> CP10 & 3u;
}

/* Return where the room is that an entry has left; NULL where storing there needs more than that.
 */
static uint8_t *room(const struct core *core)
{
    const struct fp_context *const fp = core->fp;
    const int may_be_denied = fp->is_v8m && (fp->fpccr & USER) && access_of(fp) != FULL;
    return fp->is_protected || may_be_denied ? NULL : bytes_at(core, fp->fpcar, EXTENSION_SIZE, 1);
}

static void add_context(struct batch *batch, const struct core *core, uint32_t *words)
{
    for (int i = 0; i < FP_WORDS; i++) {
        add(batch, core->fp_registers[i], &words[i]);
    }
}

static void store(const struct core *core, uint8_t *where)
{
    uint32_t words[FP_WORDS + 1] = {0};
    struct batch context = {.count = 0};
    add_context(&context, core, words);
    read_all(core, &context);
    memcpy(where, words, EXTENSION_SIZE);
}

int fp_is_usual(const struct core *core, int is_unsure)
{
    const struct fp_context *const fp = core->fp;
    uint32_t control = 0, xpsr = 0;
    struct batch now = {.count = 0};
    add(&now, core->control, &control);
    add(&now, core->frame[XPSR], &xpsr);
    read_all(core, &now);

    const int is_privileged = (xpsr & XPSR_IPSR) || !(control & NPRIV);
    const uint32_t access = access_of(fp);
    const int begins = !(control & FPCA) && (fp->fpccr & ASPEN);
    if (access != FULL && !(access == PRIVILEGED && is_privileged)) {
        return 0;
    }
    if ((fp->fpccr & LSPACT) && (!begins || room(core) == NULL)) {
        return 0;
    }
    if (begins && (is_unsure || (xpsr & XPSR_IT) || unasked == 0)) {
        return 0; /* it is not certain that `fp_begin` is asked */
    }
    core->clock->asks_for_context = begins;
    return 1;
}

uint32_t fp_begin(const struct core *core, uint32_t fpscr)
{
    struct fp_context *const fp = core->fp;
    uint32_t control = 0, present = 0;
    struct batch now = {.count = 0};
    add(&now, core->control, &control);
    add(&now, core->fp_registers[FPSCR], &present);
    read_all(core, &now);
    uint8_t *const where = fp->fpccr & LSPACT ? room(core) : NULL; /* the block may have moved it */
    if (where != NULL) {
        store(core, where);
        fp->fpccr &= ~LSPACT;
    }
    if ((control & FPCA_IN_ENGINE) == FPCA_IN_ENGINE) {
        return fpscr;
    }
    const int begins = !(control & FPCA) && (fp->fpccr & ASPEN); /* else only the engine says so */
    return begins ? fp->fpdscr : present;
}

void fp_enter(const struct core *core, uint32_t address, uint8_t *where, int is_thread,
              int is_privileged)
{
    struct fp_context *const fp = core->fp;
    if (!(fp->fpccr & LSPEN)) {
        store(core, where);
        return;
    }
    fp->fpcar = address;
    fp->fpccr &= ~(READY | THREAD | USER);
    fp->fpccr |= fp->ready | (is_thread ? THREAD : 0u) | (is_privileged ? 0u : USER) | LSPACT;
}

void fp_leave(const struct core *core, const uint8_t *where)
{
    struct fp_context *const fp = core->fp;
    if (!(fp->fpccr & LSPACT)) {
        uint32_t words[FP_WORDS];
        struct batch context = {.count = 0};
        memcpy(words, where, sizeof words);
        add_context(&context, core, words);
        write_all(core, &context);
    }
    fp->fpccr &= ~LSPACT;
}
