// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <math.h>

#include "exposure/exposure.h"
#include "pipeline/file_feed.h"
#include "pipeline/history.h"
#include "pipeline/impossible_gaps.h"
#include "sys/log.h"
#include "sys/reason.h"
#include "tcp/jiffies.h"
#include "tcp/stamps.h"
#include "text/presence_words.h"
#include "tuning/life_of.h"

static int begin(struct history *h, const struct named_network *networks, unsigned int count)
{
	host__read(&h->host);
	if (!h->presence.lives.count) {
		log_error("--history: no connections in it: expected timelines of 'watch --json "
			  "--all' or a recording");
		return -EBADMSG;
	}
	impossible_gaps__warn(&h->presence.lives);
	if (presence__begin(&h->presence, networks, count))
		return 0;
	log_error("%s", reason__of(-ENOMEM));
	return -ENOMEM;
}

int history__read_all(struct history *h, const char *const *names, unsigned int name_count,
		      const struct named_network *networks, unsigned int network_count)
{
	struct sink into = lives__sink(&h->presence.lives);
	unsigned int i;
	int err = 0;

	for (i = 0; err >= 0 && i < name_count; i++)
		err = file_feed__read(names[i], &into);
	if (err < 0 || !name_count)
		return err;
	return begin(h, networks, network_count);
}

void history__free(struct history *h)
{
	presence__free(&h->presence);
}

/* Since the first of the asks that are unanswered: not before it was heard. */
static double mute_s(const struct ho_event *e, double silent_s, uint32_t asks, uint32_t hz)
{
	double last_s = (double)jiffies__to_ns(e->jiffies - exposure__last_ask_jiffies(e, hz), hz) /
			1e9;

	return asks ? fmin(silent_s, fmax(0, last_s)) : 0;
}

static struct presence_subject subject(const struct history *h, const struct history_socket *s)
{
	const struct ho_event *e = s->event;
	double silent_s = (e->mono_ns - stamps__arrived_ns(e, s->hz)) / 1e9;
	uint32_t asks = exposure__asks(e, s->hz);

	/* The last one may be answered yet. */
	asks = asks ? asks - 1 : 0;
	return (struct presence_subject){
		.boot_id = h->host.boot_id, .device = s->device ?: "", .cookie = e->cookie,
		.family = e->family, .local = endpoint__of(e->local, e->local_port),
		.peer = endpoint__of(e->peer, e->peer_port), .silent_s = silent_s,
		.unanswered = asks, .mute_s = mute_s(e, silent_s, asks, s->hz) };
}

double history__chance(struct history *h, const struct history_socket *s,
		       const struct history_asks *asks, const char **why)
{
	enum presence_unknown unknown;
	struct presence_subject of;
	double there;

	*why = "there is no history (--history FILE)";
	if (!h)
		return NAN;
	of = subject(h, s);
	if (asks) {
		of.unanswered += asks->asks;
		of.mute_s += asks->within_s;
	}
	there = presence__of(&h->presence, &of, &unknown).likely;
	*why = presence_unknown__words(unknown);
	return there;
}

struct history_dead history__dead(struct history *h, const struct history_socket *s,
				  const char **why)
{
	struct presence_subject of = subject(h, s);
	enum presence_unknown unknown;
	struct survival_chance there = presence__of(&h->presence, &of, &unknown);

	*why = presence_unknown__words(unknown);
	return (struct history_dead){ 1 - there.likely, 1 - there.high, 1 - there.low };
}

uint64_t history__path_ns(struct history *h, const struct history_socket *s)
{
	struct presence_subject of = subject(h, s);

	return presence__path_s(&h->presence, &of) * 1e9;
}
