// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tuning/path_witnesses.h"
#include "value/quantile.h"

/* Is it as long as our own keepalive waits, late by an eighth (the timer wheel) at most? */
static bool is_at_probe(const struct life *life, double from_s, double to_s)
{
	double probe_s = fmax(life->idle_s, life->interval_s);

	return life->keepalive && to_s > probe_s * 0.95 && from_s < probe_s * 1.2;
}

/* A named device that was on another connection before an ask on this one. */
static bool is_back_first(const struct life *life)
{
	return life->device && !life->begun_unseen && life->back_after_s >= 1 &&
	       (!life->lost || life->back_after_s < life->lost_within_s);
}

static struct path_witness testimony(const struct life *life)
{
	struct path_witness w = { .gaps = life->gaps,
				  .gap_count = life->gap_count,
				  .named = life->device > 0,
				  .began_at = life->seen_s,
				  .heard_at = life->heard_s,
				  .reset_s = life->reset_after_s };
	double longest = 0;
	unsigned int i;

	for (i = 0; i < life->gap_count; i++) {
		const struct life_gap *g = &life->gaps[i];

		if (g->to_s <= longest)
			continue;
		longest = g->to_s;
		w.probed = g->ended_by_us && is_at_probe(life, g->from_s, g->to_s);
	}
	if (life->lost && life->lost_within_s >= 1) {
		w.lost_s = life->lost_within_s;
		/* or a reset answered the probe: the device had rebooted, or was back */
		w.lost_to_probe = (life->found_by == FOUND_BY_KEEPALIVE ||
				   life->found_by == FOUND_BY_USER_TIMEOUT ||
				   life->found_by == FOUND_BY_RESET ||
				   life->found_by == FOUND_BY_SUPERSEDED) &&
				  is_at_probe(life, w.lost_s, w.lost_s);
		w.back_s = life->back_after_s;
		w.first_s = life->probed_for_s;
	}
	if (is_back_first(life)) {
		w.lost_s = w.back_s = life->back_after_s;
		w.lost_to_probe = false;
		w.lost_by_itself = true;
	}
	return w;
}

static bool says_something(const struct life *life)
{
	return life->gap_count || (life->lost && life->lost_within_s >= 1) ||
	       is_back_first(life) || life->reset_after_s >= 1;
}

/* ---- votes ---- */

static int by_voter(const void *a, const void *b)
{
	const struct life *x = *(struct life *const *)a, *y = *(struct life *const *)b;
	int order;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	if (!x->device) {
		order = memcmp(x->peer.address, y->peer.address, sizeof(x->peer.address));
		if (order)
			return order;
		if (x->disguised_peer != y->disguised_peer)
			return x->disguised_peer < y->disguised_peer ? -1 : 1;
	}
	return life__order(x, y);
}

static bool is_one_voter(const struct life *a, const struct life *b)
{
	if (a->device || b->device)
		return a->device == b->device;
	return a->disguised_peer == b->disguised_peer &&
	       !memcmp(a->peer.address, b->peer.address, sizeof(a->peer.address));
}

/* How many of them were heard at once: `times` has room for two of each. */
static size_t most_at_once(struct life *const *lives, size_t count, double *times)
{
	double *began = times, *ended = times + count;
	size_t i, e, now = 0, most = 1;

	for (i = 0; i < count; i++) {
		began[i] = lives[i]->seen_s;
		ended[i] = fmax(lives[i]->heard_s, lives[i]->seen_s);
	}
	quantile__sort(began, count);
	quantile__sort(ended, count);
	for (i = e = 0; i < count; i++) {
		for (; e < i && ended[e] <= began[i]; e++)
			now--;
		now++;
		most = now > most ? now : most;
	}
	return most;
}

/* An address with so many is a carrier's: devices behind it cannot be distinguished, so each
 * connection has a vote of its own. */
#define CARRIERS_MIN 5

static size_t voters(struct life *const *lives, size_t count, double *times)
{
	size_t most = lives[0]->device ? 1 : most_at_once(lives, count, times);

	return most < CARRIERS_MIN ? most : count;
}

static void share_votes(struct life *const *lives, size_t count, double *times,
			struct path_witness *witnesses)
{
	size_t devices = voters(lives, count, times), i;

	for (i = 0; i < count; i++)
		witnesses[i].weight = (double)devices / count;
}

bool path_witnesses__estimate(const struct scope *s, struct idle_timeout *path)
{
	struct path_witness *all = malloc((s->count + 1) * sizeof(*all));
	struct life **lives = malloc((s->count + 1) * sizeof(*lives));
	double *times = malloc((2 * s->count + 1) * sizeof(*times));
	size_t i, from, to, n = 0, named = 0;
	bool ok = all && lives && times;

	for (i = 0; ok && i < s->count; i++)
		if (says_something(s->lives[i]))
			lives[n++] = s->lives[i];
	if (ok)
		qsort(lives, n, sizeof(*lives), by_voter);
	for (i = 0; ok && i < n; i++) {
		all[i] = testimony(lives[i]);
		named += lives[i]->device > 0;
	}
	for (from = 0; ok && from < n; from = to) {
		for (to = from + 1; to < n && is_one_voter(lives[from], lives[to]); to++)
			;
		share_votes(lives + from, to - from, times, all + from);
	}
	ok = ok && idle_timeout__estimate(all, n, path);
	path->named = n && 2 * named >= n;
	free(all);
	free(lives);
	free(times);
	return ok;
}
