// SPDX-License-Identifier: GPL-2.0
#include "connection/heartbeat.h"

bool heartbeat__is(const struct ho_event *e)
{
	return e->kind == HO_HEARD && (e->flags & HO_F_DATA_IDLE) && e->seq_offset == 0 &&
	       e->payload && e->payload <= HEARTBEAT_BYTES_MAX &&
	       !e->packets_out && !(e->tcp_flags & HO_TCP_RST);
}

void heartbeat__take(struct heartbeat *h, const struct ho_event *e, uint64_t pause_ns)
{
	uint32_t ms = pause_ns / 1000000;

	if (e->payload != h->bytes) {
		h->bytes = e->payload;
		h->run = 0;
		h->sum_ms = 0;
	}
	if (!h->run || ms < h->least_ms)
		h->least_ms = ms;
	if (!h->run || ms > h->most_ms)
		h->most_ms = ms;
	h->run++;
	h->sum_ms += ms;
	h->bytes_acked = e->bytes_acked;
	h->pending = true;
}

void heartbeat__notice_reply(struct heartbeat *h, const struct ho_event *e)
{
	bool acknowledged = e->bytes_acked > h->bytes_acked;

	/* An unrelated event may come while the reply is on its way. */
	if (!h->pending || (!acknowledged && e->kind != HO_RETRANSMIT && !heartbeat__is(e)))
		return;
	h->reply = acknowledged ? REPLY_ACKNOWLEDGED : REPLY_NONE;
	h->pending = false;
}

uint64_t heartbeat__period_ms(const struct heartbeat *h)
{
	if (h->run < 2 || h->most_ms > h->least_ms + h->least_ms / 2)
		return 0;
	return h->sum_ms / h->run;
}
