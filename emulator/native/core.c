/*
 * What the core does by itself: it runs to the next stop; and where one exception is all that goes
 * on, takes it, returns from it and sleeps until the next event.
 */
#include <string.h>

#include "core.h"

enum { NOT_THUMB = -1 };                                /* EPSR.T is 0: the core cannot execute */
enum { EXCEPTION_EXIT = 8 };                            /* the engine's number of it */
enum { WFI = 0xBF30, HINT_W = 0xF3AF, WFI_W = 0x8003 }; /* as in emulator/cpu.py */

uint32_t core_size(void)
{
    return (uint32_t)sizeof(struct core);
}

static void add_masks(struct batch *batch, struct core *core)
{
    add(batch, core->primask, &core->masks[0]);
    add(batch, core->basepri, &core->masks[1]);
    add(batch, core->faultmask, &core->masks[2]);
}

/* Read the masks that unprivileged code reads as 0. */
static void read_hidden_masks(struct core *core)
{
    uint32_t handler_mode = HARDFAULT, thread_mode = 0;
    struct batch enter = {.count = 0}, masks = {.count = 0}, leave = {.count = 0};
    add(&enter, core->ipsr, &handler_mode);
    add_masks(&masks, core);
    add(&leave, core->ipsr, &thread_mode);
    write_all(core, &enter);
    read_all(core, &masks);
    write_all(core, &leave);
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
    clock_begin(clock);
    core->is_known = 0;
    struct core *const outer = translate_for(core); /* that has its devices run this one */
    const int status = core->start(core->engine, core->pc | 1u, 0, 0, 0);
    translate_for(outer);
    uint32_t control = 0;
    add(&state, core->control, &control);
    add_masks(&state, core);
    read_all(core, &state);
    if ((control & NPRIV) && !(core->xpsr & XPSR_IPSR)) {
        read_hidden_masks(core);
    }
    core->is_known = 1;
    return status;
}

void core_wrote(struct core *core, uint32_t special, uint32_t value)
{
    if (special == CONTROL) {
        core->clock->asks_for_context = 1;
    } else if (core->has_limits && (special == MSPLIM || special == PSPLIM)) {
        uint32_t control = 0, ipsr = 0;
        struct batch mode = {.count = 0};
        add(&mode, core->control, &control);
        add(&mode, core->ipsr, &ipsr);
        read_all(core, &mode);
        if (!(control & NPRIV) || ipsr != 0) {
            core->limits[special == PSPLIM] = value & ~7u;
        }
    }
}

/* Enter the exception that has come, or that the masks held back, where they let it; whether it
 * was. */
static int went_in(struct core *core)
{
    struct interrupts *const interrupts = core->interrupts;
    struct clock *const clock = core->clock;
    const uint32_t number = interrupts->next;
    const int is_free = (core->masks[0] | core->masks[1] | core->masks[2]) == 0;
    const int is_time = clock->reason == STOP_MASKS || clock->reason == STOP_CALL;
    if (!is_time || number == 0 || !is_free || clock->is_exclusive ||
        !core_enter(core, number, interrupts->vtor, interrupts->stkalign)) {
        return 0;
    }
    interrupts->began = interrupts->alone = number;
    interrupts->has_acted = 1;
    interrupts->began_at = clock->cycles;
    interrupts->next = 0;
    interrupts->may_sleep = 1;
    interrupts->is_asleep = 0;
    clock->is_called = 0;
    clock->is_watching_masks = 0;
    clock->has_event = 1;
    return 1;
}

/*
 * Go on where PRIMASK holds back the exception that has come, and watch it; whether it does. A core
 * that waits goes on, too: what is not taken for PRIMASK ends WFI.
 */
static int holds_back(struct core *core)
{
    struct interrupts *const interrupts = core->interrupts;
    struct clock *const clock = core->clock;
    const int is_held = core->masks[0] != 0 && core->masks[1] == 0 && core->masks[2] == 0;
    if (clock->reason != STOP_CALL || interrupts->next <= HARDFAULT || !is_held) {
        return 0;
    }
    interrupts->is_asleep = 0;
    clock->is_called = 0;
    clock->is_watching_masks = 1;
    memcpy(clock->masks, core->masks, sizeof clock->masks);
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
                           ((exc_return | RETURNS_BASIC) & ~RETURNS_ON_PSP) == to_thread;
    const int is_usual = !interrupts->lines[number] && core->masks[2] == 0 && !clock->is_exclusive;
    if (!is_its_end || !is_usual || !core_leave(core, exc_return)) {
        return 0;
    }
    interrupts->ended = number;
    interrupts->has_acted = 1;
    interrupts->alone = 0;
    clock->has_event = 1;
    return 1;
}

/* Let the time pass, where the core waits, until something is its affair. */
static void sleep_on(const struct core *core)
{
    struct clock *const clock = core->clock;
    if (clock->reason != STOP_NONE || core->pc != clock_block_end(clock)) {
        return;
    }
    const uint32_t last = clock_halfword_at(clock, core->pc - 2u);
    const int is_wide = last == WFI_W && clock_halfword_at(clock, core->pc - 4u) == HINT_W;
    if (last != WFI && !is_wide) {
        return;
    }
    do {
        clock->idle += clock->deadline - clock->cycles;
        clock->cycles = clock->deadline;
    } while (clock_passes_deadline(clock) && !clock->is_called);
    clock->reason = clock->is_called ? STOP_CALL : STOP_DEADLINE;
    core->interrupts->is_asleep = 1;
}

/*
 * Run until something stops the core that is not its own affair. A deadline that has come, or been
 * withdrawn because something has changed, is another's: who set it looks at everything anew.
 */
int core_run(struct core *core)
{
    const struct clock *const clock = core->clock;
    for (;;) {
        const int status = run_once(core);
        if (status != 0 || clock->cycles >= clock->deadline) {
            return status;
        }
        if (core->interrupts->may_sleep) {
            sleep_on(core);
            if (clock->cycles >= clock->deadline) {
                return status;
            }
        }
        if (!went_in(core) && !holds_back(core) && !went_back(core)) {
            return status;
        }
    }
}
