// SPDX-License-Identifier: GPL-2.0
/* A connection's state as the values that are told: units, wall-clock times, names, what is left out. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "core/timeline_of.h"
#include "tcp/tcp_states.h"
#include "unit.h"

#define HZ 250
/* The wall clock is so far ahead. */
#define AHEAD (1000 * (int64_t)S)

static const struct wallclock clock_ahead = { .steps = { { 0, AHEAD } }, .count = 1 };
static struct privacy shown;
static char *reasons[RESET_REASONS_MAX];
static const struct value_rules rules = { .hz = HZ, .clock = &clock_ahead, .privacy = &shown,
					  .reset_reasons = reasons };
static struct connection c;
static struct incidents i;
static struct timeline_arrays arrays;
static struct timeline t;

static int begin(void **state)
{
	(void)state;
	shown = (struct privacy){ .kind = PRIVACY_NONE };
	memset(reasons, 0, sizeof(reasons));
	i = (struct incidents){ .ended_ns = 0 };
	c = (struct connection){
		.cookie = 9, .first_seen_ns = 1 * S, .last_heard_ns = 2 * S, .incidents = &i,
		.identified = true, .srtt_us = 40000, .mdev_us = 10000,
		.keepalive = { .enabled = true, .idle_jiffies = 2600, .interval_jiffies = 375,
			       .probes = 3, .user_timeout_ms = 0, .interval_from_socket = true },
	};
	return 0;
}

static void tell(enum outcome outcome)
{
	t = (struct timeline){ .final = false };
	timeline_of__connection(&rules, &c, outcome, 77 * S, &arrays, &t);
}

static int64_t at(uint64_t s)
{
	return AHEAD + (int64_t)(s * S);
}

/* ---- ends ---- */

static struct timeline_socket ends(bool is_ipv6, const uint8_t peer[16])
{
	struct timeline_socket s = { .cookie = 5 };

	c.is_ipv6 = is_ipv6;
	c.local = (struct endpoint){ { 192, 0, 2, 1 }, 1883 };
	memcpy(c.peer.address, peer, 16);
	c.peer.port = 40000;
	timeline_of__ends(&rules, &c, &s);
	assert_int_equal(s.cookie, 5);
	assert_int_equal(s.local.port, 1883);
	assert_int_equal(s.peer.port, 40000);
	return s;
}

static void test_ends(void **state)
{
	static const uint8_t ipv4[16] = { 198, 51, 100, 7 };
	static const uint8_t mapped[16] = { [10] = 0xff, 0xff, 198, 51, 100, 7 };
	static const uint8_t link[16] = { 0xfe, 0x80, [15] = 7 };
	struct timeline_socket s = ends(false, ipv4);

	(void)state;
	assert_false(s.is_ipv6);
	assert_string_equal(s.local.address, "192.0.2.1");
	assert_string_equal(s.peer.address, "198.51.100.7");
	s = ends(true, mapped);
	assert_false(s.is_ipv6);	/* the traffic, whatever the socket is */
	assert_string_equal(s.peer.address, "198.51.100.7");
	i.bound_if = 3;
	s = ends(true, link);
	assert_true(s.is_ipv6);
	assert_string_equal(s.peer.address, "fe80::7%3");
	shown.kind = PRIVACY_PREFIX;
	s = ends(false, ipv4);
	assert_string_equal(s.peer.address, "198.51.100.0/24");
	assert_string_equal(s.local.address, "192.0.2.1");
}

/* ---- events ---- */

static void test_particulars_of_events(void **state)
{
	struct entry e = { .kind = EVENT_ANSWERED_RUN, .at_ns = 3 * S, .last_ns = 4 * S, .n = 2,
			   .rtt = { .sum_us = 50, .count = 2, .min_us = 10, .max_us = 40 } };
	struct event v = timeline_of__entry(&rules, &e);

	(void)state;
	assert_int_equal(v.kind, EVENT_ANSWERED_RUN);
	assert_int_equal(v.at, 0);
	assert_int_equal(v.mono_ns, 0);
	assert_int_equal(v.first_at, at(3));
	assert_int_equal(v.last_at, at(4));
	assert_int_equal(v.n, 2);
	assert_int_equal(v.rtt.count, 2);
	assert_int_equal(v.rtt.min_us, 10);
	assert_int_equal(v.rtt.avg_us, 25);
	assert_int_equal(v.rtt.max_us, 40);
	e = (struct entry){ .kind = EVENT_PROBE_FAILED, .at_ns = 5 * S, .n = HO_FAILED_DROPPED };
	v = timeline_of__entry(&rules, &e);
	assert_int_equal(v.at, at(5));
	assert_int_equal(v.mono_ns, 5 * S);
	assert_int_equal(v.why, FAILURE_DROPPED);
	assert_int_equal(v.rtt.avg_us, 0);
	e.n = HO_FAILED_CONGESTION;
	e.kind = EVENT_SEND_FAILED;
	assert_int_equal(timeline_of__entry(&rules, &e).why, FAILURE_LOCAL_CONGESTION);
	e = (struct entry){ .kind = EVENT_HEARTBEAT, .at_ns = 65500 * MS, .last_ns = 5 * S, .n = 2 };
	v = timeline_of__entry(&rules, &e);
	assert_true(v.gap_s == 60.5);
	assert_int_equal(v.n, 2);
	e = (struct entry){ .kind = EVENT_SUPERSEDED, .at_ns = S, .by_cookie = 44, .n = 625 };
	v = timeline_of__entry(&rules, &e);
	assert_int_equal(v.by_cookie, 44);
	assert_true(v.confidence == 0.625);
	e = (struct entry){ .kind = EVENT_ERROR, .at_ns = S, .n = EHOSTUNREACH };
	assert_int_equal(timeline_of__entry(&rules, &e).error, EHOSTUNREACH);
	e = (struct entry){ .kind = EVENT_STATE, .at_ns = S, .from = TCP_ESTABLISHED,
			    .to = TCP_CLOSE_WAIT };
	v = timeline_of__entry(&rules, &e);
	assert_int_equal(v.from, TCP_ESTABLISHED);
	assert_int_equal(v.to, TCP_CLOSE_WAIT);
	assert_string_equal(v.reason, "");
	assert_int_equal(v.error, 0);
}

static void test_reasons_of_resets(void **state)
{
	struct entry e = { .kind = EVENT_RESET_SENT, .at_ns = S, .n = RESET_REASONS_MAX - 1 };

	(void)state;
	assert_string_equal(timeline_of__entry(&rules, &e).reason, "");
	reasons[RESET_REASONS_MAX - 1] = "the last";
	assert_string_equal(timeline_of__entry(&rules, &e).reason, "the last");
	e.n = RESET_REASONS_MAX;	/* a newer kernel's */
	assert_string_equal(timeline_of__entry(&rules, &e).reason, "");
}

static void test_events_are_listed_in_their_order(void **state)
{
	struct entry entries[] = { { .kind = EVENT_SEEN, .at_ns = S },
				   { .kind = EVENT_PROBE_SENT, .at_ns = 2 * S, .n = 1 } };

	(void)state;
	i.journal = (struct journal){ .entries = entries, .used = 2, .size = 2, .omitted = 5 };
	tell(OUTCOME_OPEN);
	assert_int_equal(t.event_count, 2);
	assert_int_equal(t.events_omitted, 5);
	assert_int_equal(t.events[0].kind, EVENT_SEEN);
	assert_int_equal(t.events[1].mono_ns, 2 * S);
}

/* ---- what is measured ---- */

static void test_options(void **state)
{
	(void)state;
	i.rto_max_jiffies = 5000;
	tell(OUTCOME_OPEN);
	assert_true(t.keepalive.known && t.keepalive.enabled);
	assert_true(t.keepalive.idle_s == 10.4 && t.keepalive.interval_s == 1.5);
	assert_int_equal(t.keepalive.probes, 3);
	assert_true(t.keepalive.user_timeout_ms == 0 && t.keepalive.rto_max_ms == 20000);
	assert_int_equal(t.keepalive.idle_from, OPTION_FROM_SYSCTL);
	assert_int_equal(t.keepalive.interval_from, OPTION_FROM_SOCKET);
	assert_int_equal(t.keepalive.probes_from, OPTION_FROM_SYSCTL);
	assert_true(t.keepalive.detects_within_s == 14.9);
	/* late by 64 jiffies of 2,600, and by 8 of 375, thrice; one more each */
	assert_true(t.keepalive.detects_within_max_s >= 14.9 + (64 + 3 * 8) / 250.);
	assert_true(t.keepalive.detects_within_max_s < 14.9 * 1.127 + 4. / 250);
	c.keepalive.enabled = false;
	c.keepalive.user_timeout_ms = 900;
	tell(OUTCOME_OPEN);
	assert_true(isinf(t.keepalive.detects_within_s) && isinf(t.keepalive.detects_within_max_s));
	assert_true(t.keepalive.user_timeout_ms == 900);
	c.identified = false;
	tell(OUTCOME_OPEN);
	assert_false(t.keepalive.known);
}

static void test_counts(void **state)
{
	(void)state;
	c.probes_sent = 1;
	c.probes_answered = 2;
	c.retransmits_total = 10;
	i.retransmits_before = 7;
	i.probes_failed = 4;
	i.sends_failed = 5;
	i.answers_dropped = 6;
	i.peer_probes = 7;
	i.zero_window_probes = 8;
	i.heartbeats = 9;
	i.events_lost = 11;
	i.other = (struct other_sender){ .answers = 12, .ttl = 64, .timestamps = true };
	c.data_ttl = 63;
	i.rtt = (struct rtt){ .sum_us = 300, .count = 2, .min_us = 100, .max_us = 200 };
	tell(OUTCOME_OPEN);
	assert_int_equal(t.counts.probes_sent, 1);
	assert_int_equal(t.counts.probes_answered, 2);
	assert_int_equal(t.counts.retransmits, 3);
	assert_int_equal(t.counts.probes_failed, 4);
	assert_int_equal(t.counts.sends_failed, 5);
	assert_int_equal(t.counts.answers_dropped, 6);
	assert_int_equal(t.counts.peer_probes, 7);
	assert_int_equal(t.counts.zero_window_probes, 8);
	assert_int_equal(t.counts.heartbeats, 9);
	assert_int_equal(t.counts.events_lost, 11);
	assert_int_equal(t.other_sender.answers, 12);
	assert_int_equal(t.other_sender.ttl, 64);
	assert_int_equal(t.other_sender.data_ttl, 63);
	assert_true(t.other_sender.timestamps && !t.other_sender.data_timestamps);
	assert_int_equal(t.rtt.count, 2);
	assert_int_equal(t.rtt.avg_us, 150);
}

static void test_heartbeat_and_traffic(void **state)
{
	(void)state;
	tell(OUTCOME_OPEN);
	assert_int_equal(t.heartbeat.bytes, 0);
	assert_false(t.traffic.known);
	i.heartbeat = (struct heartbeat){ .bytes = 2, .run = 2, .least_ms = 60000, .most_ms = 61000,
					  .sum_ms = 121000, .reply = REPLY_NONE };
	i.traffic.first = (struct traffic_counts){ S, 10, 20, 1, 2 };
	i.traffic.last = (struct traffic_counts){ 3500 * MS, 110, 220, 4, 6 };
	tell(OUTCOME_OPEN);
	assert_int_equal(t.heartbeat.bytes, 2);
	assert_true(t.heartbeat.period_s == 60.5);
	assert_int_equal(t.heartbeat.replied, REPLY_NONE);
	assert_true(t.traffic.known && t.traffic.over_s == 2.5);
	assert_int_equal(t.traffic.received_bytes, 100);
	assert_int_equal(t.traffic.acked_bytes, 200);
	assert_int_equal(t.traffic.received_segments, 3);
	assert_int_equal(t.traffic.sent_segments, 4);
}

static void test_gaps(void **state)
{
	(void)state;
	gaps__add(&c.gaps, 50 * S, 50500 * MS, false);
	gaps__add(&c.gaps, 7 * S, 7 * S, true);
	tell(OUTCOME_OPEN);
	gaps__free(&c.gaps);
	assert_int_equal(t.gap_count, 2);
	assert_true(t.gaps_survived[0].from_s == 50 && t.gaps_survived[0].to_s == 50.5);
	assert_int_equal(t.gaps_survived[0].count, 1);
	assert_false(t.gaps_survived[0].ended_by_us);
	assert_true(t.gaps_survived[1].ended_by_us);
}

/* ---- episodes ---- */

static void test_episodes(void **state)
{
	static const struct {
		uint8_t kinds;
		enum episode_kind kind;
	} kinds[] = {
		{ ASK_PROBE, EPISODE_OF_KEEPALIVE }, { ASK_DATA, EPISODE_OF_RETRANSMIT },
		{ ASK_ZERO_WINDOW, EPISODE_OF_ZERO_WINDOW }, { ASK_FIN, EPISODE_OF_FIN },
		{ ASK_DATA | ASK_FIN, EPISODE_OF_SEVERAL },
	};
	struct episode one = { .first_unanswered_ns = 3 * S, .ended_ns = 4 * S, .asks = 5,
			       .end = EPISODE_DIED };
	unsigned int k;

	(void)state;
	i.episodes = &one;
	i.episodes_used = 1;
	i.episodes_omitted = 6;
	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		one.kinds = kinds[k].kinds;
		tell(OUTCOME_OPEN);
		assert_int_equal(t.episode_count, 1);
		assert_int_equal(t.episodes[0].kind, kinds[k].kind);
	}
	assert_int_equal(t.episodes_omitted, 6);
	assert_int_equal(t.episodes[0].first_unanswered_at, at(3));
	assert_int_equal(t.episodes[0].ended_at, at(4));
	assert_int_equal(t.episodes[0].asks, 5);
	assert_int_equal(t.episodes[0].end, EPISODE_DIED);
	/* the present one is open, if it is one: from the second ask on */
	c.silence = (struct silence){ .first_ask_ns = 5 * S, .last_ask_ns = 6 * S, .asks = 1,
				      .kinds = ASK_PROBE };
	tell(OUTCOME_OPEN);
	assert_int_equal(t.episode_count, 1);
	c.silence.asks = 2;
	tell(OUTCOME_OPEN);
	assert_int_equal(t.episode_count, 2);
	assert_int_equal(t.episodes[1].kind, EPISODE_OF_KEEPALIVE);
	assert_int_equal(t.episodes[1].first_unanswered_at, at(5));
	assert_int_equal(t.episodes[1].asks, 2);
	assert_int_equal(t.episodes[1].end, EPISODE_OPEN);
	assert_int_equal(t.episodes[1].ended_at, 0);
	i.ended_ns = 9 * S;	/* its last one is among those that are over */
	tell(OUTCOME_UNKNOWN);
	assert_int_equal(t.episode_count, 1);
}

/* ---- times ---- */

static void test_times_of_an_open_one(void **state)
{
	(void)state;
	i.acknowledged_ns = 3 * S;
	tell(OUTCOME_SUSPECT);
	assert_false(t.final || t.partial || t.half_closed || t.last_heard_is_lower_bound);
	assert_int_equal(t.outcome, OUTCOME_SUSPECT);
	assert_string_equal(t.outcome_detail, "");
	assert_int_equal(t.first_seen_at, at(1));
	assert_int_equal(t.last_heard_at, at(2));
	assert_int_equal(t.last_acknowledged_at, at(3));
	assert_int_equal(t.verified_at, at(77));
	assert_int_equal(t.ended_at, 0);
	assert_false(t.half_open.is || t.in_close_wait);
	c.last_heard_ns = i.acknowledged_ns = 0;
	c.partial = c.heard_is_lower_bound = true;
	i.half_closed_ns = HALF_CLOSED_BEFORE;
	i.error = ETIMEDOUT;	/* of an open one it is no outcome */
	i.ended_from = TCP_CLOSE_WAIT;
	tell(OUTCOME_OPEN);
	assert_true(t.partial && t.half_closed && t.last_heard_is_lower_bound);
	assert_int_equal(t.last_heard_at, 0);
	assert_int_equal(t.last_acknowledged_at, 0);
	assert_int_equal(t.half_closed_at, 0);
	assert_string_equal(t.outcome_detail, "");
	assert_false(t.in_close_wait);
}

static void test_times_of_an_ended_one(void **state)
{
	(void)state;
	i.ended_ns = 9 * S;
	i.half_closed_ns = 8 * S;
	i.ended_from = TCP_CLOSE_WAIT;
	tell(OUTCOME_RESET_BY_PEER);
	assert_true(t.final && t.half_closed && t.in_close_wait);
	assert_int_equal(t.half_closed_at, at(8));
	assert_int_equal(t.ended_at, at(9));
	assert_int_equal(t.ended_ns, 9 * S);
	assert_int_equal(t.verified_at, 0);
	i.ended_from = TCP_LAST_ACK;
	tell(OUTCOME_CLOSED_BY_PEER);
	assert_false(t.in_close_wait);
}

/* ---- how it ended ---- */

static const char *detail(void)
{
	tell(OUTCOME_UNKNOWN);
	return t.outcome_detail;
}

static void test_details(void **state)
{
	(void)state;
	i.ended_ns = 9 * S;
	assert_string_equal(detail(), "");
	i.reset_reason = 5;
	reasons[5] = "TCP_ABORT_ON_CLOSE";
	assert_string_equal(detail(), "");	/* we sent none */
	i.reset_sent = true;
	assert_string_equal(detail(), "TCP_ABORT_ON_CLOSE");
	i.error = ECONNABORTED;
	assert_string_equal(detail(), "ECONNABORTED");
	i.error = 4000;
	assert_string_equal(detail(), "4000");
	i.detail = DETAIL_LINGER_0;	/* unread data had reset it before */
	assert_string_equal(detail(), "TCP_ABORT_ON_CLOSE");
	reasons[5] = "TCP_STATE";
	assert_string_equal(detail(), "linger_0");
	i.detail = DETAIL_UNASKED;
	assert_string_equal(detail(), "unasked");
	assert_int_equal(t.detail, DETAIL_UNASKED);
	reasons[5] = "TCP_ABORT_ON_CLOSE";
	assert_string_equal(detail(), "unasked");
	i.ending_lost = true;
	assert_string_equal(detail(), "the event that told its ending was lost");
}

/* Heard at 2 s, asked at 10, 11 and 12 s, given up at 13 s. */
static void die(enum found_by found_by)
{
	i.ended_ns = 13 * S;
	i.found_by = found_by;
	c.silence = (struct silence){ .first_ask_ns = 10 * S, .last_ask_ns = 12 * S, .asks = 3,
				      .kinds = ASK_PROBE };
}

static void test_half_open(void **state)
{
	const struct timeline_half_open *h = &t.half_open;

	(void)state;
	die(FOUND_BY_KEEPALIVE);
	tell(OUTCOME_KEEPALIVE_TIMEOUT);
	assert_true(h->is);
	assert_int_equal(h->found_by, FOUND_BY_KEEPALIVE);
	assert_int_equal(h->last_heard_at, at(2));
	assert_int_equal(h->first_unanswered_at, at(10));
	assert_int_equal(h->last_unanswered_at, at(12));
	assert_int_equal(h->declared_at, at(13));
	assert_true(h->latency_ms.lower_bounds_known);
	/* less srtt + 4 rttvar = 50 ms */
	assert_true(h->latency_ms.min == 950 && h->latency_ms.likely_min == 2950);
	assert_true(h->latency_ms.max == 11000);
	assert_int_equal(h->superseded_by.cookie, 0);
	assert_true(t.deaf_s == 0);
	/* bounds are told no finer than microseconds, and no narrower than they are */
	i.ended_ns = 13 * S + 1;
	tell(OUTCOME_KEEPALIVE_TIMEOUT);
	assert_true(h->latency_ms.max == 11000.001 && h->latency_ms.min == 950);
	c.srtt_us = 0;
	c.silence = (struct silence){ .asks = 0 };
	tell(OUTCOME_KEEPALIVE_TIMEOUT);
	assert_false(h->latency_ms.lower_bounds_known);
	assert_int_equal(h->first_unanswered_at, 0);
	assert_int_equal(h->last_unanswered_at, 0);
}

static void test_the_gap_in_which_it_was_lost(void **state)
{
	(void)state;
	die(FOUND_BY_KEEPALIVE);
	gaps__add(&c.gaps, 50 * S, 51 * S, false);
	c.last_heard_ns = 2 * S - 1;
	tell(OUTCOME_KEEPALIVE_TIMEOUT);
	assert_true(t.gap_lost && t.gap_lost_after_s == 50);
	assert_true(t.gap_lost_within_s == 8.001);	/* no shorter than it was */
	c.last_heard_ns = 10 * S;	/* at once */
	tell(OUTCOME_KEEPALIVE_TIMEOUT);
	assert_true(t.gap_lost && t.gap_lost_within_s == 0);
	c.last_heard_ns = 0;		/* it is not known when it began */
	tell(OUTCOME_KEEPALIVE_TIMEOUT);
	assert_false(t.gap_lost);
	c.last_heard_ns = 2 * S;
	i.half_closed_ns = 1 * S;	/* after a goodbye silence says nothing */
	tell(OUTCOME_KEEPALIVE_TIMEOUT);
	assert_false(t.gap_lost);
	i.half_closed_ns = 0;
	i.deafness.asks = 1;		/* our own direction is dead */
	tell(OUTCOME_KEEPALIVE_TIMEOUT);
	assert_false(t.gap_lost);
	i.deafness.asks = 0;
	c.silence.asks = 0;		/* nobody asked */
	tell(OUTCOME_KEEPALIVE_TIMEOUT);
	assert_false(t.gap_lost);
	c.silence.asks = 3;
	i.found_by = FOUND_BY_NOTHING;
	tell(OUTCOME_CLOSED_LOCALLY);
	assert_false(t.gap_lost || t.half_open.is);
	gaps__free(&c.gaps);
}

/* Asks unanswered though the peer was heard after them: what we send does not arrive. */
static void test_a_direction_that_is_dead(void **state)
{
	(void)state;
	die(FOUND_BY_KEEPALIVE);
	c.last_heard_ns = 12500 * MS;
	i.acknowledged_ns = 5 * S;
	i.deafness.asks = 2;
	tell(OUTCOME_KEEPALIVE_TIMEOUT);
	assert_true(t.deaf_s == 7.5);
	i.deafness.asks = 1;		/* that may have been lost singly */
	tell(OUTCOME_KEEPALIVE_TIMEOUT);
	assert_true(t.deaf_s == 0);
	i.deafness.asks = 2;
	i.acknowledged_ns = 12500 * MS;
	tell(OUTCOME_KEEPALIVE_TIMEOUT);
	assert_true(t.deaf_s == 0);
	i.acknowledged_ns = 0;		/* not known */
	tell(OUTCOME_KEEPALIVE_TIMEOUT);
	assert_true(t.deaf_s == 0);
}

static void test_successors(void **state)
{
	struct successor by = { .cookie = 44, .at_ns = 12 * S, .family = AF_INET, .confidence = 0.7259,
				.peer = { { 198, 51, 100, 8 }, 50000 } };
	const struct timeline_successor *s = &t.half_open.superseded_by;

	(void)state;
	die(FOUND_BY_SUPERSEDED);
	c.srtt_us = 0;
	c.silence.asks = 0;
	i.successor = &by;
	tell(OUTCOME_KEEPALIVE_TIMEOUT);
	assert_int_equal(s->cookie, 44);
	assert_int_equal(s->at, at(12));
	assert_int_equal(s->peer.port, 50000);
	assert_string_equal(s->peer.address, "198.51.100.8");
	assert_true(s->confidence == 0.725);	/* in thousandths, as the event has it */
	assert_int_equal(t.half_open.declared_at, at(12));
	/* it was gone when it came again, whether an RTT is known or not */
	assert_true(t.half_open.latency_ms.lower_bounds_known);
	die(FOUND_BY_RESET);
	tell(OUTCOME_RESET_BY_PEER);
	assert_int_equal(s->cookie, 0);		/* a suspicion is no successor */
	by.confidence = 1;
	tell(OUTCOME_RESET_BY_PEER);
	assert_int_equal(s->cookie, 44);
	assert_true(s->confidence == 1);
	i.found_by = FOUND_BY_KEEPALIVE;
	tell(OUTCOME_KEEPALIVE_TIMEOUT);
	assert_int_equal(s->cookie, 0);
}

static void test_of_one_without_incidents(void **state)
{
	(void)state;
	c.incidents = NULL;
	tell(OUTCOME_OPEN);
	assert_false(t.final || t.half_open.is || t.half_closed || t.traffic.known);
	assert_int_equal(t.event_count + t.episode_count + t.gap_count, 0);
	assert_int_equal(t.rtt.count, 0);
	assert_int_equal(t.verified_at, at(77));
}

#define TEST(f) cmocka_unit_test_setup(f, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ends),
		TEST(test_particulars_of_events),
		TEST(test_reasons_of_resets),
		TEST(test_events_are_listed_in_their_order),
		TEST(test_options),
		TEST(test_counts),
		TEST(test_heartbeat_and_traffic),
		TEST(test_gaps),
		TEST(test_episodes),
		TEST(test_times_of_an_open_one),
		TEST(test_times_of_an_ended_one),
		TEST(test_details),
		TEST(test_half_open),
		TEST(test_the_gap_in_which_it_was_lost),
		TEST(test_a_direction_that_is_dead),
		TEST(test_successors),
		TEST(test_of_one_without_incidents),
	};

	return cmocka_run_group_tests_name("timeline_of", tests, NULL, NULL);
}
