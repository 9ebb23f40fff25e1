// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "exposure/deadline.h"
#include "pipeline/look_order.h"
#include "tcp/stamps.h"

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

	return e->mono_ns - (double)stamps__heard_ns(e, l->rules.hz);
}

static double number_of(const struct look *l, const struct look_socket *s, enum look_key key)
{
	struct exposure x = look__exposure(l, s);

	switch (key) {
	case LOOK_BY_SUSPICION:	/* no silence lasts for 2^80 ns */
		return -silence_ns(l, s) - (x.suspect ? 1e24 : 0);
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

struct look_place look_place__of(const struct look *l, const struct look_socket *s,
				 enum look_key key)
{
	return (struct look_place){ number_of(l, s, key), s };
}

int look_place__compare(const struct look *l, enum look_key key, const struct look_place *x,
			const struct look_place *y)
{
	int by = x->number < y->number ? -1 : x->number > y->number;

	if (!by && key == LOOK_BY_OWNER)
		by = by_owner(l, x->socket, y->socket);
	return by ?: by_peer(&x->socket->row.event, &y->socket->row.event);
}

static int compare(const void *a, const void *b, void *context)
{
	const struct order *order = context;

	return look_place__compare(order->look, order->key, a, b);
}

bool look_order__sort(struct look *l, enum look_key key)
{
	struct look_place *places = malloc((l->count + 1) * sizeof(*places));
	struct look_socket *sorted = malloc((l->count + 1) * sizeof(*sorted));
	struct order order = { l, key };
	size_t i;

	for (i = 0; places && i < l->count; i++)
		places[i] = look_place__of(l, &l->sockets[i], key);
	if (!places || !sorted) {
		free(places);
		free(sorted);
		return false;
	}
	qsort_r(places, l->count, sizeof(*places), compare, &order);
	for (i = 0; i < l->count; i++)
		sorted[i] = *places[i].socket;
	free(places);
	free(l->sockets);
	l->sockets = sorted;
	l->size = l->count + 1;
	return true;
}
