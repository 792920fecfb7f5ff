/* SPDX-License-Identifier: MIT */
#include "abi.h"
#include "parity.h"

extern volatile uint32_t unpatched;
extern volatile struct zeros zero;

#define NAME(name)  name##_w
#define PLACE(name) AT_WORD
#include "originals.inc"
