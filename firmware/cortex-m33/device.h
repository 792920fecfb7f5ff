/* SPDX-License-Identifier: MIT */
/* The emulator's generic Cortex-M33, which has the units of an STM32F103 around its core. */
#ifndef FIRMWARE_DEVICE_H
#define FIRMWARE_DEVICE_H

#include "four.h"
#include "stm32f103.h"

#define DEVICE_NAME        "cortex-m33"
#define DEVICE_FLASH_SIZE  (128u * 1024u)
#define DEVICE_SRAM_SIZE   (64u * 1024u)
#define DEVICE_INTERNAL    "HSI" /* what it starts with, at */
#define DEVICE_INTERNAL_HZ 8000000u
#define DEVICE_USART1      0x40013800u
#define DEVICE_USART1_IRQ  37
#define DEVICE_HAS_FPU     1
#define DEVICE_IRQ_COUNT   43u

/* The handlers around USART1's. */
#define DEVICE_IRQS_BEFORE_USART1(other) NINE_FOURS(other), other
#define DEVICE_IRQS_AFTER_USART1(other)  FOUR(other), other

#endif
