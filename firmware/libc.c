/* SPDX-License-Identifier: MIT */
/* What a compiler may call although no source does; the __aeabi_ names are the Arm run-time ABI's.
 */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *to, const void *from, size_t length);
void *memset(void *to, int value, size_t length);
void __aeabi_memcpy(void *to, const void *from, size_t length);
void __aeabi_memcpy4(void *to, const void *from, size_t length);
void __aeabi_memcpy8(void *to, const void *from, size_t length);
void __aeabi_memset(void *to, size_t length, int value);
void __aeabi_memclr(void *to, size_t length);
void __aeabi_memclr4(void *to, size_t length);
void __aeabi_memclr8(void *to, size_t length);

void *memcpy(void *to, const void *from, size_t length)
{
    uint8_t *destination = to;
    const uint8_t *source = from;
    while (length-- > 0) {
        *destination++ = *source++;
    }
    return to;
}

void *memset(void *to, int value, size_t length)
{
    uint8_t *destination = to;
    while (length-- > 0) {
        *destination++ = (uint8_t)value;
    }
    return to;
}

void __aeabi_memcpy(void *to, const void *from, size_t length)
{
    (void)memcpy(to, from, length);
}

void __aeabi_memcpy4(void *to, const void *from, size_t length)
{
    (void)memcpy(to, from, length);
}

void __aeabi_memcpy8(void *to, const void *from, size_t length)
{
    (void)memcpy(to, from, length);
}

void __aeabi_memset(void *to, size_t length, int value)
{
    (void)memset(to, value, length);
}

void __aeabi_memclr(void *to, size_t length)
{
    (void)memset(to, 0, length);
}

void __aeabi_memclr4(void *to, size_t length)
{
    (void)memset(to, 0, length);
}

void __aeabi_memclr8(void *to, size_t length)
{
    (void)memset(to, 0, length);
}
