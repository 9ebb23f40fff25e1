// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stddef.h>

#include "devices/takeovers.h"

#define NS_PER_MS 1000000.0
/* What a service's closings say of a share of one address's speaks against it by e to the minus
 * this at most; of its delays it counts as so many takeovers, as does the first guess. */
#define SERVICE_MOST 5.0
#define PRIOR_OF_DELAYS 4.0
/* A closing may have a reason of its own, or none: no arrival is this sure to be it. */
#define RATIO_MOST 1e6
/* A program may change its ways: no share is ever less likely than e to the minus this against the
 * best. */
#define EVIDENCE_MOST 6.0f

/* Shares of closings, and how likely each is where nothing is known: most programs never do, those
 * that do mostly do so for all clients. */
static const struct {
	double share, guess;
} shares[TAKEOVER_SHARES] = {
	{ 0.005, 0.45 }, { 0.05, 0.05 }, { 0.15, 0.05 }, { 0.3, 0.05 },	 { 0.5, 0.05 },
	{ 0.7, 0.06 },	 { 0.85, 0.07 }, { 0.95, 0.11 }, { 0.99, 0.11 },
};

/* Delays up to these, in ms, from the one before; and their first guess: a client logs in one or
 * two round trips after its connection stands. */
static const struct {
	double until_ms, guess;
} delays[TAKEOVER_DELAYS] = {
	{ 0, 0.02 },   { 50, 0.11 },   { 100, 0.13 },  { 200, 0.18 },  { 400, 0.18 },
	{ 800, 0.15 }, { 1600, 0.11 }, { 3200, 0.08 }, { 6400, 0.04 },
};

static double width_ns(unsigned int delay)
{
	return delay ? (delays[delay].until_ms - delays[delay - 1].until_ms) * NS_PER_MS
		     : (double)TAKEOVER_EARLY_NS;
}

unsigned int takeovers__delay(uint64_t arrived_ns, uint64_t closed_ns)
{
	double ms = (double)(int64_t)(closed_ns - arrived_ns) / NS_PER_MS;
	unsigned int i;

	if (closed_ns + TAKEOVER_EARLY_NS <= arrived_ns)
		return TAKEOVER_DELAYS;
	for (i = 0; i < TAKEOVER_DELAYS && ms >= delays[i].until_ms; i++)
		;
	return i;
}

static double expected_share(const struct takeovers *own, const struct takeovers *service)
{
	double evidence[TAKEOVER_SHARES], most = -INFINITY, sum = 0, of = 0;
	unsigned int i;

	for (i = 0; i < TAKEOVER_SHARES; i++) {
		evidence[i] = (own ? own->evidence[i] : 0) +
			      (service ? fmax(service->evidence[i], -SERVICE_MOST) : 0);
		most = fmax(most, evidence[i]);
	}
	for (i = 0; i < TAKEOVER_SHARES; i++) {
		double likely = shares[i].guess * exp(evidence[i] - most);

		sum += likely * shares[i].share;
		of += likely;
	}
	return sum / of;
}

static double all_delays(const struct takeovers *t)
{
	double sum = 0;
	unsigned int i;

	for (i = 0; t && i < TAKEOVER_DELAYS; i++)
		sum += t->delays[i];
	return sum;
}

/* The share of this delay: as counted, from where `before` stood. */
static double blend(const struct takeovers *t, double of, unsigned int i, double before)
{
	return ((t ? t->delays[i] : 0) + PRIOR_OF_DELAYS * before) / (of + PRIOR_OF_DELAYS);
}

struct takeover_view takeovers__view(const struct takeovers *own, const struct takeovers *service)
{
	struct takeover_view v = { .share = expected_share(own, service) };
	double of_own = all_delays(own), of_service = all_delays(service);
	double sooner = 0;
	unsigned int i;

	v.believed = own ? own->closings * v.share : 0;
	for (i = 0; i < TAKEOVER_DELAYS; i++) {
		double these =
			blend(own, of_own, i, blend(service, of_service, i, delays[i].guess));

		v.per_ns[i] = these / width_ns(i);
		v.sooner[i] = sooner + these / 2;
		sooner += these;
	}
	return v;
}

void takeovers__count_closing(struct takeovers *t, double ratio)
{
	float most = -INFINITY;
	unsigned int i;

	t->closings += 1;
	for (i = 0; i < TAKEOVER_SHARES; i++) {
		t->evidence[i] +=
			log(1 - shares[i].share + shares[i].share * fmin(ratio, RATIO_MOST));
		most = fmax(most, t->evidence[i]);
	}
	for (i = 0; i < TAKEOVER_SHARES; i++)
		t->evidence[i] = fmax(t->evidence[i] - most, -EVIDENCE_MOST);
}

void takeovers__count_delays(struct takeovers *t, const double ratios[TAKEOVER_DELAYS])
{
	double of = 1;
	unsigned int i;

	for (i = 0; i < TAKEOVER_DELAYS; i++)
		of += ratios[i];
	for (i = 0; i < TAKEOVER_DELAYS; i++)
		t->delays[i] += ratios[i] / of;
}
