// SPDX-License-Identifier: GPL-2.0
/*
 * Predictions against an independent simulation: one socket, jiffy by jiffy of its timers, as in
 * net/ipv4/tcp_timer.c and kernel/time/timer.c. It is simulated under one setting, a watch's output
 * of that is all that the prediction is given, and it is simulated again under another.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/connection/gaps.h"
#include "tuning/alike.h"
#include "unit.h"

#define HZ 250
#define DAY_S 86400.0
#define SOCKETS 300
/* watch --idle-gap */
#define TOLD_FROM_S 10.0
#define NEVER 1e18

static uint64_t seed = 99;

static double even(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return ((seed >> 11) + 0.5) / (1ULL << 53);
}

/* ---- a peer and our program ---- */

enum habit { SILENT, REGULAR, EXPONENTIAL };

struct population {
	const char *name;
	enum habit words;
	double word_s;		/* mean time between the peer's words */
	double command_s;	/* between our program's, which are acknowledged; 0: none */
	double loss;		/* of a probe or its answer */
	struct setting lived, other;
	bool unreported;	/* no traffic is told; one in so many dies while it is watched: */
#define DIE_UNREPORTED 4
};

static double next(enum habit habit, double mean)
{
	if (habit == SILENT || !mean)
		return NEVER;
	return habit == REGULAR ? mean : -log(even()) * mean;
}

/* ---- the kernel ---- */

/* calc_wheel_index(): a timer fires at the end of the granule that its expiry falls in. */
static double fires_at_s(double now_s, double after_s)
{
	uint64_t now = now_s * HZ, delta = fmax(1, ceil(after_s * HZ)), expires = now + delta;
	unsigned int shift = 0;

	while (shift < 24 && delta >= 63ULL << shift)
		shift += 3;
	return (double)(((expires >> shift) + 1) << shift) / HZ;
}

struct lived {
	double probes, detection_s;	/* sent while the peer lived; from its death to the end */
	struct life_gap gaps[4096];
	unsigned int gap_count;
	double words, commands;
};

static void note_gap(struct lived *l, double s, bool by_us)
{
	struct life_gap *g = &l->gaps[l->gap_count];

	if (s < TOLD_FROM_S || l->gap_count == 4096)
		return;
	*g = (struct life_gap){ .from_s = s, .to_s = s, .count = 1, .ended_by_us = by_us };
	l->gap_count++;
}

/* Data that is never acknowledged: RTOs double from 0.26 s, up to 120, until the first that ends
 * later than tcp_retries2 = 15 allows, 924.6 s after the first retransmission. */
static double given_up_at_s(double sent_s)
{
	double rto = 0.26, now = fires_at_s(sent_s, rto), first = now;

	while (now - first < 924.6) {
		rto = fmin(2 * rto, 120);
		now = fires_at_s(now, rto);
	}
	return now;
}

/* tcp_keepalive_timer(), until the peer is declared dead, or the day is over. */
static void live(const struct population *p, const struct setting *s, double dies_s,
		 struct lived *l)
{
	double heard = 0, word = next(p->words, p->word_s) * even(), asked = 0;
	double command = next(EXPONENTIAL, p->command_s), now = fires_at_s(0, s->idle_s * even());
	unsigned int out = 0;

	memset(l, 0, sizeof(*l));
	for (;;) {
		/* What happens until the timer fires? */
		while (fmin(word, command) < now) {
			double at = fmin(word, command);
			bool ours = command < word;

			if (ours && at >= dies_s) {
				l->detection_s = given_up_at_s(at) - dies_s;
				return;
			}
			if (at < dies_s) {
				note_gap(l, at - heard, ours);
				l->words += !ours;
				l->commands += ours;
				heard = at;
				out = 0;
			}
			if (ours)
				command = at + next(EXPONENTIAL, p->command_s);
			else
				word = at < dies_s ? at + next(p->words, p->word_s) : NEVER;
		}
		if (now >= DAY_S && dies_s >= NEVER / 2)
			return;
		asked = now - heard;
		if (asked < s->idle_s) {
			now = fires_at_s(now, s->idle_s - asked);
			continue;
		}
		if (out && (s->user_timeout_s ? asked >= s->user_timeout_s : out >= s->probes)) {
			l->detection_s = now - dies_s;
			return;
		}
		out++;
		l->probes += now < dies_s;
		if (now < dies_s && even() >= p->loss) {
			note_gap(l, now - heard, true);
			heard = now;
			out = 0;
		}
		now = fires_at_s(now, s->interval_s);
	}
}

/* ---- output of a watch ---- */

static struct life told(const struct population *p, const struct lived *l)
{
	struct life life = { .family = AF_INET, .options_known = true, .keepalive = true,
			     .idle_s = p->lived.idle_s, .interval_s = p->lived.interval_s,
			     .probes = p->lived.probes, .ended_s = DAY_S,
			     .user_timeout_s = p->lived.user_timeout_s };
	struct gaps gaps = { .used = 0 };
	unsigned int i;

	for (i = 0; i < l->gap_count; i++)
		gaps__add(&gaps, l->gaps[i].from_s * 1e9, l->gaps[i].to_s * 1e9,
			  l->gaps[i].ended_by_us);
	for (i = 0; i < gaps.used; i++) {
		const struct gap *g = &gaps__kept(&gaps)[i];

		life.gaps[life.gap_count++] = (struct life_gap){
			.from_s = g->from_ms / 1000.0, .to_s = g->to_ms / 1000.0,
			.count = g->count, .ended_by_us = g->ended_by_us };
	}
	gaps__free(&gaps);
	if (!p->unreported)
		life.reports = (struct reports){ .over_s = DAY_S, .segments_known = true,
						  .segments = l->words,
						  .asks = l->commands };
	life.probes_sent = l->probes;
	return life;
}

/* It died at noon. */
static struct life told_of_dead(const struct population *p, const struct lived *l)
{
	struct life life = told(p, l);

	life.heard_s = DAY_S / 2;
	life.ended_s = DAY_S / 2 + l->detection_s;
	life.found_by = p->command_s ? FOUND_BY_RETRANSMIT : FOUND_BY_KEEPALIVE;
	life.lost = true;
	life.probes_sent += p->command_s ? 0 : p->lived.probes;
	return life;
}

static int by_number(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void expect(const char *name, const char *what, double predicted, double truth, double slack)
{
	if (fabs(predicted - truth) > truth * 0.1 + slack)
		fail_msg("%s: %s predicted %.4f, true %.4f", name, what, predicted, truth);
}

static void expect_probes(const struct population *p, const struct prediction *predicted,
			  double probes)
{
	expect(p->name, "probes/s", predicted->probes_per_s, probes, SOCKETS * 1e-6);
	expect(p->name, "bytes", predicted->bytes_per_socket_day, probes / SOCKETS * DAY_S * 104,
	       20);
	expect(p->name, "wake-ups", predicted->wakeups_per_socket_day, probes / SOCKETS * DAY_S,
	       0.2);
}

static void check(const struct population *p)
{
	struct tariff tariff = { 0 };
	struct late_answers late_answers = { 0 };
	struct prediction predicted;
	struct alike alike = { 0 };
	double *took = malloc(SOCKETS * 8 * sizeof(*took)), probes = 0;
	struct lived *l = malloc(sizeof(*l));
	unsigned int i, n = SOCKETS * 8;

	for (i = 0; i < SOCKETS; i++) {
		bool dies = p->unreported && i % DIE_UNREPORTED == 0;
		struct life life;

		live(p, &p->lived, dies ? DAY_S / 2 : NEVER, l);
		life = dies ? told_of_dead(p, l) : told(p, l);
		assert_true(alike__add(&alike, &life, 1));
		live(p, &p->other, NEVER, l);
		probes += l->probes / DAY_S;
	}
	for (i = 0; i < n; i++) {
		live(p, &p->other, DAY_S / 2 + even() * DAY_S / 4, l);
		took[i] = l->detection_s;
	}
	qsort(took, n, sizeof(*took), by_number);
	alike.all[0].setting = p->other;
	assert_true(prediction__make(alike.all, alike.count, HZ, &tariff, &late_answers, &predicted));
	expect(p->name, "p50", predicted.detection.p50_s, took[n / 2], 0);
	expect(p->name, "p95", predicted.detection.p95_s, took[n * 95 / 100], 0);
	if (!p->unreported)	/* what the dead are sent does not count as `probes` */
		expect_probes(p, &predicted, probes);
	/* No detection takes longer than predicted, except for one in a thousand. */
	if (took[n * 999 / 1000] > predicted.detection.max_s * 1.1)
		fail_msg("%s: max predicted %.1f, true %.1f", p->name, predicted.detection.max_s,
			 took[n * 999 / 1000]);
	free(took);
	free(l);
	alike__free(&alike);
}

/* ---- live peers that are given up ---- */

struct outages {
	const char *name;
	double every_s, mean_s;	/* exponential both; 0: none */
	double loss;
	struct setting lived, other;
};

struct outage {
	double from_s, to_s;
};

static void move_on(struct outage *o, const struct outages *p, double now)
{
	while (o->to_s <= now) {
		o->from_s = o->to_s + (p->every_s ? -log(even()) * p->every_s : NEVER);
		o->to_s = o->from_s + -log(even()) * p->mean_s;
	}
}

/* A peer that lives, and is idle; returns how often it was given up, and came back when it could.
 * Episodes that end in an answer are added to `life`, where there is one. */
static unsigned int live_through(const struct outages *p, const struct setting *s, double days,
				 struct life *life)
{
	struct outage o = { .to_s = 0 };
	double heard = 0, now = fires_at_s(0, s->idle_s), first = 0;
	unsigned int out = 0, deaths = 0;

	while (now < days * DAY_S) {
		if (now - heard < s->idle_s) {
			now = fires_at_s(now, s->idle_s - (now - heard));
			continue;
		}
		if (out >= s->probes) {
			deaths++;
			heard = now = fmax(now, now >= o.from_s ? o.to_s : now);
			now = fires_at_s(now, s->idle_s);
			out = 0;
			continue;
		}
		first = out++ ? first : now;
		if (life)
			life->probes_sent++;
		move_on(&o, p, now);
		if (!(now >= o.from_s) && even() >= p->loss) {
			heard = now;
			if (out > 1 && life) {
				life->probes_lost += out - 1;
				if (life->late_answer_count < LATE_ANSWERS_KEPT)
					life->late_answers[life->late_answer_count++] = late_answers__of_episode(
						"keepalive", now - first, out, s->interval_s, true);
			}
			out = 0;
		}
		now = fires_at_s(now, s->interval_s);
	}
	return deaths;
}

static void check_false_deaths(const struct outages *p)
{
	enum { SEEN = 2000, TRIED = 4000 };
	struct life *lives = calloc(SEEN, sizeof(*lives)), **all = calloc(SEEN, sizeof(*all));
	struct alike alike = { 0 };
	struct tariff tariff = { 0 };
	struct prediction predicted;
	struct late_answers late_answers;
	double truth = 0;
	unsigned int i;

	for (i = 0; i < SEEN; i++) {
		lives[i] = (struct life){ .family = AF_INET, .keepalive = true, .ended_s = DAY_S,
					  .idle_s = p->lived.idle_s, .probes = p->lived.probes,
					  .interval_s = p->lived.interval_s };
		all[i] = &lives[i];
		live_through(p, &p->lived, 1, &lives[i]);
		assert_true(alike__add(&alike, &lives[i], 1));
	}
	for (i = 0; i < TRIED; i++)
		truth += live_through(p, &p->other, 2, NULL);
	truth *= 365.25 / (2 * TRIED);
	assert_true(late_answers__gather(all, SEEN, &late_answers));
	alike.all[0].setting = p->other;
	assert_true(prediction__make(alike.all, alike.count, HZ, &tariff, &late_answers, &predicted));
	if (truth < predicted.false_deaths.low / 2 || truth > predicted.false_deaths.high * 2 ||
	    predicted.false_deaths.high > fmax(4 * truth, 1))
		fail_msg("%s: false deaths a socket and year predicted %.3f to %.3f, true %.3f",
			 p->name, predicted.false_deaths.low, predicted.false_deaths.high, truth);
	late_answers__free(&late_answers);
	alike__free(&alike);
	free(lives);
	free(all);
}

static void test_false_deaths_come_true(void **state)
{
	static const struct outages all[] = {
		{ "outages of a minute, seen closely", 7200, 60, 0, { 240, 10, 30 },
		  { 60, 10, 3 } },
		{ "... and seen more seldom", 7200, 60, 0, { 1200, 10, 30 }, { 120, 20, 3 } },
		{ "... asked more seldom", 7200, 60, 0, { 60, 10, 30 }, { 600, 20, 3 } },
		{ "long outages", 86400, 1200, 0, { 240, 60, 100 }, { 120, 20, 5 } },
		{ "one probe in ten is lost", 0, 0, 0.1, { 60, 10, 9 }, { 60, 10, 2 } },
		{ "nobody is mute", 0, 0, 0, { 240, 20, 5 }, { 240, 20, 5 } },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		check_false_deaths(&all[i]);
}

/* Heard for ten seconds, and never again: most of these sockets are dead at any time, and a dead
 * one is sent nine probes in two hours, whatever the rate is at which the living die. */
static void test_the_dead_are_sockets_too(void **state)
{
	struct life life = { .family = AF_INET, .options_known = true, .keepalive = true,
			     .idle_s = 7200, .interval_s = 75, .probes = 9, .probes_sent = 9,
			     .heard_s = 1010, .seen_s = 1000, .ended_s = 1010 + 7875, .lost = true,
			     .lost_within_s = 7200, .found_by = FOUND_BY_KEEPALIVE };
	struct tariff tariff = { 0 };
	struct late_answers late_answers = { 0 };
	struct alike alike = { 0 };
	struct prediction p;

	(void)state;
	assert_true(alike__add(&alike, &life, 1));
	assert_true(prediction__make(alike.all, alike.count, HZ, &tariff, &late_answers, &p));
	expect("dead ones", "probes/s", p.probes_per_s, 9 / 7875.0, 9 / 7875.0);
	alike__free(&alike);
}

static void test_predictions_come_true(void **state)
{
	static const struct population populations[] = {
		{ "idle", SILENT, 0, 0, 0, { 7200, 75, 9 }, { 240, 20, 5 } },
		{ "idle, slower", SILENT, 0, 0, 0, { 60, 10, 3 }, { 340, 20, 5 } },
		{ "exp 300 s", EXPONENTIAL, 300, 0, 0, { 7200, 75, 9 }, { 340, 20, 5 } },
		{ "exp 300 s, probed before", EXPONENTIAL, 300, 0, 0, { 120, 20, 5 },
		  { 340, 20, 5 } },
		{ "exp 1 h, probed before", EXPONENTIAL, 3600, 0, 0, { 600, 75, 9 },
		  { 240, 20, 5 } },
		{ "every hour, probed before", REGULAR, 3600, 0, 0, { 600, 75, 9 },
		  { 240, 20, 5 } },
		{ "every five minutes", REGULAR, 300, 0, 0, { 7200, 75, 9 }, { 240, 20, 5 } },
		{ "a word every 5 s", REGULAR, 5, 0, 0, { 7200, 75, 9 }, { 240, 20, 5 } },
		{ "commands every 10 min", SILENT, 0, 600, 0, { 7200, 75, 9 }, { 240, 20, 5 } },
		{ "a word every 5 s, no traffic told", REGULAR, 5, 0, 0, { 7200, 75, 9 },
		  { 240, 20, 5 }, true },
		{ "commands every 5 s, no traffic told", SILENT, 0, 5, 0, { 7200, 75, 9 },
		  { 240, 20, 5 }, true },
		{ "commands every 5 s", SILENT, 0, 5, 0, { 7200, 75, 9 }, { 240, 20, 5 } },
		{ "user timeout just above", SILENT, 0, 0, 0, { 7200, 75, 9 }, { 60, 10, 9, 91 } },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(populations) / sizeof(populations[0]); i++)
		check(&populations[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_predictions_come_true),
					    cmocka_unit_test(test_the_dead_are_sockets_too),
					    cmocka_unit_test(test_false_deaths_come_true) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
