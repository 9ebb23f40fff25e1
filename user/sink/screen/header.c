// SPDX-License-Identifier: GPL-2.0
/* The header and the last line of every page. */
#include <string.h>

#include "screen/pages.h"
#include "screen/screen_lines.h"
#include "text/clock_words.h"
#include "text/dead_words.h"
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
	dead_words__add_by_history(w, &c->dead, true);
	SAY(w, "\n");
}

static void add_silent(struct words *w, const struct sockets_summary *now)
{
	if (now->path_forgets_s > 0) {
		add_marked(w, now->total.surely_dead, STYLE_ALARM, "surely dead: silent for over ");
		words__add_set_duration(w, now->path_forgets_s);
		SAY(w, ", which the path forgets\n");
		return;
	}
	if (now->dead_by == DEAD_BY_HISTORY) {
		add_dead_by_history(w, &now->total);
		return;
	}
	words__add_count(w, now->total.silent);
	SAY(w, " silent for over ");
	words__add_set_duration(w, now->silent_over_s);
	SAY(w, "; how many are dead is not known (--path-forgets)\n");
}

/* Columns of the line from there on, without its styles. */
static size_t columns_from(const struct words *w, size_t begin)
{
	size_t columns = 0, i;

	for (i = begin; i < w->length; i++)
		columns += w->text[i] < STYLE_FIRST || w->text[i] > STYLE_LAST;
	return columns;
}

/* One outcome, if there is room for it, and for what has to follow. */
static bool add_outcome(struct words *w, const struct figures *f, enum outcome o,
			const char *before, size_t room)
{
	struct words one = { 0 };
	unsigned int later = o + 1;
	bool fits;

	while (later < OUTCOME_COUNT && !f->deaths_by[later])
		later++;

	words__add(&one, "%s%s ", before, outcome__name(o));
	words__add_count(&one, f->deaths_by[o]);
	fits = one.length + strlen(later < OUTCOME_COUNT ? ", ...)" : ")") <= room;
	if (fits && one.text)
		words__append(w, one.text, one.length);
	w->failed |= one.failed;
	words__free(&one);
	return fits;
}

/* As many as there is room for, each as a whole. */
static void add_outcomes(struct words *w, const struct figures *f, size_t begin,
			 unsigned int columns)
{
	const char *before = " (";
	unsigned int o;

	for (o = 0; o < OUTCOME_COUNT && !w->failed; o++) {
		size_t taken = columns_from(w, begin);

		if (!f->deaths_by[o])
			continue;
		if (!add_outcome(w, f, o, before, taken < columns ? columns - taken : 0)) {
			SAY(w, *before == ',' ? ", ...)" : "");
			return;
		}
		before = ", ";
	}
	SAY(w, *before == ',' ? ")" : "");
}

/* What was typed narrows the sockets alone: the watch counts what the command line's FILTER lets
 * pass. */
static const char *watched(const struct page_state *s)
{
	return *s->filter ? "of FILTER" : "of all";
}

static void add_deaths(struct words *w, const struct view *v, const struct page_state *s)
{
	struct detection d = figures__latencies(s->since);
	size_t begin = w->length;

	if (s->since_s < 0) {
		SAY(w, "deaths: the watch is being attached\n");
		return;
	}
	words__add_duration(w, (uint64_t)s->since_s);
	if (s->narrowed)
		words__add(w, ", %s", watched(s));
	SAY(w, ": ");
	add_marked(w, s->since->deaths, STYLE_STRONG, "died");
	if (s->since->deaths) {
		SAY(w, ", unnoticed p50 ");
		words__add_duration(w, d.p50_s);
		SAY(w, " p95 ");
		words__add_duration(w, d.p95_s);
	}
	add_outcomes(w, s->since, begin, v->columns);
	SAY(w, "\n");
}

static void add_rates(struct words *w, const struct page_state *s)
{
	const struct figures *f = s->since;

	if (s->narrowed)
		words__add(w, "%s: ", watched(s));
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
		add_deaths(w, v, s);
	if (lines > 3)
		add_rates(w, s);
}

/* ---- the last lines ---- */

#define HOW_TO_LEAVE "  Enter: keep it  Esc: as before"
#define FORMER_STAYS "(the former filter stays)"

/* The end of what was typed, where there is no room for all: it is there that it goes on. */
static const char *end_of_typed(const char *text, unsigned int columns)
{
	while (*text && screen_lines__columns(text) + 3 > columns)
		do
			text++;
		while ((*text & 0xc0) == 0x80);
	return text;
}

/* The mistake has lines of its own above, where it does not fit. */
static bool is_mistake_apart(const struct view *v)
{
	const struct view_typed *t = &v->typed;

	return *t->mistake && screen_lines__columns(t->text) + screen_lines__columns(t->mistake) +
				      strlen("/   " " " FORMER_STAYS) > v->columns;
}

static void add_typed(struct words *w, const struct view *v)
{
	const struct view_typed *t = &v->typed;
	bool apart = is_mistake_apart(v);

	if (apart)
		words__add(w, STYLE_ALARM "%s " FORMER_STAYS "\n", t->mistake);
	words__add(w, "/%s" STYLE_HEAD " " STYLE_PLAIN, end_of_typed(t->text, v->columns));
	if (*t->mistake && !apart)
		words__add(w, STYLE_ALARM "  %s " FORMER_STAYS, t->mistake);
	else if (*t->mistake && screen_lines__columns(t->text) + strlen("/   column 123:") <= v->columns)
		words__add(w, STYLE_ALARM "  %.*s:", (int)strcspn(t->mistake, ":"), t->mistake);
	else if (!*t->mistake &&
		 screen_lines__columns(t->text) + strlen("/ " HOW_TO_LEAVE) <= v->columns)
		SAY(w, HOW_TO_LEAVE);
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

static void add_last_lines(struct words *w, const struct view *v, const struct page_state *s)
{
	if (v->typed.open)
		add_typed(w, v);
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

/* A third of the screen is enough. */
static unsigned int most_last_lines(const struct view *v)
{
	return v->rows > 6 ? v->rows / 3 : 1;
}

/* Broken so that they fit. */
static void compose_last_lines(struct words *w, const struct view *v, const struct page_state *s)
{
	struct words whole = { 0 };

	add_last_lines(&whole, v, s);
	screen_lines__wrap(w, whole.length ? whole.text : "", v->columns);
	w->failed |= whole.failed;
	words__free(&whole);
}

unsigned int page__last_lines(const struct view *v, const struct page_state *s)
{
	struct words text = { 0 };
	unsigned int lines = 1, most = most_last_lines(v);
	size_t i;

	compose_last_lines(&text, v, s);
	for (i = 0; i < text.length; i++)
		lines += text.text[i] == '\n';
	words__free(&text);
	return lines < most ? lines : most;
}

/* The last lines of a text, or its first. */
static const char *some_lines(char *text, unsigned int most, bool last)
{
	unsigned int lines = 1;
	char *end;

	for (end = text; (end = strchr(end, '\n')); end++)
		lines++;
	for (; last && lines > most; lines--)
		text = strchr(text, '\n') + 1;
	if (lines <= most)
		return text;
	for (end = strchr(text, '\n'); --most; end = strchr(end + 1, '\n'))
		;
	*end = '\0';
	return text;
}

void page__add_last_line(struct words *w, const struct view *v, const struct page_state *s)
{
	struct words text = { 0 };

	compose_last_lines(&text, v, s);
	if (text.length)	/* what is typed stands in the last one */
		SAY(w, some_lines(text.text, most_last_lines(v), v->typed.open));
	w->failed |= text.failed;
	words__free(&text);
}
