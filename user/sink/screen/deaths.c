// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "screen/deaths.h"
#include "text/clock_words.h"
#include "timeline/names.h"
#include "timeline/timeline_json.h"
#include "value/address.h"
#include "value/plain_text.h"
#include "value/program_name.h"
#include "value/words.h"

#define NAME_COLUMNS 20

static void add_unnoticed(struct words *w, const struct timeline *t)
{
	if (t->half_open.latency_ms.lower_bounds_known) {
		words__add_duration(w, t->half_open.latency_ms.likely_min / 1e3);
		words__add(w, "-");
	} else {
		words__add(w, "<");
	}
	words__add_duration(w, t->half_open.latency_ms.max / 1e3);
}

static void add_whose(struct words *w, const struct timeline *t)
{
	char name[PLAIN_TEXT_SIZE(NAME_COLUMNS)];

	words__add(w, ":%u %s/%u", t->socket.local.port,
		   plain_text__name(t->socket.owner.known
					      ? program_name__shown(t->socket.owner.comm)
					      : "-",
				      NAME_COLUMNS, name, sizeof(name)),
		   t->socket.owner.pid);
	if (*t->socket.device)
		words__add(w, " %s",
			   plain_text__name(t->socket.device, NAME_COLUMNS, name, sizeof(name)));
}

static void add_cell(struct words *w, enum death_column column, const struct timeline *t)
{
	char end[ADDRESS_TEXT_SIZE];

	switch (column) {
	case DEATH_TIME:
		clock_words__add(w, t->ended_at, false);
		return;
	case DEATH_PEER:
		words__add(w, "%s", address__with_port(t->socket.peer.address,
						       t->socket.peer.port, end));
		return;
	case DEATH_OUTCOME:
		words__add(w, "%s", outcome__name(t->outcome));
		return;
	case DEATH_UNNOTICED:
		add_unnoticed(w, t);
		return;
	case DEATH_WHOSE:
		add_whose(w, t);
	}
}

static void forget(struct death *death)
{
	unsigned int i;

	for (i = 0; i < DEATH_COLUMNS; i++)
		free(death->cells[i]);
	json__free(&death->timeline);
	*death = (struct death){ 0 };
}

void deaths__add(struct deaths *d, const struct timeline *t)
{
	struct death *death = &d->all[d->count % DEATHS_KEPT];
	bool failed = false;
	unsigned int i;

	forget(death);
	for (i = 0; i < DEATH_COLUMNS; i++) {
		struct words cell = { 0 };

		add_cell(&cell, i, t);
		death->cells[i] = cell.text;
		failed |= cell.failed || !cell.text;
	}
	timeline_json__write_timeline(&death->timeline, 0, t);
	if (failed || death->timeline.failed) {
		forget(death);
		return;
	}
	death->cookie = t->socket.cookie;
	d->count++;
}

void deaths__move(struct deaths *d, struct deaths *later)
{
	size_t n = deaths__kept(later);
	struct death *to, *from;

	while (n--) {	/* the earliest first */
		from = &later->all[(later->count - 1 - n) % DEATHS_KEPT];
		to = &d->all[d->count++ % DEATHS_KEPT];
		forget(to);
		*to = *from;
		*from = (struct death){ 0 };
	}
	later->count = 0;
}

size_t deaths__kept(const struct deaths *d)
{
	return d->count < DEATHS_KEPT ? d->count : DEATHS_KEPT;
}

const struct death *deaths__at(const struct deaths *d, size_t n)
{
	return &d->all[(d->count - 1 - n) % DEATHS_KEPT];
}

const struct death *deaths__find(const struct deaths *d, uint64_t cookie)
{
	size_t i;

	for (i = 0; i < deaths__kept(d); i++)
		if (deaths__at(d, i)->cookie == cookie)
			return deaths__at(d, i);
	return NULL;
}

void deaths__free(struct deaths *d)
{
	size_t i;

	for (i = 0; i < DEATHS_KEPT; i++)
		forget(&d->all[i]);
}
