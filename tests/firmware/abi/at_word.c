/* SPDX-License-Identifier: MIT */
#include "abi.h"
#include "parity.h"

extern volatile uint32_t unpatched;

#define NAME(name)  name##_w
#define PLACE(name) AT_WORD
#include "originals.inc"
