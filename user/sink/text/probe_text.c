// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/fit.h"
#include "text/probe_text.h"
#include "value/array.h"
#include "value/plain_text.h"
#include "value/program_name.h"

static struct probe_text_group *group_of(struct probe_text *t, const char *program,
					 const uint16_t *known)
{
	uint16_t port = known ? *known : 0;
	struct probe_text_group *bigger;
	size_t i;

	for (i = 0; i < t->count; i++)
		if (t->groups[i].port == port && t->groups[i].port_unknown == !known &&
		    !strcmp(t->groups[i].program, program))
			return &t->groups[i];
	bigger = array__with_room(t->groups, t->count, &t->size, sizeof(*bigger));
	if (!bigger)
		return NULL;
	t->groups = bigger;
	t->groups[t->count] = (struct probe_text_group){ .port = port, .port_unknown = !known };
	snprintf(t->groups[t->count].program, sizeof(t->groups[i].program), "%s", program);
	return &t->groups[t->count++];
}

void probe_text__add(struct probe_text *t, const struct probe_result *r, const uint16_t *port)
{
	const struct timeline_owner *owner = &r->socket.owner;
	struct probe_text_group *g;

	if (t->failed)
		return;
	g = group_of(t, owner->known ? program_name__shown(owner->comm) : "-", port);
	if (g)
		g->results[r->result]++;
	t->failed = !g;
}

/* ---- sentences ---- */

static void add_counts(struct words *w, const struct probe_summary *s)
{
	words__add_counted(w, s->asked, "socket");
	words__add(w, " asked: ");
	words__add_count(w, s->answered);
	words__add(w, " answered, ");
	words__add_count(w, s->unanswered);
	words__add(w, " did not");
	if (s->reset) {
		words__add(w, " (");
		words__add_count(w, s->reset);
		words__add(w, " reset by a peer that had forgotten them)");
	}
	if (s->answers_dropped) {
		words__add(w, " (from ");
		words__add_count(w, s->answers_dropped);
		words__add(w, " something came, which a filter of this host on input dropped: they may live)");
	}
	if (s->heard_later) {
		words__add(w, " (");
		words__add_count(w, s->heard_later);
		words__add(w, " were heard later, and live)");
	}
	if (s->interrupted)
		words__add(w, "; interrupted");
	words__add(w, "\n");
}

static void add_reasons(struct words *w, const struct probe_summary *s)
{
	unsigned int i;

	for (i = 0; i < s->reason_count; i++) {
		words__add(w, "unknown: ");
		words__add_count(w, s->reasons[i].count);
		words__add(w, ", as %s\n", s->reasons[i].why);
	}
}

/* What is certain all the same. */
static void add_not_known(struct words *w, const struct probe_summary *s)
{
	words__add(w, s->asked ? "dead: not known" : "dead: not known, as nobody was asked");
	if (s->dead_low) {
		words__add(w, ", at least ");
		words__add_count(w, s->dead_low);
		words__add(w, " and");
	}
	if (s->matched) {
		words__add(w, s->dead_low ? " at most " : ", at most ");
		words__add_count(w, s->dead_high);
		words__add(w, " of ");
		words__add_count(w, s->matched);
	}
	if (s->interrupted && s->asked) {
		words__add(w, " (interrupted before anybody had ");
		words__add_set_duration(w, s->within_s);
		words__add(w, ")");
	}
	words__add(w, "\n");
}

/* An estimate within such limits would be taken for more than it is. */
static bool says_little(const struct probe_summary *s)
{
	return s->judged < s->matched && s->dead_high - s->dead_low > s->matched * 3 / 4;
}

static void add_dead(struct words *w, const struct probe_summary *s)
{
	if (!s->dead_known) {
		add_not_known(w, s);
		return;
	}
	words__add(w, "dead: ");
	if (!says_little(s)) {
		words__add(w, s->dead_low < s->dead_high ? "about " : "");
		words__add_count(w, s->dead);
		words__add(w, " of ");
		words__add_count(w, s->matched);
	}
	if (s->dead_low < s->dead_high) {
		words__add(w, says_little(s) ? "between " : ", between ");
		words__add_count(w, s->dead_low);
		words__add(w, " and ");
		words__add_count(w, s->dead_high);
		if (says_little(s)) {
			words__add(w, " of ");
			words__add_count(w, s->matched);
		}
		if (s->judged < s->matched)
			words__add(w, " (95 %%)");
	}
	if (s->judged < s->drawn) {
		words__add(w, ", by the ");
		words__add_count(w, s->judged);
		words__add(w, " that had ");
		words__add_set_duration(w, s->within_s);
	}
	words__add(w, "\n");
}

/* What the number of the dead takes for granted. */
static void add_silent(struct words *w, const struct probe_summary *s)
{
	uint64_t silent = s->unanswered - s->reset - s->heard_later;

	if (!silent)
		return;
	words__add(w, "silent: ");
	words__add_count(w, silent);
	words__add(w, s->asks_each == 1 ? ", asked once" : ", asked up to %u times", s->asks_each);
	words__add(w, " within ");
	words__add_set_duration(w, s->within_s);
	words__add(w, s->asks_each == 1 ? ": alive if slower, or if that ask or its answer was lost"
		   : s->asks_are_close
			   ? ": alive if slower, or if one answer was lost, as asks were less than "
			     "0.6s apart"
			   : ": alive if slower, or if all asks or their answers were lost");
	words__add(w, "\n");
}

static void add_cost(struct words *w, const struct probe_summary *s)
{
	words__add(w, "spent: ");
	words__add_counted(w, s->asks, "ask");
	words__add(w, " (a device that sleeps wakes up for each), ");
	words__add_counted(w, s->bytes, "byte");
	words__add(w, ", ");
	words__add_duration(w, s->seconds);
	words__add(w, "\n");
}

/* ---- the table ---- */

static int by_unanswered(const void *a, const void *b)
{
	const struct probe_text_group *x = a, *y = b;
	int result;

	for (result = PROBE_UNANSWERED; result >= PROBE_ANSWERED; result--)
		if (x->results[result] != y->results[result])
			return x->results[result] < y->results[result] ? 1 : -1;
	return strcmp(x->program, y->program) ?: (int)x->port - (int)y->port;
}

static void add_group(struct words *w, const struct probe_text_group *g)
{
	char port[8];

	snprintf(port, sizeof(port), g->port ? "%u" : g->port_unknown ? "?" : "out", g->port);
	words__add(w, "%-15s %5s %10llu %10llu %10llu\n", g->program, port,
		   (unsigned long long)g->results[PROBE_UNANSWERED],
		   (unsigned long long)g->results[PROBE_ANSWERED],
		   (unsigned long long)g->results[PROBE_UNKNOWN]);
}

/* The lines of `add`, broken where they are too long. */
static void add_broken(struct words *w, const struct probe_summary *s,
		       void (*add)(struct words *w, const struct probe_summary *s), int width)
{
	struct words lines = { 0 };
	char *line, *rest;

	add(&lines, s);
	w->failed |= lines.failed;
	for (line = lines.text ? strtok_r(lines.text, "\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\n", &rest)) {
		fit__add_broken(w, line, 0, width, 2);
		words__add(w, "\n");
	}
	words__free(&lines);
}

void probe_text__write(struct probe_text *t, struct words *w, const struct probe_summary *s,
		       int width)
{
	size_t i;

	add_broken(w, s, add_counts, width);
	add_broken(w, s, add_reasons, width);
	add_broken(w, s, add_dead, width);
	add_broken(w, s, add_silent, width);
	add_broken(w, s, add_cost, width);
	w->failed |= t->failed;
	if (!t->count)
		return;
	qsort(t->groups, t->count, sizeof(*t->groups), by_unanswered);
	words__add(w, "\n%-15s %5s %10s %10s %10s\n", "PROGRAM", "PORT", "UNANSWERED", "ANSWERED",
		   "UNKNOWN");
	for (i = 0; i < t->count; i++)
		add_group(w, &t->groups[i]);
}

void probe_text__free(struct probe_text *t)
{
	free(t->groups);
	*t = (struct probe_text){ 0 };
}
