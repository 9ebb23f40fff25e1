// SPDX-License-Identifier: GPL-2.0
#include "foreign_sink.h"
#include "timeline/names.h"

static int on_meta(void *context, const struct meta *m)
{
	struct foreign *f = context;

	f->metas++;
	return fprintf(f->out, "%s, %u namespaces\n", m->version, m->namespace_count) < 0 ? -5 : 0;
}

static int on_timeline(void *context, const struct timeline *t)
{
	struct foreign *f = context;
	unsigned int i, probes = 0;

	f->timelines++;
	for (i = 0; i < t->event_count; i++)
		probes += t->events[i].kind == EVENT_PROBE_SENT;
	if (!t->final)
		return 0;
	return fprintf(f->out, "%s:%u %s %s %.3f %u\n", t->socket.peer.address, t->socket.peer.port,
		       outcome__name(t->outcome), found_by__name(t->half_open.found_by),
		       t->half_open.latency_ms.max, probes) < 0 ? -5 : 0;
}

static int on_event(void *context, const struct socket_event *e)
{
	struct foreign *f = context;

	f->events += *event_kind__name(e->event.kind) && e->socket->cookie;
	return 0;
}

static int on_loss(void *context, const struct loss *l)
{
	struct foreign *f = context;

	f->losses += l->count;
	return 0;
}

static int on_summary(void *context, const struct summary *s)
{
	struct foreign *f = context;

	f->summaries++;
	return s->suspect > s->open ? -5 : 0;
}

static int on_tick(void *context, const struct timeline_progress *p)
{
	struct foreign *f = context;

	f->ticks++;
	return p->complete_ns > p->now_ns ? -5 : 0;
}

struct sink foreign__sink(struct foreign *f)
{
	return (struct sink){ .size = sizeof(struct sink), .context = f, .meta = on_meta,
			      .event = on_event, .timeline = on_timeline, .loss = on_loss,
			      .summary = on_summary, .summary_every_ns = 1000000000,
			      .tick = on_tick };
}
