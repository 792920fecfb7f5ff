/* SPDX-License-Identifier: MIT */
/* What exception entry pushed. Source: DDI 0403E.e B1.5.6. */
#ifndef FIRMWARE_FRAME_H
#define FIRMWARE_FRAME_H

#include <stdint.h>

struct frame {
    uint32_t r0, r1, r2, r3, r12, lr, pc, xpsr;
};

#endif
