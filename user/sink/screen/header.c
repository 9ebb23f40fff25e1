// SPDX-License-Identifier: GPL-2.0
/* The header and the last line of every page. */
#include <math.h>
#include <string.h>

#include "screen/pages.h"
#include "text/clock_words.h"
#include "timeline/names.h"
#include "value/text_style.h"

#define SAY(w, text) words__append(w, text, strlen(text))

static void add_marked(struct words *w, uint64_t n, const char *style, const char *what)
{
	if (n)
		SAY(w, style);
	words__add_count(w, n);
	words__add(w, " %s", what);
	if (n)
		SAY(w, STYLE_PLAIN);
}

static void add_sockets(struct words *w, const struct sockets_summary *now)
{
	SAY(w, STYLE_STRONG);
	words__add_counted(w, now->total.sockets, "socket");
	SAY(w, STYLE_PLAIN ", ");
	add_marked(w, now->total.suspect, STYLE_ALARM, "suspect");
	SAY(w, ", ");
	words__add_count(w, now->total.never_notice);
	SAY(w, " never notice a dead peer");
	if (now->at) {
		SAY(w, "; ");
		clock_words__add(w, now->at, false);
	}
	SAY(w, "\n");
}

static void add_dead_by_history(struct words *w, const struct sockets_counts *c)
{
	if (c->path_known)
		add_marked(w, c->surely_dead, STYLE_ALARM, "surely dead; ");
	if (!c->dead.of) {
		SAY(w, "dead: nothing is known, as none of their groups is in the history\n");
		return;
	}
	SAY(w, "about ");
	words__add_count(w, lround(c->dead.estimate));
	SAY(w, " dead by the history (");
	words__add_count(w, (uint64_t)floor(c->dead.low));
	SAY(w, " to ");
	words__add_count(w, (uint64_t)ceil(c->dead.high));
	SAY(w, "), of ");
	words__add_count(w, c->dead.of);
	SAY(w, "\n");
}

static void add_silent(struct words *w, const struct sockets_summary *now)
{
	if (now->path_forgets_s > 0) {
		add_marked(w, now->total.surely_dead, STYLE_ALARM, "surely dead: silent for over ");
		words__add_duration(w, now->path_forgets_s);
		SAY(w, ", which the path forgets\n");
		return;
	}
	if (now->dead_by == DEAD_BY_HISTORY) {
		add_dead_by_history(w, &now->total);
		return;
	}
	words__add_count(w, now->total.silent);
	SAY(w, " silent for over ");
	words__add_duration(w, now->silent_over_s);
	SAY(w, "; how many are dead is not known (--path-forgets)\n");
}

static void add_outcomes(struct words *w, const struct figures *f)
{
	const char *before = " (";
	unsigned int o;

	for (o = 0; o < OUTCOME_COUNT; o++) {
		if (!f->deaths_by[o])
			continue;
		words__add(w, "%s%s ", before, outcome__name(o));
		words__add_count(w, f->deaths_by[o]);
		before = ", ";
	}
	SAY(w, f->deaths ? ")" : "");
}

static void add_deaths(struct words *w, const struct page_state *s)
{
	struct detection d = figures__latencies(s->since);

	if (s->since_s < 0) {
		SAY(w, "deaths: the watch is being attached\n");
		return;
	}
	words__add_duration(w, (uint64_t)s->since_s);
	SAY(w, ": ");
	add_marked(w, s->since->deaths, STYLE_STRONG, "died");
	if (s->since->deaths) {
		SAY(w, ", unnoticed p50 ");
		words__add_duration(w, d.p50_s);
		SAY(w, " p95 ");
		words__add_duration(w, d.p95_s);
	}
	add_outcomes(w, s->since);
	SAY(w, "\n");
}

static void add_rates(struct words *w, const struct page_state *s)
{
	const struct figures *f = s->since;

	if (f->rate_known && f->events_per_s < 10)
		words__add(w, "%.1f", f->events_per_s);
	else if (f->rate_known)
		words__add_count(w, (uint64_t)(f->events_per_s + 0.5));
	else
		SAY(w, "-");
	SAY(w, " events/s, ");
	add_marked(w, f->lost, STYLE_ALARM, "lost");
	SAY(w, ", ");
	words__add_count(w, f->endings);
	SAY(w, " ended");
	if (s->listed < s->now->total.sockets) {
		SAY(w, "; listed are the first ");
		words__add_count(w, s->listed);
	}
	if (*s->filter)
		words__add(w, "; FILTER %s", s->filter);
	SAY(w, "\n");
}

void page__add_header(struct words *w, const struct view *v, const struct page_state *s)
{
	unsigned int lines = view__header_lines(v);

	if (lines > 0)
		add_sockets(w, s->now);
	if (lines > 1)
		add_silent(w, s->now);
	if (lines > 2)
		add_deaths(w, s);
	if (lines > 3)
		add_rates(w, s);
}

/* ---- the last line ---- */

static void add_typed(struct words *w, const struct view_typed *t, unsigned int columns)
{
	words__add(w, "/%s" STYLE_HEAD " " STYLE_PLAIN, t->text);
	if (*t->mistake)
		words__add(w, STYLE_ALARM "  %s (the former filter stays)", t->mistake);
	else if (columns >= 60)
		SAY(w, "  Enter: keep it  Esc: as before");
}

static void add_paused(struct words *w, const struct page_state *s)
{
	SAY(w, STYLE_HEAD "PAUSED since ");
	clock_words__add(w, s->paused_at, false);
	SAY(w, "; counted meanwhile: ");
	words__add_counted(w, s->counted->events - s->since->events, "event");
	SAY(w, ", ");
	words__add_count(w, s->counted->deaths - s->since->deaths);
	SAY(w, " died; p: go on ");
}

static void add_keys(struct words *w, const struct view *v)
{
	switch (v->page) {
	case VIEW_LIST:
		SAY(w, "h help  / filter  Enter timeline  x deaths  p pause  q quit");
		words__add(w, "  by %s", view_orders[v->order].name);
		break;
	case VIEW_DEATHS:
		SAY(w, "h help  Enter timeline  x, q sockets  p pause");
		break;
	case VIEW_SOCKET:
	case VIEW_HELP:
		SAY(w, "q back  up, down: scroll");
		break;
	}
}

void page__add_last_line(struct words *w, const struct view *v, const struct page_state *s)
{
	if (v->typed.open)
		add_typed(w, &v->typed, v->columns);
	else if (v->paused)
		add_paused(w, s);
	else if (*s->message)
		words__add(w, STYLE_WARNING "%s", s->message);
	else if (*v->typed.text && v->page == VIEW_LIST)
		words__add(w,
			   "/%s"
			   "  (/ change, ^U clears)  q quit",
			   v->typed.text);
	else
		add_keys(w, v);
}
