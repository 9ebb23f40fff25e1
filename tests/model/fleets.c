// SPDX-License-Identifier: GPL-2.0
/*
 * Fleets of devices behind middleboxes whose timers are known, event by event, as a watch on their
 * server would tell of them: JSON Lines for `halfopen advise`. Nothing in here knows how advise
 * comes to its estimates; gaps.c alone is shared, because a watch folds gaps by it.
 *
 *   fleets CASE SEED	the timelines
 *   fleets --then DAYS FROM TO CASE SEED	and so many days more, in which first probes
 *	come at random ages between these, seconds, instead of keepalive
 *   fleets --truth CASE SEED	the timers, in seconds, and the shares of devices behind them
 *   fleets --list	the cases
 *   fleets --parameters CASE	what the case is made of, as JSON, for who plays it with real sockets
 *   fleets --scale N CASE SEED	the timelines, all times divided by N
 *   fleets --present CASE SEED	of the connections that these leave open, a line each: cookie, peer's
 *	address and port, for how many seconds it was silent, and 1 if it is there (0: gone)
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "connection/gaps.h"
#include "print_gaps.h"

#define HOUR 3600.0
#define DAY 86400.0
#define NEVER HUGE_VAL
#define HZ 250
#define BEGIN 1790000000.0	/* of the watch, since 1970 */

/* ---- chance ---- */

static uint64_t seed;

static double even(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return ((seed >> 11) + 0.5) / (1ULL << 53);
}

static double between(double low, double high)
{
	return low + (high - low) * even();
}

static double after(double mean)
{
	return mean > 0 && mean < NEVER ? -log(even()) * mean : NEVER;
}

/* ---- fleets ---- */

enum on_late_ask { DROPS, RESETS };
enum life_kind { EXPONENTIAL, HEAVY, NIGHTS };
enum saying { STEADILY, BY_THE_CLOCK, BACKING_OFF, BY_DAY, IN_BURSTS };
#define TIMERS 3

struct fleet {
	const char *name;
	unsigned int devices;
	double hours;
	/* The middlebox: its timers, 0: none; the shares of devices with the second and third. */
	double timer_s[TIMERS], second_share, third_share;
	double half_share;		/* of connections: half_s until their peer spoke */
	double half_s;
	double forgets_all_every_s;	/* the mean: it is booted, every mapping is gone */
	double outage_every_s, outage_s;	/* means: nothing passes, nothing is forgotten */
	bool exact;			/* timer_s as it stands, else drawn within 15 % */
	double changes_after;		/* share of the time after which the second holds for all */
	enum on_late_ask late_ask;
	bool resets_at_timer, data_only, outbound_only, inbound_only, moves;
	bool by_prefix;			/* the second is that of the higher addresses */
	/* Devices: what they say of themselves, how they die. */
	double says_every_s, says_mean_s, says_of_timer;
	enum saying saying;
	double resets_mean_s;		/* it boots, and resets what it still knows */
	double dies_mean_s;
	enum life_kind life;
	double lemons, lemon_mean_s;
	double back_mean_s;		/* after death, 0: never */
	double starts_within_s;		/* all dial first, of 0: ten minutes */
	bool all_die_at_once;		/* a power cut at half time */
	bool crash_loop;		/* one device: dies after 61 s, back within 5 s */
	double late_answers;		/* share of asks that wait for a sleeping radio */
	/* The server. */
	double idle_s, second_idle_s;	/* keepalive; 0: off; of every other socket */
	double command_mean_s, poll_s;
	double ask_low_s, ask_high_s;	/* asks at random ages, log-uniform */
	unsigned int asks;		/* at most so many of these of a device, 0: any number */
	double asks_begin_s;		/* not before this time; keepalive ends then */
	double starts_anew_after;	/* share of the time after which the server is restarted */
	bool named, from_one_address;
};

static const struct fleet fleets[] = {
	/* No timer. */
	{ "none-periodic", 60, 48, .says_every_s = 60, .dies_mean_s = 6 * DAY, .idle_s = 7200 },
	{ "none-exp300", 60, 48, .says_mean_s = 300, .dies_mean_s = 4 * DAY, .idle_s = 7200,
	  .back_mean_s = HOUR },
	{ "none-commands", 60, 48, .says_mean_s = 300, .dies_mean_s = 3 * DAY, .idle_s = 7200,
	  .command_mean_s = HOUR, .back_mean_s = HOUR },
	{ "none-periodic-commands", 60, 48, .says_every_s = 60, .dies_mean_s = 3 * DAY,
	  .idle_s = 7200, .command_mean_s = HOUR, .back_mean_s = HOUR },
	{ "none-night", 60, 72, .says_every_s = 60, .dies_mean_s = 6 * DAY, .life = NIGHTS,
	  .idle_s = 7200 },
	{ "none-night-commands", 60, 72, .says_mean_s = 300, .dies_mean_s = 6 * DAY, .life = NIGHTS,
	  .idle_s = 7200, .command_mean_s = 2 * HOUR },
	{ "none-heavy", 80, 48, .says_mean_s = 300, .dies_mean_s = 2 * DAY, .life = HEAVY,
	  .idle_s = 7200, .command_mean_s = 2 * HOUR, .back_mean_s = HOUR },
	{ "none-heavy-asked", 100, 24, .dies_mean_s = DAY, .life = HEAVY, .ask_low_s = 60,
	  .ask_high_s = 7200 },
	{ "none-lemons", 100, 24, .dies_mean_s = 20 * DAY, .lemons = 0.1, .lemon_mean_s = HOUR,
	  .ask_low_s = 60, .ask_high_s = 7200 },
	{ "none-lemons-talk", 100, 48, .says_mean_s = 300, .dies_mean_s = 20 * DAY, .lemons = 0.1,
	  .lemon_mean_s = HOUR, .idle_s = 7200, .command_mean_s = HOUR },
	{ "none-constant", 100, 96, .dies_mean_s = 3 * DAY, .ask_low_s = 30, .ask_high_s = 3600 },
	{ "none-constant-back", 60, 96, .dies_mean_s = DAY, .back_mean_s = HOUR, .ask_low_s = 60,
	  .ask_high_s = 7200 },
	{ "none-talkers-asked", 60, 48, .says_mean_s = 300, .dies_mean_s = 3 * DAY,
	  .back_mean_s = HOUR, .ask_low_s = 60, .ask_high_s = 3600, .idle_s = 7200 },
	/* One timer, asked at random. */
	{ "one-20", 20, 24, { 900 }, .dies_mean_s = 2 * DAY, .ask_low_s = 60, .ask_high_s = 7200,
	  .asks = 6 },
	{ "one-50", 50, 24, { 900 }, .dies_mean_s = DAY, .ask_low_s = 60, .ask_high_s = 7200,
	  .asks = 4 },
	{ "one-200", 200, 24, { 900 }, .dies_mean_s = DAY, .ask_low_s = 60, .ask_high_s = 7200,
	  .asks = 3 },
	{ "one-5000", 5000, 24, { 900 }, .dies_mean_s = DAY, .ask_low_s = 60, .ask_high_s = 7200,
	  .asks = 3 },
	/* One timer, and life as it is. */
	{ "timer-telemetry-commands", 60, 48, { 900 }, .says_mean_s = 300, .dies_mean_s = 6 * DAY,
	  .idle_s = 7200, .command_mean_s = HOUR, .back_mean_s = HOUR },
	{ "timer-talkers-asked", 60, 48, { 900 }, .says_mean_s = 300, .dies_mean_s = 6 * DAY,
	  .back_mean_s = HOUR, .ask_low_s = 60, .ask_high_s = 3600, .idle_s = 7200 },
	{ "timer-mixed-options", 90, 48, { 900 }, .dies_mean_s = 2 * DAY, .idle_s = 7200,
	  .second_idle_s = 120, .ask_low_s = 60, .ask_high_s = 7200, .back_mean_s = HOUR },
	{ "timer-reset-on-ask", 90, 48, { 900 }, .late_ask = RESETS, .dies_mean_s = 2 * DAY,
	  .idle_s = 7200, .ask_low_s = 60, .ask_high_s = 7200, .back_mean_s = HOUR },
	{ "timer-heavy", 100, 24, { 900 }, .dies_mean_s = DAY, .life = HEAVY, .ask_low_s = 60,
	  .ask_high_s = 7200, .asks = 6 },
	{ "timer-lemons", 100, 24, { 900 }, .dies_mean_s = 4 * DAY, .lemons = 0.1,
	  .lemon_mean_s = HOUR, .ask_low_s = 60, .ask_high_s = 7200, .asks = 6 },
	{ "timer-sleepers", 100, 24, { 900 }, .dies_mean_s = 2 * DAY, .late_answers = 0.1,
	  .ask_low_s = 60, .ask_high_s = 7200, .asks = 6 },
	/* Not asked at telling ages. */
	{ "keepalive-only", 40, 48, { 900 }, .says_mean_s = 300, .dies_mean_s = 6 * DAY,
	  .idle_s = 7200, .back_mean_s = HOUR },
	{ "heartbeats", 60, 72, { 900 }, .says_of_timer = 0.95, .dies_mean_s = 2 * DAY,
	  .idle_s = 7200, .back_mean_s = HOUR },
	{ "all-lost-at-7200", 60, 24, { 900 }, .dies_mean_s = 20 * DAY, .idle_s = 7200 },
	{ "all-lost-one-address", 60, 24, { 900 }, .dies_mean_s = 20 * DAY, .idle_s = 7200,
	  .from_one_address = true },
	{ "asked-once-one-address", 60, 24, { 900 }, .dies_mean_s = 20 * DAY, .ask_low_s = 60,
	  .ask_high_s = 7200, .asks = 1, .from_one_address = true },
	{ "probed-at-600", 60, 48, { 900 }, .exact = true, .dies_mean_s = 2 * DAY, .idle_s = 600,
	  .back_mean_s = HOUR },
	{ "polls-300", 60, 24, { 900 }, .exact = true, .dies_mean_s = 4 * DAY, .poll_s = 300 },
	/* Others' timers, known causes. */
	{ "reset-at-timer", 80, 24, { 900 }, .resets_at_timer = true, .says_mean_s = 300,
	  .dies_mean_s = 4 * DAY, .idle_s = 7200, .back_mean_s = HOUR },
	{ "two-nats", 200, 24, { 900, 300 }, .second_share = 0.5, .dies_mean_s = 2 * DAY,
	  .ask_low_s = 30, .ask_high_s = 7200, .asks = 5 },
	{ "changes", 200, 24, { 900, 450 }, .changes_after = 0.5, .dies_mean_s = 2 * DAY,
	  .ask_low_s = 60, .ask_high_s = 7200, .back_mean_s = HOUR },
	{ "six-percent", 200, 24, { 900, 120 }, .second_share = 0.06, .dies_mean_s = 4 * DAY,
	  .ask_low_s = 30, .ask_high_s = 3600, .back_mean_s = HOUR },
	{ "six-percent-asked-once", 200, 24, { 900, 120 }, .second_share = 0.06,
	  .dies_mean_s = 4 * DAY, .ask_low_s = 30, .ask_high_s = 3600, .asks = 5 },
	{ "crash-loop", 40, 24, .dies_mean_s = 10 * DAY, .ask_low_s = 60, .ask_high_s = 7200,
	  .idle_s = 7200, .crash_loop = true },
	{ "crash-loop-named", 40, 24, .dies_mean_s = 10 * DAY, .ask_low_s = 60, .ask_high_s = 7200,
	  .idle_s = 7200, .crash_loop = true, .named = true },
	{ "crash-loop-timer", 40, 24, { 900 }, .dies_mean_s = 10 * DAY, .ask_low_s = 60,
	  .ask_high_s = 7200, .idle_s = 7200, .back_mean_s = HOUR, .crash_loop = true },
	{ "roam", 100, 48, { 900, 300 }, .second_share = 0.5, .moves = true, .dies_mean_s = 10 * DAY,
	  .ask_low_s = 30, .ask_high_s = 3600, .back_mean_s = HOUR, .says_mean_s = 3 * HOUR },
	{ "roam-named", 100, 48, { 900, 300 }, .second_share = 0.5, .moves = true,
	  .dies_mean_s = 10 * DAY, .ask_low_s = 30, .ask_high_s = 3600, .back_mean_s = HOUR,
	  .says_mean_s = 3 * HOUR, .named = true },
	{ "one-address", 60, 24, { 900 }, .dies_mean_s = 2 * DAY, .ask_low_s = 60,
	  .ask_high_s = 7200, .asks = 6, .from_one_address = true },
	{ "crash-loop-one-address", 1, 24, .dies_mean_s = 10 * DAY, .ask_low_s = 60,
	  .ask_high_s = 7200, .idle_s = 7200, .crash_loop = true },
	{ "empty-segments-together", 60, 48, { 900 }, .data_only = true, .dies_mean_s = 20 * DAY,
	  .idle_s = 60, .starts_within_s = 30, .back_mean_s = HOUR },
	{ "empty-segments", 60, 48, { 900 }, .data_only = true, .dies_mean_s = 20 * DAY, .idle_s = 60,
	  .back_mean_s = HOUR },
	/* So short that a lab can play them, in seconds, with real sockets behind a real NAT
	 * (tests/lab/test_fleets_through_nat.py). */
	{ "short-none-talkers", 60, 1.6, .says_every_s = 300, .dies_mean_s = 6 * HOUR, .idle_s = 1800,
	  .from_one_address = true },
	{ "short-none-commands", 60, 1.6, .says_mean_s = 300, .dies_mean_s = 5 * HOUR,
	  .command_mean_s = 900, .back_mean_s = 600,
	  .from_one_address = true },
	{ "short-none-asked", 60, 1.6, .dies_mean_s = 3 * HOUR, .ask_low_s = 200, .ask_high_s = 2400,
	  .from_one_address = true },
	{ "short-none-lemons", 60, 1.6, .dies_mean_s = 20 * HOUR, .lemons = 0.1, .lemon_mean_s = 600,
	  .ask_low_s = 200, .ask_high_s = 2400,
	  .from_one_address = true },
	{ "short-asked", 60, 1.6, { 900 }, .exact = true, .dies_mean_s = 20 * HOUR, .ask_low_s = 300,
	  .ask_high_s = 1800, .asks = 4,
	  .from_one_address = true },
	{ "short-talkers-asked", 60, 1.6, { 900 }, .exact = true, .says_mean_s = 600,
	  .dies_mean_s = 20 * HOUR, .ask_low_s = 300, .ask_high_s = 1800, .back_mean_s = 300,
	  .from_one_address = true },
	{ "short-telemetry-only", 60, 1.6, { 900 }, .exact = true, .says_mean_s = 300,
	  .dies_mean_s = 6 * HOUR, .idle_s = 1800, .back_mean_s = 600,
	  .from_one_address = true },
	{ "short-heartbeats", 40, 1.6, { 900 }, .exact = true, .says_of_timer = 0.92,
	  .dies_mean_s = 6 * HOUR, .idle_s = 1800,
	  .from_one_address = true },
	{ "short-polls", 60, 1.6, { 900 }, .exact = true, .dies_mean_s = 8 * HOUR, .poll_s = 300,
	  .from_one_address = true },
	{ "short-reset-on-ask", 60, 1.6, { 900 }, .exact = true, .late_ask = RESETS,
	  .dies_mean_s = 20 * HOUR, .ask_low_s = 300, .ask_high_s = 1800, .asks = 4,
	  .from_one_address = true },
	{ "short-two-nats", 80, 1.6, { 900, 450 }, .exact = true, .second_share = 0.5,
	  .dies_mean_s = 20 * HOUR, .ask_low_s = 200, .ask_high_s = 1800, .asks = 4,
	  .from_one_address = true },
	{ "short-changes", 60, 1.6, { 900, 450 }, .exact = true, .changes_after = 0.5,
	  .dies_mean_s = 20 * HOUR, .ask_low_s = 200, .ask_high_s = 1800, .back_mean_s = 150,
	  .from_one_address = true },
	{ "short-all-lost", 40, 1.6, { 900 }, .exact = true, .dies_mean_s = 40 * HOUR, .idle_s = 1800 },
	{ "short-probed", 60, 1.6, { 900 }, .exact = true, .dies_mean_s = 8 * HOUR, .idle_s = 600,
	  .from_one_address = true },
	{ "short-empty-segments", 40, 1.6, { 1800 }, .exact = true, .data_only = true,
	  .dies_mean_s = 40 * HOUR, .idle_s = 300,
	  .from_one_address = true },
	/* No timer: whole fleets at once. */
	{ "none-nat-boots", 80, 48, .forgets_all_every_s = 20 * HOUR, .dies_mean_s = 20 * DAY,
	  .ask_low_s = 60, .ask_high_s = 7200, .back_mean_s = HOUR },
	{ "none-nat-boots-talkers", 80, 48, .forgets_all_every_s = 20 * HOUR, .says_mean_s = 300,
	  .dies_mean_s = 20 * DAY, .idle_s = 7200, .command_mean_s = HOUR, .back_mean_s = HOUR },
	{ "none-power-cut", 80, 24, .says_mean_s = 300, .dies_mean_s = 20 * DAY,
	  .all_die_at_once = true, .idle_s = 7200, .command_mean_s = HOUR, .back_mean_s = HOUR },
	{ "none-power-cut-asked", 80, 24, .dies_mean_s = 20 * DAY, .all_die_at_once = true,
	  .ask_low_s = 60, .ask_high_s = 7200, .back_mean_s = HOUR },
	{ "none-power-cut-probed", 80, 24, .starts_within_s = 30, .dies_mean_s = 40 * DAY,
	  .all_die_at_once = true, .idle_s = 60 },
	{ "none-night-probed", 80, 72, .dies_mean_s = 40 * DAY, .life = NIGHTS, .idle_s = 7200 },
	{ "none-outages", 80, 48, .outage_every_s = 12 * HOUR, .outage_s = 1200,
	  .dies_mean_s = 20 * DAY, .ask_low_s = 60, .ask_high_s = 7200, .back_mean_s = HOUR },
	{ "none-outages-talkers", 80, 48, .outage_every_s = 12 * HOUR, .outage_s = 1200,
	  .says_mean_s = 300, .dies_mean_s = 20 * DAY, .idle_s = 7200, .command_mean_s = HOUR,
	  .back_mean_s = HOUR },
	{ "none-server-restarts", 60, 48, .says_mean_s = 300, .dies_mean_s = 4 * DAY,
	  .starts_anew_after = 0.4, .idle_s = 7200, .command_mean_s = HOUR, .back_mean_s = HOUR },
	/* No timer: how devices speak. */
	{ "none-aligned", 80, 48, .says_every_s = 900, .saying = BY_THE_CLOCK,
	  .dies_mean_s = 4 * DAY, .idle_s = 7200, .command_mean_s = HOUR, .back_mean_s = HOUR },
	{ "none-aligned-polls", 80, 48, .says_every_s = 900, .saying = BY_THE_CLOCK,
	  .dies_mean_s = 4 * DAY, .idle_s = 7200, .poll_s = 3600, .back_mean_s = HOUR },
	{ "none-backs-off", 80, 48, .says_mean_s = 3600, .saying = BACKING_OFF,
	  .dies_mean_s = 4 * DAY, .idle_s = 7200, .command_mean_s = HOUR, .back_mean_s = HOUR },
	{ "none-by-day", 80, 72, .says_mean_s = 200, .saying = BY_DAY, .dies_mean_s = 4 * DAY,
	  .idle_s = 7200, .command_mean_s = HOUR, .back_mean_s = HOUR },
	{ "none-bursts", 80, 48, .says_mean_s = 30, .saying = IN_BURSTS, .dies_mean_s = 4 * DAY,
	  .idle_s = 7200, .command_mean_s = HOUR, .back_mean_s = HOUR },
	{ "none-bursts-1200", 80, 48, .says_mean_s = 30, .saying = IN_BURSTS,
	  .dies_mean_s = 4 * DAY, .idle_s = 1200, .command_mean_s = HOUR, .back_mean_s = HOUR },
	{ "none-named", 80, 48, .says_mean_s = 300, .dies_mean_s = 2 * DAY, .idle_s = 7200,
	  .command_mean_s = HOUR, .back_mean_s = 120, .named = true },
	{ "none-named-late", 80, 48, .says_mean_s = 300, .dies_mean_s = 2 * DAY, .idle_s = 7200,
	  .command_mean_s = HOUR, .back_mean_s = HOUR, .named = true },
	{ "none-named-periodic", 80, 48, .says_every_s = 60, .dies_mean_s = 2 * DAY, .idle_s = 7200,
	  .back_mean_s = 120, .named = true },
	{ "none-named-roam", 80, 48, .says_mean_s = 600, .moves = true, .dies_mean_s = 6 * DAY,
	  .idle_s = 7200, .ask_low_s = 60, .ask_high_s = 3600, .back_mean_s = HOUR, .named = true },
	{ "none-device-resets", 80, 48, .says_mean_s = 900, .resets_mean_s = 12 * HOUR,
	  .dies_mean_s = 6 * DAY, .idle_s = 7200, .command_mean_s = HOUR, .back_mean_s = HOUR },
	{ "none-mixed-options", 80, 48, .dies_mean_s = 2 * DAY, .idle_s = 7200,
	  .second_idle_s = 600, .back_mean_s = HOUR },
	/* Middleboxes of other kinds. */
	{ "timer-inbound", 100, 24, { 900 }, .inbound_only = true, .says_mean_s = HOUR,
	  .dies_mean_s = 2 * DAY, .ask_low_s = 60, .ask_high_s = 7200, .back_mean_s = HOUR },
	{ "timer-outbound", 100, 24, { 900 }, .outbound_only = true, .says_mean_s = HOUR,
	  .dies_mean_s = 2 * DAY, .ask_low_s = 60, .ask_high_s = 7200, .back_mean_s = HOUR },
	{ "timer-half-open-first", 150, 24, { 1800, 120 }, .half_share = 0.2, .half_s = 120,
	  .dies_mean_s = 4 * DAY, .ask_low_s = 30, .ask_high_s = 7200, .back_mean_s = HOUR },
	{ "timer-by-prefix", 400, 24, { 900, 300 }, .by_prefix = true, .dies_mean_s = 4 * DAY,
	  .ask_low_s = 30, .ask_high_s = 3600, .asks = 6 },
	{ "timer-three-apns", 300, 24, { 1800, 600, 180 }, .second_share = 0.3, .third_share = 0.3,
	  .dies_mean_s = 4 * DAY, .ask_low_s = 30, .ask_high_s = 7200, .asks = 6 },
	{ "timer-nat-boots", 80, 48, { 900 }, .forgets_all_every_s = 20 * HOUR,
	  .dies_mean_s = 6 * DAY, .ask_low_s = 60, .ask_high_s = 7200, .back_mean_s = HOUR },
	{ "timer-outages", 80, 48, { 900 }, .outage_every_s = 12 * HOUR, .outage_s = 1200,
	  .dies_mean_s = 6 * DAY, .ask_low_s = 60, .ask_high_s = 7200, .back_mean_s = HOUR },
	{ "timer-power-cut", 80, 24, { 900 }, .dies_mean_s = 6 * DAY, .all_die_at_once = true,
	  .ask_low_s = 60, .ask_high_s = 7200, .back_mean_s = HOUR },
	{ "timer-20", 60, 12, { 20 }, .dies_mean_s = DAY, .ask_low_s = 3, .ask_high_s = 300,
	  .asks = 8 },
	{ "timer-7440", 100, 72, { 7440 }, .dies_mean_s = 6 * DAY, .ask_low_s = 600,
	  .ask_high_s = 20000, .back_mean_s = HOUR },
	/* One timer: how devices speak. */
	{ "timer-aligned", 80, 48, { 900 }, .says_every_s = 1800, .saying = BY_THE_CLOCK,
	  .dies_mean_s = 6 * DAY, .idle_s = 7200, .ask_low_s = 60, .ask_high_s = 3600,
	  .back_mean_s = HOUR },
	{ "timer-backs-off", 80, 48, { 900 }, .says_mean_s = 3600, .saying = BACKING_OFF,
	  .dies_mean_s = 6 * DAY, .idle_s = 7200, .command_mean_s = HOUR, .back_mean_s = HOUR },
	{ "timer-by-day", 80, 72, { 900 }, .says_mean_s = 200, .saying = BY_DAY,
	  .dies_mean_s = 6 * DAY, .idle_s = 7200, .command_mean_s = HOUR, .back_mean_s = HOUR },
	{ "timer-bursts", 80, 48, { 900 }, .says_mean_s = 30, .saying = IN_BURSTS,
	  .dies_mean_s = 6 * DAY, .idle_s = 7200, .command_mean_s = HOUR, .back_mean_s = HOUR },
	{ "timer-named", 80, 48, { 900 }, .says_mean_s = 300, .dies_mean_s = 6 * DAY,
	  .idle_s = 7200, .back_mean_s = HOUR, .named = true },
	{ "timer-named-slow", 80, 48, { 900 }, .says_mean_s = 1200, .dies_mean_s = 6 * DAY,
	  .idle_s = 7200, .back_mean_s = 120, .named = true },
	{ "timer-server-restarts", 80, 48, { 900 }, .starts_anew_after = 0.4,
	  .dies_mean_s = 6 * DAY, .ask_low_s = 60, .ask_high_s = 7200, .back_mean_s = HOUR },
	{ "timer-device-resets", 80, 48, { 900 }, .resets_mean_s = 12 * HOUR,
	  .dies_mean_s = 6 * DAY, .ask_low_s = 60, .ask_high_s = 7200, .back_mean_s = HOUR },
};

static double scale = 1;	/* by which all times are divided where they are printed */
static bool tells_present;	/* what is true at the end, instead of timelines */

/* ---- the kernel's timer ---- */

/* When a timer armed at `now` for `s` fires: cut to the granule of its level of the wheel, and one
 * added (calc_wheel_index(), kernel/time/timer.c). */
static double fires_at(double now, double s)
{
	uint64_t delta = s * HZ, expires = (uint64_t)(now * HZ + 0.01) + delta;
	unsigned int level = 0;

	while (level < 8 && delta >= 63ULL << (3 * level))
		level++;
	return (double)(((expires >> (3 * level)) + 1) << (3 * level)) / HZ;
}

/* ---- one connection ---- */

struct fate {
	const char *outcome, *found_by;
	double first_unanswered, last_unanswered, ended, back;
};

struct link {
	const struct fleet *fleet;
	unsigned int device, number;
	double idle_s, began, heard;
	struct gaps gaps;
	unsigned int probes, answered;
	double asked, recovered;	/* the last ask that was answered late */
};

static unsigned long lines;

/* An instant, in seconds since BEGIN. */
static void print_time(const char *key, double since)
{
	double s = BEGIN + since / scale;
	time_t whole = s;
	struct tm tm;
	char text[32];

	gmtime_r(&whole, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	printf("\"%s\":\"%s.%06uZ\"", key, text, (unsigned int)((s - whole) * 1e6));
}

static void print_origin(const char *schema)
{
	printf("{\"schema\":\"%s\",\"gateway\":\"gw\",\"boot_id\":\"fleet\",\"run_id\":\"fleet\","
	       "\"seq\":%lu,", schema, lines++);
}

static void print_meta(const struct fleet *f)
{
	if (tells_present)
		return;
	print_origin("halfopen.meta/1");
	printf("\"version\":\"0.1.0\",\"kernel\":\"6.1.0\",\"hz\":%u,\"all\":true,\"attach\":[],", HZ);
	print_time("started_at", 0);
	printf(",\"sysctl\":[{\"netns\":{\"inode\":4026531840},\"idle_s\":%.0f,\"interval_s\":%.0f,"
	       "\"probes\":9}]}\n", f->idle_s ? f->idle_s / scale : 7200, ceil(75 / scale));
}

#define ADDRESS_SIZE 48

static void address_of(const struct link *l, char address[ADDRESS_SIZE])
{
	const struct fleet *f = l->fleet;

	snprintf(address, ADDRESS_SIZE, "203.0.%u.%u", f->from_one_address ? 113 : 113 + l->device / 250,
		 f->from_one_address ? 7 : l->device % 250 + 1);
}

static unsigned int port_of(const struct link *l)
{
	return 1024 + l->number % 60000;
}

static void print_socket(const struct link *l)
{
	const struct fleet *f = l->fleet;
	char address[ADDRESS_SIZE];

	address_of(l, address);

	printf("\"socket\":{\"cookie\":\"%u\",\"netns\":{\"inode\":4026531840},\"family\":\"ipv4\","
	       "\"local\":{\"address\":\"198.51.100.1\",\"port\":1883},\"peer\":{\"address\":"
	       "\"%s\",\"port\":%u},\"owner\":{\"pid\":812,\"comm\":\"mosquitto\"}",
	       l->number + 1, address, port_of(l));
	if (f->named)
		printf(",\"device\":\"device-%u\"", l->device);
	printf("},\"keepalive\":{\"enabled\":%s", l->idle_s ? "true" : "false");
	if (l->idle_s)
		printf(",\"idle_s\":%.0f,\"interval_s\":%.0f,\"probes\":9,\"user_timeout_ms\":0,\"from\":{"
		       "\"idle\":\"%s\",\"interval\":\"sysctl\",\"probes\":\"sysctl\"}",
		       l->idle_s / scale, ceil(75 / scale), l->idle_s == f->idle_s ? "sysctl" : "socket");
	printf("}");
}

static void print_half_open(const struct link *l, const struct fate *fate)
{
	if (!fate->found_by)
		return;
	printf("\"half_open\":{\"found_by\":\"%s\",", fate->found_by);
	if (fate->back) {
		printf("\"superseded_by\":{\"cookie\":\"%u\",", l->number + 2);
		print_time("at", fate->back);
		printf(",\"confidence\":1},");
	}
	print_time("last_heard_at", l->heard);
	if (fate->first_unanswered) {
		printf(",");
		print_time("first_unanswered_at", fate->first_unanswered);
		printf(",");
		print_time("last_unanswered_at", fate->last_unanswered);
	}
	printf(",");
	print_time("declared_at", fate->ended);
	printf(",\"latency_ms\":{\"min\":null,\"likely_min\":null,\"max\":%.0f}},",
	       (fate->ended - l->heard) / scale * 1e3);
}

static void print_timeline(struct link *l, const struct fate *fate)
{
	bool open = !strcmp(fate->outcome, "open");

	if (tells_present)
		return;
	print_origin("halfopen.timeline/1");
	printf("\"revision\":1,\"final\":%s,", open ? "false" : "true");
	print_socket(l);
	printf(",\"partial\":false,");
	print_time("first_seen_at", l->began);
	printf(",");
	print_time("last_heard_at", l->heard);
	printf(",\"outcome\":\"%s\",", fate->outcome);
	if (!open) {
		print_time("ended_at", fate->ended);
		printf(",");
	}
	print_half_open(l, fate);
	print_gaps(&l->gaps, fate->first_unanswered ? (fate->first_unanswered - l->heard) / scale
						    : NAN);
	printf("\"episodes\":[");
	if (l->recovered) {
		printf("{\"kind\":\"mixed\",");
		print_time("first_unanswered_at", l->asked);
		printf(",\"asks\":2,\"end\":\"recovered\",");
		print_time("ended_at", l->recovered);
		printf("}");
	}
	printf("],\"counts\":{\"probes_sent\":%u,\"probes_answered\":%u},\"rtt_us\":{\"min\":40000,"
	       "\"avg\":60000,\"max\":400000},\"events\":[],\"events_omitted\":0}\n",
	       l->probes, l->answered);
	gaps__free(&l->gaps);
}

/* ---- events that affect all devices at once ---- */

#define HAPPENINGS 64

struct calendar {
	double boots[HAPPENINGS], outages[HAPPENINGS], outages_end[HAPPENINGS];
	double power_cut, restart;
};

static void draw_calendar(const struct fleet *f, struct calendar *c)
{
	double boot = 0, outage = 0;
	unsigned int i;

	for (i = 0; i < HAPPENINGS; i++) {
		boot += after(f->forgets_all_every_s);
		c->boots[i] = boot;
		outage += after(f->outage_every_s);
		c->outages[i] = outage;
		outage += after(f->outage_s);
		c->outages_end[i] = outage;
	}
	c->power_cut = f->all_die_at_once ? f->hours * HOUR * 0.5 : NEVER;
	c->restart = f->starts_anew_after ? f->hours * HOUR * f->starts_anew_after : NEVER;
}

/* The end of the outage that it lies in, or 0. */
static double outage_until(const struct calendar *c, double now)
{
	unsigned int i;

	for (i = 0; i < HAPPENINGS && c->outages[i] <= now; i++)
		if (now < c->outages_end[i])
			return c->outages_end[i];
	return 0;
}

static bool has_booted(const struct calendar *c, double since, double now)
{
	unsigned int i;

	for (i = 0; i < HAPPENINGS && c->boots[i] <= now; i++)
		if (c->boots[i] > since)
			return true;
	return false;
}

/* ---- one device ---- */

struct device {
	const struct fleet *fleet;
	unsigned int number;
	bool lemon, loops;
	bool second;		/* behind the second timer */
	bool third;
	double timer_s[TIMERS];	/* of this fleet, this time; NEVER: none */
	double end;
	const struct calendar *calendar;
	unsigned int asks_left;
	bool limited;
	double born_at;
};

static double timer_of(const struct device *d, double now)
{
	const struct fleet *f = d->fleet;

	if (f->changes_after)
		return now < f->changes_after * d->end ? d->timer_s[0] : d->timer_s[1];
	return d->timer_s[d->third ? 2 : d->second];
}

static double dies_at(const struct device *d, double now)
{
	const struct fleet *f = d->fleet;
	double mean = d->lemon ? f->lemon_mean_s : f->dies_mean_s;
	double at = now + (f->life == HEAVY && !d->lemon
			   ? 0.12 * mean * (pow(even(), -1 / 1.1) - 1) : after(mean));

	if (now < d->calendar->power_cut)
		at = fmin(at, d->calendar->power_cut);
	if (d->loops)
		return now + between(60.5, 61.5);
	if (f->life == NIGHTS)	/* off at ten in the evening, within half an hour */
		at = fmin(at, ceil((now + 1800 - 22 * HOUR) / DAY) * DAY + 22 * HOUR +
			      between(-1800, 0));
	return at;
}

static double back_at(const struct device *d, double died)
{
	const struct fleet *f = d->fleet;

	if (d->loops)
		return died + between(2, 5);
	if (f->life == NIGHTS)
		return died + between(7.5, 9) * HOUR;
	return f->back_mean_s ? died + after(f->back_mean_s) : NEVER;
}

static double says_at(const struct device *d, double now)
{
	const struct fleet *f = d->fleet;

	switch (f->saying) {
	case STEADILY:
		break;
	case BY_THE_CLOCK:	/* the server's clock began at no round time */
		return (floor((now + 417) / f->says_every_s) + 1) * f->says_every_s - 417 +
		       between(0, 3);
	case BACKING_OFF:	/* from a second on, up to the mean */
		return now + fmin(f->says_mean_s, fmax(1, now - d->born_at)) * between(0.95, 1.05);
	case BY_DAY:
		return now + after(fmod(now, DAY) < 14 * HOUR ? f->says_mean_s
							      : f->says_mean_s * 12);
	case IN_BURSTS:
		return now + after(even() < 0.05 ? 120 * f->says_mean_s : f->says_mean_s);
	}
	if (f->says_of_timer)
		return now + f->says_of_timer * d->timer_s[0] * between(0.99, 1.01);
	if (f->says_every_s)
		return now + f->says_every_s + between(-1, 1.5);
	return now + after(f->says_mean_s);
}

/* Times of one connection's next events: absolute. */
struct clock {
	double dies, says, command, poll, ask, keepalive, moves, resets, restart, expires;
	double refreshed;
	bool half;	/* the middlebox has seen too little of it yet */
};

static bool is_forgotten(const struct device *d, const struct clock *c, double now)
{
	return now >= c->expires || has_booted(d->calendar, c->refreshed, now);
}

static void draw_ask(struct device *d, struct clock *c, double now)
{
	const struct fleet *f = d->fleet;

	c->ask = NEVER;
	if (!f->ask_low_s || (d->limited && !d->asks_left))
		return;
	c->ask = fmax(now, f->asks_begin_s) +
		 f->ask_low_s * pow(f->ask_high_s / f->ask_low_s, even());
}

/* A segment passed in this direction: does it refresh the mapping? */
static void refresh(const struct device *d, struct clock *c, double now, bool outbound, bool data)
{
	const struct fleet *f = d->fleet;

	if ((f->data_only && !data) || (f->outbound_only && !outbound) ||
	    (f->inbound_only && outbound))
		return;
	c->refreshed = now;
	c->expires = now + fmin(timer_of(d, now), c->half ? f->half_s : NEVER);
	if (f->resets_at_timer)
		c->resets = c->expires + between(0, 0.5);
}

static void hear(struct link *l, struct clock *c, double now, double gap_ended, bool by_us)
{
	double gap = (gap_ended - l->heard) / scale;

	if (gap >= 1)
		gaps__add(&l->gaps, (gap - 0.004) * 1e9, gap * 1e9, by_us);
	l->heard = now;
	(void)c;
}

static double soonest(const struct clock *c)
{
	const double all[] = { c->dies, c->says, c->command, c->poll, c->ask, c->keepalive, c->moves,
			       c->resets, c->restart };
	double first = NEVER;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(*all); i++)
		first = fmin(first, all[i]);
	return first;
}

/* The running timer was armed some time before: it is re-armed for the rest. */
static double first_probe(const struct link *l, const struct clock *c)
{
	double at = c->keepalive;

	while (at < NEVER && at - l->heard + 0.001 < l->idle_s)
		at = fires_at(at, l->idle_s - (at - l->heard));
	return at;
}

/* The peer is silent for good from `heard` on; the server continues to ask. A device that is back
 * on another connection gets commands there. */
static void find_out(struct link *l, struct device *d, struct clock *c, double back,
		     struct fate *fate)
{
	double data = back < fmin(c->command, fmin(c->poll, c->ask)) ? NEVER
		      : fmin(c->command, fmin(c->poll, c->ask));
	double probe = first_probe(l, c), begin = d->fleet->asks_begin_s;
	double first;

	if (begin && probe >= begin)
		probe = NEVER;
	first = fmin(data, probe);
	fate->outcome = "open";
	if (d->fleet->named && back < first && back < d->end) {
		*fate = (struct fate){ "closed_locally", "superseded", 0, 0, back + 0.2, back };
		return;
	}
	if (first >= d->end)
		return;
	fate->first_unanswered = first;
	fate->outcome = data < probe ? "retransmit_timeout" : "keepalive_timeout";
	fate->found_by = data < probe ? "retransmit" : "keepalive";
	fate->last_unanswered = data < probe ? first + 800 : first + 8 * 75;
	fate->ended = fate->last_unanswered + (data < probe ? 124 : 75);
	if (d->fleet->late_ask == RESETS && c->expires < first && c->dies >= c->expires) {
		fate->outcome = "reset_by_peer";
		fate->found_by = "reset";
		fate->last_unanswered = first;
		fate->ended = first + 0.05;
	}
	if (d->fleet->named && back < d->end)
		fate->back = back;
}

/* The server asks at `now`: true if it is answered. */
static bool ask(struct link *l, struct device *d, struct clock *c, double now, bool data)
{
	double answered = now + between(0.04, 0.2);

	if (is_forgotten(d, c, now))
		return false;
	c->half = false;
	if (outage_until(d->calendar, now)) {	/* sent again, and again */
		answered = outage_until(d->calendar, now) * between(1, 1.00001) + between(1, 20);
		if (answered > now + (data ? 900 : 9 * 75) || answered >= c->expires)
			return false;
	}
	if (even() < d->fleet->late_answers)
		answered = now + between(1, 20);
	if (answered > c->dies)
		return false;
	refresh(d, c, now, false, data);
	refresh(d, c, answered, true, false);
	if (answered > now + 1) {
		l->asked = now;
		l->recovered = answered;
	}
	hear(l, c, answered, now, true);
	return true;
}

/* The truth at the end of the watch, of a connection that is open then. One that an ask has shown
 * to be gone is none: its timeline above tells of its end. */
static void print_present(const struct link *l, const struct device *d, const struct clock *c,
			  const struct fate *fate, bool gone)
{
	char address[ADDRESS_SIZE];

	if (!tells_present || strcmp(fate->outcome, "open"))
		return;
	address_of(l, address);
	printf("%u %s %u %.3f %d\n", l->number + 1, address, port_of(l), d->end - l->heard,
	       !gone && d->end < c->dies && !is_forgotten(d, c, d->end));
}

/* From its SYN until our side knows of the end, or the watch ends. Returns when the device is back
 * on another connection. */
static double live(struct link *l, struct device *d)
{
	const struct fleet *f = d->fleet;
	double now = l->began, back = NEVER;
	struct fate fate = { "open", NULL, 0, 0, 0, 0 };
	struct clock c = {
		.dies = dies_at(d, now), .says = says_at(d, now),
		.command = now + after(f->command_mean_s ? f->command_mean_s : NEVER),
		.poll = f->poll_s ? now + f->poll_s + between(0.1, 0.9) : NEVER,
		.keepalive = l->idle_s ? fires_at(now, l->idle_s) : NEVER,
		.moves = f->moves ? now + after(6 * HOUR) : NEVER,
		.resets = f->resets_mean_s ? now + after(f->resets_mean_s) : NEVER,
		.restart = now < d->calendar->restart ? d->calendar->restart : NEVER,
		.expires = NEVER, .half = even() < f->half_share };

	l->heard = now;
	refresh(d, &c, now, true, true);
	refresh(d, &c, now, false, true);
	draw_ask(d, &c, now);
	for (;;) {
		now = soonest(&c);
		if (now >= d->end)
			break;
		if (now == c.dies) {
			back = back_at(d, now);
			find_out(l, d, &c, back, &fate);
			break;
		}
		if (now == c.moves) {	/* another network, another address, the same device */
			back = now + between(1, 5);
			find_out(l, d, &c, back, &fate);
			d->second = !d->second;
			break;
		}
		if (now == c.restart) {
			fate = (struct fate){ "closed_locally", NULL, 0, 0, now, 0 };
			back = now + between(1, 60);
			break;
		}
		if (now == c.resets && is_forgotten(d, &c, now) && !f->resets_at_timer) {
			c.resets = NEVER;	/* it does not arrive */
			c.dies = now;
			continue;
		}
		if (now == c.resets) {
			fate = (struct fate){ "reset_by_peer", NULL, 0, 0, now, 0 };
			back = says_at(d, now);
			break;
		}
		if (now == c.says && outage_until(d->calendar, now)) {
			c.says = outage_until(d->calendar, now) + between(1, 20);
			continue;
		}
		if (now == c.says) {
			c.half = false;
			c.says = says_at(d, now);
			if (is_forgotten(d, &c, now)) {	/* its mapping is new to us: RST */
				back = now + between(0.1, 1);
				find_out(l, d, &c, back, &fate);
				break;
			}
			refresh(d, &c, now, true, true);
			refresh(d, &c, now, false, false);	/* our acknowledgement */
			hear(l, &c, now, now, false);
			draw_ask(d, &c, now);
			continue;
		}
		if (now == c.keepalive && f->asks_begin_s && now >= f->asks_begin_s) {
			c.keepalive = NEVER;
			continue;
		}
		if (now == c.keepalive) {
			double idle = now - l->heard;

			if (idle + 0.001 < l->idle_s) {
				c.keepalive = fires_at(now, l->idle_s - idle);
				continue;
			}
			l->probes++;
			if (!ask(l, d, &c, now, false)) {
				c.keepalive = now;
				back = c.dies < NEVER && is_forgotten(d, &c, now) ? c.says : NEVER;
				if (f->back_mean_s && back == NEVER && is_forgotten(d, &c, now))
					back = now + after(f->back_mean_s);
				find_out(l, d, &c, back, &fate);
				break;
			}
			l->answered++;
			c.keepalive = fires_at(now, 75);
			draw_ask(d, &c, l->heard);
			continue;
		}
		if (now == c.command)
			c.command = now + after(f->command_mean_s);
		else if (now == c.poll) {	/* now and then one or two are left out */
			do
				c.poll += f->poll_s;
			while (even() < 0.3);
			/* a poll that is not due yet is no reason to continue */
			if (!ask(l, d, &c, now, true)) {
				c.poll = now;
				find_out(l, d, &c, NEVER, &fate);
				break;
			}
			continue;
		} else if (d->limited && d->asks_left) {
			d->asks_left--;
		}
		if (!ask(l, d, &c, now, true)) {
			c.ask = now;
			back = is_forgotten(d, &c, now) ? fmax(c.says, now) : NEVER;
			if (f->back_mean_s && back == NEVER && is_forgotten(d, &c, now))
				back = now + after(f->back_mean_s);
			find_out(l, d, &c, back, &fate);
			break;
		}
		draw_ask(d, &c, l->heard);
	}
	print_present(l, d, &c, &fate, now < d->end);
	print_timeline(l, &fate);
	return back;
}

static void live_all(struct device *d, unsigned int *links)
{
	double within = d->fleet->starts_within_s ? d->fleet->starts_within_s : 600;
	double at = d->loops ? 0 : between(0, within);

	while (at < d->end) {
		struct link l = { .fleet = d->fleet, .device = d->number, .number = (*links)++,
				  .began = at };

		d->born_at = at;
		l.idle_s = d->fleet->second_idle_s && d->number % 2 ? d->fleet->second_idle_s
								   : d->fleet->idle_s;
		if (d->limited && !d->asks_left)
			break;
		at = fmax(live(&l, d), at + 1);
	}
}

/* ---- all of them ---- */

static const struct fleet *fleet_of(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(fleets) / sizeof(*fleets); i++)
		if (!strcmp(fleets[i].name, name))
			return &fleets[i];
	fprintf(stderr, "fleets: no case '%s': see --list\n", name);
	exit(2);
}

static void begin(const char *name, const char *number)
{
	const char *c;

	seed = strtoull(number, NULL, 10) * 0x9e3779b97f4a7c15ULL + 1;
	for (c = name; *c; c++)
		seed = (seed ^ (unsigned char)*c) * 0x100000001b3ULL;
	even();
	even();
}

static void draw_timers(const struct fleet *f, double timer_s[TIMERS])
{
	double scale = f->exact ? 1 : exp(between(-0.15, 0.15));
	unsigned int i;

	for (i = 0; i < TIMERS; i++)
		timer_s[i] = f->timer_s[i] ? f->timer_s[i] * scale : NEVER;
}

static void list(void)
{
	size_t i;

	for (i = 0; i < sizeof(fleets) / sizeof(*fleets); i++)
		puts(fleets[i].name);
}

static void print_parameters(const struct fleet *f)
{
	printf("{\"devices\":%u,\"duration_s\":%g,\"timer_s\":[%g,%g],\"second_share\":%g,"
	       "\"changes_after\":%g,\"resets_late_ask\":%s,\"data_only\":%s,", f->devices,
	       f->hours * HOUR, f->timer_s[0], f->timer_s[1], f->second_share, f->changes_after,
	       f->late_ask == RESETS ? "true" : "false", f->data_only ? "true" : "false");
	printf("\"says_every_s\":%g,\"says_mean_s\":%g,\"says_of_timer\":%g,\"dies_mean_s\":%g,"
	       "\"lemons\":%g,\"lemon_mean_s\":%g,\"back_mean_s\":%g,\"idle_s\":%g,"
	       "\"command_mean_s\":%g,\"poll_s\":%g,\"ask_low_s\":%g,\"ask_high_s\":%g,\"asks\":%u,"
	       "\"from_one_address\":%s}\n",
	       f->says_every_s, f->says_mean_s, f->says_of_timer, f->dies_mean_s, f->lemons,
	       f->lemon_mean_s, f->back_mean_s, f->idle_s, f->command_mean_s, f->poll_s, f->ask_low_s,
	       f->ask_high_s, f->asks, f->from_one_address ? "true" : "false");
}

static void go_on(struct fleet *f, double days, double from_s, double to_s)
{
	f->asks_begin_s = f->hours * HOUR;
	f->hours += days * 24;
	f->ask_low_s = from_s;
	f->ask_high_s = to_s;
	f->asks = 0;
	if (!f->back_mean_s)	/* a device that is gone for good is asked no more */
		f->back_mean_s = HOUR;
}

int main(int argc, char **argv)
{
	bool truth = argc == 4 && !strcmp(argv[1], "--truth");
	bool scaled = argc == 5 && !strcmp(argv[1], "--scale");
	bool then = argc == 7 && !strcmp(argv[1], "--then");
	bool present = argc == 4 && !strcmp(argv[1], "--present");
	struct fleet fleet, *f = &fleet;
	double timer_s[TIMERS], chance;
	struct calendar calendar;
	unsigned int links = 0, i;

	if (argc == 2 && !strcmp(argv[1], "--list")) {
		list();
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "--parameters")) {
		print_parameters(fleet_of(argv[2]));
		return 0;
	}
	if (scaled)
		scale = atof(argv[2]);
	tells_present = present;
	if ((argc != 3 && !truth && !present && !scaled && !then) || !(scale >= 1)) {
		fprintf(stderr,
			"usage: fleets [--truth | --present | --scale N | --then DAYS FROM TO] "
			"CASE SEED\n"
			"       fleets --parameters CASE | --list\n");
		return 2;
	}
	fleet = *fleet_of(argv[argc - 2]);
	if (then)
		go_on(f, atof(argv[2]), atof(argv[3]), atof(argv[4]));
	begin(f->name, argv[argc - 1]);
	draw_timers(f, timer_s);
	if (truth) {
		for (i = 0; i < TIMERS; i++)
			if (timer_s[i] < NEVER)
				printf("%.3f ", timer_s[i]);
		printf("\n");
		return 0;
	}
	draw_calendar(f, &calendar);
	print_meta(f);
	for (i = 0; i < f->devices; i++) {
		struct device d = { .fleet = f, .number = i, .calendar = &calendar,
				    .timer_s = { timer_s[0], timer_s[1], timer_s[2] },
				    .end = f->hours * HOUR, .asks_left = f->asks,
				    .limited = f->asks > 0 };

		chance = even();
		d.second = f->by_prefix ? i >= f->devices / 2 : chance < f->second_share;
		d.third = !d.second && chance < f->second_share + f->third_share;
		d.lemon = even() < f->lemons;
		d.loops = f->crash_loop && !i;
		live_all(&d, &links);
	}
	return 0;
}
