// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "exposure/deadline.h"
#include "pipeline/look_order.h"
#include "tcp/stamps.h"

/* More than these are not inserted one by one. */
#define INSERTED_MAX 1000

struct order {
	const struct look *look;
	enum look_key key;
};

bool look_key__named(const char *name, enum look_key *key)
{
	static const struct {
		const char *name;
		enum look_key key;
	} keys[] = {
		{ "silent", LOOK_BY_SILENCE }, { "unanswered", LOOK_BY_UNANSWERED },
		{ "dies", LOOK_BY_DEATH }, { "next", LOOK_BY_NEXT },
		{ "notices", LOOK_BY_DETECTION }, { "peer", LOOK_BY_PEER },
		{ "local", LOOK_BY_LOCAL }, { "owner", LOOK_BY_OWNER },
		{ "state", LOOK_BY_STATE }, { "suspect", LOOK_BY_SUSPICION },
		{ "dead", LOOK_BY_DEAD },
	};
	unsigned int i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(keys[i].name, name))
			continue;
		*key = keys[i].key;
		return true;
	}
	return false;
}

static double silence_ns(const struct look *l, const struct look_socket *s)
{
	const struct ho_event *e = &s->row.event;

	return e->mono_ns - (double)stamps__arrived_ns(e, l->rules.hz);
}

static double likely_alive(const struct look *l, const struct look_socket *s)
{
	const char *why;
	double doubt, dead = look__dead(l, s, &doubt, &why);

	return isnan(dead) ? 2 : 1 - dead;
}

static double number_of(const struct look *l, const struct look_socket *s, enum look_key key)
{
	struct exposure x = look__exposure(l, s);

	switch (key) {
	case LOOK_BY_SUSPICION:	/* no silence lasts for 31 years, and a microsecond counts */
		return -silence_ns(l, s) - (!x.suspect ? 0 : s->owner ? 2e18 : 1e18);
	case LOOK_BY_SILENCE:
		return -silence_ns(l, s);
	case LOOK_BY_UNANSWERED:
		return -(double)x.unanswered;
	case LOOK_BY_DEATH:
		return look__deadline(l, s).dies_s;
	case LOOK_BY_NEXT:
		return look__deadline(l, s).next_ask_s;
	case LOOK_BY_DETECTION:
		return -look__notices_within_s(l, s);
	case LOOK_BY_LOCAL:
		return s->row.event.local_port;
	case LOOK_BY_STATE:
		return s->row.event.state;
	case LOOK_BY_DEAD:
		return likely_alive(l, s);
	case LOOK_BY_PEER:
	case LOOK_BY_OWNER:
		break;
	}
	return 0;
}

static int by_owner(const struct look *l, const struct look_socket *a, const struct look_socket *b)
{
	const struct owner *x = owners__at(&l->owners, a->owner);
	const struct owner *y = owners__at(&l->owners, b->owner);

	if (!x || !y)
		return !x - !y;	/* without owner: last */
	return strcmp(x->comm, y->comm) ?: x->pid < y->pid ? -1 : x->pid > y->pid;
}

static int by_peer(const struct ho_event *a, const struct ho_event *b)
{
	struct endpoint x = endpoint__of(a->peer, a->peer_port);
	struct endpoint y = endpoint__of(b->peer, b->peer_port);
	int order;

	x = endpoint__mapped(&x, a->family);
	y = endpoint__mapped(&y, b->family);
	order = memcmp(x.address, y.address, sizeof(x.address));
	return order ? order : (int)x.port - (int)y.port;
}

/* Sixteen bytes and a port in eight: all of an IPv4 peer, between what comes before and behind. */
static uint64_t abbreviated(const struct ho_event *e)
{
	struct endpoint peer = endpoint__of(e->peer, e->peer_port);
	uint64_t halves[2];

	peer = endpoint__mapped(&peer, e->family);
	memcpy(halves, peer.address, sizeof(halves));
	halves[0] = be64toh(halves[0]);
	halves[1] = be64toh(halves[1]);
	if (halves[0])
		return 1ULL << 62 | halves[0] >> 2;
	if (halves[1] >> 32 < 0xffff)
		return 0;
	if (halves[1] >> 32 > 0xffff)
		return 1ULL << 61;
	return 1ULL << 60 | (halves[1] & UINT32_MAX) << 16 | peer.port;
}

struct look_place look_place__of(const struct look *l, const struct look_socket *s,
				 enum look_key key)
{
	return (struct look_place){ number_of(l, s, key), abbreviated(&s->row.event), s };
}

int look_place__compare(const struct look *l, enum look_key key, const struct look_place *x,
			const struct look_place *y)
{
	int by = x->number < y->number ? -1 : x->number > y->number;

	if (!by && key == LOOK_BY_OWNER)
		by = by_owner(l, x->socket, y->socket);
	if (!by)
		by = x->peer < y->peer ? -1 : x->peer > y->peer;
	return by ?: by_peer(&x->socket->row.event, &y->socket->row.event);
}

static int compare(const void *a, const void *b, void *context)
{
	const struct order *order = context;

	return look_place__compare(order->look, order->key, a, b);
}

/* Each goes to where it belongs, and makes room for the next: in one piece of memory, as there may
 * be a million. */
static void arrange(struct look *l, struct look_place *places)
{
	size_t i, to, from;

	for (i = 0; i < l->count; i++) {
		struct look_socket first;

		if (places[i].socket == &l->sockets[i])
			continue;
		first = l->sockets[i];
		for (to = i; (from = places[to].socket - l->sockets) != i; to = from) {
			l->sockets[to] = l->sockets[from];
			places[to].socket = &l->sockets[to];
		}
		l->sockets[to] = first;
		places[to].socket = &l->sockets[to];
	}
}

/* Into the sorted `count` at the front, whose last takes its place; from behind, where fewest have
 * to move. */
static void insert(struct look_place *places, size_t count, struct look_place *place,
		   struct order *order)
{
	struct look_place last = places[count - 1];
	size_t i;

	for (i = count - 1; i && compare(place, &places[i - 1], order) < 0; i--)
		places[i] = places[i - 1];
	places[i] = *place;
	*place = last;
}

/* The first `most` come to the front in their order: the others need none. */
static void sort(struct look_place *places, size_t count, size_t most, struct order *order)
{
	size_t i;

	qsort_r(places, most, sizeof(*places), compare, order);
	for (i = most; i < count; i++)
		if (compare(&places[i], &places[most - 1], order) < 0)
			insert(places, most, &places[i], order);
}

bool look_order__sort(struct look *l, enum look_key key, size_t most)
{
	struct look_place *places = malloc((l->count + 1) * sizeof(*places));
	struct order order = { l, key };
	size_t i;

	if (!places)
		return false;
	for (i = 0; i < l->count; i++)
		places[i] = look_place__of(l, &l->sockets[i], key);
	sort(places, l->count, most && most <= INSERTED_MAX && most < l->count ? most : l->count,
	     &order);
	arrange(l, places);
	free(places);
	return true;
}
