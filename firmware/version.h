/* SPDX-License-Identifier: MIT */
#ifndef FIRMWARE_VERSION_H
#define FIRMWARE_VERSION_H

#define VERSION_NAME "FPBay 0.1.0"

/* The loader whose wire protocol this one speaks; hosts in the field look for this text first. */
#define VERSION_PROTOCOL "FPBInject v1.6.0"

#endif
