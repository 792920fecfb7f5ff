/* SPDX-License-Identifier: MIT */
#include "abi.h"

#define NAME(name) name##_w
#include "calls.inc"
