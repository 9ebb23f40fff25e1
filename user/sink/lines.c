// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "sink/lines.h"
#include "timeline/timeline_json.h"

/* Write in pieces of about this size, or at the next tick. */
#define FLUSH_BYTES (1 << 18)

/* An output whose reader stands still at the end still gets the rest, which is counted. */
static int state_of(const struct lines *l)
{
	return l->json.failed ? -ENOMEM : l->output->error == ETIMEDOUT ? 0 : -l->output->error;
}

static int end_line(struct lines *l)
{
	l->seq++;
	if (l->json.length >= FLUSH_BYTES)
		lines__flush(l);
	return state_of(l);
}

/* A reader that waits for this line misses nothing that happens after it. */
static int on_meta(void *context, const struct meta *m)
{
	struct lines *l = context;

	timeline_json__write_meta(&l->json, l->seq++, m);
	lines__flush(l);
	return state_of(l);
}

static int on_event(void *context, const struct socket_event *e)
{
	struct lines *l = context;

	timeline_json__write_event(&l->json, l->seq, e);
	return end_line(l);
}

static int on_timeline(void *context, const struct timeline *t)
{
	struct lines *l = context;

	timeline_json__write_timeline(&l->json, l->seq, t);
	return end_line(l);
}

static int on_loss(void *context, const struct loss *loss)
{
	struct lines *l = context;

	timeline_json__write_loss(&l->json, l->seq, loss);
	return end_line(l);
}

static int on_clock_step(void *context, const struct clock_step *s)
{
	struct lines *l = context;

	timeline_json__write_clock_step(&l->json, l->seq, s);
	return end_line(l);
}

static int on_tick(void *context, const struct timeline_progress *p)
{
	struct lines *l = context;

	(void)p;
	lines__flush(l);
	return state_of(l);
}

struct sink lines__sink(struct lines *l)
{
	return (struct sink){ .size = sizeof(struct sink), .context = l, .meta = on_meta,
			      .event = on_event, .timeline = on_timeline, .loss = on_loss,
			      .clock_step = on_clock_step, .tick = on_tick };
}

int lines__flush(struct lines *l)
{
	int err = l->json.failed ? -ENOMEM : 0;

	if (!err && l->json.length)
		err = output__write(l->output, l->json.text, l->json.length);
	if (err && !l->output->error)
		l->output->error = -err;
	l->json.length = 0;
	return err ? err : output__settle(l->output);
}

void lines__free(struct lines *l)
{
	json__free(&l->json);
}
