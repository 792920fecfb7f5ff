#include "guest.h"

NOINLINE void crash_site(void)
{
    ASM("udf #0");
}
void program(void)
{
    vectors[HARDFAULT] = crash_site;
    crash_site();
}
