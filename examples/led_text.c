/* What the LED's line says. The function begins at address%4 == 2: patching it takes two slots. */
#include <stdbool.h>

/* FPB_INJECT */
const char *led_text(bool on)
{
    return on ? "shines" : "rests";
}
