/* SPDX-License-Identifier: MIT */
#include "abi.h"
#include "parity.h"

extern volatile uint32_t unpatched;
extern volatile struct zeros zero;

#define NAME(name)  name##_h
#define PLACE(name) AT_HALFWORD(name##_h)
#include "originals.inc"
