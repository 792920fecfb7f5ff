/* SPDX-License-Identifier: MIT */
/* alloc, upload, read, write. */
#include "base64.h"
#include "crc16.h"
#include "handlers.h"
#include "memory.h"
#include "part.h"
#include "policy.h"
#include "reply.h"
#include "slots.h"

static uint16_t crc_of_place(uint32_t address, uint32_t length)
{
    return crc16_update_word(crc16_update_word(CRC16_START, address), length);
}

/* Decode --data into `buffer`; false after replying why not. */
static bool decode_data(const struct command *command, uint8_t *buffer, size_t *length)
{
    if (!command_has(command, OPTION_DATA)) {
        reply_error("Missing --data");
        return false;
    }
    switch (base64_decode(command->data, buffer, HANDLERS_MAX_DATA, length)) {
    case BASE64_OK:
        if (*length > 0) {
            return true;
        }
        break;
    case BASE64_TOO_LONG:
        reply_error("Data too long (max %u)", HANDLERS_MAX_DATA);
        return false;
    case BASE64_INVALID:
        break;
    }
    reply_error("Invalid base64 data");
    return false;
}

void handlers_alloc(const struct command *command, uint8_t *buffer)
{
    (void)buffer;
    uint32_t size = command_number(command, OPTION_SIZE, 0);
    uint32_t address = 0;
    if (!command_has(command, OPTION_SIZE)) {
        reply_error("Missing --size");
        return;
    }
    if (!reply_checks_crc(command, crc16_update_word(CRC16_START, size), "Request CRC")) {
        return;
    }
    if (size == 0) {
        reply_error("Invalid size 0");
    } else if (slots_allocate(size, &address)) {
        reply_ok("Allocated %u at 0x%08X", size, address);
    } else {
        reply_error("Alloc failed: %u bytes, %u free", size, slots_free_bytes());
    }
}

void handlers_upload(const struct command *command, uint8_t *buffer)
{
    struct arena_block allocation = slots_allocation();
    uint32_t offset = command_number(command, OPTION_ADDR, 0);
    size_t length = 0;
    if (allocation.size == 0) {
        reply_error("No allocation, call alloc first");
        return;
    }
    if (!command_has(command, OPTION_ADDR)) {
        reply_error("Missing --addr");
        return;
    }
    if (!decode_data(command, buffer, &length)) {
        return;
    }
    uint16_t crc = crc16_update(crc_of_place(offset, length), buffer, length);
    if (!reply_checks_crc(command, crc, "CRC")) {
        slots_free_allocation(); /* the host starts again at alloc */
        return;
    }
    bool is_outside = length > allocation.size || offset > allocation.size - length;
    if (is_outside && POLICY_IS_STRICT) {
        reply_error("Invalid offset %u+%u, %u allocated", offset, length, allocation.size);
        return;
    }
    (void)memory_write(allocation.offset + offset, buffer, length);
    reply_ok("Uploaded %u bytes to 0x%08X", length, allocation.offset + offset);
}

/* Refuse places that are not ours to touch, unless told to; false after replying. */
static bool is_allowed(const struct command *command, bool allowed, uint32_t address,
                       uint32_t length)
{
    if (allowed || command_has(command, OPTION_FORCE)) {
        return true;
    }
    reply_error("Invalid address range 0x%08X+%u (use --force to override)", address, length);
    return false;
}

#define MAX_PLACES 8u

/* Take the places to read, and return how many: the one of --addr and --len, or those that --data
 * lists, as words: address and length of each. 0 after replying why not. */
static unsigned take_places(const struct command *command, uint8_t *buffer,
                            struct part_region places[MAX_PLACES])
{
    size_t size = 0;
    bool has_address = command_has(command, OPTION_ADDR);
    if (POLICY_LEVEL == 1 || !command_has(command, OPTION_DATA)) {
        places[0].address = command_number(command, OPTION_ADDR, 0);
        places[0].size = command_number(command, OPTION_LEN, HANDLERS_DEFAULT_LENGTH);
        if (!has_address) {
            reply_error("Missing --addr");
        }
        return has_address ? 1 : 0;
    }
    if (has_address || command_has(command, OPTION_LEN)) {
        reply_error("Invalid arguments: --data with --addr or --len");
        return 0;
    }
    if (!decode_data(command, buffer, &size)) {
        return 0;
    }
    unsigned count = (unsigned)(size / sizeof places[0]);
    if (size % sizeof places[0] != 0 || count > MAX_PLACES) {
        reply_error("Invalid list of %u bytes (%u a place, max %u)", size, sizeof places[0],
                    sizeof places[0] * MAX_PLACES);
        return 0;
    }
    for (unsigned i = 0; i < count; i++) {
        places[i] = ((const struct part_region *)(const void *)buffer)[i];
    }
    return count;
}

/* Read once, then take the CRC of what was read: a register may change in between. */
static bool read_place(const struct command *command, struct part_region place, uint8_t *buffer)
{
    if (!is_allowed(command, memory_may_read(place.address, place.size), place.address,
                    place.size)) {
        return false;
    }
    size_t done = memory_read(place.address, buffer, place.size);
    if (done < place.size) {
        reply_error("Bus fault at 0x%08X", place.address + done);
        return false;
    }
    return true;
}

void handlers_read(const struct command *command, uint8_t *buffer)
{
    struct part_region places[MAX_PLACES];
    unsigned count = take_places(command, buffer, places);
    uint16_t crc = crc16_update(CRC16_START, places, count * sizeof places[0]);
    uint32_t total = 0;
    if (count == 0 || !reply_checks_crc(command, crc, "Request CRC")) {
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        uint32_t size = places[i].size;
        if (size == 0 || size > HANDLERS_MAX_DATA - total) {
            reply_error("Invalid length %u (max %u)", size, HANDLERS_MAX_DATA - total);
            return;
        }
        if (count > 1 && ((places[i].address | size) & 3u) != 0) { /* the buffer's alignment too */
            reply_error("Invalid place 0x%08X+%u (whole words)", places[i].address, size);
            return;
        }
        if (!read_place(command, places[i], buffer + total)) {
            return;
        }
        total += size;
    }
    reply_data("READ", crc16_update(crc, buffer, total), buffer, total);
}

void handlers_write(const struct command *command, uint8_t *buffer)
{
    uint32_t address = command_number(command, OPTION_ADDR, 0);
    size_t length = 0;
    if (!command_has(command, OPTION_ADDR)) {
        reply_error("Missing --addr");
        return;
    }
    if (!decode_data(command, buffer, &length)) {
        return;
    }
    uint16_t crc = crc16_update(crc_of_place(address, length), buffer, length);
    if (!reply_checks_crc(command, crc, "CRC") ||
        !is_allowed(command, memory_may_write(address, length), address, length)) {
        return;
    }
    size_t done = memory_write(address, buffer, length);
    if (done < length) {
        reply_error("Bus fault at 0x%08X, %u bytes written", address + done, done);
        return;
    }
    reply_ok("WRITE %u bytes to 0x%08X", length, address);
}
