// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "text/summary_table.h"
#include "value/plain_text.h"

/* Columns of names chosen by others: at most, and on a narrow terminal at least. */
#define NAME_COLUMNS 32
#define NAME_COLUMNS_LEAST 8

/* ---- pieces ---- */

static void add_surely_dead(struct words *w, const struct sockets_counts *c)
{
	if (!c->path_known) {
		words__add(w, "surely dead: nothing is known, as the history does not show when the "
			   "path forgets\n");
		return;
	}
	words__add_count(w, c->surely_dead);
	words__add(w, " surely dead: silent for longer than their path remembers a connection (of ");
	words__add_count(w, c->path_known);
	words__add(w, " whose path's timer the history shows)\n");
}

static void add_estimated_dead(struct words *w, const struct sockets_counts *c)
{
	uint64_t others = c->sockets - c->local;

	if (!c->judged) {
		words__add(w, "dead: nothing is known, as none of their groups is in the history\n");
		return;
	}
	words__add(w, "about ");
	words__add_count(w, lround(c->dead.estimate));
	words__add(w, " dead by the history, between ");
	words__add_count(w, (uint64_t)floor(c->dead.low));
	words__add(w, " and ");
	words__add_count(w, (uint64_t)ceil(c->dead.high));
	words__add(w, " (95 %%), of ");
	words__add_count(w, c->judged);
	if (others > c->judged) {
		words__add(w, "; of ");
		words__add_count(w, others - c->judged);
		words__add(w, " nothing is known");
	}
	words__add(w, "\n");
}

static void add_total(struct words *w, const struct sockets_summary *s)
{
	const struct sockets_counts *c = &s->total;

	words__add_counted(w, c->sockets, "socket");
	words__add(w, " in ");
	words__add_counted(w, s->namespaces, "namespace");
	words__add(w, ": ");
	words__add_count(w, c->with_keepalive);
	words__add(w, " with keepalive, ");
	words__add_count(w, c->suspect);
	words__add(w, " suspect\n");
	if (c->local) {
		words__add_count(w, c->local);
		words__add(w, " of them to peers on this host, whose death is told at once: not "
			   "counted below\n");
	}
	words__add_count(w, c->never_notice);
	words__add(w, " would never notice a dead peer\n");
	words__add_count(w, c->silent);
	words__add(w, " silent for over ");
	words__add_duration(w, s->silent_over_s);
	words__add(w, ", the longest for ");
	words__add_duration(w, (uint64_t)c->oldest_silence_s);
	words__add(w, "\n");
	if (s->path_forgets_s) {
		words__add_count(w, c->surely_dead);
		words__add(w, " surely dead: %s (", s->because);
		words__add_duration(w, s->path_forgets_s);
		words__add(w, ")\n");
	} else if (!s->by_history) {
		words__add(w, "dead: not known, as nobody said when the path forgets "
			   "(--path-forgets), nor what was watched (--history)\n");
	} else {
		add_surely_dead(w, c);
	}
	if (s->by_history)
		add_estimated_dead(w, c);
}

/* ---- the table ---- */

struct widths {
	int program, netns, carrier;
};

static const char *netns_of(const struct sockets_group *g, char text[32])
{
	if (*g->netns.name)
		return g->netns.name;
	snprintf(text, 32, "%u", g->netns.inode);
	return text;
}

static const char *program_of(const struct sockets_group *g)
{
	return *g->program ? g->program : "-";
}

static void widen(int *width, const char *name)
{
	char plain[PLAIN_TEXT_SIZE(NAME_COLUMNS)];
	int columns = plain_text__columns(
		plain_text__within(name, NAME_COLUMNS, plain, sizeof(plain)));

	if (columns > *width)
		*width = columns;
}

/* An empty column is left out. */
static struct widths measure(const struct sockets_summary *s, uint64_t limit, unsigned int width)
{
	struct widths widths = { .program = strlen("PROGRAM"), .netns = strlen("NETNS") };
	const int fixed = 58;
	char text[32];
	uint64_t i;

	for (i = 0; i < limit; i++) {
		widen(&widths.program, program_of(&s->groups[i]));
		widen(&widths.netns, netns_of(&s->groups[i], text));
		widen(&widths.carrier, s->groups[i].carrier);
	}
	if (widths.carrier && widths.carrier < (int)strlen("CARRIER"))
		widths.carrier = strlen("CARRIER");
	while (width && fixed + widths.program + widths.netns + widths.carrier > (int)width) {
		int *widest = &widths.program;

		if (widths.netns > *widest)
			widest = &widths.netns;
		if (widths.carrier > *widest)
			widest = &widths.carrier;
		if (*widest <= NAME_COLUMNS_LEAST)
			break;
		--*widest;
	}
	return widths;
}

static void add_name(struct words *w, const char *name, int width)
{
	char plain[PLAIN_TEXT_SIZE(NAME_COLUMNS)];

	if (width)
		words__add(w, "%-*s ", width,
			   plain_text__within(name, width, plain, sizeof(plain)));
}

static void add_head(struct words *w, const struct widths *widths, const struct sockets_summary *s)
{
	add_name(w, "PROGRAM", widths->program);
	words__add(w, "%5s ", "PORT");
	add_name(w, "NETNS", widths->netns);
	add_name(w, widths->carrier ? "CARRIER" : "", widths->carrier);
	words__add(w, "%7s %7s %7s %7s %6s", "SOCKETS", "KEEPAL.", "NEVER", "SUSPECT",
		   "SILENT");
	if (s->path_forgets_s || s->by_history)
		words__add(w, " %6s", "DEAD");
	words__add(w, " OLDEST\n");
}

static void add_group(struct words *w, const struct widths *widths, const struct sockets_summary *s,
		      const struct sockets_group *g)
{
	const struct sockets_counts *c = &g->counts;
	char text[32];

	add_name(w, program_of(g), widths->program);
	if (g->port)
		words__add(w, "%5u ", g->port);
	else
		words__add(w, "%5s ", "out");
	add_name(w, netns_of(g, text), widths->netns);
	add_name(w, g->carrier, widths->carrier);
	words__add(w, "%7" PRIu64 " %7" PRIu64 " %7" PRIu64 " %7" PRIu64 " %6" PRIu64 " ",
		   c->sockets,
		   c->with_keepalive, c->never_notice, c->suspect, c->silent);
	if (s->by_history && !c->judged)
		words__add(w, "%6s ", "?");
	else if (s->by_history)
		words__add(w, "%6.0f ", c->dead.estimate);
	else if (s->path_forgets_s)
		words__add(w, "%6" PRIu64 " ", c->surely_dead);
	words__add_duration(w, (uint64_t)c->oldest_silence_s);
	words__add(w, "\n");
}

/* ---- faults of this host ---- */

static void add_where(struct words *w, const struct sockets_group *g)
{
	words__add(w, " %s", *g->program ? g->program : "a program that is not known");
	if (g->port)
		words__add(w, " :%u", g->port);
}

static const char *const faults[SOCKET_FAULTS] = {
	[FAULT_CLOSE_WAIT] =
		"in CLOSE_WAIT for over a minute: the peer has closed, the program has not",
	[FAULT_WINDOW_CLOSED] = "with a closed window: the program does not read",
	[FAULT_PROBES_OFF] = "with keepalive and 0 probes: the kernel ends them without asking",
	[FAULT_ADDRESS_GONE] =
		"with a local address that this host no longer has: add it again, or end them",
	[FAULT_CONNTRACK] = "whose next probe comes after connection tracking has forgotten them",
};

/* What to do about it: it is a setting of a namespace. */
static void add_conntrack(struct words *w, const struct sockets_counts *c)
{
	char plain[PLAIN_TEXT_SIZE(NAME_COLUMNS)];
	const struct timeline_netns *by = &c->forgotten_by;

	words__add(w, " (nf_conntrack_tcp_timeout_established = %" PRIu32 " in namespace ",
		   c->forgotten_after_s);
	if (*by->name)
		words__add(w, "%s", plain_text__within(by->name, NAME_COLUMNS, plain,
						       sizeof(plain)));
	else
		words__add(w, "%" PRIu32, by->inode);
	words__add(w, "): raise that above their idle time, or set an idle time below it");
}

static void add_fault(struct words *w, const struct sockets_group *g, enum socket_fault fault)
{
	if (!g->counts.to_mend[fault])
		return;
	words__add(w, "to mend:");
	add_where(w, g);
	words__add(w, ": ");
	words__add_count(w, g->counts.to_mend[fault]);
	words__add(w, " %s", faults[fault]);
	if (fault == FAULT_CONNTRACK)
		add_conntrack(w, &g->counts);
	words__add(w, "\n");
}

/* A line for each group and fault that it has. */
static void add_faults(struct words *w, const struct sockets_summary *s)
{
	unsigned int fault;
	uint32_t i;

	for (fault = 0; fault < SOCKET_FAULTS; fault++)
		for (i = 0; i < s->group_count; i++)
			add_fault(w, &s->groups[i], fault);
}

void summary_table__text(struct words *w, const struct sockets_summary *s, uint64_t limit,
			 unsigned int width)
{
	struct widths widths;
	uint64_t i;

	if (!limit || limit > s->group_count)
		limit = s->group_count;
	widths = measure(s, limit, width);
	add_total(w, s);
	if (limit)
		add_head(w, &widths, s);
	for (i = 0; i < limit; i++)
		add_group(w, &widths, s, &s->groups[i]);
	if (limit < s->group_count)
		words__add(w, "... and %" PRIu64 " more\n", s->group_count - limit);
	add_faults(w, s);
}
