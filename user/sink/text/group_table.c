// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/fit.h"
#include "text/group_table.h"
#include "value/plain_text.h"

#define NAME_COLUMNS 24
#define NAME_COLUMNS_LEAST 8

void group_table__count(struct group_table *t, const struct story_key *key, double unnoticed_s)
{
	struct group_deaths one = { .net_cookie = key->net_cookie, .netns = key->netns,
				    .port = key->outbound ? 0 : key->port }, *d;

	memcpy(one.comm, key->comm, sizeof(one.comm));
	for (d = t->deaths; d < t->deaths + t->count; d++)
		if (!memcmp(d, &one, offsetof(struct group_deaths, half_open)))
			break;
	if (d == t->deaths + GROUP_TABLE_MAX) {
		d = &t->other;
	} else if (d == t->deaths + t->count) {
		*d = one;
		t->count++;
	}
	d->half_open++;
	if (unnoticed_s > d->longest_s)
		d->longest_s = unnoticed_s;
}

/* ---- rows: open sockets and deaths of a group ---- */

struct row {
	const struct summary_group *open;	/* NULL: none is open, or it is one of many */
	const struct group_deaths *dead;	/* NULL: nobody died */
};

static bool same(const struct summary_group *g, const struct group_deaths *d)
{
	return g->port == d->port && g->netns.inode == d->netns &&
	       !strncmp(g->program, d->comm, sizeof(d->comm));
}

static int by_deaths(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	uint64_t dead_x = x->dead ? x->dead->half_open : 0;
	uint64_t dead_y = y->dead ? y->dead->half_open : 0;
	uint64_t open_x = x->open ? x->open->sockets : 0, open_y = y->open ? y->open->sockets : 0;

	if (dead_x != dead_y)
		return dead_x < dead_y ? 1 : -1;
	return open_x < open_y ? 1 : open_x > open_y ? -1 : x->open < y->open ? -1 : 1;
}

static struct row *rows_of(const struct group_table *t, const struct summary *s,
			   unsigned int *count)
{
	struct row *rows = calloc(s->group_count + t->count + 1, sizeof(*rows));
	unsigned int i, n = s->group_count, j;

	*count = 0;
	if (!rows)
		return NULL;
	for (i = 0; i < n; i++)
		rows[i].open = &s->groups[i];
	for (i = 0; i < t->count; i++) {
		for (j = 0; j < s->group_count && !same(&s->groups[j], &t->deaths[i]); j++)
			;
		rows[j < s->group_count ? j : n++].dead = &t->deaths[i];
	}
	qsort(rows, n, sizeof(*rows), by_deaths);
	*count = n;
	return rows;
}

/* ---- columns ---- */

struct columns {
	int program, netns;
	bool dead;
};

static const char *program_of(const struct row *r, char name[17])
{
	if (r->open)
		return *r->open->program ? r->open->program : "-";
	snprintf(name, 17, "%.16s", *r->dead->comm ? r->dead->comm : "-");
	return name;
}

static const char *netns_of(const struct row *r, char number[17])
{
	if (r->open && *r->open->netns.name)
		return r->open->netns.name;
	snprintf(number, 17, "%u", r->open ? r->open->netns.inode : r->dead->netns);
	return number;
}

static void widen(int *width, const char *name)
{
	char plain[PLAIN_TEXT_SIZE(NAME_COLUMNS)];
	int columns = plain_text__columns(
		plain_text__name(name, NAME_COLUMNS, plain, sizeof(plain)));

	if (columns > *width)
		*width = columns;
}

static struct columns measure(const struct row *rows, unsigned int count, const struct summary *s,
			      int width)
{
	struct columns c = { .program = strlen("PROGRAM"), .dead = s->kind == SUMMARY_LAST,
			     .netns = s->namespaces > 1 ? strlen("NETNS") : 0 };
	int fixed = 32 + (c.dead ? 20 : 0);
	char text[17];
	unsigned int i;

	for (i = 0; i < count; i++) {
		widen(&c.program, program_of(&rows[i], text));
		if (s->namespaces > 1)
			widen(&c.netns, netns_of(&rows[i], text));
	}
	while (width && fixed + c.program + c.netns > width) {
		int *widest = c.netns > c.program ? &c.netns : &c.program;

		if (*widest <= NAME_COLUMNS_LEAST)
			break;
		--*widest;
	}
	if (width && fixed + c.program + c.netns > width)
		c.netns = 0;
	return c;
}

static void add_head(struct words *w, const struct columns *c)
{
	fit__add(w, "PROGRAM", c->program, true);
	words__add(w, "  PORT ");
	if (c->netns) {
		fit__add(w, "NETNS", c->netns, true);
		words__add(w, " ");
	}
	words__add(w, "%7s %7s %7s", "SOCKETS", "NEVER", "SUSPECT");
	if (c->dead)
		words__add(w, " %9s %s", "HALF-OPEN", "UNNOTICED");
	words__add(w, "\n");
}

static void add_deaths(struct words *w, const struct group_deaths *d)
{
	words__add(w, " %9" PRIu64, d ? d->half_open : 0);
	if (!d)
		return;
	words__add(w, " ");
	words__add_duration(w, d->longest_s);
}

static void add_row(struct words *w, const struct columns *c, const struct row *r, bool all_known)
{
	uint16_t port = r->open ? r->open->port : r->dead->port;
	char text[17], plain[PLAIN_TEXT_SIZE(NAME_COLUMNS)];

	fit__add(w, plain_text__name(program_of(r, text), NAME_COLUMNS, plain, sizeof(plain)),
		 c->program, true);
	if (port)
		words__add(w, " %5u ", port);
	else
		words__add(w, " %5s ", "out");
	if (c->netns) {
		fit__add(w, plain_text__name(netns_of(r, text), NAME_COLUMNS, plain, sizeof(plain)),
			 c->netns, true);
		words__add(w, " ");
	}
	if (r->open)
		words__add(w, "%7" PRIu64 " %7" PRIu64 " %7" PRIu64, r->open->sockets,
			   r->open->never_notice, r->open->suspect);
	else if (all_known)
		words__add(w, "%7u %7u %7u", 0, 0, 0);
	else
		words__add(w, "%7s %7s %7s", "-", "-", "-");
	if (c->dead)
		add_deaths(w, r->dead);
	words__add(w, "\n");
}

void group_table__add(struct words *w, const struct group_table *t, const struct summary *s,
		      int width)
{
	unsigned int count, shown, i;
	struct row *rows = rows_of(t, s, &count);
	struct columns c;

	shown = count < GROUP_TABLE_ROWS ? count : GROUP_TABLE_ROWS;
	if (shown) {
		c = measure(rows, shown, s, width);
		add_head(w, &c);
		for (i = 0; i < shown; i++)
			add_row(w, &c, &rows[i], !s->groups_omitted);
	}
	if (count > shown || s->groups_omitted)
		words__add(w, "... and %" PRIu64 " more\n", count - shown + s->groups_omitted);
	free(rows);
}
