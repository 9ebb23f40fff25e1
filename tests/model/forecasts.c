// SPDX-License-Identifier: GPL-2.0
/*
 * A server's connections to a fleet of devices under one keepalive setting or another, event by
 * event: the kernel's lazy keepalive timer and its retransmissions on the timer wheel
 * (net/ipv4/tcp_timer.c, kernel/time/timer.c), devices that speak, fall mute, die and dial again,
 * paths that lose segments. Nothing in here knows how advise predicts or compares; gaps.c alone is
 * shared, because a watch folds gaps by it.
 *
 *   forecasts [OPTION...] CASE SEED	what a watch would tell, as JSON Lines
 *   forecasts --truth [OPTION...] CASE SEED	what really was, of many times the devices
 *   forecasts --other CASE	the setting that the case is to be predicted for
 *   forecasts --list	the cases
 *
 *   --setting IDLE/INTERVAL/PROBES	instead of the case's; options of their own stay
 *   --from HOUR --hours N	of the time watched, since a midnight
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "connection/gaps.h"
#include "print_gaps.h"

#define HOUR 3600.0
#define DAY 86400.0
#define YEAR (365.25 * DAY)
#define NEVER HUGE_VAL
#define HZ 250
#define MIDNIGHT 1790035200.0	/* since 1970 */
#define IDLE_GAP_S 10.0		/* watch --idle-gap */
#define RTT_S 0.06
#define RTO_S 0.26		/* of such a path: RTT and the least variance, 200 ms */
#define RTO_MIN_S 0.2
#define RTO_MAX_S 120.0
#define PACKET_BYTES 52.0
#define TRUTH_TIMES 160		/* as many devices; */
#define TRUTH_TIMES_BUSY 16	/* ... where something is said every few seconds */
#define EPISODES_KEPT 32
/* Sockets had been open for so long, at most, when the watch began. */
#define WARM_UP_S (8 * HOUR)

/* ---- chance ---- */

static uint64_t seed;

static double even(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return ((seed >> 11) + 0.5) / (1ULL << 53);
}

static double after(double mean)
{
	return mean > 0 && mean < NEVER ? -log(even()) * mean : NEVER;
}

/* ---- fleets ---- */

struct setting {
	double idle_s, interval_s;
	unsigned int probes;
	double user_timeout_s;
};

enum mute_kind { MUTES_EXPONENTIAL, MUTES_LOG_NORMAL };

struct fleet {
	const char *name;
	struct setting now, other;
	struct setting own;		/* of every third socket, set by its program; 0: none */
	double says_every_s, says_mean_s;
	double varies;			/* a device's own mean: up to so many times more, or less */
	double command_mean_s;		/* our program's */
	double loss;			/* of a segment and its answer */
	double mute_every_s, mute_mean_s;
	enum mute_kind mute_kind;
	double dies_mean_s;
	unsigned int devices;		/* 0: 200 */
	double hours;			/* 0: 24 */
	unsigned int retries2;		/* 0: 15 */
	double rto_max_s;		/* 0: RTO_MAX_S */
	bool uncounted;			/* nobody counts what passes: no traffic is told */
	/* What is not independent: networks that go out, devices that die more often. */
	double outages_a_day, die_in_outage;
	unsigned int networks;		/* 0: 8 */
	double flapping;		/* share of devices that die twenty times as often */
	double night_deaths;		/* so many times as often between 22 and 6 o'clock */
};

#define DEFAULT { 7200, 75, 9, 0 }
#define QUICK { 240, 20, 5, 0 }

static const struct fleet fleets[] = {
	/* For predictions. */
	{ "idle", DEFAULT, QUICK, .dies_mean_s = 4 * DAY },
	{ "idle-quick-to-slow", { 60, 10, 3, 0 }, { 340, 20, 5, 0 }, .dies_mean_s = 2 * DAY },
	{ "idle-interval-above", { 120, 20, 5, 0 }, { 60, 90, 4, 0 }, .dies_mean_s = 2 * DAY },
	{ "exp-300", DEFAULT, { 340, 20, 5, 0 }, .says_mean_s = 300, .dies_mean_s = 4 * DAY },
	{ "exp-300-probed", { 120, 20, 5, 0 }, { 340, 20, 5, 0 }, .says_mean_s = 300,
	  .dies_mean_s = 2 * DAY },
	{ "exp-3600-probed", { 600, 75, 9, 0 }, QUICK, .says_mean_s = 3600, .dies_mean_s = 2 * DAY },
	{ "exp-varied", DEFAULT, { 300, 20, 5, 0 }, .says_mean_s = 600, .varies = 8,
	  .dies_mean_s = 4 * DAY },
	{ "every-5", DEFAULT, QUICK, .says_every_s = 5, .dies_mean_s = 4 * DAY },
	{ "every-60", DEFAULT, { 40, 10, 5, 0 }, .says_every_s = 60, .dies_mean_s = 4 * DAY },
	{ "every-300", DEFAULT, QUICK, .says_every_s = 300, .dies_mean_s = 4 * DAY },
	{ "every-3600-probed", { 600, 75, 9, 0 }, QUICK, .says_every_s = 3600,
	  .dies_mean_s = 2 * DAY },
	{ "commands-600", DEFAULT, QUICK, .command_mean_s = 600, .dies_mean_s = 4 * DAY },
	{ "commands-600-quick", QUICK, DEFAULT, .command_mean_s = 600, .dies_mean_s = 4 * DAY },
	{ "commands-5", DEFAULT, QUICK, .command_mean_s = 5, .dies_mean_s = 4 * DAY },
	{ "commands-rto-max-5", DEFAULT, QUICK, .command_mean_s = 600, .rto_max_s = 5,
	  .dies_mean_s = 4 * DAY },
	{ "commands-retries2-8", DEFAULT, QUICK, .command_mean_s = 600, .retries2 = 8,
	  .dies_mean_s = 4 * DAY },
	{ "commands-retries2-5", QUICK, DEFAULT, .command_mean_s = 1800, .retries2 = 5,
	  .dies_mean_s = 4 * DAY },
	{ "commands-retries2-rto-max", DEFAULT, QUICK, .command_mean_s = 600, .retries2 = 10,
	  .rto_max_s = 20, .dies_mean_s = 4 * DAY },
	{ "commands-and-words", DEFAULT, QUICK, .says_mean_s = 300, .command_mean_s = 1800,
	  .dies_mean_s = 4 * DAY },
	{ "user-timeout-above", { 60, 10, 9, 155 }, { 65, 10, 9, 0 }, .dies_mean_s = 2 * DAY },
	{ "user-timeout-commands", { 120, 20, 5, 300 }, QUICK, .command_mean_s = 600,
	  .dies_mean_s = 2 * DAY },
	{ "lossy", { 300, 20, 5, 0 }, { 120, 20, 4, 0 }, .loss = 0.1, .dies_mean_s = 2 * DAY },
	{ "lossy-few-probes", { 120, 20, 9, 0 }, { 60, 20, 3, 0 }, .loss = 0.2, .dies_mean_s = 2 * DAY },
	{ "mixed-options", DEFAULT, QUICK, .own = { 120, 20, 5, 0 }, .dies_mean_s = 4 * DAY },
	{ "mixed-talkers", DEFAULT, QUICK, .own = { 60, 20, 5, 0 }, .says_mean_s = 300,
	  .dies_mean_s = 4 * DAY },
	{ "sleepers-short", { 240, 10, 30, 0 }, { 60, 10, 3, 0 }, .mute_every_s = 2 * HOUR,
	  .mute_mean_s = 60, .dies_mean_s = 4 * DAY },
	{ "sleepers-beyond", { 120, 20, 5, 0 }, { 120, 20, 9, 0 }, .mute_every_s = 4 * HOUR,
	  .mute_mean_s = 120, .dies_mean_s = 8 * DAY },
	{ "sleepers-far-beyond", { 120, 20, 3, 0 }, { 120, 20, 9, 0 }, .mute_every_s = 4 * HOUR,
	  .mute_mean_s = 120, .dies_mean_s = 20 * DAY },
	{ "sleepers-log-normal", { 300, 20, 5, 0 }, { 300, 20, 10, 0 }, .mute_every_s = 3 * HOUR,
	  .mute_mean_s = 40, .mute_kind = MUTES_LOG_NORMAL, .dies_mean_s = 8 * DAY },
	{ "sleepers-talk", DEFAULT, QUICK, .says_mean_s = 300, .mute_every_s = 3 * HOUR,
	  .mute_mean_s = 300, .dies_mean_s = 8 * DAY },
	{ "sleepers-seen-seldom", DEFAULT, { 120, 20, 3, 0 }, .mute_every_s = 4 * HOUR,
	  .mute_mean_s = 200, .dies_mean_s = 8 * DAY },
	{ "nobody-mute", DEFAULT, QUICK, .dies_mean_s = DAY },
	{ "idle-uncounted", { 600, 75, 9, 0 }, QUICK, .dies_mean_s = 2 * DAY, .uncounted = true },
	{ "exp-300-uncounted", DEFAULT, { 340, 20, 5, 0 }, .says_mean_s = 300, .dies_mean_s = 4 * DAY,
	  .uncounted = true },
	{ "commands-600-uncounted", DEFAULT, QUICK, .command_mean_s = 600, .dies_mean_s = 4 * DAY,
	  .uncounted = true },
	{ "every-5-uncounted", DEFAULT, QUICK, .says_every_s = 5, .dies_mean_s = 4 * DAY,
	  .uncounted = true },
	/* For comparisons. */
	{ "steady", { 600, 75, 9, 0 }, { 600, 20, 3, 0 }, .dies_mean_s = DAY },
	{ "outages", { 600, 75, 9, 0 }, { 600, 20, 3, 0 }, .dies_mean_s = 2 * DAY, .outages_a_day = 2,
	  .die_in_outage = 0.4 },
	{ "flapping", { 600, 75, 9, 0 }, { 600, 20, 3, 0 }, .dies_mean_s = 3 * DAY, .flapping = 0.03 },
	{ "talkers", { 300, 75, 9, 0 }, { 300, 20, 3, 0 }, .says_mean_s = 300, .dies_mean_s = DAY,
	  .command_mean_s = HOUR },
	{ "one-network", { 600, 75, 9, 0 }, { 600, 20, 3, 0 }, .dies_mean_s = DAY, .networks = 1 },
	{ "few", { 600, 75, 9, 0 }, { 600, 20, 3, 0 }, .dies_mean_s = 6 * HOUR, .devices = 12 },
	{ "rush", { 600, 75, 9, 0 }, { 600, 20, 3, 0 }, .dies_mean_s = 2 * DAY, .night_deaths = 4 },
	{ "slow", DEFAULT, { 10, 4, 4, 0 }, .dies_mean_s = DAY },
};

/* ---- the kernel's timers ---- */

/* calc_wheel_index(): a timer fires at the end of the granule that its expiry falls in. Times of
 * before the watch are negative. */
static double fires_at(double now, double s)
{
	int64_t jiffies = (now + WARM_UP_S) * HZ + 0.01;
	uint64_t delta = fmax(1, ceil(s * HZ - 1e-6)), expires = jiffies + delta;
	unsigned int shift = 0;

	while (shift < 24 && delta >= 63ULL << shift)
		shift += 3;
	return (double)(((expires >> shift) + 1) << shift) / HZ - WARM_UP_S;
}

/* tcp_model_timeout() */
static double model_timeout(const struct fleet *f)
{
	unsigned int retries = f->retries2 ? f->retries2 : 15;
	double most = f->rto_max_s ? f->rto_max_s : RTO_MAX_S;
	unsigned int doubled = log2(most / RTO_MIN_S);

	if (retries <= doubled)
		return (ldexp(2, retries) - 1) * RTO_MIN_S;
	return (ldexp(2, doubled) - 1) * RTO_MIN_S + (retries - doubled) * most;
}

/* ---- a device and a connection to it ---- */

struct device {
	const struct fleet *fleet;
	unsigned int number;
	double scale;		/* of its own mean between words */
	double mute_from, mute_to, dies;
	const double *outages;	/* of its network, one for each hour; NEVER: none */
};

struct episode {
	double first, ended;
	unsigned int asks, kinds;
};

enum { ASK_PROBE = 1, ASK_DATA = 2 };

struct connection {
	const struct device *device;
	const struct setting *setting;
	bool own;
	unsigned int number;
	double began, heard, word, command, keepalive, rto_at, rto;
	double retransmitted_at;	/* first, by the timer; 0: not */
	unsigned int retransmits, out;	/* unanswered probes, as the kernel counts them */
	bool unacknowledged;
	struct episode silence, episodes[EPISODES_KEPT];
	unsigned int episode_count, episodes_omitted;
	double last_ask, again[3];
	struct gaps gaps;
	unsigned int probes, answered, words, data;	/* data: segments of ours */
	const char *outcome, *found_by;
};

struct truth {
	double *detections;
	size_t count, size;
	double probes, wakeups, packets, false_deaths, socket_s;
};

struct run {
	const struct fleet *fleet;
	struct setting setting;
	double from_s, end_s;	/* of the day; the watch's length */
	bool told;		/* timelines are printed */
	unsigned int connections;
	unsigned long lines;
	struct truth truth;
};

static double mute_length(const struct fleet *f)
{
	if (f->mute_kind == MUTES_EXPONENTIAL)
		return after(f->mute_mean_s);
	/* sigma 1: its mean is e^0.5 of its median */
	return f->mute_mean_s * exp(sqrt(-2 * log(even())) * cos(2 * M_PI * even()) - 0.5);
}

static bool is_mute(struct device *d, double now)
{
	while (d->mute_to <= now) {
		d->mute_from = d->mute_to + after(d->fleet->mute_every_s);
		d->mute_to = d->mute_from + mute_length(d->fleet);
		if (d->mute_from == NEVER)
			d->mute_to = NEVER;
	}
	return now >= d->mute_from;
}

static double next_word(const struct connection *c, double now)
{
	const struct fleet *f = c->device->fleet;

	if (f->says_every_s)
		return now + f->says_every_s + 0.01 * even();
	return now + after(f->says_mean_s * c->device->scale);
}

/* ---- output ---- */

static void print_time(const struct run *r, const char *key, double s)
{
	double at = MIDNIGHT + r->from_s + s;
	time_t whole = at;
	struct tm tm;
	char text[32];

	gmtime_r(&whole, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	printf("\"%s\":\"%s.%06uZ\"", key, text, (unsigned int)((at - whole) * 1e6));
}

static void print_origin(struct run *r, const char *schema)
{
	printf("{\"schema\":\"%s\",\"gateway\":\"gw\",\"boot_id\":\"fleet\",\"run_id\":\"%.0f\","
	       "\"seq\":%lu,", schema, r->from_s, r->lines++);
}

static void print_meta(struct run *r)
{
	print_origin(r, "halfopen.meta/1");
	printf("\"version\":\"0.1.0\",\"kernel\":\"6.1.0\",\"hz\":%u,\"all\":true,\"attach\":[],", HZ);
	print_time(r, "started_at", 0);
	printf(",\"sysctl\":[{\"netns\":{\"inode\":4026531840},\"idle_s\":%.0f,\"interval_s\":%.0f,"
	       "\"probes\":%u", r->setting.idle_s, r->setting.interval_s, r->setting.probes);
	printf("}]}\n");
}

static void print_socket(const struct run *r, const struct connection *c)
{
	unsigned int networks = r->fleet->networks ? r->fleet->networks : 8;
	const char *from = c->own ? "socket" : "sysctl";

	printf("\"socket\":{\"cookie\":\"%.0f\",\"netns\":{\"inode\":4026531840},\"family\":\"ipv4\","
	       "\"local\":{\"address\":\"198.51.100.1\",\"port\":1883},\"peer\":{\"address\":"
	       "\"203.%u.%u.%u\",\"port\":%u},\"owner\":{\"pid\":812,\"comm\":\"mosquitto\"}},",
	       r->from_s * 100 + c->number + 1, c->device->number / networks / 250,
	       c->device->number % networks, c->device->number / networks % 250 + 1,
	       1024 + c->number % 60000);
	printf("\"keepalive\":{\"enabled\":true,\"idle_s\":%.0f,\"interval_s\":%.0f,\"probes\":%u,"
	       "\"user_timeout_ms\":%.0f,\"rto_max_ms\":%.0f,\"from\":{\"idle\":\"%s\",\"interval\":\"%s\",\"probes\":"
	       "\"%s\"}}", c->setting->idle_s, c->setting->interval_s, c->setting->probes,
	       c->setting->user_timeout_s * 1000,
	       (r->fleet->rto_max_s ? r->fleet->rto_max_s : RTO_MAX_S) * 1000, from, from, from);
}

static void print_half_open(const struct run *r, const struct connection *c, double ended)
{
	if (!c->found_by)
		return;
	printf("\"half_open\":{\"found_by\":\"%s\",", c->found_by);
	print_time(r, "last_heard_at", c->heard);
	printf(",");
	print_time(r, "first_unanswered_at", c->silence.first);
	printf(",");
	print_time(r, "last_unanswered_at", c->last_ask);
	printf(",");
	print_time(r, "declared_at", ended);
	printf(",\"latency_ms\":{\"min\":null,\"likely_min\":null,\"max\":%.0f}},",
	       (ended - c->heard) * 1e3);
}

static void print_episode(const struct run *r, const struct episode *e, const char *end)
{
	printf("{\"kind\":\"%s\",", e->kinds == ASK_PROBE ? "keepalive"
				   : e->kinds == ASK_DATA ? "retransmit" : "mixed");
	print_time(r, "first_unanswered_at", e->first);
	printf(",\"asks\":%u,\"end\":\"%s\"", e->asks, end);
	if (e->ended) {
		printf(",");
		print_time(r, "ended_at", e->ended);
	}
	printf("}");
}

static void print_episodes(const struct run *r, const struct connection *c)
{
	unsigned int i;

	printf("\"episodes\":[");
	for (i = 0; i < c->episode_count; i++) {
		printf("%s", i ? "," : "");
		print_episode(r, &c->episodes[i], "recovered");
	}
	if (c->found_by || c->silence.asks >= 2) {
		printf("%s", i ? "," : "");
		print_episode(r, &c->silence, c->found_by ? "died" : "open");
	}
	printf("],");
	if (c->episodes_omitted)
		printf("\"episodes_omitted\":%u,", c->episodes_omitted);
	printf("\"events\":[");
	for (i = 1; i < 3 && c->found_by && c->again[i]; i++) {
		printf("%s{\"event\":\"retransmit\",\"n\":%u,", i > 1 ? "," : "", i);
		print_time(r, "at", c->again[i]);
		printf("}");
	}
	printf("],\"events_omitted\":0,");
}

static void print_timeline(struct run *r, struct connection *c, double ended)
{
	double seen = fmax(0, c->began);

	print_origin(r, "halfopen.timeline/1");
	printf("\"revision\":1,\"final\":%s,", c->found_by ? "true" : "false");
	print_socket(r, c);
	printf(",\"partial\":%s,", c->began < 0 ? "true" : "false");
	print_time(r, "first_seen_at", seen);
	printf(",");
	print_time(r, "last_heard_at", c->heard);
	printf(",\"outcome\":\"%s\",", c->outcome);
	if (c->found_by) {
		print_time(r, "ended_at", ended);
		printf(",");
	}
	print_half_open(r, c, ended);
	print_gaps(&c->gaps, c->found_by ? c->silence.first - c->heard : NAN);
	print_episodes(r, c);
	printf("\"counts\":{\"probes_sent\":%u,\"probes_answered\":%u},\"rtt_us\":{\"min\":50000,"
	       "\"avg\":60000,\"max\":70000}", c->probes, c->answered);
	if (!r->fleet->uncounted)
		printf(",\"traffic\":{\"over_s\":%.3f,\"received_bytes\":%u,\"received_segments\":%u,"
		       "\"acked_bytes\":%u,\"sent_segments\":%u}", fmax(0, ended - seen), c->words * 100,
		       c->words, c->data * 20, c->data);
	printf("}\n");
}

/* ---- events ---- */

static void keep_episode(struct connection *c, double now)
{
	if (c->silence.asks < 2 || now < 0)
		return;
	if (c->episode_count == EPISODES_KEPT) {
		memmove(&c->episodes[EPISODES_KEPT / 2], &c->episodes[EPISODES_KEPT / 2 + 1],
			(EPISODES_KEPT / 2 - 1) * sizeof(*c->episodes));
		c->episode_count--;
		c->episodes_omitted++;
	}
	c->silence.ended = now;
	c->episodes[c->episode_count++] = c->silence;
}

/* The peer is heard; the last segment before passed `gap_ended` - heard ago. */
static void hear(struct connection *c, double now, double gap_ended, bool by_us)
{
	double gap = gap_ended - c->heard;

	if (gap >= IDLE_GAP_S && gap_ended >= 0)
		gaps__add(&c->gaps, (gap - 0.004) * 1e9, gap * 1e9, by_us);
	c->heard = now;
	c->out = 0;
	if (c->unacknowledged)	/* data of its own does not acknowledge ours */
		return;
	keep_episode(c, now);
	c->silence = (struct episode){ 0 };
}

static void ask(struct connection *c, double now, unsigned int kind)
{
	if (!c->silence.asks++)
		c->silence.first = now;
	c->silence.kinds |= kind;
	c->last_ask = now;
}

static bool is_answered(struct device *d, double now)
{
	return now + RTT_S < d->dies && !is_mute(d, now) && even() >= d->fleet->loss;
}

static void on_command(struct connection *c, struct device *d, double now)
{
	c->command = now + after(d->fleet->command_mean_s);
	if (c->unacknowledged)
		return;
	ask(c, now, ASK_DATA);
	c->data += now >= 0;
	if (is_answered(d, now)) {
		hear(c, now + RTT_S, c->silence.first, true);
		return;
	}
	/* A loss probe takes the place of the first RTO (RFC 8985), and the RTO is set anew. */
	c->unacknowledged = true;
	c->rto = RTO_S;
	c->retransmitted_at = c->retransmits = 0;
	memset(c->again, 0, sizeof(c->again));
	c->rto_at = fires_at(fires_at(now, RTO_S), RTO_S);
}

static bool gives_up_data(struct connection *c, double now)
{
	double limit = c->setting->user_timeout_s ? c->setting->user_timeout_s
						  : model_timeout(c->device->fleet);

	if (!c->retransmits || now - c->retransmitted_at < limit)
		return false;
	c->outcome = c->setting->user_timeout_s ? "user_timeout" : "retransmit_timeout";
	c->found_by = c->setting->user_timeout_s ? "user_timeout" : "retransmit";
	return true;
}

/* tcp_retransmit_timer(); true when it gives up. */
static bool on_rto(struct connection *c, struct device *d, double now)
{
	double most = d->fleet->rto_max_s ? d->fleet->rto_max_s : RTO_MAX_S, wait;

	if (gives_up_data(c, now))
		return true;
	ask(c, now, ASK_DATA);
	c->data += now >= 0;
	if (is_answered(d, now)) {
		c->unacknowledged = false;
		c->rto_at = NEVER;
		hear(c, now + RTT_S, c->silence.first, true);
		return false;
	}
	if (!c->retransmits++)
		c->retransmitted_at = now;
	if (c->retransmits < 3)
		c->again[c->retransmits] = now;
	wait = c->rto = fmin(2 * c->rto, most);
	if (c->setting->user_timeout_s)
		wait = fmin(wait, fmax(0.004, c->setting->user_timeout_s -
						      (now - c->retransmitted_at)));
	c->rto_at = fires_at(now, wait);
	return false;
}

/* tcp_keepalive_timer(); true when it gives up. */
static bool on_keepalive(struct run *r, struct connection *c, struct device *d, double now)
{
	const struct setting *s = c->setting;
	double elapsed = fmax(0, now - c->heard);

	if (c->unacknowledged || elapsed + 1e-6 < s->idle_s) {
		c->keepalive = fires_at(now, c->unacknowledged ? s->idle_s : s->idle_s - elapsed);
		return false;
	}
	if (s->user_timeout_s ? elapsed >= s->user_timeout_s && c->out : c->out >= s->probes) {
		c->outcome = s->user_timeout_s ? "user_timeout" : "keepalive_timeout";
		c->found_by = s->user_timeout_s ? "user_timeout" : "keepalive";
		return true;
	}
	c->out++;
	c->probes += now >= 0;
	r->truth.probes += now >= 0 && now < r->end_s;
	r->truth.wakeups += now >= 0 && now < fmin(d->dies, r->end_s);
	r->truth.packets += now >= 0 && now < r->end_s;
	ask(c, now, ASK_PROBE);
	if (is_answered(d, now)) {
		c->answered += now >= 0;
		r->truth.packets += now >= 0 && now < r->end_s;
		hear(c, now + RTT_S, c->silence.first, true);
	}
	c->keepalive = fires_at(now, s->interval_s);
	return false;
}

static void on_word(struct connection *c, struct device *d, double now)
{
	if (now >= d->dies) {
		c->word = NEVER;
	} else if (is_mute(d, now)) {
		c->word = d->mute_to + even();
	} else {
		c->words += now >= 0;
		hear(c, now, now, false);
		c->word = next_word(c, now);
	}
}

static void note_end(struct run *r, const struct device *d, double began, double now)
{
	struct truth *t = &r->truth;

	t->socket_s += fmax(0, fmin(now, r->end_s) - fmax(0, began));
	if (now < d->dies) {
		t->false_deaths += now >= 0 && now < r->end_s;
		return;
	}
	if (d->dies < 0 || d->dies >= r->end_s)
		return;
	if (t->count == t->size) {
		t->size = t->size ? 2 * t->size : 1024;
		t->detections = realloc(t->detections, t->size * sizeof(*t->detections));
		if (!t->detections)
			abort();
	}
	t->detections[t->count++] = now - d->dies;
}

/* Until our side gives up, or the watch ends, or its death within the watch was found. Returns that
 * time. */
static double live(struct run *r, struct connection *c, struct device *d)
{
	double now;
	bool over;

	for (;;) {
		now = fmin(fmin(c->word, c->command), fmin(c->keepalive, c->rto_at));
		if (now >= r->end_s && (r->told || d->dies >= r->end_s)) {
			r->truth.socket_s += fmax(0, r->end_s - fmax(0, c->began));
			return r->end_s;
		}
		over = false;
		if (now == c->word)
			on_word(c, d, now);
		else if (now == c->command)
			on_command(c, d, now);
		else if (now == c->rto_at)
			over = on_rto(c, d, now);
		else
			over = on_keepalive(r, c, d, now);
		if (over)
			break;
	}
	note_end(r, d, c->began, now);
	return now;
}

/* ---- a device over time ---- */

static double death_after(const struct run *r, const struct device *d, double now)
{
	const struct fleet *f = d->fleet;
	unsigned int devices = f->devices ? f->devices : 200;
	double mean = f->dies_mean_s, at = now, hour, rate;
	unsigned int i;

	if (d->number % devices < f->flapping * devices)
		mean /= 20;
	do {	/* thinned, where the night is worse */
		at += after(f->night_deaths > 1 ? mean / f->night_deaths : mean);
		hour = fmod((r->from_s + at) / HOUR + 48, 24);
		rate = f->night_deaths > 1 && hour >= 6 && hour < 22 ? 1 / f->night_deaths : 1;
	} while (even() > rate);
	for (i = 0; f->outages_a_day && i < 48; i++)
		if (d->outages[i] > now && d->outages[i] < at && even() < f->die_in_outage)
			at = d->outages[i] + even() * 60;
	return at;
}

static void live_all(struct run *r, struct device *d)
{
	const struct fleet *f = r->fleet;
	double at = -even() * WARM_UP_S, ended;

	d->mute_to = -WARM_UP_S - after(f->mute_every_s);
	if (d->mute_to == -NEVER)
		d->mute_from = d->mute_to = NEVER;
	d->dies = death_after(r, d, at);
	while (at < r->end_s) {
		bool own = f->own.probes && d->number % 3 == 1;
		struct connection c = {
			.device = d, .own = own,
			.setting = own ? &f->own : &r->setting, .number = r->connections++,
			.began = at, .heard = at, .rto_at = NEVER, .outcome = "open" };

		c.word = next_word(&c, at);
		c.command = at + after(f->command_mean_s);
		c.keepalive = fires_at(at, c.setting->idle_s);
		ended = live(r, &c, d);
		if (r->told && ended >= 0)
			print_timeline(r, &c, ended);
		gaps__free(&c.gaps);
		at = ended + 1 + even();
		if (ended >= d->dies)
			d->dies = death_after(r, d, at);
		else if (is_mute(d, ended))	/* it dials again as soon as it can */
			at = fmax(at, d->mute_to + even());
	}
}

/* ---- all of them ---- */

static int by_number(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void print_truth(struct run *r, double times)
{
	struct truth *t = &r->truth;
	double days = t->socket_s / DAY;

	qsort(t->detections, t->count, sizeof(*t->detections), by_number);
	printf("{\"deaths\":%zu,\"p50_s\":%.3f,\"p95_s\":%.3f,\"probes_per_s\":%.6f,"
	       "\"bytes_per_socket_day\":%.3f,\"wakeups_per_socket_day\":%.3f,"
	       "\"false_deaths\":%.4f,\"false_deaths_seen\":%.0f}\n",
	       t->count, t->count ? t->detections[t->count / 2] : 0,
	       t->count ? t->detections[t->count * 95 / 100] : 0, t->probes / r->end_s / times,
	       t->packets * PACKET_BYTES / days, t->wakeups / days,
	       t->false_deaths / (t->socket_s / YEAR), t->false_deaths);
}

static const struct fleet *fleet_of(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(fleets) / sizeof(*fleets); i++)
		if (!strcmp(fleets[i].name, name))
			return &fleets[i];
	fprintf(stderr, "forecasts: no case '%s': see --list\n", name);
	exit(2);
}

static void begin(const char *name, const char *number, bool told)
{
	const char *c;

	seed = strtoull(number, NULL, 10) * 0x9e3779b97f4a7c15ULL + told;
	for (c = name; *c; c++)
		seed = (seed ^ (unsigned char)*c) * 0x100000001b3ULL;
	even();
	even();
}

static unsigned int times_of(const struct run *r)
{
	const struct fleet *f = r->fleet;

	if (r->told)
		return 1;
	return f->says_every_s + f->command_mean_s == 5 ? TRUTH_TIMES_BUSY : TRUTH_TIMES;
}

static void run(struct run *r)
{
	const struct fleet *f = r->fleet;
	unsigned int networks = f->networks ? f->networks : 8, i, hour;
	unsigned int devices = (f->devices ? f->devices : 200) * times_of(r);
	double (*outages)[48] = calloc(networks, sizeof(*outages));

	if (!outages)
		abort();
	for (i = 0; i < networks; i++)
		for (hour = 0; hour < 48; hour++)
			outages[i][hour] = even() < f->outages_a_day / 24 ? (hour + even()) * HOUR : NEVER;
	for (i = 0; i < devices; i++) {
		struct device d = { .fleet = f, .number = i, .outages = outages[i % networks] };

		d.scale = f->varies ? pow(f->varies, 2 * (i + 0.5) / devices - 1) : 1;
		live_all(r, &d);
	}
	free(outages);
}

static int show(const char *option, const char *name)
{
	size_t i;

	if (!strcmp(option, "--other")) {
		const struct fleet *f = fleet_of(name);

		printf("%.0f/%.0f/%u\n", f->other.idle_s, f->other.interval_s, f->other.probes);
		return 0;
	}
	for (i = 0; i < sizeof(fleets) / sizeof(*fleets); i++)
		puts(fleets[i].name);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "truth", no_argument, NULL, 't' }, { "setting", required_argument, NULL, 's' },
		{ "from", required_argument, NULL, 'f' }, { "hours", required_argument, NULL, 'h' },
		{ "list", no_argument, NULL, 'l' }, { "other", required_argument, NULL, 'o' }, { 0 } };
	struct run r = { .told = true };
	struct setting set = { 0 };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'l' || option == 'o')
			return show(argv[1], optarg);
		if (option == 't')
			r.told = false;
		else if (option == 'f')
			r.from_s = atof(optarg) * HOUR;
		else if (option == 'h')
			r.end_s = atof(optarg) * HOUR;
		else if (option != 's' || sscanf(optarg, "%lf/%lf/%u", &set.idle_s, &set.interval_s,
						 &set.probes) != 3)
			optind = argc;
	}
	if (argc - optind != 2) {
		fprintf(stderr, "usage: forecasts [--truth] [--setting I/I/N] [--from HOUR] "
			"[--hours N] CASE SEED | --other CASE | --list\n");
		return 2;
	}
	r.fleet = fleet_of(argv[optind]);
	r.setting = r.fleet->now;
	if (set.probes) {
		set.user_timeout_s = r.setting.user_timeout_s;
		r.setting = set;
	}
	r.end_s = r.end_s ? r.end_s : (r.fleet->hours ? r.fleet->hours : 24) * HOUR;
	begin(r.fleet->name, argv[optind + 1], r.told);
	if (r.told)
		print_meta(&r);
	run(&r);
	if (!r.told)
		print_truth(&r, times_of(&r));
	free(r.truth.detections);
	return 0;
}
