// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>

#include "prediction.h"
#include "timer_wheel.h"

/* Instants of death looked at in each group of sockets, evenly spread. */
#define DEATHS 256
#define HOURS_A_YEAR 8766.0
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

/* Each probe is as late as its timer; of more than the kernel can send without a user timeout the rest
 * are as late as these. */
#define PROBES_SIMULATED 255

static double silence_with_timers(const struct setting *s, unsigned int hz, unsigned int n)
{
	double probes = s->interval_s > 0 ? round(prediction__silence_s(s) / s->interval_s) : 0;
	unsigned int simulated = fmin(probes, PROBES_SIMULATED), i;
	double sum = 0;

	for (i = 0; i < simulated; i++)
		sum += fires_after(s->interval_s, hz, n * simulated + i, 0.6710436067037893);
	return simulated ? sum * (probes / simulated) : 0;
}

/*
 * From the death of a peer that was last heard `dead_after` seconds before it until it is declared.
 * The timer that notices was armed at some time before: an answered probe arms it for the interval,
 * anything else is only looked at when it fires, and then it is armed for the rest (KERNEL's
 * tcp_keepalive_timer(), "elapsed").
 */
static double detection(const struct setting *s, double life_s, double dead_after, unsigned int hz,
			unsigned int n)
{
	double period = prediction__period_s(s), probe, armed;

	/* When, after the last sign of life, does the timer look for the first time? */
	armed = life_s && life_s < period ? s->idle_s * timer_wheel__chance(n, 0.7548776662466927)
					  : fires_after(s->interval_s, hz, n, 0.5698402909980532);
	if (armed >= s->idle_s)
		probe = armed;
	else
		probe = armed + fires_after(s->idle_s - armed, hz, n, 0.8191725133961645);
	return probe + silence_with_timers(s, hz, n) - dead_after;
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

/* Deaths are even over time, so a group of n sockets dies n times as often. */
static size_t simulate(const struct sockets_alike *g, unsigned int hz, struct sample *samples)
{
	double period = prediction__period_s(&g->setting);
	double life = g->life_s && g->life_s < period ? g->life_s : period;
	unsigned int n;

	for (n = 0; n < DEATHS; n++) {
		double dead_after = life * (n + 0.5) / DEATHS;

		samples[n] = (struct sample){ detection(&g->setting, g->life_s, dead_after, hz, n),
					      g->count / DEATHS };
	}
	return DEATHS;
}

/* A socket whose peer is heard more often is not probed. */
static double probes_per_s(const struct sockets_alike *g)
{
	double period = prediction__period_s(&g->setting);

	if (!g->life_s)
		return 1 / period;
	return g->life_s > period ? floor(g->life_s / period) / g->life_s : 0;
}

static void count_false_deaths(const struct mutes *mutes, double silence_s, double weight,
			       struct prediction *p)
{
	double seen = 0, years = mutes->socket_hours / HOURS_A_YEAR;
	size_t i;

	for (i = mutes->count; i && mutes->all[i - 1].low_s >= silence_s; i--)
		seen++;
	if (!years)
		return;
	p->false_deaths_low += weight * seen / years;
	p->false_deaths_high += weight * (seen + NONE_SEEN_YET + 2 * sqrt(seen)) / years;
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
		double rate = probes_per_s(g), share = g->count / p->sockets;

		n += simulate(g, hz, samples + n);
		p->probes_per_s += g->count * rate;
		p->wakeups_per_socket_day += share * rate * 86400;
		p->bytes_per_socket_day += share * rate * 86400 *
					   prediction__probe_bytes(g->ipv6, tariff);
		count_false_deaths(mutes, prediction__silence_s(&g->setting), share, p);
	}
	qsort(samples, n, sizeof(*samples), by_length);
	p->detection = (struct detection){ quantile(samples, n, p->sockets, 0.5),
					   quantile(samples, n, p->sockets, 0.95),
					   n ? samples[n - 1].s : 0 };
	free(samples);
	return true;
}
