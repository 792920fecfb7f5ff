/* The answer to the loader's `hello`: counts its calls, and asks the firmware for the time. */
#include <stdint.h>

uint32_t tick_ms(void); /* the firmware's: milliseconds since reset */

static char text[] = "Hello from RAM, call 00000, up 00000 s";

static void put_number(char *last_digit, uint32_t number)
{
    for (int i = 0; i < 5; i++) {
        last_digit[-i] = (char)('0' + number % 10);
        number /= 10;
    }
}

/* FPB_INJECT */
const char *greet(void)
{
    static uint32_t calls;

    put_number(&text[sizeof "Hello from RAM, call 00000" - 2], ++calls);
    put_number(&text[sizeof "Hello from RAM, call 00000, up 00000" - 2], tick_ms() / 1000);
    return text;
}
