/* SPDX-License-Identifier: MIT */
/* info, slots: what a host wants to know before it changes anything, and after. */
#include <stdarg.h>

#include "boot.h"
#include "clock.h"
#include "crc16.h"
#include "fpb.h"
#include "handlers.h"
#include "part.h"
#include "policy.h"
#include "print.h"
#include "reply.h"
#include "slots.h"
#include "trampoline.h"
#include "version.h"

#ifndef FIRMWARE_BUILD
#error "build.py gives FIRMWARE_BUILD, the hash of all sources"
#endif

static uint16_t crc; /* over the lines of the reply so far */

static PRINT_FORMAT(1, 2) void print_checked(const char *format, ...)
{
    char text[128];
    va_list arguments;
    va_start(arguments, format);
    crc = crc16_update(crc, text, print_into(text, sizeof text, format, arguments));
    va_end(arguments);
    print_format("%s", text);
}

static void print_firmware(void)
{
    print_checked("%s (%s, %.32s, %u MHz %s)\n", POLICY_NAME, VERSION_NAME, part_name,
                  clock_hz() / 1000000u, clock_source());
    print_checked("Build: %.80s\n", FIRMWARE_BUILD);
}

static void print_fpb(void)
{
    struct fpb_state fpb = fpb_state();
    print_checked("FPB: v%u, %u code + %u lit = %u total, %s\n", fpb.version, fpb.num_code,
                  fpb.num_lit, fpb.num_code + fpb.num_lit, fpb.enabled ? "enabled" : "disabled");
    print_checked("FP_REMAP: 0x%08X, base=0x%08X, remap %s\n", fpb.remap, fpb.table,
                  fpb.remaps ? "supported" : "not supported");
}

static void print_protocol(void)
{
    print_checked("Protocol: %u\n", POLICY_LEVEL);
    print_checked("Also: crc slots places\n"); /* far from the CRC: one fault takes one of them */
    print_checked("Limits: line=%u ring=%u data=%u\n", POLICY_LINE_USABLE, POLICY_RING_USABLE,
                  HANDLERS_MAX_DATA);
    print_checked("Boot: 0x%08X\n", boot_id());
}

/* The host compares this with its ELF: a patch for another image would run, and be wrong. */
static void print_memory(void)
{
    struct part_region image = part_image();
    struct part_region arena = part_arena();
    const void *flash = (const void *)(uintptr_t)image.address;
    print_checked("Image: 0x%08X+%u crc=0x%04X\n", image.address, image.size,
                  crc16_update(CRC16_START, flash, image.size));
    print_checked("Memory: 0x%08X+%u free=%u\n", arena.address, arena.size, slots_free_bytes());
}

static void print_slot(unsigned n)
{
    const struct slot *slot = slots_get(n);
    static const char *const modes[] = {
        [SLOTS_TRAMPOLINE] = "remap",
        [SLOTS_DIRECT] = "direct",
        [SLOTS_DEBUGMON] = "debugmon",
    };
    uint32_t comp = fpb_comparator(n);
    const char *state = (comp & MATCH_ENABLE) != 0 ? "on" : "off";
    if (slot->original == 0) {
        print_checked("Slot[%u]: empty (COMP=0x%08X, %s)\n", n, comp, state);
        return;
    }
    print_checked("Slot[%u]: 0x%08X -> 0x%08X, %u bytes (COMP=0x%08X, %s, %s", n, slot->original,
                  slot_targets[slot->first], slots_memory(n).size, comp, modes[slot->mode], state);
    if (slot->first != n) {
        print_checked(", pair of %u", slot->first);
    }
    print_checked(")\n");
}

void handlers_info(const struct command *command, uint8_t *buffer)
{
    unsigned used = 0;
    (void)command;
    (void)buffer;
    crc = CRC16_START;
    for (unsigned n = 0; n < slots_count(); n++) {
        used += slots_get(n)->original != 0 ? 1u : 0u;
    }
    print_firmware();
    print_checked("Used: %u\n", slots_used_bytes());
    print_checked("Slots: %u/%u\n", used, slots_count());
    print_checked("FileTransfer: not compiled\n");
    print_fpb();
    if (POLICY_LEVEL > 1) {
        print_protocol();
        print_memory();
    }
    for (unsigned n = 0; n < slots_count(); n++) {
        print_slot(n);
    }
    if (POLICY_LEVEL > 1) {
        print_format("CRC: 0x%04X\n", crc);
    }
    reply_ok("Info complete");
}

/*
 * What changes between two resets, in words: boot id, FP_CTRL, bytes used, bytes free; FP_COMPn of
 * each slot; then of each slot in use its number, `first` << 8 and mode << 16, original, target
 * and size.
 */
void handlers_slots(const struct command *command, uint8_t *buffer)
{
    uint32_t words[4 + FPB_MAX_CODE * 5] = {boot_id(), FPB->CTRL, slots_used_bytes(),
                                            slots_free_bytes()};
    size_t count = 4;
    (void)command;
    (void)buffer;
    for (unsigned n = 0; n < slots_count(); n++) {
        words[count++] = fpb_comparator(n);
    }
    for (unsigned n = 0; n < slots_count(); n++) {
        const struct slot *slot = slots_get(n);
        if (slot->original != 0) {
            words[count++] = n | slot->first << 8 | (uint32_t)slot->mode << 16;
            words[count++] = slot->original;
            words[count++] = slot_targets[slot->first];
            words[count++] = slots_memory(n).size;
        }
    }
    size_t size = count * sizeof words[0];
    reply_data("SLOTS", crc16_update(CRC16_START, words, size), (const uint8_t *)words, size);
}
