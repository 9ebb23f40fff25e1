// SPDX-License-Identifier: GPL-2.0
#include "core/recent_events.h"
#include "tcp/tcp_states.h"

void recent_events__add(struct recent_events *r, const struct ho_event *e)
{
	r->ring[r->next++ % RECENT_EVENTS] =
		(struct recent_event){ .cookie = e->cookie,
				       .mono_ns = e->mono_ns,
				       .ends = e->kind == HO_GONE ||
					       (e->kind == HO_STATE && e->state == TCP_CLOSE) };
}

bool recent_events__outdate(const struct recent_events *r, const struct ho_event *e)
{
	uint32_t i;

	for (i = 1; i <= RECENT_EVENTS; i++) {
		const struct recent_event *at = &r->ring[(r->next - i) % RECENT_EVENTS];

		if (at->mono_ns + WALK_BEHIND_NS < e->mono_ns)
			return false;
		if (at->cookie == e->cookie && (at->ends || at->mono_ns > e->mono_ns))
			return true;
	}
	return true;
}
