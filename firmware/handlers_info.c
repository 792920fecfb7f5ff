/* SPDX-License-Identifier: MIT */
/* info: everything a host wants to know before it changes anything. */
#include "boot.h"
#include "clock.h"
#include "crc16.h"
#include "fpb.h"
#include "handlers.h"
#include "line.h"
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

static void print_firmware(void)
{
    print_format("%s (%s, %s, %u MHz %s)\n", POLICY_NAME, VERSION_NAME, part_name,
                 clock_hz() / 1000000u, clock_source());
    print_format("Build: %s\n", FIRMWARE_BUILD);
}

static void print_fpb(void)
{
    struct fpb_state fpb = fpb_state();
    print_format("FPB: v%u, %u code + %u lit = %u total, %s\n", fpb.version, fpb.num_code,
                 fpb.num_lit, fpb.num_code + fpb.num_lit, fpb.enabled ? "enabled" : "disabled");
    print_format("FP_REMAP: 0x%08X, base=0x%08X, remap %s\n", fpb.remap, fpb.table,
                 fpb.remaps ? "supported" : "not supported");
}

static void print_protocol(void)
{
    print_format("Protocol: %u\n", POLICY_LEVEL);
    print_format("Limits: line=%u ring=%u data=%u\n", POLICY_LINE_USABLE, POLICY_RING_USABLE,
                 HANDLERS_MAX_DATA);
    print_format("Boot: 0x%08X\n", boot_id());
}

/* The host compares this with its ELF: a patch for another image would run, and be wrong. */
static void print_memory(void)
{
    struct part_region image = part_image();
    struct part_region arena = part_arena();
    const void *flash = (const void *)(uintptr_t)image.address;
    print_format("Image: 0x%08X+%u crc=0x%04X\n", image.address, image.size,
                 crc16_update(CRC16_START, flash, image.size));
    print_format("Memory: 0x%08X+%u free=%u\n", arena.address, arena.size, slots_free_bytes());
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
        print_format("Slot[%u]: empty (COMP=0x%08X, %s)\n", n, comp, state);
        return;
    }
    print_format("Slot[%u]: 0x%08X -> 0x%08X, %u bytes (COMP=0x%08X, %s, %s", n, slot->original,
                 slot_targets[slot->first], slots_memory(n).size, comp, modes[slot->mode], state);
    if (slot->first != n) {
        print_format(", pair of %u", slot->first);
    }
    print_format(")\n");
}

void handlers_info(const struct command *command, uint8_t *buffer)
{
    unsigned used = 0;
    (void)command;
    (void)buffer;
    for (unsigned n = 0; n < slots_count(); n++) {
        used += slots_get(n)->original != 0 ? 1u : 0u;
    }
    print_firmware();
    print_format("Used: %u\n", slots_used_bytes());
    print_format("Slots: %u/%u\n", used, slots_count());
    print_format("FileTransfer: not compiled\n");
    print_fpb();
    if (POLICY_LEVEL > 1) {
        print_protocol();
        print_memory();
    }
    for (unsigned n = 0; n < slots_count(); n++) {
        print_slot(n);
    }
    reply_ok("Info complete");
}
