// SPDX-License-Identifier: GPL-2.0
/* What advice keeps of a timeline: each of its facts, as the contract names them. */
#include <stdio.h>

#include "made_up.h"
#include "tuning/life_of.h"

/* A time of the day on which all this was. */
#define AT(s) (1790000000000000000LL + (int64_t)((s)*1e9))
#define SECONDS(s) (1790000000 + (s))

static struct lives lives;
static struct timeline timeline;
static struct event events[16];
static struct timeline_episode episodes[16];
static struct timeline_gap gaps[16];

static int begin(void **state)
{
	(void)state;
	lives = (struct lives){ 0 };
	timeline = (struct timeline){ .origin = { "gw", "boot", "run" },
				      .revision = 3,
				      .socket = { .cookie = 4213,
						  .connection = 1,
						  .netns = { .inode = 77,
							     .cookie = 7,
							     .name = "pod-7",
							     .host_name = "web" },
						  .local = { "198.51.100.1", 1883 },
						  .peer = { "203.0.113.7", 46786 },
						  .owner = { true, 812, "mosquitto",
							     "/system.slice/x", "" },
						  .device = "scooter-17" },
				      .keepalive = { .known = true,
						     .enabled = true,
						     .idle_s = 60,
						     .interval_s = 10,
						     .probes = 3,
						     .user_timeout_ms = 45000,
						     .rto_max_ms = 30000,
						     .interval_from = OPTION_FROM_SOCKET,
						     .probes_from = OPTION_FROM_POLICY },
				      .first_seen_at = AT(0.25),
				      .last_heard_at = AT(100.5),
				      .outcome = OUTCOME_OPEN,
				      .outcome_detail = "",
				      .events = events,
				      .episodes = episodes,
				      .gaps_survived = gaps };
	memset(events, 0, sizeof(events));
	memset(episodes, 0, sizeof(episodes));
	memset(gaps, 0, sizeof(gaps));
	return 0;
}

static int end(void **state)
{
	(void)state;
	lives__free(&lives);
	return 0;
}

/* The life that this timeline becomes, and none other. */
static const struct life *life(void)
{
	struct sink sink = lives__sink(&lives);

	lives__free(&lives);
	assert_int_equal(sink.timeline(sink.context, &timeline), 0);
	assert_int_equal(lives.count, 1);
	return lives.all[0];
}

static const char *text(uint32_t number)
{
	return texts__at(&lives.texts, number);
}

/* ---- who it is ---- */

static void test_whose_connection_it_is(void **state)
{
	const struct life *l = life();
	uint8_t peer[16] = { 203, 0, 113, 7 };

	(void)state;
	assert_string_equal(text(l->boot), "boot");
	assert_string_equal(text(l->run), "run");
	assert_int_equal(l->cookie, 4213);
	assert_int_equal(l->connection, 0);
	assert_int_equal(l->revision, 3);
	assert_string_equal(text(l->place.gateway), "gw");
	assert_string_equal(text(l->place.boot), "boot");
	assert_int_equal(l->place.inode, 77);
	assert_int_equal(l->place.cookie, 7);
	assert_int_equal(l->place.run, 0);
	assert_string_equal(text(l->netns_name), "pod-7");
	assert_string_equal(text(l->host_name), "web");
	assert_string_equal(text(l->program), "mosquitto");
	assert_string_equal(text(l->device), "scooter-17");
	assert_int_equal(l->family, AF_INET);
	assert_true(l->has_peer && !l->disguised_peer);
	assert_memory_equal(l->peer.address, peer, 16);
	assert_int_equal(l->peer.port, 46786);
	assert_int_equal(l->local.port, 1883);
	assert_int_equal(l->local.address[3], 1);
	assert_false(l->in_container || l->in_pod || l->final);
}

static void test_other_kinds_of_sockets(void **state)
{
	const struct life *l;

	(void)state;
	timeline.socket.connection = 2;
	timeline.socket.netns.cookie = 0;
	timeline.socket.owner.container_id = "0123456789ab";
	timeline.socket.owner.cgroup = "/kubepods.slice/pod1";
	snprintf(timeline.socket.peer.address, sizeof(timeline.socket.peer.address), "2001:db8::9");
	l = life();
	assert_int_equal(l->connection, 2);
	assert_string_equal(text(l->place.run), "run"); /* an inode alone tells nothing beyond it */
	assert_true(l->in_container && l->in_pod && l->has_peer);
	assert_int_equal(l->family, AF_INET6);
	assert_int_equal(l->peer.address[15], 9);
	snprintf(timeline.socket.peer.address, sizeof(timeline.socket.peer.address),
		 "203.0.113.0/24");
	l = life();
	assert_false(l->has_peer);
	assert_string_equal(text(l->disguised_peer), "203.0.113.0/24");
}

static void test_options_and_who_set_them(void **state)
{
	const struct life *l = life();

	(void)state;
	assert_true(l->options_known && l->keepalive);
	assert_true(l->idle_s == 60 && l->interval_s == 10 && l->probes == 3);
	assert_true(l->user_timeout_s == 45 && l->rto_max_s == 30);
	assert_true(!l->idle_from_socket && l->interval_from_socket && l->probes_from_socket);
	timeline.keepalive = (struct timeline_keepalive){ .idle_from = OPTION_FROM_SOCKET };
	l = life();
	assert_true(!l->options_known && !l->keepalive && l->idle_from_socket);
	assert_true(!l->interval_from_socket && !l->probes_from_socket);
}

static void test_counts(void **state)
{
	const struct life *l;

	(void)state;
	timeline.counts =
		(struct timeline_counts){ .probes_sent = 11, .peer_probes = 12, .heartbeats = 13 };
	timeline.heartbeat = (struct timeline_heartbeat){ .bytes = 2, .period_s = 60.5 };
	timeline.rtt =
		(struct timeline_rtt){ .count = 5, .min_us = 1, .avg_us = 2, .max_us = 2500000 };
	timeline.traffic = (struct timeline_traffic){ .known = true,
						      .over_s = 3600,
						      .received_bytes = 1000,
						      .received_segments = 40,
						      .sent_segments = 17 };
	l = life();
	assert_int_equal(l->probes_sent, 11);
	assert_int_equal(l->peer_probes, 12);
	assert_int_equal(l->heartbeats, 13);
	assert_same(l->heartbeat_s, 60.5);
	assert_same(l->slowest_answer_s, 2.5);
	/* reports: without 13 heartbeats of two bytes */
	assert_same(l->reports.over_s, 3600);
	assert_same(l->reports.bytes, 974);
	assert_same(l->reports.segments, 27);
	assert_same(l->reports.asks, 17);
	timeline.traffic.received_bytes = timeline.traffic.received_segments = 5;
	l = life();
	assert_true(l->reports.bytes == 0 && l->reports.segments == 0);
}

/* ---- when, and how it ended ---- */

static void test_until_when_it_was_open(void **state)
{
	const struct life *l = life();

	(void)state;
	assert_near(l->seen_s, SECONDS(0.25), 1e-6);
	assert_near(l->heard_s, SECONDS(100.5), 1e-6);
	assert_near(l->ended_s, SECONDS(100.5), 1e-6);
	assert_int_equal(lives.run_count, 1);
	assert_near(lives.runs[0].ended_s, SECONDS(100.5), 1e-6);
	timeline.last_heard_at = 0; /* was not heard at all */
	l = life();
	assert_near(l->ended_s, SECONDS(0.25), 1e-6);
	timeline.final = true;
	timeline.ended_at = AT(200);
	timeline.outcome = OUTCOME_CLOSED_BY_PEER;
	l = life();
	assert_true(l->final);
	assert_near(l->ended_s, SECONDS(200), 1e-6);
	assert_int_equal(l->outcome, OUTCOME_CLOSED_BY_PEER);
	assert_int_equal(l->found_by, FOUND_BY_NOTHING);
	timeline.outcome = OUTCOME_KILLED; /* by our own hand */
	assert_int_equal(life()->outcome, OUTCOME_ABORTED_LOCALLY);
}

/* The run goes on until the last thing that it told. */
static void test_a_run_ends_with_its_last_word(void **state)
{
	struct sink sink = lives__sink(&lives);

	(void)state;
	assert_int_equal(sink.timeline(sink.context, &timeline), 0);
	timeline.socket.cookie++;
	timeline.last_heard_at = AT(50);
	assert_int_equal(sink.timeline(sink.context, &timeline), 0);
	assert_int_equal(lives.run_count, 1);
	assert_near(lives.runs[0].ended_s, SECONDS(100.5), 1e-6);
}

static void end_by(enum outcome outcome, enum found_by found_by)
{
	timeline.final = true;
	timeline.outcome = outcome;
	timeline.ended_at = AT(300);
	timeline.half_open = (struct timeline_half_open){ .is = found_by,
							  .found_by = found_by,
							  .last_heard_at = AT(100.5),
							  .first_unanswered_at = AT(160.5),
							  .last_unanswered_at = AT(180.5),
							  .declared_at = AT(300),
							  .latency_ms = { .max = 199500 } };
}

static void test_who_found_it_dead(void **state)
{
	const struct life *l;

	(void)state;
	end_by(OUTCOME_KEEPALIVE_TIMEOUT, FOUND_BY_KEEPALIVE);
	timeline.gap_lost = true;
	timeline.gap_lost_after_s = 50;
	timeline.gap_lost_within_s = 60;
	l = life();
	assert_int_equal(l->found_by, FOUND_BY_KEEPALIVE);
	assert_same(l->latency_max_s, 199.5);
	assert_true(l->lost && l->lost_after_s == 50 && l->lost_within_s == 60);
	assert_false(l->begun_unseen);
	assert_near(l->unacknowledged.before_s, 60, 1e-6);
}

static void test_a_silence_that_began_before_the_watch(void **state)
{
	const struct life *l;

	(void)state;
	end_by(OUTCOME_KEEPALIVE_TIMEOUT, FOUND_BY_KEEPALIVE);
	timeline.gap_lost = true;
	timeline.first_seen_at = AT(170);
	assert_false(life()->begun_unseen); /* a clock's error: it was seen from its opening on */
	timeline.partial = true;
	l = life();
	assert_true(l->begun_unseen && !l->lost);
	timeline.first_seen_at = AT(160.5);
	l = life();
	assert_true(!l->begun_unseen && l->lost);
	timeline.half_open.first_unanswered_at = 0;
	assert_false(life()->begun_unseen);
}

static void retransmit(unsigned int i, uint32_t n, double at_s)
{
	events[i] = (struct event){ .kind = EVENT_RETRANSMIT, .n = n, .at = AT(at_s) };
	if (timeline.event_count <= i)
		timeline.event_count = i + 1;
}

static void assert_unacknowledged(double before_s, double first_s, double rto_s)
{
	const struct life *l = life();

	assert_near(l->unacknowledged.before_s, before_s, 1e-6);
	assert_near(l->unacknowledged.first_s, first_s, 1e-6);
	assert_near(l->unacknowledged.rto_s, rto_s, 1e-6);
	assert_same(l->unacknowledged.rto_max_s, 30);
}

/* First sent a minute after the peer was heard; the timer's first is the later of two with its
 * number, as a loss probe has it, too; the next comes after twice the RTO. */
static void test_data_that_nobody_acknowledged(void **state)
{
	(void)state;
	end_by(OUTCOME_RETRANSMIT_TIMEOUT, FOUND_BY_RETRANSMIT);
	assert_unacknowledged(60, 1, 1); /* RFC 6298: nothing is known */
	retransmit(0, 1, 160.75);
	assert_unacknowledged(60, 0.25, 0.25);
	retransmit(1, 1, 160.9);
	retransmit(2, 2, 161.5);
	assert_unacknowledged(60, 0.4, 0.3);
	retransmit(3, 3, 162.9);
	assert_unacknowledged(60, 0.4, 0.3);
	/* of another silence, long before */
	retransmit(0, 1, 20);
	retransmit(1, 2, 21);
	retransmit(2, 1, 160.9);
	retransmit(3, 2, 161.7);
	assert_unacknowledged(60, 0.4, 0.4);
	/* something else has a number, too */
	events[4] = (struct event){ .kind = EVENT_PROBE_SENT, .n = 1, .at = AT(161) };
	timeline.event_count = 5;
	assert_unacknowledged(60, 0.4, 0.4);
	/* sent while the peer was still heard */
	timeline.half_open.last_heard_at = AT(161);
	assert_near(life()->unacknowledged.before_s, 0, 0);
}

static void test_a_watch_that_began_amid_retransmissions(void **state)
{
	(void)state;
	end_by(OUTCOME_RETRANSMIT_TIMEOUT, FOUND_BY_RETRANSMIT);
	timeline.gap_lost = true;
	retransmit(0, 7, 170);
	retransmit(1, 8, 200);
	assert_false(life()->begun_unseen); /* seen from the opening: what came before was folded */
	timeline.partial = true;
	assert_true(life()->begun_unseen && !life()->lost);
	retransmit(0, 1, 161);
	retransmit(1, 2, 162);
	assert_false(life()->begun_unseen);
	/* a number that is none */
	retransmit(0, 0, 161);
	retransmit(1, 1, 162);
	assert_false(life()->begun_unseen);
	/* nobody was found dead: nothing is asked of it */
	retransmit(1, 8, 162);
	timeline.half_open.is = false;
	assert_false(life()->begun_unseen);
	assert_int_equal(life()->found_by, FOUND_BY_NOTHING);
}

static void test_its_device_was_back(void **state)
{
	(void)state;
	end_by(OUTCOME_KEEPALIVE_TIMEOUT, FOUND_BY_SUPERSEDED);
	timeline.half_open.superseded_by =
		(struct timeline_successor){ .cookie = 9, .at = AT(130.5) };
	assert_near(life()->back_after_s, 30, 1e-6);
	timeline.half_open.superseded_by.at = AT(100); /* it was heard since */
	assert_near(life()->back_after_s, 0, 0);
	timeline.half_open.superseded_by.at = 0;
	assert_near(life()->back_after_s, 0, 0);
	timeline.half_open.superseded_by.at = AT(130.5);
	timeline.last_heard_at = 0;
	assert_near(life()->back_after_s, 0, 0);
}

static void test_a_reset_that_nobody_asked_for(void **state)
{
	(void)state;
	end_by(OUTCOME_RESET_BY_PEER, FOUND_BY_NOTHING);
	assert_near(life()->reset_after_s, 199.5, 1e-6);
	timeline.half_closed_at = AT(150); /* after its FIN */
	assert_near(life()->reset_after_s, 0, 0);
	timeline.half_closed_at = 0;
	timeline.half_open.is = true; /* of an ask */
	assert_near(life()->reset_after_s, 0, 0);
	timeline.half_open.is = false;
	timeline.ended_at = timeline.last_heard_at;
	assert_near(life()->reset_after_s, 0, 0);
	timeline.ended_at = AT(300);
	timeline.last_heard_at = 0;
	assert_near(life()->reset_after_s, 0, 0);
	timeline.last_heard_at = AT(100.5);
	timeline.outcome = OUTCOME_CLOSED_BY_PEER;
	assert_near(life()->reset_after_s, 0, 0);
}

/* ---- silences that it survived ---- */

static struct timeline_episode *episode(enum episode_kind kind, double from_s, double to_s,
					uint32_t asks)
{
	struct timeline_episode *e = &episodes[timeline.episode_count++];

	*e = (struct timeline_episode){ .kind = kind,
					.first_unanswered_at = AT(from_s),
					.asks = asks,
					.end = EPISODE_RECOVERED,
					.ended_at = AT(to_s) };
	return e;
}

static void test_episodes_that_ended_in_an_answer(void **state)
{
	const struct life *l;

	(void)state;
	episode(EPISODE_OF_KEEPALIVE, 60, 80.5, 3);
	episode(EPISODE_OF_RETRANSMIT, 90, 98, 4);
	l = life();
	assert_int_equal(l->late_answer_count, 2);
	assert_near(l->late_answers[0].low_s, 10, 1e-4);
	assert_near(l->late_answers[0].high_s, 20.5, 1e-4);
	assert_near(l->late_answers[1].low_s, 2, 1e-4);
	assert_near(l->late_answers[1].high_s, 8, 1e-4);
	assert_int_equal(l->probes_lost, 2); /* but the last: that was answered */
	episodes[0].end = EPISODE_DIED;
	episodes[1].end = EPISODE_OPEN;
	l = life();
	assert_true(!l->late_answer_count && !l->probes_lost);
}

/* On the clock that does not step, where both events were kept. */
static void test_the_clock_was_stepped_within_one(void **state)
{
	(void)state;
	episode(EPISODE_OF_KEEPALIVE, 60, 3680.5, 3);
	assert_near(life()->late_answers[0].high_s, 3 * 10 * 1.125 + 0.1, 1e-4);
	events[0] = (struct event){ .kind = EVENT_PROBE_SENT, .at = AT(60), .mono_ns = 5000000000 };
	timeline.event_count = 1;
	assert_near(life()->late_answers[0].high_s, 33.85, 1e-4);
	events[1] =
		(struct event){ .kind = EVENT_ANSWERED, .at = AT(3680.5), .mono_ns = 25500000000 };
	timeline.event_count = 2;
	assert_near(life()->late_answers[0].high_s, 20.5, 1e-4);
	assert_near(life()->late_answers[0].low_s, 10, 1e-4);
	events[1].mono_ns = 0;
	assert_near(life()->late_answers[0].high_s, 33.85, 1e-4);
	/* an event without a time is that of no instant */
	events[0] = (struct event){ .kind = EVENT_ANSWERED_RUN, .mono_ns = 7 };
	episodes[0].first_unanswered_at = 0;
	assert_near(life()->late_answers[0].high_s, 33.85, 1e-4);
}

static void test_the_longest_silences_are_kept(void **state)
{
	const struct life *l;
	double least = 1e9, sum = 0;
	unsigned int i;

	(void)state;
	/* 10, 20, ... 100 s, the shortest amid them */
	for (i = 0; i < 10; i++) {
		unsigned int n = (7 * i + 3) % 10 + 1;

		episode(EPISODE_OF_KEEPALIVE, 1000 * i, 1000 * i + 10 * (n + 1), n + 2);
	}
	l = life();
	assert_int_equal(l->late_answer_count, LATE_ANSWERS_KEPT);
	for (i = 0; i < LATE_ANSWERS_KEPT; i++) {
		least = fmin(least, l->late_answers[i].low_s);
		sum += l->late_answers[i].low_s;
	}
	assert_near(least, 30, 1e-3);
	assert_near(sum, 520, 1e-2); /* 30 to 100 */
}

/* Sent, and never answered: but for the silence that was not over, or else for one on its way. */
static void test_probes_that_no_episode_told_of(void **state)
{
	(void)state;
	episode(EPISODE_OF_KEEPALIVE, 60, 80.5, 3);
	timeline.counts = (struct timeline_counts){ .probes_sent = 100, .probes_answered = 90 };
	assert_int_equal(life()->probes_lost, 9);
	episode(EPISODE_OF_KEEPALIVE, 200, 0, 4)->end = EPISODE_DIED;
	assert_int_equal(life()->probes_lost, 6);
	timeline.counts.probes_answered = 95;
	assert_int_equal(life()->probes_lost, 2); /* what the episodes say, at least */
	timeline.counts.probes_answered = 100;
	assert_int_equal(life()->probes_lost, 2);
	/* nothing was counted, or not all of it */
	timeline.counts.probes_answered = 0;
	assert_int_equal(life()->probes_lost, 2);
	timeline.counts.probes_answered = 50;
	timeline.counts.events_lost = 1;
	assert_int_equal(life()->probes_lost, 2);
}

static void test_one_unanswered_probe_is_none_that_was_lost(void **state)
{
	(void)state;
	episode(EPISODE_OF_KEEPALIVE, 60, 60.5, 1);
	episode(EPISODE_OF_SEVERAL, 70, 90.5, 4);
	assert_int_equal(life()->probes_lost, 0);
}

static void test_gaps(void **state)
{
	const struct life *l;
	unsigned int i;

	(void)state;
	for (i = 0; i < 9; i++)
		gaps[i] = (struct timeline_gap){ 10 + i, 20 + i, 30 + i, i % 2 };
	timeline.last_heard_at = AT(DAY_S); /* it lived for long enough */
	timeline.gap_count = 2;
	l = life();
	assert_int_equal(l->gap_count, 2);
	for (i = 0; i < 2; i++) {
		assert_true(l->gaps[i].from_s == 10 + i && l->gaps[i].to_s == 20 + i);
		assert_int_equal(l->gaps[i].count, 30 + i);
		assert_int_equal(l->gaps[i].ended_by_us, i);
	}
	assert_false(l->lost);
	timeline.gap_count = 9; /* more than there is room for */
	assert_int_equal(life()->gap_count, LIFE_GAPS_MAX);
}

/* It lived for 100.25 s, and a second for clocks: what it had no time for is left out, or cut, and told. */
static void test_gaps_that_no_such_connection_had(void **state)
{
	const struct life *l;

	(void)state;
	gaps[0] = (struct timeline_gap){ 10, 20, 30, false };
	gaps[1] = (struct timeline_gap){ 50, 150, 1, true };
	gaps[2] = (struct timeline_gap){ 101.3, 140, 1, false };
	gaps[3] = (struct timeline_gap){ 0.1, 100, 900, false };
	gaps[4] = (struct timeline_gap){ 50, 60, 2, false };
	timeline.gap_count = 5;
	l = life();
	assert_int_equal(l->gap_count, 4);
	assert_int_equal(l->gaps[0].count, 10);
	assert_near(l->gaps[1].to_s, 101.25, 1e-4);
	assert_true(l->gaps[1].ended_by_us);
	assert_int_equal(l->gaps[2].count, 900);
	assert_int_equal(l->gaps[3].count, 2);
	assert_int_equal(lives.impossible.connections, 1);
	assert_int_equal(lives.impossible.cookie, 4213);
	assert_string_equal(text(lives.impossible.gateway), "gw");
	assert_near(lives.impossible.gap_s, 150, 1e-4);
	assert_near(lives.impossible.lived_s, 100.25, 1e-4);
	/* of another one, only that there is one more */
	{
		struct sink sink = lives__sink(&lives);

		timeline.socket.cookie++;
		assert_int_equal(sink.timeline(sink.context, &timeline), 0);
		assert_int_equal(lives.impossible.connections, 2);
		assert_int_equal(lives.impossible.cookie, 4213);
	}
	/* before the watch it may have had any */
	timeline.partial = true;
	l = life();
	assert_int_equal(l->gap_count, 5);
	assert_int_equal(l->gaps[0].count, 30);
	assert_int_equal(lives.impossible.connections, 0);
	/* was not heard at all: until it ended */
	timeline.partial = false;
	timeline.final = true;
	timeline.last_heard_at = 0;
	timeline.ended_at = AT(1000);
	assert_int_equal(life()->gaps[0].count, 30);
	assert_near(life()->gaps[1].to_s, 150, 1e-4);
}

/* Below 0 is read as 0. */
static void test_gaps_of_no_length(void **state)
{
	const struct timeline_gap wrong[] = { { 0, 20, 3, false }, { 30, 20, 3, false },
					      { 10, 20, 0, false } };
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		const struct timeline_gap gaps[] = { { 10, 20, 3, false }, wrong[i] };

		timeline.gaps_survived = gaps;
		timeline.gap_count = 2;
		timeline.partial = true;
		assert_int_equal(life()->gap_count, 1);
		assert_int_equal(lives.impossible.connections, 1);
	}
}

static void test_lost_in_a_gap_longer_than_its_life(void **state)
{
	(void)state;
	end_by(OUTCOME_KEEPALIVE_TIMEOUT, FOUND_BY_KEEPALIVE);
	timeline.gap_lost = true;
	timeline.gap_lost_within_s = 300.75;	/* 299.75 and a second */
	assert_true(life()->lost);
	assert_int_equal(lives.impossible.connections, 0);
	timeline.gap_lost_within_s = 301;
	assert_false(life()->lost);
	assert_near(lives.impossible.gap_s, 301, 1e-9);
	timeline.partial = true;
	assert_true(life()->lost);
}

/* ---- since when nothing but probes passed ---- */

static struct event *happened(enum event_kind kind, double at_s)
{
	struct event *e = &events[timeline.event_count++];

	*e = (struct event){ .kind = kind, .at = AT(at_s) };
	if (kind == EVENT_ANSWERED_RUN)
		*e = (struct event){ .kind = kind, .first_at = AT(at_s), .last_at = AT(at_s + 1) };
	return e;
}

static void test_for_how_long_nothing_but_probes_passed(void **state)
{
	(void)state;
	end_by(OUTCOME_KEEPALIVE_TIMEOUT, FOUND_BY_KEEPALIVE);
	assert_near(life()->probed_for_s, 160.25, 1e-6); /* nothing was told: since it began */
	happened(EVENT_ANSWERED_RUN, 90);
	happened(EVENT_OPTION_CHANGE, 95);
	happened(EVENT_ANSWERED_RUN, 100);
	assert_near(life()->probed_for_s, 70.5 + 60, 1e-6); /* an idle time before the first */
	happened(EVENT_HEARTBEAT, 110);
	assert_near(life()->probed_for_s, 50.5, 1e-6);
	happened(EVENT_RETRANSMIT, 112)->n = 1;
	assert_near(life()->probed_for_s, 48.5, 1e-6);
	happened(EVENT_ZERO_WINDOW_PROBE, 114);
	assert_near(life()->probed_for_s, 46.5, 1e-6);
	happened(EVENT_PROBE_SENT, 130);
	assert_near(life()->probed_for_s, 46.5, 1e-6);
	happened(EVENT_HEARTBEAT, 160.5); /* after that it is lost */
	happened(EVENT_HEARTBEAT, 170);
	assert_near(life()->probed_for_s, 46.5, 1e-6);
	/* nobody was lost */
	timeline.half_open.first_unanswered_at = 0;
	assert_near(life()->probed_for_s, 0, 0);
}

static void test_probing_since_before_the_watch(void **state)
{
	(void)state;
	end_by(OUTCOME_KEEPALIVE_TIMEOUT, FOUND_BY_KEEPALIVE);
	timeline.partial = true;
	assert_near(life()->probed_for_s, 0, 0);
	happened(EVENT_HEARTBEAT, 100);
	assert_near(life()->probed_for_s, 60.5, 1e-6);
}

/* ---- the watch ---- */

static struct life_run *run_of(const struct meta *m)
{
	struct sink sink = lives__sink(&lives);

	assert_int_equal(sink.meta(sink.context, m), 0);
	return lives__run(&lives, texts__of(&lives.texts, m->origin.run_id));
}

static void test_what_a_watch_says_of_itself(void **state)
{
	struct meta_namespace namespaces[] = { { { 77, 7, "pod-7", "" }, 7200, 75, 9 },
					       { { 78, 0, "", "" }, -5, -1, 3 } };
	struct meta m = { .origin = { "gw", "boot", "run" },
			  .kernel = "6.1.0-13-amd64",
			  .hz = 1000,
			  .all = true,
			  .namespaces = namespaces,
			  .namespace_count = 2,
			  .started_at = AT(5) };
	struct life_run *run = run_of(&m);

	(void)state;
	assert_string_equal(text(run->gateway), "gw");
	assert_true(run->all && run->cookies_known && run->hz == 1000);
	assert_near(run->started_s, SECONDS(5), 1e-6);
	assert_int_equal(lives.namespace_count, 2);
	assert_string_equal(text(lives.namespaces[0].name), "pod-7");
	assert_string_equal(text(lives.namespaces[0].run), "run");
	assert_true(lives.namespaces[0].idle_s == 7200 && lives.namespaces[0].interval_s == 75);
	assert_int_equal(lives.namespaces[0].probes, 9);
	assert_int_equal(lives.namespaces[0].place.cookie, 7);
	assert_int_equal(lives.namespaces[0].place.run, 0);
	assert_int_equal(lives.namespaces[1].place.inode, 78);
	assert_string_equal(text(lives.namespaces[1].place.run), "run");
	/* a sysctl may be below 0 */
	assert_true(lives.namespaces[1].idle_s == 0 && lives.namespaces[1].interval_s == 0);
}

/* SO_NETNS_COOKIE came with Linux 5.14. */
static void test_which_kernels_tell_cookies(void **state)
{
	static const struct {
		const char *kernel;
		bool tells;
	} kernels[] = { { "5.14.0-70.el9", true }, { "5.13.19", false }, { "6.0", true },
			{ "6.18.1", true },	   { "5.15", true },	 { "4.18.0", false },
			{ "4.20", false },	   { "", false },	 { "6", false } };
	unsigned int i;
	char name[8];

	(void)state;
	for (i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
		struct meta m = { .origin = { "gw", "boot", name }, .kernel = kernels[i].kernel };

		snprintf(name, sizeof(name), "run%u", i);
		assert_int_equal(run_of(&m)->cookies_known, kernels[i].tells);
	}
}

static void test_losses_are_added_up(void **state)
{
	struct loss loss = { .origin = { "gw", "boot", "run" }, .count = 5 };
	struct sink sink = lives__sink(&lives);

	(void)state;
	assert_int_equal(sink.size, sizeof(struct sink));
	assert_int_equal(sink.loss(sink.context, &loss), 0);
	loss.count = 7;
	assert_int_equal(sink.loss(sink.context, &loss), 0);
	assert_int_equal(lives.runs[0].events_lost, 12);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_whose_connection_it_is),
		TEST(test_other_kinds_of_sockets),
		TEST(test_options_and_who_set_them),
		TEST(test_counts),
		TEST(test_until_when_it_was_open),
		TEST(test_a_run_ends_with_its_last_word),
		TEST(test_who_found_it_dead),
		TEST(test_a_silence_that_began_before_the_watch),
		TEST(test_data_that_nobody_acknowledged),
		TEST(test_a_watch_that_began_amid_retransmissions),
		TEST(test_its_device_was_back),
		TEST(test_a_reset_that_nobody_asked_for),
		TEST(test_episodes_that_ended_in_an_answer),
		TEST(test_the_clock_was_stepped_within_one),
		TEST(test_the_longest_silences_are_kept),
		TEST(test_probes_that_no_episode_told_of),
		TEST(test_one_unanswered_probe_is_none_that_was_lost),
		TEST(test_gaps),
		TEST(test_gaps_that_no_such_connection_had),
		TEST(test_gaps_of_no_length),
		TEST(test_lost_in_a_gap_longer_than_its_life),
		TEST(test_for_how_long_nothing_but_probes_passed),
		TEST(test_probing_since_before_the_watch),
		TEST(test_what_a_watch_says_of_itself),
		TEST(test_which_kernels_tell_cookies),
		TEST(test_losses_are_added_up),
	};

	return cmocka_run_group_tests_name("life_of", tests, NULL, NULL);
}
