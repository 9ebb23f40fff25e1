// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink/metrics.h"
#include "timeline/names.h"
#include "value/plain_text.h"
#include "value/version.h"

struct metrics_group {
	char label[2 * PLAIN_TEXT_SIZE(16) + 16];
	struct sockets_counts counts;
	bool dead_known;	/* of some of them: counts.dead.share is the sum of these */
};

/* As it stands between quotes. */
static void escape(char *to, size_t size, const char *from)
{
	size_t used = 0;

	for (; *from && used + 2 < size; from++) {
		if (*from == '\\' || *from == '"')
			to[used++] = '\\';
		to[used++] = *from;
	}
	to[used] = '\0';
}

static void name_group(struct metrics_group *group, const struct sockets_group *g)
{
	char plain[PLAIN_TEXT_SIZE(16)], escaped[2 * sizeof(plain)];

	escape(escaped, sizeof(escaped), plain_text__name(g->program, sizeof(plain), plain, sizeof(plain)));
	if (g->port)
		snprintf(group->label, sizeof(group->label), "%s:%u",
			 *escaped ? escaped : "unknown", g->port);
	else
		snprintf(group->label, sizeof(group->label), "%s:%s",
			 *escaped ? escaped : "unknown", g->port_unknown ? "unknown" : "out");
}

static void add_counts(struct sockets_counts *c, const struct sockets_counts *more)
{
	unsigned int i;

	c->sockets += more->sockets;
	c->suspect += more->suspect;
	c->never_notice += more->never_notice;
	c->surely_dead += more->surely_dead;
	c->dead.of += more->dead.of;
	for (i = 0; i < SOCKET_FAULTS; i++)
		c->to_mend[i] += more->to_mend[i];
	for (i = 0; i < SOCKET_FAULTS; i++)
		c->to_mend_unknown[i] += more->to_mend_unknown[i];
	for (i = 0; i < SOCKETS_STATES; i++) {
		c->by_state[i].with_keepalive += more->by_state[i].with_keepalive;
		c->by_state[i].without += more->by_state[i].without;
	}
}

static void add_group(struct metrics_group *to, const struct sockets_counts *more)
{
	add_counts(&to->counts, more);
	if (!isfinite(more->dead.share))
		return;
	to->counts.dead.share += more->dead.share;
	to->dead_known = true;
}

/* Summed over namespaces and carriers; the largest come first, as the summary has them. Returns how
 * many. */
static unsigned int merge(struct metrics_group *groups, const struct sockets_summary *s)
{
	unsigned int count = 0, i, k;

	for (i = 0; i < s->group_count; i++) {
		struct metrics_group group = { .counts = { 0 } };

		name_group(&group, &s->groups[i]);
		for (k = 0; k < count && strcmp(groups[k].label, group.label); k++)
			;
		if (k == count && count == METRICS_GROUPS) {
			k = METRICS_GROUPS;
			strcpy(groups[k].label, "other");
		} else if (k == count) {
			groups[count++] = group;
		}
		add_group(&groups[k], &s->groups[i].counts);
	}
	return count + (count == METRICS_GROUPS && *groups[count].label);
}

static void add_head(struct words *w, const char *name, const char *help)
{
	words__add(w, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void add_states(struct words *w, const struct metrics_group *g)
{
	static const char *const states[SOCKETS_STATES] = {
		[SOCKETS_ESTABLISHED] = "established", [SOCKETS_CLOSE_WAIT] = "close_wait",
		[SOCKETS_CLOSING] = "closing",
	};
	unsigned int i;

	for (i = 0; i < SOCKETS_STATES; i++)
		words__add(w,
			   "halfopen_sockets{group=\"%s\",state=\"%s\",keepalive=\"on\"} %" PRIu64
			   "\nhalfopen_sockets{group=\"%s\",state=\"%s\",keepalive=\"off\"} %" PRIu64
			   "\n", g->label, states[i], g->counts.by_state[i].with_keepalive,
			   g->label, states[i], g->counts.by_state[i].without);
}

static void add_gauge(struct words *w, const char *name, const char *help, size_t member,
		      const struct metrics_group *groups, unsigned int count)
{
	unsigned int i;

	add_head(w, name, help);
	for (i = 0; i < count; i++)
		words__add(w, "%s{group=\"%s\"} %" PRIu64 "\n", name, groups[i].label,
			   *(const uint64_t *)((const char *)&groups[i].counts + member));
}

static void add_faults(struct words *w, const struct metrics_group *groups, unsigned int count)
{
	unsigned int i, fault;

	add_head(w, "halfopen_sockets_to_mend",
		 "Connections with a fault of this host's own, or of its programs.");
	for (i = 0; i < count; i++)
		for (fault = 0; fault < SOCKET_FAULTS; fault++)
			words__add(w, "halfopen_sockets_to_mend{group=\"%s\",fault=\"%s\"} %" PRIu64
				   "\n", groups[i].label, socket_fault__name(fault),
				   groups[i].counts.to_mend[fault]);
}

static bool any_fault_unknown(const struct metrics_group *groups, unsigned int count)
{
	unsigned int i, fault;

	for (i = 0; i < count; i++)
		for (fault = 0; fault < SOCKET_FAULTS; fault++)
			if (groups[i].counts.to_mend_unknown[fault])
				return true;
	return false;
}

static void add_unknown_faults(struct words *w, const struct metrics_group *groups,
			       unsigned int count)
{
	unsigned int i, fault;

	if (!any_fault_unknown(groups, count))
		return;
	add_head(w, "halfopen_sockets_to_mend_unknown",
		 "Connections of which it is not known whether they have that fault.");
	for (i = 0; i < count; i++)
		for (fault = 0; fault < SOCKET_FAULTS; fault++)
			if (groups[i].counts.to_mend_unknown[fault])
				words__add(w, "halfopen_sockets_to_mend_unknown{group=\"%s\","
					   "fault=\"%s\"} %" PRIu64 "\n", groups[i].label,
					   socket_fault__name(fault),
					   groups[i].counts.to_mend_unknown[fault]);
}

static void add_number(struct words *w, const char *name, const char *help, double value)
{
	if (!isfinite(value))
		return;
	add_head(w, name, help);
	words__add(w, "%s %.10g\n", name, value);
}

/* Of all groups together, with its limits: those of the groups do not add up. */
static void add_dead_of_all(struct words *w, const struct sockets_dead *d)
{
	add_number(w, "halfopen_estimated_dead",
		   "Connections whose peer is dead, estimated for all of which something is known.",
		   d->estimate);
	add_number(w, "halfopen_estimated_dead_low", "The least that halfopen_estimated_dead may be.",
		   d->low);
	add_number(w, "halfopen_estimated_dead_high", "The most that halfopen_estimated_dead may be.",
		   d->high);
	add_number(w, "halfopen_estimated_dead_unknown",
		   "Connections that halfopen_estimated_dead is not about: nothing is known of them.",
		   d->unknown);
}

/* A group has no series where nothing is known of it; which groups these are does not depend on whom a
 * sample happened to draw. */
static void add_likely_dead(struct words *w, const struct sockets_summary *s,
			    const struct metrics_group *groups, unsigned int count)
{
	unsigned int i;

	add_head(w, "halfopen_sockets_estimated_dead",
		 s->dead_by == DEAD_BY_PROBE
			 ? "Connections whose peer does not answer, estimated from those that halfopen "
			   "probe asked: where none of a group was, at the rate of all."
			 : "Connections whose peer is likely dead by the history: the sum of their "
			   "chances.");
	for (i = 0; i < count; i++)
		if (groups[i].dead_known)
			words__add(w, "halfopen_sockets_estimated_dead{group=\"%s\"} %.10g\n",
				   groups[i].label, groups[i].counts.dead.share);
	add_head(w, "halfopen_sockets_judged",
		 "Connections that halfopen_sockets_estimated_dead rests on: they were asked, or the "
		 "history says how likely their peer is dead.");
	for (i = 0; i < count; i++)
		words__add(w, "halfopen_sockets_judged{group=\"%s\"} %" PRIu64 "\n",
			   groups[i].label, groups[i].counts.dead.of);
	add_dead_of_all(w, &s->total.dead);
}

bool metrics__sockets(struct words *w, const struct sockets_summary *s)
{
	struct metrics_group *groups = calloc(METRICS_GROUPS + 1, sizeof(*groups));
	unsigned int count, i;

	if (!groups)
		return false;
	count = merge(groups, s);
	if (!count)	/* a sum over no series is not 0 */
		strcpy(groups[count++].label, "other");
	add_head(w, "halfopen_sockets", "TCP connections that are open now.");
	for (i = 0; i < count; i++)
		add_states(w, &groups[i]);
	add_gauge(w, "halfopen_sockets_suspect", "Connections with two or more unanswered asks.",
		  offsetof(struct sockets_counts, suspect), groups, count);
	add_gauge(w, "halfopen_sockets_never_notice",
		  "Connections that would never notice a dead peer.",
		  offsetof(struct sockets_counts, never_notice), groups, count);
	if (s->dead_by)
		add_likely_dead(w, s, groups, count);
	else if (s->path_forgets_s)
		add_gauge(w, "halfopen_sockets_estimated_dead",
			  "Connections silent for longer than the path remembers them.",
			  offsetof(struct sockets_counts, surely_dead), groups, count);
	add_faults(w, groups, count);
	add_unknown_faults(w, groups, count);
	add_head(w, "halfopen_build_info", "Version of halfopen.");
	words__add(w, "halfopen_build_info{version=\"%s\"} 1\n", HALFOPEN_VERSION);
	free(groups);
	return !w->failed;
}
