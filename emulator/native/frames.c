/*
 * An exception's frame pushed and popped, where nothing about it is unusual.
 *
 * That is a few calls of the engine in place of dozens from Python, and the same steps as
 * in emulator/exception_model.py, which does itself whatever is refused here.
 * Source: Armv7-M Architecture Reference Manual, DDI 0403E.e, B1.5.6 and B1.5.8.
 */
#include <string.h>

#include "core.h"

#define XPSR_ALIGNED (1u << 9)
#define SPSEL        (1u << 1) /* CONTROL */

static void add_frame(struct batch *batch, const struct core *core, uint32_t *words)
{
    for (int i = 0; i < FRAME_WORDS; i++) {
        add(batch, core->frame[i], &words[i]);
    }
}

uint8_t *bytes_at(const struct core *core, uint32_t address, uint32_t size, int to_write)
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

static uint32_t size_of(int is_extended)
{
    return FRAME_SIZE + (is_extended ? EXTENSION_SIZE : 0u);
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
    const int is_extended = (control & FPCA) != 0;
    const int is_misaligned = (stkalign || is_extended) && (sp & 4u);
    const uint32_t size = size_of(is_extended);
    sp -= size + (is_misaligned ? 4u : 0u);
    uint8_t *const where = bytes_at(core, sp, size, 1);
    const uint8_t *const vector_at = bytes_at(core, vtor + 4u * number, sizeof(uint32_t), 0);
    if (where == NULL || vector_at == NULL || sp < core->limits[on_psp] ||
        (is_extended && !core->fp->exists)) {
        return 0;
    }
    uint32_t vector = 0;
    memcpy(&vector, vector_at, sizeof vector);
    words[XPSR] = (words[XPSR] & ~XPSR_ALIGNED) | (is_misaligned ? XPSR_ALIGNED : 0u);
    memcpy(where, words, FRAME_SIZE);
    if (is_extended) {
        const int is_privileged = !is_thread || !(control & NPRIV);
        fp_enter(core, sp + FRAME_SIZE, where + FRAME_SIZE, is_thread, is_privileged);
    }

    uint32_t handler_mode = HARDFAULT, pc = vector & ~1u;
    uint32_t for_handler = control & ~(is_extended ? SPSEL | FPCA_IN_ENGINE : SPSEL);
    uint32_t lr =
        core->to_handler | (is_thread ? RETURNS_TO_THREAD : 0u) | (on_psp ? RETURNS_ON_PSP : 0u);
    lr &= ~(is_extended ? RETURNS_BASIC : 0u);
    uint32_t xpsr = number | (vector & 1u ? XPSR_T : 0u);
    struct batch next = {.count = 0};
    add(&next, core->ipsr, &handler_mode);
    add(&next, on_psp ? core->psp : core->msp, &sp);
    add(&next, core->control, &for_handler);
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

    const int is_extended = !(exc_return & RETURNS_BASIC);
    const uint8_t *const where = bytes_at(core, sp, size_of(is_extended), 1);
    if (where == NULL || ((is_extended || (control & FPCA_IN_ENGINE)) && !core->fp->exists)) {
        return 0;
    }
    memcpy(words, where, FRAME_SIZE);
    uint32_t ipsr = words[XPSR] & XPSR_IPSR;
    if ((ipsr == 0) != is_thread) {
        return 0;
    }
    if (is_extended) {
        fp_leave(core, where + FRAME_SIZE);
    }
    sp += size_of(is_extended) + (words[XPSR] & XPSR_ALIGNED ? 4u : 0u);
    control &= ~(SPSEL | FPCA_IN_ENGINE);
    control |= (on_psp ? SPSEL : 0u) | (is_extended ? FPCA_IN_ENGINE : 0u);
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
