#include "guest.h"

/*
 * What a script says is done with floating-point contexts, in Thread mode and in three levels of
 * handlers. What all of them find is summed up in out[0].
 */
#define FPU    ".fpu fpv4-sp-d16\n\t"
#define CPACR  REG(0xE000ED88)
#define FPCCR  REG(0xE000EF34)
#define FPCAR  REG(0xE000EF38)
#define FPDSCR REG(0xE000EF3C)

enum { END, USE, EXCEPTION, LOOK, KEEP, SKIP, LAZY, GIVE_UP, STATUS, MISALIGN, ALIGN };

volatile uint8_t script[64];
static volatile uint32_t at, level;

static void sum(uint32_t word)
{
    out[0] = (out[0] << 5 | out[0] >> 27) ^ (word * 2654435761u);
}
NAKED void use(uint32_t word)
{
    ASM(FPU
        "vmov s0, r0\n\tvmov s1, r0\n\tb 0f\n\t0: vadd.f32 s15, s0, s1\n\tvmov s31, r0\n\tbx lr");
}
/* Use it where a condition says so, and in any case behind. */
NAKED void skip(uint32_t condition)
{
    ASM(FPU "cmp r0, #0\n\tit eq\n\tvmoveq s2, r0\n\tb 0f\n\t0: vmov s3, r0\n\tbx lr");
}
NAKED void keep(volatile uint32_t *where)
{
    ASM(FPU "vmrs r1, fpscr\n\tstr r1, [r0], #4\n\tvstmia r0, {s0-s15}\n\tbx lr");
}
NAKED void give_up(void)
{
    ASM("mrs r0, control\n\tbic r0, #12\n\tmsr control, r0\n\tisb\n\tbx lr");
}
NAKED uint32_t control(void)
{
    ASM("mrs r0, control\n\tbx lr");
}
/* Go on with SP four bytes lower, once. */
NAKED void misaligned(void (*what)(void))
{
    ASM("push {r4, lr}\n\tsub sp, #4\n\tblx r0\n\tadd sp, #4\n\tpop {r4, pc}");
}
static void exception(void)
{
    if (level == 0) {
        ASM("svc 0");
    } else if (level < 3) {
        ICSR = 1u << (level == 1 ? 28 : 26);
        BARRIER();
    }
}
static void look(void)
{
    sum(FPCCR);
    sum(FPCAR);
    sum(control() & 4);
}
NOINLINE void follow(void)
{
    static volatile uint32_t kept[17];
    uint8_t step;
    while (at < sizeof script && (step = script[at++]) != END) {
        const uint32_t word = at * 0x01010101;
        switch (step) {
        case USE:
            use(word);
            break;
        case EXCEPTION:
            exception();
            break;
        case MISALIGN:
            misaligned(exception);
            break;
        case LOOK:
            look();
            break;
        case KEEP:
            keep(kept);
            for (uint32_t i = 0; i < 17; i++) {
                sum(kept[i]);
            }
            break;
        case SKIP:
            skip(word & 1);
            break;
        case LAZY:
            FPCCR ^= 1u << 30;
            break;
        case GIVE_UP:
            give_up();
            break;
        case STATUS:
            FPDSCR ^= 1u << 24;
            break;
        case ALIGN:
            CCR ^= 1u << 9;
            break;
        }
    }
}
static void on_exception(void)
{
    level++;
    look();
    follow();
    look();
    level--;
}
void follow_script(void)
{
    vectors[SVCALL] = vectors[PENDSV] = vectors[SYSTICK] = on_exception;
    SHPR(SVCALL) = 0xC0, SHPR(PENDSV) = 0x80, SHPR(SYSTICK) = 0x40;
    CPACR |= 0xFu << 20;
    BARRIER();
    use(1);
    follow();
}
