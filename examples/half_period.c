/* The LED toggles twice as fast, whatever its period is: the patch asks the original. */
#include <stdint.h>

/* FPB_INJECT */
uint32_t blink_period_ms(void)
{
    return FPB_ORIGINAL(blink_period_ms)() / 2;
}
