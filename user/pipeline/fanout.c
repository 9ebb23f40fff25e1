// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "pipeline/fanout.h"

bool fanout__add(struct fanout *f, const struct sink *sink)
{
	if (f->count == FANOUT_MAX)
		return false;
	f->branches[f->count++] = (struct fanout_branch){ .sink = sink__of(sink) };
	return true;
}

static bool is_anything_else_written(const struct fanout *f)
{
	unsigned int i;

	for (i = 0; i < f->count; i++)
		if (!f->branches[i].error)
			return true;
	return f->outlives_readers;
}

/* The result of the whole where one of its sinks returned `err`. */
static int judge(const struct fanout *f, int err)
{
	return err == -EPIPE && is_anything_else_written(f) ? 0 : err;
}

/* Calls every working sink that has the function; the first error that ends the whole is `err`. */
#define GIVE_ALL(f, function, value, err)                                                        \
	do {                                                                                     \
		struct fanout_branch *b;                                                         \
                                                                                                 \
		for (b = (f)->branches; b < (f)->branches + (f)->count; b++) {                   \
			if (b->error || !b->sink.function)                                       \
				continue;                                                        \
			b->error = b->sink.function(b->sink.context, value);                     \
			if (b->error && !(err))                                                  \
				(err) = judge(f, b->error);                                      \
		}                                                                                \
	} while (0)

static int on_meta(void *context, const struct meta *m)
{
	int err = 0;

	GIVE_ALL((struct fanout *)context, meta, m, err);
	return err;
}

static int on_event(void *context, const struct socket_event *e)
{
	int err = 0;

	GIVE_ALL((struct fanout *)context, event, e, err);
	return err;
}

static int on_change(void *context, const struct change *c)
{
	int err = 0;

	GIVE_ALL((struct fanout *)context, change, c, err);
	return err;
}

static int on_timeline(void *context, const struct timeline *t)
{
	int err = 0;

	GIVE_ALL((struct fanout *)context, timeline, t, err);
	return err;
}

static int on_loss(void *context, const struct loss *l)
{
	int err = 0;

	GIVE_ALL((struct fanout *)context, loss, l, err);
	return err;
}

static int on_clock_step(void *context, const struct clock_step *s)
{
	int err = 0;

	GIVE_ALL((struct fanout *)context, clock_step, s, err);
	return err;
}

static int on_tick(void *context, const struct timeline_progress *p)
{
	int err = 0;

	GIVE_ALL((struct fanout *)context, tick, p, err);
	return err;
}

/* Each has an interval of its own: the whole has the shortest. */
static bool is_due(struct fanout_branch *b, const struct summary *s)
{
	uint64_t every_ns = b->sink.summary_every_ns, now_ns = s->progress.now_ns;

	if (s->kind == SUMMARY_LAST)
		return true;
	if (s->kind == SUMMARY_INTERIM && (!every_ns || now_ns < b->next_summary_ns))
		return false;
	b->next_summary_ns = now_ns + every_ns;
	return true;
}

static int on_summary(void *context, const struct summary *s)
{
	struct fanout *f = context;
	unsigned int i;
	int err = 0;

	for (i = 0; i < f->count; i++) {
		struct fanout_branch *b = &f->branches[i];

		if (b->error || !b->sink.summary || !is_due(b, s))
			continue;
		b->error = b->sink.summary(b->sink.context, s);
		if (b->error && !err)
			err = judge(f, b->error);
	}
	return err;
}

struct sink fanout__sink(struct fanout *f)
{
	struct sink s = { .size = sizeof(s), .context = f };
	unsigned int i;

	for (i = 0; i < f->count; i++) {
		const struct sink *one = &f->branches[i].sink;

		if (one->summary_every_ns &&
		    (!s.summary_every_ns || one->summary_every_ns < s.summary_every_ns))
			s.summary_every_ns = one->summary_every_ns;
		s.meta = one->meta ? on_meta : s.meta;
		s.event = one->event ? on_event : s.event;
		s.change = one->change ? on_change : s.change;
		s.timeline = one->timeline ? on_timeline : s.timeline;
		s.loss = one->loss ? on_loss : s.loss;
		s.clock_step = one->clock_step ? on_clock_step : s.clock_step;
		s.summary = one->summary ? on_summary : s.summary;
		s.tick = one->tick ? on_tick : s.tick;
	}
	return s;
}
