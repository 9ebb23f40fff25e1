/* SPDX-License-Identifier: GPL-2.0 */
/* Passes on what was taken, to be recorded (core_config.taken). */
#ifndef HALFOPEN_CORE_TAKEN_H
#define HALFOPEN_CORE_TAKEN_H

#include "stream/record.h"

struct core;

void taken__pass_on(const struct core *core, const struct record *r);

#endif
