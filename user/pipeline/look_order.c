// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/look_order.h"
#include "pipeline/look_value.h"
#include "tcp/stamps.h"

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
	double dead = look__dead(l, s, &why).likely;

	return isnan(dead) ? 2 : 1 - dead;
}

static double suspicion(const struct look *l, const struct look_socket *s)
{
	if (!exposure__is_suspect(&s->row.event, &l->rules))
		return 0;
	return s->owner ? 2e18 : 1e18;
}

static double number_of(const struct look *l, const struct look_socket *s, enum look_key key)
{
	switch (key) {
	case LOOK_BY_SUSPICION:	/* no silence lasts for 31 years, and a microsecond counts */
		return -silence_ns(l, s) - suspicion(l, s);
	case LOOK_BY_SILENCE:
		return -silence_ns(l, s);
	case LOOK_BY_UNANSWERED:
		return -(double)look__exposure(l, s).unanswered;
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

struct place look_place__of(const struct look *l, const struct look_socket *s,
				 enum look_key key)
{
	const struct ho_event *e = &s->row.event;
	struct endpoint peer = endpoint__of(e->peer, e->peer_port);
	struct place place = { .number = place__number(number_of(l, s, key)),
				    .cookie = e->cookie, .owner = s->owner,
				    .peer_port = e->peer_port };

	peer = endpoint__mapped(&peer, e->family);
	memcpy(place.peer, peer.address, sizeof(place.peer));
	place.peer[0] = be64toh(place.peer[0]);
	place.peer[1] = be64toh(place.peer[1]);
	return place;
}

const struct owners *look_key__owners(const struct look *l, enum look_key key)
{
	return key == LOOK_BY_OWNER ? &l->owners : NULL;
}
