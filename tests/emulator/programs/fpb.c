#include "guest.h"

/* Each of these returns 1, with its first instruction where the name says. */
#define RETURNS_1(name)                                                                            \
    __attribute__((aligned(4))) NAKED uint32_t name(void)                                          \
    {                                                                                              \
        ASM("movs r0, #1\n\tbx lr");                                                               \
    }
RETURNS_1(one0)
RETURNS_1(one1)
RETURNS_1(one2)
RETURNS_1(one3)
RETURNS_1(one4)
RETURNS_1(one5)

/* A function called `name`, in bytes `skip` and on behind a multiple of `alignment`. */
#define AT(alignment, skip, name, text)                                                            \
    __asm(".section .text." #name ",\"ax\",%progbits\n\t.p2align " #alignment "\n\t.space " #skip  \
          ", 0\n\t"                                                                                \
          ".global " #name "\n\t.type " #name ", %function\n\t.thumb_func\n" #name ":\n\t" text    \
          "\n\t.p2align 2\n\t.text");                                                              \
    extern uint32_t name(void);
AT(2, 2, upper16, "movs r0, #1\n\tbx lr")
AT(2, 2, upper32, "movw r0, #0x1234\n\tbx lr")
AT(2, 0, lower32, "movw r0, #0x1234\n\tbx lr")
AT(10, 1022, across_pages, "movw r0, #0x1234\n\tbx lr")
AT(2, 0, two16, "movs r0, #1\n\tadds r0, #1\n\tbx lr")
AT(2, 0, literal,
   "ldr r0, 1f\n\tbx lr\n\t.p2align 2\n\t.global "
   "literal_itself\nliteral_itself:\n1:\t.word 0x11111111\n\t.word 0x22222222")

void patch(uint32_t n, uint32_t comp, uint32_t word)
{
    table[n] = word;
    FP_REMAP = (uint32_t)(uintptr_t)table;
    FP_COMP(n) = comp | 1;
    FP_CTRL = 3;
    BARRIER();
}
void unpatch(uint32_t n)
{
    FP_COMP(n) = 0;
    BARRIER();
}
void switch_unit(uint32_t on)
{
    FP_CTRL = 2 | on;
    BARRIER();
}
void store(uint32_t n, uint32_t word)
{
    table[n] = word;
    BARRIER();
}
uint32_t load(uint32_t address)
{
    return REG(address);
}
uint32_t load_signed16(uint32_t address)
{
    return (uint32_t)*(volatile int16_t *)(uintptr_t)address;
}
uint32_t load16(uint32_t address)
{
    return REG16(address);
}
uint32_t load8(uint32_t address)
{
    return REG8(address);
}
uint32_t store_and_call(uint32_t n, uint32_t word)
{
    table[n] = word;
    BARRIER();
    return one0();
}
/* A store into another table, which holds the same; its word 1 is nobody's. */
uint32_t move_store_and_call(uint32_t *other, uint32_t word)
{
    uint32_t before = one0();
    for (uint32_t n = 0; n < 8; n++) {
        other[n] = table[n];
    }
    FP_REMAP = (uint32_t)(uintptr_t)other;
    BARRIER();
    before = before << 4 | one0();
    other[1] = ~other[1];
    BARRIER();
    before = before << 4 | one0();
    other[0] = word;
    BARRIER();
    return before << 4 | one0();
}
uint32_t checksum(void)
{
    uint32_t sum = 0;
    for (uint32_t a = 0x08000000; a < 0x08010000; a += 4) {
        sum = (sum << 5 | sum >> 27) ^ REG(a);
    }
    return sum;
}

/* breakpoints */
NOINLINE void disable_comparator(void)
{
    FP_COMP(0) = 0;
    note(HFSR);
    note(DFSR);
}
FRAME_HANDLER(on_break, disable_comparator)
uint32_t run_into_breakpoint(uint32_t replace, uint32_t monitor)
{
    vectors[monitor ? DEBUGMONITOR : HARDFAULT] = on_break;
    DEMCR = monitor << 16;
    FP_COMP(0) = replace << 30 | ((uint32_t)(uintptr_t)two16 & ~3u) | 1;
    FP_CTRL = 3;
    BARRIER();
    return two16();
}
NOINLINE void goes_on(void)
{
    if (++noted == 3) {
        FP_COMP(0) = 0;
    }
}
FRAME_HANDLER(on_break_again, goes_on)
uint32_t breaks_until_disabled(void)
{
    vectors[DEBUGMONITOR] = on_break_again;
    DEMCR = 1u << 16;
    FP_COMP(0) = 1u << 30 | ((uint32_t)(uintptr_t)two16 & ~3u) | 1;
    FP_CTRL = 3;
    BARRIER();
    return two16();
}

/* thousands of changes */
uint32_t toggles(uint32_t times)
{
    uint32_t wrong = 0;
    patch(0, (uint32_t)(uintptr_t)one0 & ~1u, 0x47702002);
    for (uint32_t i = 0; i < times; i++) {
        FP_COMP(0) = ((uint32_t)(uintptr_t)one0 & ~1u) | (i & 1);
        BARRIER();
        wrong += one0() != 1 + (i & 1);
    }
    return wrong;
}
uint32_t retargets(uint32_t times)
{
    uint32_t wrong = 0;
    patch(0, (uint32_t)(uintptr_t)one0 & ~1u, 0x47702002);
    for (uint32_t i = 0; i < times; i++) {
        table[0] = 0x47702000 | (i & 0xFF); /* movs r0, #i */
        BARRIER();
        wrong += one0() != (i & 0xFF);
    }
    return wrong;
}
static void flips(void)
{
    FP_COMP(0) ^= 1;
    noted++;
}
void patched_from_an_interrupt(void)
{
    patch(0, (uint32_t)(uintptr_t)one0 & ~1u, 0x47702002);
    vectors[SYSTICK] = flips;
    SYST_RVR = 499;
    SYST_CVR = 0;
    SYST_CSR = 7;
    for (uint32_t seen = 0, last = 0; noted < 20;) {
        uint32_t now = one0();
        out[now]++;
        if (now != last) {
            seen++, last = now, out[3] = seen;
        }
    }
    SYST_CSR = 0;
}

/* Code that patches the instruction behind it, in its own page: on, off, and on again by the table.
 */
__asm(
    ".section .text.patches_itself,\"ax\",%progbits\n\t.p2align 10\n\t.global patches_itself\n\t"
    ".type patches_itself, %function\n\t.thumb_func\npatches_itself:\n\t"
    "push {r4, lr}\n\tmovs r4, #0\n\tmovs r3, #3\n1:\tstr r1, [r0]\n\tdsb\n\tisb\n\t.p2align 2\n\t"
    ".global patched_place\npatched_place:\n\tadds r4, #1\n\tnop\n\teor r1, r1, #1\n\tsubs r3, "
    "#1\n\tbne 1b\n\tmov r0, r4\n\tpop {r4, pc}\n\t.text");
extern uint32_t patches_itself(volatile uint32_t *place, uint32_t word);
uint32_t comparator_behind_itself(void)
{
    extern uint32_t patched_place[];
    patch(0, (uint32_t)(uintptr_t)one0 & ~1u, 0x47702002);
    table[1] = 0xBF003410; /* adds r4, #16; nop */
    return patches_itself(&FP_COMP(1), (uint32_t)(uintptr_t)patched_place | 1);
}
uint32_t table_behind_itself(void)
{
    extern uint32_t patched_place[];
    patch(1, (uint32_t)(uintptr_t)patched_place, 0xBF003401);
    return patches_itself(&table[1], 0xBF003410); /* adds r4, #16, then #17, then #16 */
}
static void flips_comparator_1(void)
{
    FP_COMP(0) ^= 1;
    note(one0());
    FP_COMP(0) ^= 1;
    note(one0());
}
uint32_t switched_inside_an_interrupt(void)
{
    patch(0, (uint32_t)(uintptr_t)one0 & ~1u, 0x47702002);
    vectors[SYSTICK] = flips_comparator_1;
    uint32_t before = one0();
    ICSR = 1u << 26;
    BARRIER();
    return before << 8 | one0();
}

/* A loop that adds 1, until in the second turn it stores into the table what makes it add 9. */
__asm(".section .text.own_loop,\"ax\",%progbits\n\t.p2align 2\n\t.global own_loop\n\t.thumb_func\n"
      "own_loop:\n\tmovs r3, #0\n\tmovs r0, #0\n1:\tadds r3, #1\n\tcmp r3, #2\n\tbne 2f\n\t"
      "str r2, [r1]\n2:\tb 3f\n\t.p2align 2\n\t.global own_word\nown_word:\n3:\tadds r0, #1\n\t"
      "nop\n\tcmp r3, r4\n\tbne 1b\n\tbx lr\n\t.text");
extern const uint32_t own_word[];
extern uint32_t own_loop(void);
uint32_t patches_its_own_loop(uint32_t turns)
{
    patch(1, (uint32_t)(uintptr_t)own_word, own_word[0]);
    register uint32_t *at __asm("r1") = &table[1];
    register uint32_t other __asm("r2") = (own_word[0] & 0xFFFF0000u) | 0x3009; /* adds r0, #9 */
    register uint32_t count __asm("r4") = turns;
    register uint32_t sum __asm("r0");
    __asm volatile("bl own_loop"
                   : "=r"(sum), "+r"(at), "+r"(other), "+r"(count)::"r3", "lr", "memory", "cc");
    return sum;
}
/* The store comes after a while, and all of this has run before: the clock has no other reason to
 * look. */
uint32_t remaps_what_was_broken(uint32_t address, uint32_t same, uint32_t other)
{
    uint32_t result = 0;
    patch(0, address, same);
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t is_last = i == 19999;
        store(0, is_last ? other : same);
        result = ((uint32_t (*)(void))(is_last ? (uintptr_t)(address | 1) : (uintptr_t)one0))();
    }
    return result;
}
