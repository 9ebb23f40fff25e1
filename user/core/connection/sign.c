// SPDX-License-Identifier: GPL-2.0
#include "connection/sign.h"
#include "connection/silence.h"

/* Bound for segments without a kernel's verdict (recordings of formats 1 and 2): further off than
 * any window, it was no segment of the peer's. */
#define WINDOW_MAX (1 << 30)

/* Its last byte, counted from the next one that we expect: 0 or less is nothing new. */
static int64_t end_of(const struct ho_event *e)
{
	return (int64_t)e->seq_offset + e->payload + !!(e->tcp_flags & HO_TCP_FIN);
}

static bool is_life(const struct ho_event *e)
{
	if (e->tcp_flags & (HO_TCP_RST | HO_TCP_SYN))
		return false;
	switch ((enum ho_segment)e->segment) {
	case HO_SEGMENT_TAKEN:
	case HO_SEGMENT_REPEATED:
		return true;
	case HO_SEGMENT_REFUSED:
		return false;
	case HO_SEGMENT_UNJUDGED:
		break;
	}
	return (e->tcp_flags & HO_TCP_ACK) && e->seq_offset < WINDOW_MAX &&
	       e->seq_offset > (e->payload ? -WINDOW_MAX : -UINT16_MAX);
}

/* One below the next sequence number, with no data or a byte of garbage. A byte of it from a peer
 * that acknowledges nothing of what we have under way is its last heartbeat repeated: it did not
 * get our acknowledgement, either. With our window closed it is a window probe. */
static bool is_own_probe(const struct ho_event *e)
{
	return e->seq_offset == -1 && !(e->tcp_flags & HO_TCP_FIN) &&
	       (!e->payload || (e->payload == 1 && !e->packets_out)) &&
	       !(e->flags & HO_F_OWN_WINDOW_ZERO);
}

struct sign sign__of(const struct ho_event *e)
{
	struct sign s = { .life = is_life(e) };

	if (!s.life)
		return s;
	s.own_probe = is_own_probe(e);
	s.new = end_of(e) > 0 || (!e->payload && e->seq_offset >= 0 && e->ack_offset >= 0);
	if (e->segment == HO_SEGMENT_UNJUDGED)	/* not judged */
		s.acknowledges = s.new;
	else
		s.acknowledges = e->segment == HO_SEGMENT_TAKEN && e->ack_offset > 0;
	return s;
}

bool sign__answers(const struct sign *s, unsigned int kinds)
{
	if (kinds & ASK_CARRYING)
		return s->acknowledges;
	return s->acknowledges || (s->life && s->new);
}
