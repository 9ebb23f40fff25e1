// SPDX-License-Identifier: GPL-2.0
#include "core/state.h"
#include "core/taken.h"

void taken__pass_on(const struct core *core, const struct record *r)
{
	if (core->config.taken)
		core->config.taken(core->config.taken_context, r);
}

void taken__pass_on_holder(const struct core *core, const struct record_process *by,
			   const uint64_t *cookies, uint32_t count)
{
	struct record r = { .type = RECORD_HOLDER, .mono_ns = core->now_ns };

	r.holder.by = *by;
	r.holder.cookies = cookies;
	r.holder.count = count;
	if (count)
		taken__pass_on(core, &r);
}
