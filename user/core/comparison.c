// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>

#include "comparison.h"
#include "quantile.h"

#define RESAMPLES 1000
#define CASES_MIN 10

/* ---- figures of a side ---- */

struct side {
	double *latencies;	/* in the order of the lives */
	size_t latency_count;
	double *days, *deaths, *probes;	/* of each life */
	size_t count;
	double *scratch;
};

static bool fill(const struct lives *l, struct side *s)
{
	size_t i;

	*s = (struct side){ .latencies = malloc((5 * l->count + 1) * sizeof(double)),
			    .count = l->count };
	if (!s->latencies)
		return false;
	s->days = s->latencies + l->count;
	s->deaths = s->days + l->count;
	s->probes = s->deaths + l->count;
	s->scratch = s->probes + l->count;
	for (i = 0; i < l->count; i++) {
		const struct life *life = l->all[i];

		s->days[i] = fmax(0, life->ended_s - life->seen_s) / 86400;
		s->deaths[i] = life->found_by != FOUND_BY_NOTHING;
		s->probes[i] = life->probes_sent;
		if (life->found_by != FOUND_BY_NOTHING)
			s->latencies[s->latency_count++] = life->latency_max_s;
	}
	return true;
}

/* The same numbers in each run: advice does not depend on luck. */
static size_t pick(uint64_t *seed, size_t count)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (*seed >> 33) % count;
}

static double quantile_of(const struct side *s, double share, uint64_t *seed)
{
	size_t i, n = s->latency_count;

	for (i = 0; i < n; i++)
		s->scratch[i] = s->latencies[seed ? pick(seed, n) : i];
	quantile__sort(s->scratch, n);
	return quantile__of(s->scratch, n, share);
}

static double rate_of(const struct side *s, const double *events, uint64_t *seed)
{
	double sum = 0, days = 0;
	size_t i;

	for (i = 0; i < s->count; i++) {
		size_t k = seed ? pick(seed, s->count) : i;

		sum += events[k];
		days += s->days[k];
	}
	return days > 0 ? sum / days : 0;
}

/* ---- the comparison ---- */

enum figure { DETECTION_P50, DETECTION_P95, DETECTION_MAX, HALF_OPEN_RATE, PROBE_RATE };

static const struct {
	const char *what, *unit;
} figures[COMPARED] = {
	[DETECTION_P50] = { "detection_p50", "s" },
	[DETECTION_P95] = { "detection_p95", "s" },
	[DETECTION_MAX] = { "detection_max", "s" },
	[HALF_OPEN_RATE] = { "half_open", "per socket-day" },
	[PROBE_RATE] = { "probes", "per socket-day" },
};

static double figure_of(const struct side *s, enum figure f, uint64_t *seed)
{
	switch (f) {
	case DETECTION_P50:
		return quantile_of(s, 0.5, seed);
	case DETECTION_P95:
		return quantile_of(s, 0.95, seed);
	case DETECTION_MAX:
		return quantile_of(s, 1, seed);
	case HALF_OPEN_RATE:
		return rate_of(s, s->deaths, seed);
	case PROBE_RATE:
		return rate_of(s, s->probes, seed);
	}
	return 0;
}

static size_t cases_of(const struct side *s, enum figure f)
{
	return f <= DETECTION_MAX ? s->latency_count : s->count;
}

static void compare(const struct side *before, const struct side *after, enum figure f,
		    double *differences, struct change_of *c)
{
	uint64_t seed = f + 1;
	unsigned int i;

	*c = (struct change_of){ .what = figures[f].what, .unit = figures[f].unit,
				 .before = figure_of(before, f, NULL),
				 .after = figure_of(after, f, NULL),
				 .cases_before = cases_of(before, f),
				 .cases_after = cases_of(after, f) };
	c->known = c->cases_before >= CASES_MIN && c->cases_after >= CASES_MIN;
	if (!c->known)
		return;
	for (i = 0; i < RESAMPLES; i++)
		differences[i] = figure_of(after, f, &seed) - figure_of(before, f, &seed);
	quantile__sort(differences, RESAMPLES);
	c->low = differences[RESAMPLES / 40];
	c->high = differences[RESAMPLES - 1 - RESAMPLES / 40];
	c->is_noise = c->low <= 0 && c->high >= 0;
}

bool comparison__make(const struct lives *before, const struct lives *after, struct comparison *c)
{
	double *differences = malloc(RESAMPLES * sizeof(*differences));
	struct side a = { 0 }, b = { 0 };
	bool ok = differences && fill(before, &a) && fill(after, &b);
	unsigned int f;

	*c = (struct comparison){ .sockets_before = before->count, .sockets_after = after->count };
	for (f = 0; ok && f < COMPARED; f++)
		compare(&a, &b, f, differences, &c->changes[f]);
	free(differences);
	free(a.latencies);
	free(b.latencies);
	return ok;
}
