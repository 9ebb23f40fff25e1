/* SPDX-License-Identifier: GPL-2.0 */
/* Connections that are made up, for what estimates and advice rest on; and numbers nearly as
 * expected. */
#ifndef HALFOPEN_TESTS_MADE_UP_H
#define HALFOPEN_TESTS_MADE_UP_H

#include <math.h>

#include "tuning/scopes.h"
#include "unit.h"

#define DAY_S 86400.0

/* `digits`: by so much of a large number, too. */
static inline void assert_near_at(double is, double expected, double slack, double digits,
				  const char *what, const char *file, int line)
{
	if (fabs(is - expected) <= slack + digits * fabs(expected)) /* false for NaN */
		return;
	print_error("%s is %.9g, not %.9g\n", what, is, expected);
	_fail(file, line);
}

#define assert_near(is, expected, slack)                                                           \
	assert_near_at(is, expected, slack, 0, #is, __FILE__, __LINE__)
/* But for the last digits. */
#define assert_same(is, expected) assert_near_at(is, expected, 1e-9, 1e-9, #is, __FILE__, __LINE__)

/* The n-th of a day's connections, to 10.0.x.y: silent, with Linux' usual keepalive, open at the
 * end. */
static inline struct life life_of_a_day(unsigned int n)
{
	struct life life = { .boot = 1,
			     .cookie = n + 1,
			     .run = 1,
			     .family = AF_INET,
			     .has_peer = true,
			     .place = { .gateway = 1, .boot = 1, .inode = 77, .cookie = 7 },
			     .local = { .port = 1883 },
			     .options_known = true,
			     .keepalive = true,
			     .idle_s = 7200,
			     .interval_s = 75,
			     .probes = 9,
			     .seen_s = 1e9,
			     .heard_s = 1e9 + DAY_S,
			     .ended_s = 1e9 + DAY_S };

	life.peer = (struct endpoint){ { 10, 0, n >> 8, n }, 40000 };
	return life;
}

/* It ends with this, found so long after its peer was last heard. */
static inline struct life dead_life(struct life life, enum found_by found_by, double latency_s)
{
	life.final = true;
	life.found_by = found_by;
	life.latency_max_s = latency_s;
	life.heard_s = life.ended_s - latency_s;
	life.lost = true;
	life.lost_within_s = fmax(life.idle_s, life.interval_s);
	return life;
}

static inline void add_gap(struct life *life, double from_s, double to_s, uint32_t count,
			   bool by_us)
{
	life->gaps[life->gap_count++] = (struct life_gap){ from_s, to_s, count, by_us };
}

/* All of them as one namespace's. */
static inline struct scope scope_of_all(const struct lives *l)
{
	struct scope s = { .kind = SCOPE_NAMESPACE, .lives = l->all, .count = l->count };

	if (l->count)
		s.place = l->all[0]->place;
	return s;
}

#endif
