/* SPDX-License-Identifier: MIT */
/* Handlers by the handful, for vector tables. */
#ifndef FIRMWARE_FOUR_H
#define FIRMWARE_FOUR_H

#define FOUR(handler) handler, handler, handler, handler
#define NINE_FOURS(handler)                                                                        \
    FOUR(handler), FOUR(handler), FOUR(handler), FOUR(handler), FOUR(handler), FOUR(handler),      \
        FOUR(handler), FOUR(handler), FOUR(handler)

#endif
