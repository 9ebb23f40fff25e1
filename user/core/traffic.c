// SPDX-License-Identifier: GPL-2.0
#include "tcp_states.h"
#include "traffic.h"

void traffic__take(struct traffic *t, const struct ho_event *e)
{
	struct traffic_counts now = {
		.at_ns = e->mono_ns,
		.received_bytes = e->bytes_received,
		.acked_bytes = e->bytes_acked,
		.received_segments = e->data_segs_in,
		.sent_segments = e->data_segs_out,
	};

	/* A small event has no counts; at the opening they are 0. */
	if (!e->last_tx_ns && !(e->kind == HO_STATE && e->state == TCP_ESTABLISHED))
		return;
	if (!t->first.at_ns)
		t->first = now;
	t->last = now;
}

struct traffic_counts traffic__carried(const struct traffic *t)
{
	return (struct traffic_counts){
		.at_ns = t->last.at_ns - t->first.at_ns,
		.received_bytes = t->last.received_bytes - t->first.received_bytes,
		.acked_bytes = t->last.acked_bytes - t->first.acked_bytes,
		.received_segments = t->last.received_segments - t->first.received_segments,
		.sent_segments = t->last.sent_segments - t->first.sent_segments,
	};
}
