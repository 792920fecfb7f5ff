/* SPDX-License-Identifier: MIT */
/*
 * The loader: command lines in, replies out.
 *
 *     host    fl -c <name> [--option value]...
 *     board   any number of lines, then "[FLOK] text" or "[FLERR] text", then "[FLEND]"
 */
#ifndef FIRMWARE_LOADER_H
#define FIRMWARE_LOADER_H

/* Enable the FPB with no patches. */
void loader_start(void);

/* Take what the serial line received, and run the commands it completes. */
void loader_poll(void);

#endif
