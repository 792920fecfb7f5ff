/* SPDX-License-Identifier: MIT */
#include "abi.h"

#define NAME(name) name##_h
#include "calls.inc"
