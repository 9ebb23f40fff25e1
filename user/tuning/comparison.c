// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tuning/comparison.h"
#include "value/hash.h"

#define RESAMPLES 1000
/* Relative size of a figure: smaller ones are rounding errors of floating-point sums. */
#define ROUNDED 1e-9
#define CASES_MIN 10
/* Fewer of a network's hours are no sample. */
#define CLUSTERS_MIN 10
#define HOUR_S 3600.0
#define HOURS_A_DAY 24
/* Hours of the day this near to each other are alike. */
#define HOURS_ALIKE 3
/* With less of a side's time in hours that the other has, the two are not comparable. */
#define SHARE_KNOWN 0.5
#define LEVEL 0.05
#define Z_OF_LEVEL 1.96
/* Resampled errors of few clusters are too small, and their tails heavier than the normal
 * distribution's: by this factor, as simulated (make comparisons). */
#define ERRORS_WIDENED 1.15

/* ---- clusters ---- */

/* Dependent events: those of a network in an hour, and those of a peer. */
enum clustering { BY_HOUR, BY_PEER, CLUSTERINGS };

struct cluster {
	uint64_t key;
	double days, deaths;
	double probed_days, probes;	/* of histories that end in it, whole */
};

struct clusters {
	struct cluster *all;
	size_t count, size;
	size_t *places;		/* hash table of indices + 1, twice the size */
	uint32_t *times;	/* each one's in a resample */
};

struct case_of {
	double s;
	size_t cluster[CLUSTERINGS];
};

struct side {
	struct clusters by[CLUSTERINGS];
	struct case_of *cases[2];	/* found by keepalive, by retransmission; sorted */
	size_t case_count[2];
	double watched[HOURS_A_DAY];	/* in hours of the day */
	bool known[HOURS_A_DAY];	/* ... that the other side has, too */
	bool by_socket;
	bool short_of_memory;
};

static size_t *place_of(const struct clusters *c, uint64_t key)
{
	size_t i = key % (2 * c->size);

	while (c->places[i] && c->all[c->places[i] - 1].key != key)
		i = i + 1 < 2 * c->size ? i + 1 : 0;
	return &c->places[i];
}

static bool grow(struct clusters *c)
{
	size_t size = c->size ? 2 * c->size : 256, i;
	struct cluster *all = realloc(c->all, size * sizeof(*all));
	size_t *places = calloc(2 * size, sizeof(*places));

	if (all)
		c->all = all;
	if (!all || !places) {
		free(places);
		return false;
	}
	free(c->places);
	c->places = places;
	c->size = size;
	for (i = 0; i < c->count; i++)
		*place_of(c, c->all[i].key) = i + 1;
	return true;
}

/* Returns its index. */
static size_t find(struct side *s, struct clusters *c, uint64_t key)
{
	size_t *place;

	if (c->count == c->size && !grow(c)) {
		s->short_of_memory = true;
		return 0;
	}
	place = place_of(c, key);
	if (!*place) {
		c->all[c->count] = (struct cluster){ .key = key };
		*place = ++c->count;
	}
	return *place - 1;
}

static void clear(struct clusters *c)
{
	c->count = 0;
	memset(c->places, 0, 2 * c->size * sizeof(*c->places));
}

static uint64_t key_of_socket(const struct life *life)
{
	return hash__number(hash__number(life->boot, life->cookie), life->connection);
}

/* Its network, a /24 or /48, in that hour. */
static size_t hour_of(struct side *s, const struct life *life, double at_s)
{
	struct endpoint peer = endpoint__mapped(&life->peer, life->family);
	unsigned int bytes = life->family == AF_INET ? 15 : 6;
	uint64_t key;

	memset(peer.address + bytes, 0, sizeof(peer.address) - bytes);
	key = hash__bytes(hash__number(life->place.gateway, at_s / HOUR_S), peer.address,
			 sizeof(peer.address));
	return find(s, &s->by[BY_HOUR], s->by_socket ? key_of_socket(life) : key);
}

static size_t peer_of(struct side *s, const struct life *life)
{
	struct endpoint peer = endpoint__mapped(&life->peer, life->family);
	uint64_t key = life->device
			       ? hash__number(1, life->device)
			       : hash__bytes(2, peer.address, sizeof(peer.address));

	return find(s, &s->by[BY_PEER], s->by_socket ? key_of_socket(life) : key);
}

/* ---- a side ---- */

static unsigned int hour_of_day(double at_s)
{
	return (uint64_t)fmax(0, at_s / HOUR_S) % HOURS_A_DAY;
}

/* Each piece of a history lies in one hour. */
static double piece_end(double from_s, double to_s)
{
	return fmin(to_s, (floor(from_s / HOUR_S) + 1) * HOUR_S);
}

static void count_hours(struct side *s, const struct life *life)
{
	double from = life->seen_s, to;

	while (from < life->ended_s) {
		to = piece_end(from, life->ended_s);
		s->watched[hour_of_day(from)] += to - from;
		from = to;
	}
}

static void add_death(struct side *s, const struct life *life, size_t hour, size_t peer)
{
	int class = life->found_by == FOUND_BY_RETRANSMIT ? 1
		    : life->found_by == FOUND_BY_KEEPALIVE ||
				      life->found_by == FOUND_BY_USER_TIMEOUT ? 0 : -1;

	s->by[BY_HOUR].all[hour].deaths++;
	s->by[BY_PEER].all[peer].deaths++;
	if (class >= 0)
		s->cases[class][s->case_count[class]++] =
			(struct case_of){ life->latency_max_s, { hour, peer } };
}

/* The time until which a death would have been noticed within the watch. A dead peer died between
 * its last segment and the first ask that it did not answer; an open one may be dead since it was
 * heard last, and is not noticed before a silence is over. So slow detection hides no deaths. */
static double alive_until_s(const struct life *life)
{
	const struct setting s = { .idle_s = life->idle_s, .interval_s = life->interval_s,
				   .probes = life->probes,
				   .user_timeout_s = life->user_timeout_s };

	if (life->found_by != FOUND_BY_NOTHING)
		return life->ended_s - life->latency_max_s + life->lost_within_s / 2;
	if (life->final || !life->keepalive || !life->heard_s || s.interval_s <= 0)
		return life->ended_s;
	return fmin(life->heard_s, life->ended_s) - setting__silence_s(&s);
}

static void add_life(struct side *s, const struct life *life)
{
	size_t peer = peer_of(s, life), hour = 0;
	double from = life->seen_s, until = alive_until_s(life), to, days, all = 0, share;

	while (from < until && !s->short_of_memory) {
		to = piece_end(from, until);
		days = s->known[hour_of_day(from)] ? (to - from) / 86400 : 0;
		if (days > 0)
			hour = hour_of(s, life, from);
		from = to;
		if (!days || s->short_of_memory)
			continue;
		all += days;
		s->by[BY_HOUR].all[hour].days += days;
		s->by[BY_PEER].all[peer].days += days;
	}
	if (s->short_of_memory || !all)
		return;
	/* Probes were counted in all of the history, the dead's too: so is the time that they
	 * took. */
	share = all * 86400 / (until - life->seen_s);
	days = (life->ended_s - life->seen_s) / 86400;
	s->by[BY_HOUR].all[hour].probed_days += days * share;
	s->by[BY_PEER].all[peer].probed_days += days * share;
	s->by[BY_HOUR].all[hour].probes += life->probes_sent * share;
	s->by[BY_PEER].all[peer].probes += life->probes_sent * share;
	if (life->found_by != FOUND_BY_NOTHING && s->known[hour_of_day(life->ended_s)])
		add_death(s, life, hour, peer);
}

/* It was silent already when it was first seen: the setting then, or before, decided. */
static bool was_dead_before(const struct life *life)
{
	return life->found_by != FOUND_BY_NOTHING &&
	       life->ended_s - life->latency_max_s < life->seen_s - 1;
}

static bool sets_its_own(const struct life *life)
{
	return life->options_known && life->keepalive && life->idle_from_socket &&
	       life->interval_from_socket;
}

struct choice {
	const struct named_network *networks;
	unsigned int network_count;
	const char *group;
	bool only_following;
};

static bool is_in_group(const struct life *life, const struct choice *c)
{
	struct endpoint peer = endpoint__mapped(&life->peer, life->family);
	const char *name = c->group ? named_network__of(peer.address, c->networks,
							c->network_count) : NULL;

	return !c->group || (life->has_peer && name && !strcmp(name, c->group));
}

/* Counts histories that are left out, by reason. */
static bool is_chosen(const struct life *life, const struct choice *c,
		      struct side_of_comparison *told)
{
	if (!is_in_group(life, c))
		return false;
	told->sockets++;
	told->first_s = told->first_s ? fmin(told->first_s, life->seen_s) : life->seen_s;
	told->last_s = fmax(told->last_s, life->ended_s);
	if (was_dead_before(life)) {
		told->dead_before++;
		return false;
	}
	if (c->only_following && sets_its_own(life)) {
		told->unfollowing++;
		return false;
	}
	return true;
}

static int by_length(const void *a, const void *b)
{
	const struct case_of *x = a, *y = b;

	return x->s < y->s ? -1 : x->s > y->s;
}

/* Those of `all` that are chosen, which `chosen` says. */
static bool fill(const struct lives *l, const bool *chosen, struct side *s)
{
	size_t i;

	s->case_count[0] = s->case_count[1] = 0;
	for (i = 0; i < CLUSTERINGS; i++)
		clear(&s->by[i]);
	for (i = 0; i < l->count && !s->short_of_memory; i++)
		if (chosen[i] && l->all[i]->ended_s > l->all[i]->seen_s)
			add_life(s, l->all[i]);
	for (i = 0; i < 2; i++)
		qsort(s->cases[i], s->case_count[i], sizeof(*s->cases[i]), by_length);
	for (i = 0; i < CLUSTERINGS; i++) {
		free(s->by[i].times);
		s->by[i].times = calloc(s->by[i].count + 1, sizeof(*s->by[i].times));
		s->short_of_memory |= !s->by[i].times;
	}
	return !s->short_of_memory;
}

static bool *choose(const struct lives *l, const struct choice *c, struct side *s,
		    struct side_of_comparison *told)
{
	bool *chosen = calloc(l->count + 1, sizeof(*chosen));
	size_t i;

	*s = (struct side){ .cases = { malloc((l->count + 1) * sizeof(**s->cases)),
				       malloc((l->count + 1) * sizeof(**s->cases)) } };
	if (!chosen || !s->cases[0] || !s->cases[1] || !grow(&s->by[BY_HOUR]) ||
	    !grow(&s->by[BY_PEER])) {
		free(chosen);
		return NULL;
	}
	for (i = 0; i < l->count; i++) {
		chosen[i] = is_chosen(l->all[i], c, told);
		if (chosen[i])
			count_hours(s, l->all[i]);
	}
	return chosen;
}

/* ---- the time of the day ---- */

/* The hours that the other has, or similar ones; returns the share of the time in them. */
static double know_hours(struct side *s, const struct side *other)
{
	double all = 0, known = 0;
	int h, k;

	for (h = 0; h < HOURS_A_DAY; h++) {
		for (k = -HOURS_ALIKE; k <= HOURS_ALIKE; k++)
			s->known[h] |= other->watched[(h + k + HOURS_A_DAY) % HOURS_A_DAY] > 0;
		all += s->watched[h];
		known += s->known[h] ? s->watched[h] : 0;
	}
	return all > 0 ? known / all : 1;
}

/* ---- figures ---- */

/* The same numbers in each run: advice does not depend on chance. */
static size_t pick(uint64_t *seed, size_t count)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (*seed >> 33) % count;
}

static void resample(struct clusters *c, uint64_t *seed)
{
	size_t i;

	memset(c->times, 0, c->count * sizeof(*c->times));
	for (i = 0; i < c->count; i++)
		c->times[pick(seed, c->count)]++;
}

static void sample_all(struct clusters *c)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		c->times[i] = 1;
}

static double quantile_of(const struct side *s, enum clustering by, unsigned int class,
			  double share)
{
	const struct case_of *all = s->cases[class];
	const uint32_t *times = s->by[by].times;
	double total = 0, sum = 0;
	size_t i, n = s->case_count[class];

	for (i = 0; i < n; i++)
		total += times[all[i].cluster[by]];
	for (i = 0; i < n; i++) {
		sum += times[all[i].cluster[by]];
		if (sum > 0 && sum >= share * total)
			return all[i].s;
	}
	return 0;
}

static double rate_of(const struct clusters *c, bool of_probes)
{
	double sum = 0, days = 0;
	size_t i;

	for (i = 0; i < c->count; i++) {
		sum += c->times[i] * (of_probes ? c->all[i].probes : c->all[i].deaths);
		days += c->times[i] * (of_probes ? c->all[i].probed_days : c->all[i].days);
	}
	return days > 0 ? sum / days : 0;
}

static const struct {
	const char *what, *unit;
} figures[COMPARED] = {
	[DETECTION_P50] = { "detection_p50", "s" },
	[DETECTION_P95] = { "detection_p95", "s" },
	[RETRANSMISSION_P50] = { "retransmission_p50", "s" },
	[HALF_OPEN_RATE] = { "half_open", "per socket-day" },
	[PROBE_RATE] = { "probes", "per socket-day" },
};

static double figure_of(const struct side *s, enum clustering by, enum compared f)
{
	switch (f) {
	case DETECTION_P50:
		return quantile_of(s, by, 0, 0.5);
	case DETECTION_P95:
		return quantile_of(s, by, 0, 0.95);
	case RETRANSMISSION_P50:
		return quantile_of(s, by, 1, 0.5);
	case HALF_OPEN_RATE:
		return rate_of(&s->by[by], false);
	case PROBE_RATE:
		return rate_of(&s->by[by], true);
	case COMPARED:
		break;
	}
	return 0;
}

static size_t cases_of(const struct side *s, enum compared f)
{
	if (f == RETRANSMISSION_P50)
		return s->case_count[1];
	return f <= DETECTION_P95 ? s->case_count[0] : s->by[BY_PEER].count;
}

/* ---- the comparison ---- */

/* The standard error of each difference, by resampling, where it is larger than before. */
static void find_errors(struct side *before, struct side *after, enum clustering by, double *errors)
{
	double sum[COMPARED] = { 0 }, squares[COMPARED] = { 0 };
	double n = fmin(before->by[by].count, after->by[by].count);
	unsigned int i, f;
	uint64_t seed = 1;

	for (i = 0; i < RESAMPLES; i++) {
		resample(&before->by[by], &seed);
		resample(&after->by[by], &seed);
		for (f = 0; f < COMPARED; f++) {
			double d = figure_of(after, by, f) - figure_of(before, by, f);

			sum[f] += d;
			squares[f] += d * d;
		}
	}
	for (f = 0; f < COMPARED; f++) {
		double mean = sum[f] / RESAMPLES;
		double variance = fmax(0, squares[f] / RESAMPLES - mean * mean);

		errors[f] = fmax(errors[f], ERRORS_WIDENED * sqrt(variance * n / fmax(1, n - 1)));
	}
}

/* Rounding errors of sums in another order are no difference. */
static double difference(const struct change_of *of)
{
	double d = of->after - of->before;

	return fabs(d) > ROUNDED * fmax(fabs(of->after), fabs(of->before)) ? d : 0;
}

/* Holm (1979): the clearest of m figures must be clear enough for m, the next for m - 1, ... */
static void judge(struct change_of *all, const double *errors)
{
	bool tried[COMPARED] = { false };
	unsigned int left = 0, f, best;

	for (f = 0; f < COMPARED; f++)
		left += all[f].verdict == CHANGE_NOISE;
	for (; left; left--) {
		double least = 2, p;

		for (f = 0, best = COMPARED; f < COMPARED; f++) {
			double d = fabs(difference(&all[f]));

			if (all[f].verdict != CHANGE_NOISE || tried[f])
				continue;
			p = errors[f] > 0 ? erfc(d / errors[f] / M_SQRT2) : d > 0 ? 0 : 1;
			if (p < least) {
				least = p;
				best = f;
			}
		}
		if (best == COMPARED || least > LEVEL / left)
			return;
		tried[best] = true;
		all[best].verdict = all[best].after < all[best].before ? CHANGE_LOWER
								       : CHANGE_HIGHER;
	}
}

static void compare(struct side *before, struct side *after, bool comparable, struct comparison *c)
{
	double errors[COMPARED] = { 0 };
	unsigned int f;

	for (f = 0; f < CLUSTERINGS; f++) {
		sample_all(&before->by[f]);
		sample_all(&after->by[f]);
	}
	for (f = 0; f < COMPARED; f++) {
		struct change_of *of = &c->changes[f];

		*of = (struct change_of){ .what = figures[f].what, .unit = figures[f].unit,
					  .before = figure_of(before, BY_PEER, f),
					  .after = figure_of(after, BY_PEER, f),
					  .cases_before = cases_of(before, f),
					  .cases_after = cases_of(after, f) };
		of->verdict = !comparable ? CHANGE_NOT_COMPARABLE
			      : of->cases_before < CASES_MIN || of->cases_after < CASES_MIN ||
					      (f == HALF_OPEN_RATE && c->few_clusters)
				      ? CHANGE_TOO_FEW : CHANGE_NOISE;
	}
	if (!comparable)
		return;
	find_errors(before, after, BY_HOUR, errors);
	find_errors(before, after, BY_PEER, errors);
	for (f = 0; f < COMPARED; f++) {
		double d = difference(&c->changes[f]);

		c->changes[f].low = d - Z_OF_LEVEL * errors[f];
		c->changes[f].high = d + Z_OF_LEVEL * errors[f];
	}
	judge(c->changes, errors);
}

static struct setting values_of(const struct life_namespace *ns)
{
	return (struct setting){ .idle_s = ns->idle_s, .interval_s = ns->interval_s,
				 .probes = ns->probes };
}

static bool are_equal(const struct setting *a, const struct setting *b)
{
	return a->idle_s == b->idle_s && a->interval_s == b->interval_s && a->probes == b->probes;
}

static void compare_values(const struct setting *before, const struct setting *after,
			   struct comparison *c)
{
	c->values_known = true;
	if (are_equal(before, after))
		return;
	if (c->values_changed) {
		c->other_values_changed |= !are_equal(before, &c->values_before) ||
					   !are_equal(after, &c->values_after);
		return;
	}
	c->values_changed = true;
	c->values_before = *before;
	c->values_after = *after;
}

static void compare_all_values(const struct lives *before, const struct lives *after,
			       struct comparison *c)
{
	unsigned int i, k;

	for (i = 0; i < before->namespace_count; i++)
		for (k = 0; k < after->namespace_count; k++) {
			struct setting x = values_of(&before->namespaces[i]);
			struct setting y = values_of(&after->namespaces[k]);

			if (before->namespaces[i].place.inode == after->namespaces[k].place.inode)
				compare_values(&x, &y, c);
		}
}

/* Do deaths lie in so few hours of networks that they may come from one outage? */
static bool few(const struct side *s)
{
	const struct clusters *hours = &s->by[BY_HOUR];
	size_t with_deaths = 0, i;

	for (i = 0; i < hours->count; i++)
		with_deaths += hours->all[i].deaths > 0;
	return with_deaths < CLUSTERS_MIN || s->by[BY_PEER].count < CLUSTERS_MIN;
}

/* Began in the later half of the other, or after it: windows that overlap a little are reported;
 * those of a control share, which began and ended together, are not. */
static bool is_later(const struct side_of_comparison *a, const struct side_of_comparison *b)
{
	return a->sockets && b->sockets && a->last_s > b->last_s &&
	       a->first_s > (b->first_s + b->last_s) / 2;
}

static void free_clusters(struct clusters *c)
{
	free(c->all);
	free(c->places);
	free(c->times);
}

static void free_side(struct side *s)
{
	free_clusters(&s->by[BY_HOUR]);
	free_clusters(&s->by[BY_PEER]);
	free(s->cases[0]);
	free(s->cases[1]);
}

bool comparison__make(const struct lives *before, const struct lives *after,
		      const struct named_network *networks, unsigned int network_count,
		      const char *group, struct comparison *c)
{
	struct choice choice = { networks, network_count, group, false };
	bool *of_before, *of_after, ok, comparable;
	struct side a, b;

	*c = (struct comparison){ .group = group };
	compare_all_values(before, after, c);
	choice.only_following = c->values_changed;
	of_before = choose(before, &choice, &a, &c->before);
	of_after = choose(after, &choice, &b, &c->after);
	ok = of_before && of_after;
	if (ok) {
		comparable = know_hours(&a, &b) >= SHARE_KNOWN;
		comparable = know_hours(&b, &a) >= SHARE_KNOWN && comparable;
		c->wrong_order = is_later(&c->before, &c->after);
		ok = fill(before, of_before, &a) && fill(after, of_after, &b);
		if (ok && (few(&a) || few(&b))) {
			a.by_socket = b.by_socket = c->few_clusters = true;
			ok = fill(before, of_before, &a) && fill(after, of_after, &b);
		}
		if (ok)
			compare(&a, &b, comparable, c);
	}
	free(of_before);
	free(of_after);
	free_side(&a);
	free_side(&b);
	return ok;
}

const char *change_verdict__name(enum change_verdict v)
{
	static const char *const names[] = {
		[CHANGE_TOO_FEW] = "too_few", [CHANGE_NOT_COMPARABLE] = "not_comparable",
		[CHANGE_NOISE] = "noise", [CHANGE_LOWER] = "lower", [CHANGE_HIGHER] = "higher",
	};

	return names[v];
}
