/* SPDX-License-Identifier: MIT */
#ifndef FIRMWARE_VERSION_H
#define FIRMWARE_VERSION_H

#define VERSION_NAME "FPBay 0.1.0"

#endif
