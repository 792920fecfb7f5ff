/* SPDX-License-Identifier: MIT */
/* patch, tpatch, dpatch, enable, unpatch. */
#include "crc16.h"
#include "handlers.h"
#include "reply.h"
#include "slots.h"
#include "trampoline.h"

/* What a reply calls a slot that a command named, or did not; --all counts as 0xFFFFFFFF in CRCs.
 */
static uint32_t slot_of(const struct command *command)
{
    return command_has(command, OPTION_ALL) ? SLOTS_ALL : command_number(command, OPTION_COMP, 0);
}

/* --comp 0xFFFFFFFF is no way to say --all, and both at once say nothing; false after replying. */
static bool is_one_choice(const struct command *command)
{
    if (command_has(command, OPTION_COMP) && command_has(command, OPTION_ALL)) {
        reply_error("Invalid arguments: --comp and --all");
        return false;
    }
    if (command_number(command, OPTION_COMP, 0) == SLOTS_ALL) {
        reply_error("Invalid comp %u", SLOTS_ALL);
        return false;
    }
    return true;
}

static void reply_patched(enum slots_mode mode, unsigned n, uint32_t original, uint32_t target)
{
    switch (mode) {
    case SLOTS_TRAMPOLINE:
        reply_ok("Trampoline %u: 0x%08X -> tramp(0x%08X) -> 0x%08X", n, original,
                 trampoline_address(n) | 1u, target);
        break;
    case SLOTS_DIRECT:
        reply_ok("Patch %u: 0x%08X -> 0x%08X", n, original, target);
        break;
    case SLOTS_DEBUGMON:
        reply_ok("DebugMon %u: 0x%08X -> 0x%08X", n, original, target);
        break;
    }
}

static void patch(const struct command *command, enum slots_mode mode)
{
    unsigned n = command_number(command, OPTION_COMP, 0);
    uint32_t original = command_number(command, OPTION_ORIG, 0);
    uint32_t target = command_number(command, OPTION_TARGET, 0);
    unsigned other = 0;
    if (!command_has(command, OPTION_ORIG) || !command_has(command, OPTION_TARGET)) {
        reply_error("Missing --orig/--target");
        return;
    }
    uint16_t crc = crc16_update_word(CRC16_START, n);
    crc = crc16_update_word(crc16_update_word(crc, original), target);
    if (!reply_checks_crc(command, crc, "Request CRC")) {
        return;
    }
    switch (slots_patch(mode, n, original, target, &other)) {
    case SLOTS_OK:
        reply_patched(mode, n, original & ~1u, target);
        break;
    case SLOTS_NO_REMAP:
        reply_error("This FPB cannot remap: use dpatch");
        break;
    case SLOTS_INVALID_ORIGINAL:
        reply_error("Invalid original 0x%08X", original);
        break;
    case SLOTS_INVALID_TARGET:
        reply_error("Invalid target 0x%08X", target);
        break;
    case SLOTS_OUT_OF_REACH:
        reply_error("Target 0x%08X is out of a branch's reach from 0x%08X (16 MB): use tpatch",
                    target, original);
        break;
    case SLOTS_DEBUGGER:
        reply_error("A debugger is attached and would halt at the breakpoint: detach it");
        break;
    case SLOTS_NO_MONITOR:
        reply_error("The DebugMonitor cannot be enabled on this part: use tpatch");
        break;
    case SLOTS_IN_USE:
        reply_error("Slot %u is in use", n);
        break;
    case SLOTS_ALREADY_PATCHED:
        reply_error("Already patched by slot %u", other);
        break;
    case SLOTS_WORD_TAKEN:
        reply_error("Too close to the function of slot %u", other);
        break;
    case SLOTS_NO_PAIR:
        reply_error("No free pair for slot %u", n);
        break;
    case SLOTS_NO_SUCH_SLOT:
    case SLOTS_EMPTY:
        reply_error("Invalid comp %u", n);
        break;
    }
}

void handlers_patch(const struct command *command, uint8_t *buffer)
{
    (void)buffer;
    patch(command, SLOTS_DIRECT);
}

void handlers_tpatch(const struct command *command, uint8_t *buffer)
{
    (void)buffer;
    patch(command, SLOTS_TRAMPOLINE);
}

void handlers_dpatch(const struct command *command, uint8_t *buffer)
{
    (void)buffer;
    patch(command, SLOTS_DEBUGMON);
}

void handlers_enable(const struct command *command, uint8_t *buffer)
{
    (void)buffer;
    uint32_t n = slot_of(command);
    uint32_t enable = command_number(command, OPTION_ENABLE, UINT32_MAX);
    unsigned count = 0;
    if (enable > 1) {
        reply_error("Missing --enable (0 or 1)");
        return;
    }
    uint16_t crc = crc16_update_word(crc16_update_word(CRC16_START, n), enable);
    if (!is_one_choice(command) || !reply_checks_crc(command, crc, "Request CRC")) {
        return;
    }
    const char *verb = enable != 0 ? "Enabled" : "Disabled";
    switch (slots_enable(n, enable != 0, &count)) {
    case SLOTS_OK:
        if (n == SLOTS_ALL) {
            reply_ok("%s %u patches", verb, count);
        } else {
            reply_ok("%s patch %u", verb, n);
        }
        break;
    case SLOTS_EMPTY:
        reply_error("Slot %u is empty", n);
        break;
    default:
        reply_error("Invalid comp %u", n);
        break;
    }
}

void handlers_unpatch(const struct command *command, uint8_t *buffer)
{
    (void)buffer;
    uint32_t n = slot_of(command);
    if (!is_one_choice(command) ||
        !reply_checks_crc(command, crc16_update_word(CRC16_START, n), "Request CRC")) {
        return;
    }
    switch (slots_unpatch(n)) {
    case SLOTS_OK:
        if (n == SLOTS_ALL) {
            reply_ok("Cleared all %u slots, memory freed", slots_count());
        } else {
            reply_ok("Cleared slot %u", n);
        }
        break;
    case SLOTS_EMPTY:
        reply_error("Slot %u is empty", n);
        break;
    default:
        reply_error("Invalid comp %u", n);
        break;
    }
}
