/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How long live peers were mute before they answered, and how often single probes are lost: a peer
 * that is given up sooner is given up alive. The length of such a silence is not seen, only bounds:
 * an unanswered ask lies within it, the answered one ends it at the latest.
 */
#ifndef HALFOPEN_TUNING_LATE_ANSWERS_H
#define HALFOPEN_TUNING_LATE_ANSWERS_H

#include "tuning/life.h"

#define MUTE_BINS 160
#define MUTE_BIN 0.1		/* of the natural logarithm */
#define MUTE_SHORTEST_S 0.01

struct late_answers {
	struct late_answer *all;	/* by low_s, shortest first */
	size_t count;
	/* The longest certain silence of a live peer, except for the few exceptions (see outliers);
	 * 0: none was seen. */
	double longest_s;
	double longest_at_most_s;	/* at most, as it may have been back between two asks */
	double outliers_s;	/* the longest of those exceptions, as certain */
	size_t outliers;	/* sockets */
	/* Turnbull's estimate of how they are distributed: bins of a tenth. */
	double share[MUTE_BINS];
	double probes_sent, probes_lost;	/* by live peers; lost: a later one shows it */
	double socket_hours;
	double asked;		/* probes and our program's data that live peers answered */
	/* Given up by keepalive, dead or mute for longer: their number; mostly, the time from the
	 * first unanswered probe to the last, between two, and from one answered probe to the
	 * next. */
	double died, died_after_s, died_interval_s, died_period_s;
};

/*
 * One episode that ended in an answer: `asks` of `kind`, "keepalive" and so on as in a timeline,
 * first and last `length_s` apart. `trusted`: on a clock that does not step; else lengths that
 * keepalive's timer, `interval_s`, makes impossible are ignored.
 */
struct late_answer late_answers__of_episode(const char *kind, double length_s, uint32_t asks,
				   double interval_s, bool trusted);

/* Gathers them from these histories. False when memory is short. */
bool late_answers__gather(struct life *const *lives, size_t count, struct late_answers *m);
void late_answers__free(struct late_answers *m);

/* A peer that is mute for longer counts as dead: the longest that live peers needed, with a margin.
 * Seconds. */
double late_answers__floor_s(const struct late_answers *m);

/* Shorter silences are none: a twentieth of a second. */
#define LATE_ANSWER_LEAST_S 0.05

/* Was a live peer silent, certainly or perhaps, and came back? */
bool late_answers__any_silent(const struct late_answers *m);

/* The chance that one probe or its answer is lost: as measured, and after few probes nearer to one
 * in a hundred. */
double late_answers__loss(const struct late_answers *m);

/* As many probes in a row, `period_s` after each of as many others, are likely to be lost once in a
 * socket's year; at least one. */
uint32_t late_answers__lost_in_a_row(const struct late_answers *m, double period_s);

/* The highest possible loss of a probe or its answer (95 %). */
double late_answers__worst_loss(const struct late_answers *m);

/* The time between two asks, on the average of all. */
double late_answers__asked_every_s(const struct late_answers *m);

/* The estimated number of silences that ended after that many seconds. */
double late_answers__between(const struct late_answers *m, double from_s, double to_s);

/* A silence of which `left_s` were left behind those of the probes, met by one every `from_s`: the
 * factor by which more are met by one every `to_s`. */
double late_answers__meets_more(double left_s, double from_s, double to_s);

/* The expected number of these silences that outlast `silence_s` of probes, were they asked every
 * `period_s` in the time that was watched; `*cases`: how many were seen to, for certain or perhaps.
 * `sure`: without those that a single lost probe explains. */
double late_answers__outlasting(const struct late_answers *m, double silence_s, double period_s,
				bool sure,
			 double *cases);

#endif
