// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "core/withheld.h"
#include "table/places.h"
#include "tcp/tcp_states.h"

/* ---- by cookie ---- */

/* The socket's place, or the free place where it would be. */
static size_t place_of(struct withheld_socket *const *places, size_t size, uint64_t cookie)
{
	size_t i = places__home(cookie, size);

	while (places[i] && places[i]->cookie != cookie)
		i = places__next(i, size);
	return i;
}

static bool grow(struct withheld *w)
{
	size_t size = places__bigger(w->size), i;
	struct withheld_socket **places = calloc(size, sizeof(*places));

	if (!places)
		return false;
	for (i = 0; i < w->size; i++)
		if (w->places[i])
			places[place_of(places, size, w->places[i]->cookie)] = w->places[i];
	free(w->places);
	w->places = places;
	w->size = size;
	return true;
}

static void leave_place(struct withheld *w, uint64_t cookie)
{
	size_t hole = place_of(w->places, w->size, cookie), i;

	/* Later entries that could lie in the freed place move there. */
	for (i = places__next(hole, w->size); w->places[i]; i = places__next(i, w->size)) {
		size_t from = places__home(w->places[i]->cookie, w->size);

		if (places__distance(from, i, w->size) >= places__distance(hole, i, w->size)) {
			w->places[hole] = w->places[i];
			hole = i;
		}
	}
	w->places[hole] = NULL;
	w->used--;
}

struct withheld_socket *withheld__find(const struct withheld *w, uint64_t cookie)
{
	return w->used ? w->places[place_of(w->places, w->size, cookie)] : NULL;
}

/* ---- one after the other ---- */

static struct withheld_socket *add_socket(struct withheld *w, uint64_t cookie)
{
	struct withheld_socket *s;

	if (places__is_full(w->used, w->size) && !grow(w))
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->cookie = cookie;
	s->bytes = sizeof(*s);
	w->bytes += s->bytes;
	s->older = w->youngest;
	if (w->youngest)
		w->youngest->younger = s;
	else
		w->oldest = s;
	w->youngest = s;
	w->places[place_of(w->places, w->size, cookie)] = s;
	w->used++;
	return s;
}

static void unlink_socket(struct withheld *w, struct withheld_socket *s)
{
	*(s->older ? &s->older->younger : &w->oldest) = s->younger;
	*(s->younger ? &s->younger->older : &w->youngest) = s->older;
	leave_place(w, s->cookie);
	w->bytes -= s->bytes;
}

static bool append(struct withheld *w, struct withheld_socket *s, const struct record *r)
{
	uint64_t encoded[RECORD_SIZE_MAX / 8];
	size_t size = record__encode(r, encoded);
	struct withheld_record *kept = malloc(sizeof(*kept) + size);

	if (!kept)
		return false;
	kept->next = NULL;
	memcpy(kept->encoded, encoded, size);
	*(s->last ? &s->last->next : &s->first) = kept;
	s->last = kept;
	if (r->type == RECORD_EVENT)
		s->last_event = kept;
	s->count++;
	s->bytes += sizeof(*kept) + size;
	w->bytes += sizeof(*kept) + size;
	return true;
}

static bool opens(const struct record *r)
{
	return r->type == RECORD_EVENT && r->event.kind == HO_STATE &&
	       r->event.state == TCP_ESTABLISHED;
}

void withheld__add(struct withheld *w, uint64_t cookie, const struct record *r, bool ends)
{
	struct withheld_socket *s = withheld__find(w, cookie) ?: add_socket(w, cookie);

	if (!s)
		return;
	if (s->count == WITHHELD_RECORDS_MAX || !append(w, s, r)) {
		withheld__drop(w, cookie);
		return;
	}
	if (ends)
		s->ended_ns = r->mono_ns;
	else if (opens(r))	/* once more */
		s->ended_ns = 0;
	while (w->bytes > WITHHELD_MAX)
		withheld__drop(w, w->oldest->cookie);
}

struct ho_event withheld__latest(const struct withheld_socket *socket)
{
	const uint64_t *encoded = socket->last_event->encoded;
	const char *why;
	struct record r;

	record__decode(encoded, record__size(encoded, RECORD_HEADER_SIZE), &r, &why);
	return r.event;
}

struct withheld_record *withheld__take(struct withheld *w, uint64_t cookie)
{
	struct withheld_socket *s = withheld__find(w, cookie);
	struct withheld_record *first;

	if (!s)
		return NULL;
	first = s->first;
	unlink_socket(w, s);
	free(s);
	return first;
}

void withheld__drop(struct withheld *w, uint64_t cookie)
{
	struct withheld_record *kept = withheld__take(w, cookie), *next;

	for (; kept; kept = next) {
		next = kept->next;
		free(kept);
	}
}

void withheld__free(struct withheld *w)
{
	while (w->oldest)
		withheld__drop(w, w->oldest->cookie);
	free(w->places);
	*w = (struct withheld){ 0 };
}
