// SPDX-License-Identifier: GPL-2.0
#include <stdbool.h>

#include "connection/traffic.h"
#include "tcp/tcp_states.h"

/* The kernel's counts only rise, until tcp_disconnect() sets them to 0; purging the queue of a FIN
 * that was never acknowledged makes it look acknowledged. */
static uint64_t risen(uint64_t before, uint64_t now)
{
	return now > before ? now : before;
}

static struct traffic_counts risen_counts(const struct traffic_counts *before,
					  const struct traffic_counts *now)
{
	return (struct traffic_counts){
		.at_ns = now->at_ns,
		.received_bytes = risen(before->received_bytes, now->received_bytes),
		.acked_bytes = risen(before->acked_bytes, now->acked_bytes),
		.received_segments = risen(before->received_segments, now->received_segments),
		.sent_segments = risen(before->sent_segments, now->sent_segments),
	};
}

void traffic__take(struct traffic *t, const struct ho_event *e)
{
	/* The kernel counts a FIN as a byte, and the SYN of a connection that we opened. */
	bool opened = e->kind == HO_STATE && e->state == TCP_ESTABLISHED;
	uint32_t fin_taken = !!(e->flags & HO_F_FIN_TAKEN) && e->bytes_received;
	unsigned int state = e->state == TCP_CLOSE ? e->old_state : e->state;
	/* an abort queues none */
	bool fin_sent = state != TCP_ESTABLISHED && state != TCP_CLOSE_WAIT &&
			(e->flags & HO_F_FIN_QUEUED);
	uint32_t fin_acked = fin_sent && (e->flags & HO_F_ALL_ACKED) && e->bytes_acked;
	struct traffic_counts now = {
		.at_ns = e->mono_ns,
		.received_bytes = e->bytes_received - fin_taken,
		.acked_bytes = opened ? e->old_state == TCP_SYN_SENT : e->bytes_acked - fin_acked,
		.received_segments = e->data_segs_in,
		.sent_segments = e->data_segs_out,
	};

	/* A small event has no counts; at the opening they are 0. */
	if (!e->last_tx_ns && !opened)
		return;
	if (!t->first.at_ns)
		t->first = t->last = now;
	t->last = risen_counts(&t->last, &now);
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
