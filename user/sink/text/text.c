// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/event_words.h"
#include "text/fit.h"
#include "text/happenings.h"
#include "text/text.h"
#include "text/totals_words.h"
#include "timeline/names.h"
#include "value/array.h"
#include "value/words.h"

#define STATUS_NS 10000000000ULL
/* An output whose reader stands still at the end still gets the rest, which is counted. */
static int state_of(const struct text *t)
{
	return t->output->error == ETIMEDOUT ? 0 : -t->output->error;
}

/* ---- pieces ---- */

/* Writes whole lines above the status line; frees them. */
static void show(struct text *t, struct words *w)
{
	bottom_line__clear(&t->bottom, t->output, t->layout.columns);
	if (!w->failed)
		output__write(t->output, w->text, w->length);
	words__free(w);
}

static void show_status(struct text *t)
{
	if (t->status)
		bottom_line__show(&t->bottom, t->output, t->layout.columns, t->layout.colours);
}

/* Tells a line that stands behind its time. */
static void tell(void *context, int64_t at, const struct words *line)
{
	struct text *t = context;
	struct words w = { 0 };

	layout__add_time(&t->layout, &w, at);
	if (line->failed || !line->text)
		w.failed = true;
	else
		words__append(&w, line->text, line->length);
	words__add(&w, "\n");
	show(t, &w);
}

/* ---- stories ---- */

static enum text_colour colour_of(const struct story_key *key)
{
	switch ((enum story_kind)key->kind) {
	case STORY_ENDED:
		return key->found_by ? RED : key->outcome == OUTCOME_SUSPECT ? YELLOW : PLAIN;
	case STORY_SUSPECT:
	case STORY_SUPERSEDED:
		return YELLOW;
	case STORY_RECOVERED:
	case STORY_HEARTBEAT:
		return GREEN;
	case STORY_NONE:
		break;
	}
	return PLAIN;
}

static void compose(void *context, const struct story *s, struct words *line)
{
	struct words what = { 0 };
	struct text *t = context;

	layout__add_who(&t->layout, line, &s->who);
	happenings__add_story(&what, s);
	if (what.text)
		layout__add_told(&t->layout, line, what.text, colour_of(&s->key));
	line->failed |= what.failed;
	words__free(&what);
}

/* ---- lines in order of time ---- */

/* Beyond that many, lines no longer wait for earlier ones. */
#define LINES_MAX (1U << 16)

static void pass_on(struct text *t, struct happening *h)
{
	if (t->each) {
		tell(t, h->at, &h->line);
		happening__free(h);
	} else {
		stories__add(&t->stories, h);
	}
}

static void show_until(struct text *t, uint64_t until_ns)
{
	size_t surplus = t->waiting_count > LINES_MAX ? LINES_MAX / 2 : 0, shown = 0;

	while (shown < t->waiting_count &&
	       (shown < surplus || t->waiting[shown].at_ns <= until_ns))
		pass_on(t, &t->waiting[shown++]);
	t->waiting_count -= shown;
	if (shown)
		memmove(t->waiting, t->waiting + shown, t->waiting_count * sizeof(*t->waiting));
	if (!t->each && until_ns != UINT64_MAX)
		stories__pass_time(&t->stories, until_ns);
}

/* Endings are reported a moment after they happen, when what follows them is known: a happening
 * waits for those before it, and for nothing else. */
static void add_happening(struct text *t, struct happening *h, uint64_t complete_ns)
{
	size_t place = t->waiting_count;
	struct happening *waiting = array__with_room(t->waiting, place, &t->waiting_size,
						     sizeof(*waiting));

	if (!waiting) {
		pass_on(t, h);
		return;
	}
	t->waiting = waiting;
	while (place && t->waiting[place - 1].at_ns > h->at_ns)
		place--;
	memmove(t->waiting + place + 1, t->waiting + place,
		(t->waiting_count++ - place) * sizeof(*t->waiting));
	t->waiting[place] = *h;
	show_until(t, complete_ns);
}

/* Something that is joined with nothing. */
static int add_alone(struct text *t, uint64_t at_ns, int64_t at, struct words *line,
		     uint64_t complete_ns)
{
	struct happening h = { .at_ns = at_ns, .at = at, .line = *line };

	add_happening(t, &h, complete_ns);
	return state_of(t);
}

/* ---- all sockets ---- */

/* A sentence, broken where it would not fit. */
static void add_sentence(const struct text *t, struct words *w, const struct words *sentence)
{
	w->failed |= sentence->failed;
	if (sentence->text)
		fit__add_broken(w, sentence->text, 0, (int)t->layout.columns, 2);
	words__add(w, "\n");
}

static void show_what_is_there(struct text *t, const struct summary *n)
{
	struct words all = { 0 }, w = { 0 };
	unsigned int i;

	totals_words__add_first(&w, n);
	add_sentence(t, &all, &w);
	group_table__add(&all, &t->groups, n, (int)t->layout.columns);
	words__free(&w);
	show(t, &all);
	for (i = 0; i < n->group_count; i++)
		if (n->groups[i].port)
			service_ports__note(&t->ports, n->groups[i].port);
}

static void set_status(struct text *t, const struct summary *n)
{
	struct words w = { 0 };

	layout__add_status_time(&t->layout, &w, n->progress.now_at);
	totals_words__add_status(&w, n);
	bottom_line__clear(&t->bottom, t->output, t->layout.columns);
	bottom_line__set(&t->bottom, &w);
	show_status(t);
}

static void show_all_in_all(struct text *t, const struct summary *n)
{
	struct words all = { 0 }, w = { 0 };

	group_table__add(&all, &t->groups, n, (int)t->layout.columns);
	show(t, &all);
	show_status(t);	/* until the last line */
	totals_words__add_last(&w, n);
	add_sentence(t, &all, &w);
	words__free(&w);
	show(t, &all);
}

static int on_summary(void *context, const struct summary *n)
{
	struct text *t = context;

	switch (n->kind) {
	case SUMMARY_FIRST:
		show_what_is_there(t, n);
		if (t->status)
			set_status(t, n);
		break;
	case SUMMARY_INTERIM:
		if (t->status)
			set_status(t, n);
		break;
	case SUMMARY_LAST:
		text__flush(t);
		if (!t->brief)
			show_all_in_all(t, n);
		break;
	}
	return state_of(t);
}

static int on_tick(void *context, const struct timeline_progress *p)
{
	struct text *t = context;

	show_until(t, p->complete_ns);
	show_status(t);
	return state_of(t);
}

/* ---- happenings ---- */

/* A peer that came back is reported as a change. */
static int on_event(void *context, const struct socket_event *e)
{
	struct story_key key;
	struct words w = { 0 }, who = { 0 }, what[2] = { { 0 } };
	struct text *t = context;

	if (e->event.kind == EVENT_SUPERSEDED)
		return 0;
	key = service__key(&t->ports, e->socket);
	layout__add_service(&t->layout, &who, &key, e->socket);
	event_words__add(&what[0], &e->event);
	event_words__add(&what[1], &e->event);
	layout__add_line(&t->layout, &w, e->socket, &who, what, PLAIN);
	words__free(&who);
	return add_alone(t, e->event.mono_ns, e->event.at, &w, e->progress.complete_ns);
}

static int on_change(void *context, const struct change *c)
{
	struct text *t = context;
	struct happening h = { .at_ns = c->mono_ns, .at = c->at,
			       .key = service__key(&t->ports, c->socket) };
	struct words what[2] = { { 0 } };

	layout__add_service(&t->layout, &h.who, &h.key, c->socket);
	happenings__classify_change(c, &h.key, &h.range);
	happenings__add_change(&what[0], c, false);
	happenings__add_change(&what[1], c, true);
	layout__add_line(&t->layout, &h.line, c->socket, &h.who, what, colour_of(&h.key));
	add_happening(t, &h, c->progress.complete_ns);
	return state_of(t);
}

/* The end has come: which peers are silent, and for how long. */
static void add_suspect(struct text *t, const struct timeline *tl, struct happening *h)
{
	double silent_s = tl->last_heard_at ? (h->at - tl->last_heard_at) / 1e9 : -1;
	struct words what[2] = { { 0 } };
	int i;

	for (i = 0; i < 2; i++) {
		words__add(&what[i], "suspect");
		if (silent_s < 0)
			continue;
		words__add(&what[i], ", silent for ");
		words__add_duration(&what[i], silent_s);
	}
	layout__add_line(&t->layout, &h->line, &tl->socket, &h->who, what, YELLOW);
	suspects__add(&t->suspects, h->at, silent_s, &h->line, t->each);
	happening__free(h);
}

static int on_timeline(void *context, const struct timeline *tl)
{
	struct text *t = context;
	struct happening h = { .at_ns = tl->final ? tl->ended_ns : tl->progress.now_ns,
			       .at = tl->final ? tl->ended_at : tl->progress.now_at };
	struct words what[2] = { { 0 } };

	if (tl->outcome == OUTCOME_OPEN && !tl->half_open.is && !t->all)
		return 0;
	h.key = service__key(&t->ports, &tl->socket);
	layout__add_service(&t->layout, &h.who, &h.key, &tl->socket);
	if (tl->final && tl->half_open.is)
		group_table__count(&t->groups, &h.key, tl->half_open.latency_ms.max / 1e3);
	if (tl->outcome == OUTCOME_SUSPECT && !tl->half_open.is && !t->every) {
		add_suspect(t, tl, &h);
		return state_of(t);
	}
	happenings__classify_timeline(tl, &h.key, &h.range, &h.how);
	happenings__add_timeline(&what[0], tl, false);
	happenings__add_timeline(&what[1], tl, true);
	layout__add_line(&t->layout, &h.line, &tl->socket, &h.who, what, colour_of(&h.key));
	add_happening(t, &h, tl->progress.complete_ns);
	return state_of(t);
}

static void show_suspects(struct text *t)
{
	struct words w = { 0 };
	size_t i;

	suspects__sort(&t->suspects, t->each);
	for (i = 0; i < t->suspects.count; i++)
		tell(t, t->suspects.all[i].at, &t->suspects.all[i].line);
	if (t->suspects.more) {
		words__add(&w, "... and ");
		words__add_count(&w, t->suspects.more);
		words__add(&w, " more suspect (-v tells each)\n");
		show(t, &w);
	}
	suspects__free(&t->suspects);
}

void text__make_way(struct text *t)
{
	bottom_line__clear(&t->bottom, t->output, t->layout.columns);
}

void text__flush(struct text *t)
{
	show_until(t, UINT64_MAX);
	stories__end(&t->stories);
	show_suspects(t);
	bottom_line__clear(&t->bottom, t->output, t->layout.columns);
	free(t->waiting);
	t->waiting = NULL;
	t->waiting_size = 0;
}

void text__free(struct text *t)
{
	bottom_line__free(&t->bottom);
}

/* ---- the stream ---- */

static int on_loss(void *context, const struct loss *loss)
{
	struct words w = { 0 }, what = { 0 };
	struct text *t = context;

	words__add_counted(&what, loss->count, "event");
	words__add(&what, " lost (%s): what they would have told is read again where it can be",
		   loss_reason__words(loss->reason));
	if (what.text)
		layout__add_told(&t->layout, &w, what.text, RED);
	w.failed |= what.failed;
	words__free(&what);
	return add_alone(t, loss->to_ns, loss->to_at, &w, loss->progress.complete_ns);
}

static int on_clock_step(void *context, const struct clock_step *s)
{
	struct words w = { 0 };

	words__add(&w, "the wall clock was stepped by %+.3f s", s->step_ns / 1e9);
	return add_alone(context, s->mono_ns, s->at, &w, s->progress.complete_ns);
}

struct sink text__sink(struct text *t)
{
	t->stories.context = t;
	t->stories.tell = tell;
	t->stories.compose = compose;
	return (struct sink){ .size = sizeof(struct sink), .context = t,
			      .summary_every_ns = t->status ? STATUS_NS : 0, .event = on_event,
			      .change = on_change, .timeline = on_timeline, .loss = on_loss,
			      .clock_step = on_clock_step, .summary = on_summary,
			      .tick = on_tick };
}
