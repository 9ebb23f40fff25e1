/* SPDX-License-Identifier: GPL-2.0 */
/* A core whose sink notes what it is told, and how it is fed. */
#ifndef HALFOPEN_TESTS_CORE_SEEN_H
#define HALFOPEN_TESTS_CORE_SEEN_H

#include <stdio.h>
#include <stdlib.h>

#include "core/core.h"
#include "core/state.h"
#include "facts.h"


static inline void assert_near(double s, uint64_t ns)
{
	assert_in_range((uint64_t)(s * S + 0.5), ns, ns + JIFFY_NS);
}

static struct {
	unsigned int metas, events, changes, timelines, losses, steps, summaries, ticks;
	struct event event_list[32];
	struct change change;
	struct loss loss;
	struct timeline timeline;
	struct clock_step step;
	struct summary summary;
	struct summary_program without_keepalive[2];
	char programs[2][16];
	struct meta meta;
	struct meta_namespace namespaces[4];
	char names[4][16], host_names[4][16];
	uint64_t tick_ns, complete_ns;
	char reason[32];
	int err;	/* what taking a timeline returns */
	uint64_t summary_every_ns;	/* of the sink that is made next */
} seen;

static inline int on_meta(void *context, const struct meta *m)
{
	unsigned int i;

	assert_ptr_equal(context, &seen);
	seen.metas++;
	seen.meta = *m;
	assert_string_equal(m->origin.gateway, "gw");
	assert_string_equal(m->kernel, "6.18");
	assert_string_equal(m->attached, "tcp_probe timer_expire_exit");
	assert_true(m->namespace_count <= 4);
	for (i = 0; i < m->namespace_count; i++) {
		seen.namespaces[i] = m->namespaces[i];
		snprintf(seen.names[i], sizeof(seen.names[i]), "%s", m->namespaces[i].netns.name);
		snprintf(seen.host_names[i], sizeof(seen.host_names[i]), "%s",
			 m->namespaces[i].netns.host_name);
	}
	return 0;
}

static inline int on_event(void *context, const struct socket_event *e)
{
	(void)context;
	assert_non_null(e->socket);
	if (seen.events < 32)
		seen.event_list[seen.events] = e->event;
	if (e->event.kind == EVENT_RESET_SENT)
		snprintf(seen.reason, sizeof(seen.reason), "%s", e->event.reason);
	seen.events++;
	return 0;
}

static inline int on_change(void *context, const struct change *c)
{
	(void)context;
	assert_non_null(c->socket);
	seen.changes++;
	seen.change = *c;
	return 0;
}

static inline int on_timeline(void *context, const struct timeline *t)
{
	(void)context;
	seen.timelines++;
	seen.timeline = *t;
	return seen.err;
}

static inline int on_loss(void *context, const struct loss *l)
{
	(void)context;
	seen.losses++;
	seen.loss = *l;
	return 0;
}

static inline int on_step(void *context, const struct clock_step *s)
{
	(void)context;
	seen.steps++;
	seen.step = *s;
	return 0;
}

static inline int on_summary(void *context, const struct summary *s)
{
	unsigned int i;

	(void)context;
	assert_string_equal(s->origin.gateway, "gw");
	seen.summaries++;
	seen.summary = *s;
	for (i = 0; i < s->without_keepalive_count && i < 2; i++) {
		seen.without_keepalive[i] = s->without_keepalive[i];
		snprintf(seen.programs[i], sizeof(seen.programs[i]), "%s",
			 s->without_keepalive[i].comm);
	}
	return 0;
}

static inline int on_tick(void *context, const struct timeline_progress *p)
{
	(void)context;
	seen.ticks++;
	seen.tick_ns = p->now_ns;
	seen.complete_ns = p->complete_ns;
	return 0;
}

static inline void feed(struct core *core, struct record r)
{
	const char *why;

	assert_int_equal(core__feed(core, &r, &why), 0);
}

static inline struct core *described(struct core_config config, uint32_t hz)
{
	struct sink sink = { .size = sizeof(sink), .context = &seen, .meta = on_meta, .event = on_event,
			     .change = on_change, .timeline = on_timeline, .loss = on_loss,
			     .clock_step = on_step, .summary = on_summary, .tick = on_tick };
	struct core *core;

	sink.summary_every_ns = seen.summary_every_ns;
	memset(&seen, 0, sizeof(seen));
	config.suspect_after = 2;
	core = core__new(&config, &sink);
	assert_non_null(core);
	feed(core, (struct record){ .type = RECORD_META,
				    .meta = { hz, "1", "gw", "b", "r", "6.18" } });
	return core;
}

static inline void start(struct core *core)
{
	feed(core, (struct record){ .type = RECORD_START, .mono_ns = 1 * S,
				    .start = { "tcp_probe timer_expire_exit" } });
}

static inline struct core *started(struct core_config config)
{
	struct core *core = described(config, HZ);

	start(core);
	return core;
}

/* Of one of several sockets, which was accepted at 2 s. */
static inline struct ho_event fact_of(uint64_t cookie, uint8_t kind, uint64_t ms)
{
	struct ho_event e = fact(kind, ms);

	e.cookie = cookie;
	e.rcv_tstamp_jiffies = e.lrcvtime_jiffies = 2 * HZ;
	e.peer[3] = cookie;
	e.peer_port = 40000 + cookie;
	return e;
}

static inline void tell(struct core *core, struct ho_event e)
{
	feed(core, (struct record){ .type = RECORD_EVENT, .mono_ns = e.mono_ns, .event = e });
}

static inline void establish(struct core *core, uint64_t cookie)
{
	struct ho_event e = fact_of(cookie, HO_STATE, 2000);

	e.old_state = TCP_SYN_RECV;
	tell(core, e);
}

static inline void probe(struct core *core, uint64_t cookie, uint64_t ms, uint8_t probes_out)
{
	struct ho_event e = fact_of(cookie, HO_PROBE_SENT, ms);

	e.probes_out = probes_out;
	tell(core, e);
}

static inline void answer(struct core *core, uint64_t cookie, uint64_t ms, uint8_t probes_out)
{
	struct ho_event e = fact_of(cookie, HO_HEARD, ms);

	e.probes_out = probes_out;
	e.flags |= HO_F_SEGMENT;
	e.tcp_flags = HO_TCP_ACK;
	tell(core, e);
}

static inline void close_with(struct core *core, uint64_t cookie, uint64_t ms, uint16_t error,
		       uint8_t probes_out)
{
	struct ho_event e = fact_of(cookie, HO_STATE, ms);

	e.state = TCP_CLOSE;
	e.old_state = TCP_ESTABLISHED;
	e.error = error;
	e.probes_out = probes_out;
	e.flags |= error == ETIMEDOUT ? HO_F_IN_KEEPALIVE : 0;
	tell(core, e);
}

static inline void tick(struct core *core, uint64_t ms)
{
	feed(core, (struct record){ .type = RECORD_TICK, .mono_ns = ms * MS });
}

#endif
