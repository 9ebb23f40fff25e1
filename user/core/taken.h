/* SPDX-License-Identifier: GPL-2.0 */
/* Passes on what was taken, to be recorded (core_config.taken). */
#ifndef HALFOPEN_CORE_TAKEN_H
#define HALFOPEN_CORE_TAKEN_H

#include "stream/record.h"

struct core;

void taken__pass_on(const struct core *core, const struct record *r);

/* That these sockets are this process's, as of now; `count` may be 0. */
void taken__pass_on_holder(const struct core *core, const struct record_process *by,
			   const uint64_t *cookies, uint32_t count);

#endif
