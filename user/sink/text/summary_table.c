// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "text/dead_words.h"
#include "text/summary_table.h"
#include "value/plain_text.h"

/* Columns of names chosen by others: at most, and on a narrow terminal at least. */
#define NAME_COLUMNS 32
#define NAME_COLUMNS_LEAST 7

/* ---- pieces ---- */

static void add_unknown(struct words *w, const struct sockets_dead *d)
{
	if (d->unknown) {
		words__add(w, "; of ");
		words__add_count(w, d->unknown);
		words__add(w, " nothing is known");
		if (d->why)
			words__add(w, ": %s", d->why);
	}
}

/* Limits that leave open nearly all: the estimate between them would be taken for more than it is. */
static bool says_little(double low, double high, uint64_t of)
{
	return high - low > of * 3 / 4.0;
}

static void add_estimate(struct words *w, const struct sockets_dead *d, uint64_t of)
{
	bool exact = d->low == d->high;

	if (!isfinite(d->estimate)) {
		words__add(w, "not known, ");
	} else if (!says_little(d->low, d->high, of)) {
		words__add(w, exact ? "" : "about ");
		words__add_count(w, (uint64_t)d->estimate);
		words__add(w, ", ");
	}
	if (exact)
		return;
	words__add(w, "between ");
	words__add_count(w, (uint64_t)d->low);
	words__add(w, " and ");
	words__add_count(w, (uint64_t)d->high);
	words__add(w, ", ");
}

/* The probe's file may be older than its keys, and the clock may have been set since. */
static void add_when_asked(struct words *w, const struct sockets_summary *s)
{
	if (s->probed_at > s->at) {
		words__add(w, "by a clock that was ahead of today's");
		return;
	}
	words__add_duration(w, floor((s->at - s->probed_at) / 1e9));
	words__add(w, " ago");
}

/* What `halfopen probe` found, of the sockets that are open now. */
static void add_dead_by_probe(struct words *w, const struct sockets_summary *s)
{
	const struct sockets_dead *d = &s->total.dead;

	words__add(w, "dead: ");
	if (isfinite(d->low)) {
		add_estimate(w, d, s->total.sockets - d->unknown);
		words__add(w, "as ");
		words__add_count(w, d->of);
		words__add(w, d->of == 1 ? " of them was asked " : " of them were asked ");
	} else {
		words__add(w, "nothing is known, as none of them was to be asked ");
	}
	add_when_asked(w, s);
	if (isfinite(d->low))
		add_unknown(w, d);
	words__add(w, "\n");
}

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

static void add_dead_by_history(struct words *w, const struct sockets_counts *c)
{
	dead_words__add_by_history(w, &c->dead, false);
	if (c->dead.of)
		add_unknown(w, &c->dead);
	words__add(w, "\n");
}

/* How many are dead, as far as anything says so. */
static void add_dead(struct words *w, const struct sockets_summary *s)
{
	if (s->path_forgets_s) {
		words__add_count(w, s->total.surely_dead);
		words__add(w, " surely dead: %s (", s->because);
		words__add_set_duration(w, s->path_forgets_s);
		words__add(w, ")\n");
	} else if (s->dead_by == DEAD_BY_HISTORY) {
		add_surely_dead(w, &s->total);
	} else if (s->dead_by == DEAD_BY_NOTHING) {
		words__add(w, "dead: not known, as nobody asked (halfopen probe, --probed), nor said when "
			   "the path forgets (--path-forgets) or what was watched (--history)\n");
	}
	if (s->dead_by == DEAD_BY_PROBE)
		add_dead_by_probe(w, s);
	else if (s->dead_by == DEAD_BY_HISTORY)
		add_dead_by_history(w, &s->total);
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
		words__add(w, " to peers on this host: both ends are in SOCKETS, KEEPAL. and SUSPECT; "
			   "NEVER, SILENT and OLDEST count one\n");
	}
	words__add_count(w, c->never_notice);
	words__add(w, " would never notice a dead peer\n");
	words__add_count(w, c->silent);
	words__add(w, " silent for over ");
	words__add_set_duration(w, s->silent_over_s);
	words__add(w, ", the longest for ");
	words__add_duration(w, (uint64_t)c->oldest_silence_s);
	words__add(w, "\n");
	add_dead(w, s);
}

/* ---- the table ---- */

enum { NUMBER_SOCKETS, NUMBER_KEEPALIVE, NUMBER_NEVER, NUMBER_SUSPECT, NUMBER_SILENT, NUMBER_DEAD,
       NUMBERS };

static const char *const heads[NUMBERS] = {
	[NUMBER_SOCKETS] = "SOCKETS", [NUMBER_KEEPALIVE] = "KEEPAL.", [NUMBER_NEVER] = "NEVER",
	[NUMBER_SUSPECT] = "SUSPECT", [NUMBER_SILENT] = "SILENT", [NUMBER_DEAD] = "DEAD",
};

#define CELL 48

/* "~4612": an estimate; "0-9": that is open, as few were asked; "?": nothing is known of any. */
static const char *dead_cell(const struct sockets_summary *s, const struct sockets_counts *c,
			     char text[CELL])
{
	const struct sockets_dead *d = &c->dead;
	double low = floor(d->low), high = ceil(d->high) + d->unknown;

	if (!s->dead_by)
		snprintf(text, CELL, "%" PRIu64, c->surely_dead);
	else if (isinf(d->estimate))
		return "?";
	else if (low < high && says_little(low, high, c->sockets))
		snprintf(text, CELL, "%.0f-%.0f", low, high);
	else
		snprintf(text, CELL, "%s%.0f", low < high ? "~" : "", d->estimate);
	return text;
}

static const char *cell(const struct sockets_summary *s, const struct sockets_counts *c,
			unsigned int column, char text[CELL])
{
	const uint64_t numbers[NUMBERS] = {
		[NUMBER_SOCKETS] = c->sockets, [NUMBER_KEEPALIVE] = c->with_keepalive,
		[NUMBER_NEVER] = c->never_notice, [NUMBER_SUSPECT] = c->suspect,
		[NUMBER_SILENT] = c->silent };

	if (column == NUMBER_DEAD)
		return dead_cell(s, c, text);
	snprintf(text, CELL, "%" PRIu64, numbers[column]);
	return text;
}

struct widths {
	int program, netns, carrier;
	unsigned int number[NUMBERS];	/* 0: it is left out */
};

static const char *netns_of(const struct sockets_group *g, char text[32])
{
	if (*g->netns.name)
		return g->netns.name;
	if (g->namespaces) {
		snprintf(text, 32, "%u unnamed", g->namespaces);
		return text;
	}
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
		plain_text__name(name, NAME_COLUMNS, plain, sizeof(plain)));

	if (columns > *width)
		*width = columns;
}

/* What stands beside the names: port, numbers and OLDEST, each with a blank but for the last. */
static int width_of_rest(const struct widths *widths, bool with_carrier)
{
	int width = strlen("65535 ") + strlen("OLDEST ");
	unsigned int i;

	for (i = 0; i < NUMBERS; i++)
		width += widths->number[i] ? widths->number[i] + 1 : 0;
	return width + (with_carrier ? 3 : 2);
}

/* No wider than they need. */
static void narrow_numbers(struct widths *widths, const struct sockets_summary *s, uint64_t limit)
{
	unsigned int column, digits;
	char text[CELL];
	uint64_t i;

	for (column = 0; column < NUMBERS; column++)
		widths->number[column] = widths->number[column] ? strlen(heads[column]) : 0;
	for (i = 0; i < limit; i++) {
		for (column = 0; column < NUMBERS; column++) {
			digits = strlen(cell(s, &s->groups[i].counts, column, text));
			if (widths->number[column] && digits > widths->number[column])
				widths->number[column] = digits;
		}
	}
}

/* Limits may be longer than any number. */
static void widen_dead(struct widths *widths, const struct sockets_summary *s,
		       const struct sockets_counts *c)
{
	unsigned int *width = &widths->number[NUMBER_DEAD], length;
	char text[CELL];

	length = *width ? strlen(dead_cell(s, c, text)) : 0;
	if (length > *width)
		*width = length;
}

/* An empty column is left out. */
static struct widths measure(const struct sockets_summary *s, uint64_t limit, unsigned int width)
{
	struct widths widths = { .program = strlen("PROGRAM"), .netns = strlen("NETNS"),
				 .number = { 7, 7, 7, 7, 6,
					     s->path_forgets_s || s->dead_by ? 6 : 0 } };
	int fixed;
	char text[32];
	uint64_t i;

	for (i = 0; i < limit; i++) {
		widen(&widths.program, program_of(&s->groups[i]));
		widen(&widths.netns, netns_of(&s->groups[i], text));
		widen(&widths.carrier, s->groups[i].carrier);
		widen_dead(&widths, s, &s->groups[i].counts);
	}
	if (widths.carrier && widths.carrier < (int)strlen("CARRIER"))
		widths.carrier = strlen("CARRIER");
	fixed = width_of_rest(&widths, widths.carrier);
	if (width && fixed + (2 + (widths.carrier > 0)) * NAME_COLUMNS_LEAST > (int)width) {
		narrow_numbers(&widths, s, limit);
		fixed = width_of_rest(&widths, widths.carrier);
	}
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

	if (!width)
		return;
	plain_text__name(name, width, plain, sizeof(plain));
	words__add(w, "%s%*s ", plain, width - (int)plain_text__columns(plain), "");
}

static void add_head(struct words *w, const struct widths *widths)
{
	unsigned int i;

	add_name(w, "PROGRAM", widths->program);
	words__add(w, "%5s ", "PORT");
	add_name(w, "NETNS", widths->netns);
	add_name(w, widths->carrier ? "CARRIER" : "", widths->carrier);
	for (i = 0; i < NUMBERS; i++)
		if (widths->number[i])
			words__add(w, "%*s ", widths->number[i], heads[i]);
	words__add(w, "OLDEST\n");
}

static void add_group(struct words *w, const struct widths *widths, const struct sockets_summary *s,
		      const struct sockets_group *g)
{
	const struct sockets_counts *c = &g->counts;
	char text[32], number[CELL];
	unsigned int i;

	add_name(w, program_of(g), widths->program);
	if (g->port)
		words__add(w, "%5u ", g->port);
	else
		words__add(w, "%5s ", g->port_unknown ? "?" : "out");
	add_name(w, netns_of(g, text), widths->netns);
	add_name(w, g->carrier, widths->carrier);
	for (i = 0; i < NUMBERS; i++)
		if (widths->number[i])
			words__add(w, "%*s ", widths->number[i], cell(s, c, i, number));
	words__add_duration(w, (uint64_t)c->oldest_silence_s);
	words__add(w, "\n");
}

/* ---- faults of this host ---- */

/* "broker/4711@gw :7002": one of its processes, and the namespace where there are several. */
static void add_where(struct words *w, const struct sockets_group *g, enum socket_fault fault,
		      bool with_netns)
{
	uint32_t pid = g->counts.held_by[fault].pid;
	char text[32], plain[PLAIN_TEXT_SIZE(NAME_COLUMNS)];

	words__add(w, " %s", plain_text__name(*g->program ? g->program
							  : "a program that is not known",
					      NAME_COLUMNS, plain, sizeof(plain)));
	if (pid)
		words__add(w, "/%" PRIu32, pid);
	if (with_netns && g->namespaces)
		words__add(w, " in %s namespaces", netns_of(g, text));
	else if (with_netns)
		words__add(w, "@%s", plain_text__name(netns_of(g, text), NAME_COLUMNS, plain,
						      sizeof(plain)));
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
	[FAULT_ENDED] = "that the kernel has ended, and that it still holds",
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
		words__add(w, "%s", plain_text__name(by->name, NAME_COLUMNS, plain,
						       sizeof(plain)));
	else
		words__add(w, "%" PRIu32, by->inode);
	words__add(w, "): raise that above their idle time, or set an idle time below it");
}

static void add_fault(struct words *w, const struct sockets_group *g, enum socket_fault fault,
		      bool with_netns, unsigned int width)
{
	size_t begin = w->length;

	if (!g->counts.to_mend[fault])
		return;
	words__add(w, "to mend:");
	add_where(w, g, fault, with_netns);
	words__add(w, ": ");
	words__add_count(w, g->counts.to_mend[fault]);
	words__add(w, " %s", faults[fault]);
	if (fault == FAULT_CONNTRACK)
		add_conntrack(w, &g->counts);
	if (fault == FAULT_ENDED) {
		words__add(w, ", for up to ");
		words__add_duration(w, (uint64_t)g->counts.ended_longest_s);
	}
	if (g->counts.held_by[fault].others)
		words__add(w, "; some are of other processes of that name");
	words__wrap(w, begin, width);
	words__add(w, "\n");
}

/* Those of ended sockets alone are namespaces, too. */
static bool is_of_several_namespaces(const struct sockets_summary *s)
{
	uint32_t i;

	for (i = 0; i < s->group_count; i++)
		if (s->groups[i].namespaces ||
		    s->groups[i].netns.inode != s->groups[0].netns.inode ||
		    s->groups[i].netns.cookie != s->groups[0].netns.cookie)
			return true;
	return false;
}

/* A line for each group and fault that it has. */
static void add_faults(struct words *w, const struct sockets_summary *s, unsigned int width)
{
	bool with_netns = is_of_several_namespaces(s);
	unsigned int fault;
	uint32_t i;

	for (fault = 0; fault < SOCKET_FAULTS; fault++)
		for (i = 0; i < s->group_count; i++)
			add_fault(w, &s->groups[i], fault, with_netns, width);
}

void summary_table__text(struct words *w, const struct sockets_summary *s, uint64_t limit,
			 unsigned int width)
{
	size_t begin = w->length;
	struct widths widths;
	uint64_t i;

	if (!limit || limit > s->group_count)
		limit = s->group_count;
	widths = measure(s, limit, width);
	add_total(w, s);
	words__wrap(w, begin, width);
	if (limit)
		add_head(w, &widths);
	for (i = 0; i < limit; i++)
		if (s->groups[i].counts.sockets)	/* else it has ended ones alone */
			add_group(w, &widths, s, &s->groups[i]);
	if (limit < s->group_count)
		words__add(w, "... and %" PRIu64 " more\n", s->group_count - limit);
	add_faults(w, s, width);
}
