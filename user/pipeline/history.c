// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <math.h>

#include "pipeline/file_feed.h"
#include "pipeline/history.h"
#include "sys/log.h"
#include "sys/reason.h"
#include "tcp/jiffies.h"
#include "tcp/stamps.h"
#include "tuning/life_of.h"

int history__read(struct history *h, const char *name)
{
	struct sink into = lives__sink(&h->presence.lives);

	return file_feed__read(name, &into);
}

int history__begin(struct history *h, const struct named_network *networks, unsigned int count)
{
	host__read(&h->host);
	if (!h->presence.lives.count) {
		log_error("--history: no connections in it: expected timelines of 'watch --json "
			  "--all' or a recording");
		return -EBADMSG;
	}
	if (presence__begin(&h->presence, networks, count))
		return 0;
	log_error("%s", reason__of(ENOMEM));
	return -ENOMEM;
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

static struct presence_subject subject(const struct history *h, const struct look *l,
				       const struct look_socket *s)
{
	const struct ho_event *e = &s->row.event;
	const char *device = look__device(l, s);
	double silent_s = (e->mono_ns - stamps__heard_ns(e, l->rules.hz)) / 1e9;
	uint32_t asks = exposure__asks(e, l->rules.hz);

	/* The last one may be answered yet. */
	asks = asks ? asks - 1 : 0;
	return (struct presence_subject){
		.boot_id = h->host.boot_id, .device = device ? device : "", .cookie = e->cookie,
		.family = e->family, .local = endpoint__of(e->local, e->local_port),
		.peer = endpoint__of(e->peer, e->peer_port), .silent_s = silent_s,
		.unanswered = asks, .mute_s = mute_s(e, silent_s, asks, l->rules.hz) };
}

double history__chance(struct history *h, const struct look *l, const struct look_socket *s,
		       const struct history_asks *asks, const char **why)
{
	struct presence_subject of;

	*why = "there is no history (--history FILE)";
	if (!h)
		return NAN;
	of = subject(h, l, s);
	if (asks) {
		of.unanswered += asks->asks;
		of.mute_s += asks->within_s;
	}
	return presence__of(&h->presence, &of, why);
}
