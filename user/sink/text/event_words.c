// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "tcp/tcp_states.h"
#include "text/event_words.h"
#include "timeline/names.h"

void event_words__add(struct words *w, const struct event *e)
{
	words__add(w, "%s", event_kind__words(e->kind));
	if (e->kind == EVENT_STATE)
		words__add(w, " %s -> %s", tcp_state__name(e->from), tcp_state__name(e->to));
	else if (e->kind == EVENT_ANSWERED && e->rtt.count)
		words__add(w, " after %.3f ms", e->rtt.min_us / 1000.0);
	else if (e->kind == EVENT_ERROR)
		words__add(w, " %s", strerror(e->error));
	else if (e->kind == EVENT_PROBE_FAILED || e->kind == EVENT_SEND_FAILED)
		words__add(w, ": %s", send_failure__words(e->why));
	else if (e->kind == EVENT_PROBE_SENT || e->kind == EVENT_RETRANSMIT ||
		 e->kind == EVENT_ZERO_WINDOW_PROBE)
		words__add(w, " #%u", e->n);
	else if (e->kind == EVENT_ANSWERED_RUN)
		words__add(w, " %u times", e->n);
	else if (e->kind == EVENT_HEARTBEAT)
		words__add(w, " of %u byte%s", e->n, e->n == 1 ? "" : "s");
}
