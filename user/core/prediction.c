// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>

#include "prediction.h"
#include "retransmission.h"
#include "timer_wheel.h"

/* Instants of death looked at in each group of sockets, evenly spread. */
#define DEATHS 256
#define HOURS_A_YEAR 8766.0
#define SECONDS_A_YEAR 31557600.0
/* Linux' default tcp_retries2, and an RTO of most paths: timelines tell neither. */
#define RETRIES_USUAL 15
#define RTO_USUAL_S 0.3
/* More than the kernel sends without a user timeout: what comes later is as late as these. */
#define PROBES_SIMULATED 255
/* With none seen in a time, more than this many were unlikely (5 %). */
#define NONE_SEEN_YET 3.0

double prediction__silence_s(const struct setting *s)
{
	double first = fmax(s->idle_s, s->interval_s);

	if (!s->user_timeout_s)
		return s->interval_s * s->probes;
	return fmax(1, ceil((s->user_timeout_s - first) / s->interval_s)) * s->interval_s;
}

double prediction__period_s(const struct setting *s)
{
	return fmax(s->idle_s, s->interval_s);
}

double prediction__packet_bytes(double payload, bool ipv6, const struct tariff *t)
{
	double packet = (ipv6 ? 72 : 52) + payload;

	if (t && t->increment_bytes > 0)
		packet = ceil(packet / t->increment_bytes) * t->increment_bytes;
	return packet;
}

double prediction__probe_bytes(bool ipv6, const struct tariff *t)
{
	return 2 * prediction__packet_bytes(0, ipv6, t);
}

static double fires_after(double s, unsigned int hz, unsigned int n, double irrational)
{
	return timer_wheel__fires_after_s(s, hz, timer_wheel__chance(n, irrational));
}

/* How far a death goes on being unnoticed, from the peer's last sign of life. */
struct silence_of_dead {
	const struct setting *setting;
	unsigned int hz;
	unsigned int n;		/* tells apart what happens to many alike */
};

/* When, after the last sign of life, does keepalive's timer send its first probe? It was armed at
 * some time before: an answered probe arms it for the interval, anything else is only looked at when
 * it fires, and then it is armed for the rest (tcp_keepalive_timer(), "elapsed"). */
static double first_probe_s(const struct silence_of_dead *d, bool answered_before)
{
	const struct setting *s = d->setting;
	double armed = answered_before
			       ? fires_after(s->interval_s, d->hz, d->n, 0.5698402909980532)
			       : s->idle_s * timer_wheel__chance(d->n, 0.7548776662466927);

	if (armed >= s->idle_s)
		return armed;
	return armed + fires_after(s->idle_s - armed, d->hz, d->n, 0.8191725133961645);
}

/* The timer gives up when it fires with all probes out, or past the user timeout with one. */
static double declared_by_keepalive_s(const struct silence_of_dead *d, bool answered_before)
{
	const struct setting *s = d->setting;
	double now = first_probe_s(d, answered_before);
	unsigned int probes;

	for (probes = 1;; probes++) {
		now += fires_after(s->interval_s, d->hz, d->n * SETTING_PROBES_MAX + probes,
				   0.6710436067037893);
		if (s->user_timeout_s ? now >= s->user_timeout_s : probes >= s->probes)
			return now;
		if (probes >= PROBES_SIMULATED)
			return s->user_timeout_s ? s->user_timeout_s
						 : now + (s->probes - probes) * s->interval_s;
	}
}

/* Data that our program sends stop keepalive, and are sent again until their own timer gives up. */
static double declared_by_data_s(const struct silence_of_dead *d, double sent_s)
{
	struct patience_with_data p = { .retries = RETRIES_USUAL,
					.user_timeout_s = d->setting->user_timeout_s };

	return sent_s + RTO_USUAL_S +
	       retransmission__gives_up_after_s(RTO_USUAL_S, &p, d->hz, d->n);
}

/* From death to its being declared; the peer was heard last `dead_after_s` before, in an answer or
 * in a word of its own. */
static double detection(const struct silence_of_dead *d, bool answered_before, double dead_after_s,
			double command_every_s)
{
	double by_keepalive = declared_by_keepalive_s(d, answered_before) - dead_after_s;
	double command = command_every_s * timer_wheel__chance(d->n, 0.2360679774997898);

	if (!command_every_s || command >= by_keepalive)
		return by_keepalive;
	return declared_by_data_s(d, command);
}

struct sample {
	double s, weight;
};

static int by_length(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	return x->s < y->s ? -1 : x->s > y->s;
}

static double quantile(const struct sample *sorted, size_t count, double all, double share)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		sum += sorted[i].weight;
		if (sum >= all * share)
			return sorted[i].s;
	}
	return count ? sorted[count - 1].s : 0;
}

/* The length of the silence that this share of the time lies in, shorter ones first; 0: the peer
 * is heard all the time, HUGE_VAL: never. */
static double silence_at(const struct sockets_alike *g, double share)
{
	double at = share * g->covered_s - g->busy_s;
	unsigned int i;

	if (!g->covered_s)
		return HUGE_VAL;
	if (at < 0)
		return 0;
	for (i = 0; i < SILENCE_BINS; i++) {
		at -= g->silences[i].sum_s;
		if (at < 0)
			return g->silences[i].sum_s / g->silences[i].times;
	}
	return HUGE_VAL;
}

/* Deaths are even over time, so a group of n sockets dies n times as often. */
static size_t simulate(const struct sockets_alike *g, unsigned int hz, struct sample *samples)
{
	double period = prediction__period_s(&g->setting);
	double every = g->commands ? g->covered_s / g->commands : 0;
	unsigned int n;

	for (n = 0; n < DEATHS; n++) {
		struct silence_of_dead d = { &g->setting, hz, n };
		double length = silence_at(g, (n + 0.5) / DEATHS), within, age;

		within = fmin(length, period) * timer_wheel__chance(n, 0.6180339887498949);
		if (length > period && length < HUGE_VAL)
			within = length * timer_wheel__chance(n, 0.6180339887498949);
		age = fmod(within, period);
		samples[n] = (struct sample){
			detection(&d, length == HUGE_VAL || within >= period, age, every),
			g->count / DEATHS };
	}
	return DEATHS;
}

/* From one answered probe to the next: both its timers are late by half a granule. */
static double probed_every_s(const struct setting *s, unsigned int hz)
{
	double interval = timer_wheel__fires_after_s(s->interval_s, hz, 0.5);

	if (interval >= s->idle_s)
		return interval;
	return interval + timer_wheel__fires_after_s(s->idle_s - interval, hz, 0.5);
}

/* A silence is probed as often as the period fits in. */
static double probes_per_s(const struct sockets_alike *g, unsigned int hz)
{
	double every = probed_every_s(&g->setting, hz), probes = 0;
	unsigned int i;

	if (!g->covered_s)
		return 1 / every;
	for (i = 0; i < SILENCE_BINS; i++)
		if (g->silences[i].times > 0)
			probes += g->silences[i].times *
				  floor(g->silences[i].sum_s / g->silences[i].times / every);
	return (probes + g->silent_s / every) / g->covered_s;
}

/* Chance alone may lose all probes of a silence. */
static double lost_by_chance(const struct mutes *m, const struct setting *s, double loss)
{
	double probes = prediction__silence_s(s) / s->interval_s;

	return m->probes_sent ? pow(loss, probes) * SECONDS_A_YEAR / prediction__period_s(s) : 0;
}

static void count_false_deaths(const struct mutes *m, const struct setting *s, unsigned int hz,
			       double weight, struct prediction *p)
{
	/* Who answers the last probe, late as it is, is saved. */
	double probes = prediction__silence_s(s) / s->interval_s - 1;
	double to_last = probes * timer_wheel__fires_after_s(s->interval_s, hz, 0);
	double period = prediction__period_s(s), cases, sure_cases;
	double all = mutes__outlasting(m, to_last, period, false, &cases);
	double sure = mutes__outlasting(m, to_last, period, true, &sure_cases);
	double years = m->socket_hours / HOURS_A_YEAR;
	double loss = m->probes_lost / fmax(1, m->probes_sent);
	double worst = fmin(1, loss + (NONE_SEEN_YET + 2 * sqrt(m->probes_lost)) /
				      fmax(1, m->probes_sent));

	if (!years)
		return;
	sure -= sure_cases > 0 ? 2 * sure / sqrt(sure_cases) : 0;
	all += cases > 0 ? all / cases * (NONE_SEEN_YET + 2 * sqrt(cases)) : NONE_SEEN_YET;
	p->false_deaths_low += weight * (fmax(0, sure) / years + lost_by_chance(m, s, loss));
	p->false_deaths_high += weight * (all / years + lost_by_chance(m, s, worst));
}

bool prediction__make(const struct sockets_alike *groups, size_t count, unsigned int hz,
		      const struct tariff *tariff, const struct mutes *mutes,
		      struct prediction *p)
{
	struct sample *samples = malloc((count * DEATHS + 1) * sizeof(*samples));
	size_t i, n = 0;

	*p = (struct prediction){ 0 };
	if (!samples)
		return false;
	for (i = 0; i < count; i++)
		p->sockets += groups[i].count;
	for (i = 0; i < count; i++) {
		const struct sockets_alike *g = &groups[i];
		double rate = probes_per_s(g, hz), share = g->count / p->sockets;

		n += simulate(g, hz, samples + n);
		p->probes_per_s += g->count * rate;
		p->wakeups_per_socket_day += share * rate * 86400;
		p->bytes_per_socket_day += share * rate * 86400 *
					   prediction__probe_bytes(g->ipv6, tariff);
		count_false_deaths(mutes, &g->setting, hz, share, p);
	}
	qsort(samples, n, sizeof(*samples), by_length);
	p->detection = (struct detection){ quantile(samples, n, p->sockets, 0.5),
					   quantile(samples, n, p->sockets, 0.95),
					   n ? samples[n - 1].s : 0 };
	free(samples);
	return true;
}
