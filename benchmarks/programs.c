/* SPDX-License-Identifier: MIT */
/*
 * Programs for the emulator's speed: a tight loop, a loop of loads and stores, a mixture of what
 * CoreMark does (lists, matrix, state machine, CRC), written from scratch, and a loop of calls.
 *
 * Each runs ROUNDS rounds, writes what it computed to `result`, sets `done`, and asks a semihosting
 * host to end; where there is none, it waits.
 */
#include <stdint.h>

#ifndef ROUNDS
#define ROUNDS 1u
#endif

volatile uint32_t result;
volatile uint32_t done;

static uint32_t crc16(uint32_t crc, uint32_t byte)
{
    crc ^= byte << 8;
    for (int bit = 0; bit < 8; bit++) {
        crc = (crc & 0x8000u) != 0 ? crc << 1 ^ 0x1021u : crc << 1;
    }
    return crc & 0xFFFFu;
}

#if defined(TIGHT)

static uint32_t run_round(uint32_t seed)
{
    uint32_t left = 1000000u;
    __asm volatile("1: subs %0, #1\n\tbne 1b" : "+r"(left)::"cc");
    return seed + 1u;
}

#elif defined(LOADS)

static volatile uint32_t buffer[512];

static uint32_t run_round(uint32_t seed)
{
    for (uint32_t pass = 0; pass < 100u; pass++) {
        for (uint32_t i = 0; i < 512u; i++) {
            buffer[i] = buffer[(i + 1u) & 511u] + seed;
        }
    }
    return buffer[seed & 511u];
}

#elif defined(CALLS)

/* A patch's way, linked directly: a branch in place of the function, which leads to another one. */
__attribute__((noinline, used)) static uint32_t replacement(uint32_t value)
{
    return value * 3u + 1u;
}

__attribute__((naked, noinline, aligned(4))) uint32_t target(uint32_t value)
{
    __asm volatile("b.w replacement");
}

static uint32_t run_round(uint32_t seed)
{
    for (uint32_t i = 0; i < 1000000u; i++) {
        seed = target(seed);
    }
    return seed;
}

#else

struct node {
    struct node *next;
    int16_t value;
    int16_t index;
};

static struct node nodes[64];
static int16_t left[10][10], right[10][10], product[10][10];
static const char *const inputs[] = {"5012", "1234.5e3", "-874", "+122", "35.54400",
                                     ".123", "0xZ",      "7,6",  "--5",  "1e"};

static struct node *reverse(struct node *list)
{
    struct node *reversed = 0;
    while (list != 0) {
        struct node *next = list->next;
        list->next = reversed;
        reversed = list;
        list = next;
    }
    return reversed;
}

static struct node *insert_sorted(struct node *list, struct node *node)
{
    struct node **place = &list;
    while (*place != 0 && (*place)->value < node->value) {
        place = &(*place)->next;
    }
    node->next = *place;
    *place = node;
    return list;
}

static uint32_t lists(uint32_t seed)
{
    struct node *list = 0;
    for (uint32_t i = 0; i < 64u; i++) {
        nodes[i].value = (int16_t)(seed * 31u + i * 7919u);
        nodes[i].index = (int16_t)i;
        list = insert_sorted(list, &nodes[i]);
    }
    list = reverse(list);
    uint32_t crc = 0;
    for (struct node *node = list; node != 0; node = node->next) {
        crc = crc16(crc, (uint32_t)node->index & 0xFFu);
    }
    return crc;
}

static uint32_t matrices(uint32_t seed)
{
    uint32_t sum = 0;
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < 10; j++) {
            left[i][j] = (int16_t)(seed + (uint32_t)(i * j));
            right[i][j] = (int16_t)(seed ^ (uint32_t)(i + j));
        }
    }
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < 10; j++) {
            int32_t total = 0;
            for (int k = 0; k < 10; k++) {
                total += left[i][k] * right[k][j];
            }
            product[i][j] = (int16_t)total;
            sum += (uint32_t)total;
        }
    }
    return sum;
}

enum state { START, SIGN, INTEGER, FRACTION, EXPONENT, INVALID };

static enum state step(enum state state, char c)
{
    const int is_digit = c >= '0' && c <= '9';
    switch (state) {
    case START:
        return is_digit ? INTEGER : c == '+' || c == '-' ? SIGN : c == '.' ? FRACTION : INVALID;
    case SIGN:
        return is_digit ? INTEGER : c == '.' ? FRACTION : INVALID;
    case INTEGER:
        return is_digit ? INTEGER : c == '.' ? FRACTION : c == 'e' ? EXPONENT : INVALID;
    case FRACTION:
        return is_digit ? FRACTION : c == 'e' ? EXPONENT : INVALID;
    case EXPONENT:
        return is_digit ? EXPONENT : INVALID;
    default:
        return INVALID;
    }
}

static uint32_t states(uint32_t seed)
{
    uint32_t counts[6] = {0};
    for (uint32_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        enum state state = START;
        for (const char *c = inputs[i]; *c != 0; c++) {
            state = step(state, *c);
        }
        counts[state] += i + seed;
    }
    return counts[INTEGER] ^ counts[FRACTION] << 4 ^ counts[INVALID] << 8;
}

static uint32_t run_round(uint32_t seed)
{
    uint32_t crc = 0;
    for (uint32_t i = 0; i < 20u; i++) {
        const uint32_t words[] = {lists(seed + i), matrices(seed + i), states(seed + i)};
        for (uint32_t n = 0; n < 12u; n++) {
            crc = crc16(crc, words[n / 4u] >> 8u * (n % 4u) & 0xFFu);
        }
    }
    return crc;
}

#endif

static void end(void)
{
#if defined(SEMIHOSTING)
    /* SYS_EXIT, ADP_Stopped_ApplicationExit */
    __asm volatile("movs r0, #0x18\n\tldr r1, =0x20026\n\tbkpt 0xab" ::: "r0", "r1", "memory");
#endif
    for (;;) {
        __asm volatile("wfi");
    }
}

void reset(void)
{
    uint32_t value = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        value = run_round(value);
    }
    result = value;
    done = 1u;
    end();
}

__attribute__((section(".vectors"), used)) static void *const vectors[] = {
    (void *)0x20002000u,
    (void *)reset,
};
