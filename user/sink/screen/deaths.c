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
	struct words range = { 0 };

	if (t->half_open.latency_ms.lower_bounds_known) {
		words__add_duration(&range, t->half_open.latency_ms.likely_min / 1e3);
		words__add(&range, "-");
	} else {
		words__add(&range, "<");
	}
	words__add_duration(&range, t->half_open.latency_ms.max / 1e3);
	words__add(w, "%-14s ", range.text ? range.text : "");
	w->failed |= range.failed;
	words__free(&range);
}

static void add_row(struct words *w, const struct timeline *t)
{
	char end[ADDRESS_TEXT_SIZE], name[PLAIN_TEXT_SIZE(NAME_COLUMNS)];

	clock_words__add(w, t->ended_at, false);
	words__add(w, " %-21s ",
		   address__with_port(t->socket.peer.address, t->socket.peer.port, end));
	words__add(w, "%-18s ", outcome__name(t->outcome));
	add_unnoticed(w, t);
	words__add(w, ":%u %s/%u", t->socket.local.port,
		   plain_text__within(t->socket.owner.known
					      ? program_name__shown(t->socket.owner.comm)
					      : "-",
				      NAME_COLUMNS, name, sizeof(name)),
		   t->socket.owner.pid);
	if (*t->socket.device)
		words__add(w, " %s",
			   plain_text__within(t->socket.device, NAME_COLUMNS, name, sizeof(name)));
}

static void forget(struct death *death)
{
	free(death->row);
	json__free(&death->timeline);
	*death = (struct death){ 0 };
}

void deaths__add(struct deaths *d, const struct timeline *t)
{
	struct death *death = &d->all[d->count % DEATHS_KEPT];
	struct words row = { 0 };

	forget(death);
	add_row(&row, t);
	timeline_json__write_timeline(&death->timeline, 0, t);
	if (row.failed || death->timeline.failed) {
		words__free(&row);
		forget(death);
		return;
	}
	death->cookie = t->socket.cookie;
	death->row = row.text;
	d->count++;
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
