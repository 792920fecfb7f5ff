/* The LED toggles ten times a second in place of twice. */
#include <stdint.h>

/* FPB_INJECT */
uint32_t blink_period_ms(void)
{
    return 100;
}
