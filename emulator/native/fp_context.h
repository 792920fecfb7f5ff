/*
 * The floating-point registers across exceptions: what of emulator/fp_context.py the core does by
 * itself. emulator/native/core.py mirrors the structure.
 */
#ifndef EMULATOR_NATIVE_FP_CONTEXT_H
#define EMULATOR_NATIVE_FP_CONTEXT_H

#include <stdint.h>

struct core;

enum { FPSCR = 16, FP_WORDS }; /* behind s0-s15 */
enum { EXTENSION_SIZE = 72 };  /* of an extended frame: these, and a word that is reserved */

#define FPCA           (1u << 2)        /* CONTROL */
#define FPCA_IN_ENGINE (FPCA | 1u << 3) /* or it takes the next instruction for the first */

struct fp_context {
    uint32_t cpacr; /* these four are the registers: emulator/peripherals/fpu.py has them here */
    uint32_t fpccr;
    uint32_t fpcar;
    uint32_t fpdscr;
    uint32_t exists;       /* the core has the extension */
    uint32_t is_v8m;       /* CPACR counts again when a context is stored late */
    uint32_t is_protected; /* the MPU is on, and to be asked */
    uint32_t ready; /* FPCCR's bits of what could preempt the code that is interrupted next */
};

/* Whether a block with floating-point instructions may be executed as it is. It is unsure whether
 * there is a context behind an instruction that is executed on a condition. */
int fp_is_usual(const struct core *core, int is_unsure);

/* The guest's first floating-point instruction without a context is about to be executed, or FPSCR
 * to be written: store what an entry left room for. Return what FPSCR becomes. */
uint32_t fp_begin(const struct core *core, uint32_t fpscr);

/* Stack the context at an address, which is `where`, now or later. */
void fp_enter(const struct core *core, uint32_t address, uint8_t *where, int is_thread,
              int is_privileged);

/* Give back the context of a frame that has one. */
void fp_leave(const struct core *core, const uint8_t *where);

#endif
