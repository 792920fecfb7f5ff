/* SPDX-License-Identifier: MIT */
/* The STM32L552 as the files that several STM32 share want to know it. */
#ifndef FIRMWARE_DEVICE_H
#define FIRMWARE_DEVICE_H

#include "four.h"
#include "stm32l552.h"

#define DEVICE_NAME        "stm32l552"
#define DEVICE_FLASH_SIZE  (512u * 1024u)
#define DEVICE_SRAM_SIZE   (256u * 1024u)
#define DEVICE_INTERNAL    "MSI" /* what it starts with, at */
#define DEVICE_INTERNAL_HZ 4000000u
#define DEVICE_USART1      0x40013800u
#define DEVICE_USART1_IRQ  61
#define DEVICE_HAS_FPU     1
#define DEVICE_IRQ_COUNT   108u

/* The handlers around USART1's. */
#define DEVICE_IRQS_BEFORE_USART1(other)                                                           \
    NINE_FOURS(other), FOUR(other), FOUR(other), FOUR(other), FOUR(other), FOUR(other),            \
        FOUR(other), other
#define DEVICE_IRQS_AFTER_USART1(other) NINE_FOURS(other), FOUR(other), FOUR(other), other, other

#endif
