// SPDX-License-Identifier: GPL-2.0
#include "core/state.h"
#include "core/taken.h"

void taken__pass_on(const struct core *core, const struct record *r)
{
	if (core->config.taken)
		core->config.taken(core->config.taken_context, r);
}
