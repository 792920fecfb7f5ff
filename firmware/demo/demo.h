/* SPDX-License-Identifier: MIT */
/* A program worth patching: blinks, and prints what its functions return. */
#ifndef FIRMWARE_DEMO_H
#define FIRMWARE_DEMO_H

void demo_start(void);

/* Do what is due; never waits. */
void demo_poll(void);

#endif
