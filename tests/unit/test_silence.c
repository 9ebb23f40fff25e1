// SPDX-License-Identifier: GPL-2.0
/* Silences as they go on and end, what is kept of many of them, and sockets that are found dead. */
#include <errno.h>
#include <stdlib.h>

#include "connection/journal.h"
#include "connection/unwitnessed.h"
#include "facts.h"

static struct connection c;
static struct incidents *i;
static struct told told;

static int begin(void **state)
{
	(void)state;
	c = (struct connection){ .cookie = 9, .first_seen_ns = 1000 * MS, .srtt_us = 40000,
				 .mdev_us = 10000, .last_heard_ns = 1000 * MS,
				 .state = TCP_ESTABLISHED };
	assert_true(incidents__make(&c));
	i = c.incidents;
	told = (struct told){ .count = 0 };
	return 0;
}

static int end(void **state)
{
	(void)state;
	connection__release(&c);
	return 0;
}

static void ask(uint64_t ms, enum ask kind)
{
	silence__ask(&c, ms * MS, ms / 4, kind);
}

/* ---- asks ---- */

static void test_asks_add_up(void **state)
{
	unsigned int n;

	(void)state;
	assert_int_equal(silence__unanswered(&c), 0);
	ask(11000, ASK_PROBE);
	assert_int_equal(silence__unanswered(&c), 0);	/* it may yet be answered */
	assert_false(c.told);
	assert_int_equal(c.silences, 1);
	ask(12000, ASK_PROBE);
	assert_int_equal(silence__unanswered(&c), 1);
	assert_true(c.told);
	assert_int_equal(c.silences, 1);
	assert_int_equal(c.silence.first_ask_ns, 11000 * MS);
	assert_int_equal(c.silence.last_ask_ns, 12000 * MS);
	assert_int_equal(c.silence.last_ask_jiffies, 3000);
	ask(11500, ASK_DATA);	/* told late: the last stays the last */
	assert_int_equal(c.silence.last_ask_ns, 12000 * MS);
	assert_int_equal(c.silence.kinds, ASK_PROBE | ASK_DATA);
	for (n = 0; n < 70000; n++)
		ask(13000, ASK_DATA);
	assert_int_equal(c.silence.asks, UINT16_MAX);
}

/* Data or a FIN within a round trip of another ask, sent for their own sake. */
static void test_asks_in_time(void **state)
{
	static const struct {
		enum ask first, second;
		uint64_t after_us;
		bool told;
	} cases[] = {
		{ ASK_PROBE, ASK_FIN, 49999, false }, { ASK_PROBE, ASK_FIN, 50000, true },
		{ ASK_ZERO_WINDOW, ASK_DATA, 20, false }, { ASK_DATA, ASK_DATA, 20, true },
		{ ASK_PROBE, ASK_PROBE, 20, true },
	};
	unsigned int n;

	(void)state;
	for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		end(NULL);
		begin(NULL);
		ask(11000, cases[n].first);
		silence__ask(&c, 11000 * MS + 1000 * cases[n].after_us, 2750, cases[n].second);
		assert_int_equal(c.told, cases[n].told);
		silence__end(&c, 12000 * MS);
		assert_int_equal(i->episodes_used, cases[n].told);
	}
}

static void test_the_first_ask_after_it_was_heard(void **state)
{
	struct ho_event e = fact_segment(13000, 0);

	(void)state;
	silence__heard_unanswering(&c, &e, 13000 * MS, 7);	/* nobody asked */
	assert_int_equal(i->deafness.asks, 0);
	assert_false(c.told);
	ask(11000, ASK_DATA);
	ask(12000, ASK_DATA);
	silence__heard_unanswering(&c, &e, 13000 * MS, 7);
	assert_int_equal(i->deafness.asks, 2);
	assert_int_equal(i->deafness.first_ask_after_ns, 0);
	assert_int_equal(i->deafness.heard_jiffies, 7);
	ask(14000, ASK_DATA);
	ask(15000, ASK_DATA);
	assert_int_equal(i->deafness.first_ask_after_ns, 14000 * MS);
	/* what the clocks tell may lie before the last ask */
	silence__heard_unanswering(&c, &e, 14500 * MS, 8);
	assert_int_equal(i->deafness.asks, 4);
	assert_int_equal(i->deafness.first_ask_after_ns, 15000 * MS);
	silence__heard_unanswering(&c, &e, 15000 * MS, 8);	/* as it left */
	assert_int_equal(i->deafness.first_ask_after_ns, 0);
	e.payload = 1;
	e.bytes_received = 7;
	silence__heard_unanswering(&c, &e, 15000 * MS, 8);
	assert_int_equal(i->deafness.bytes_received, 8);
	silence__end(&c, 16000 * MS);
	assert_int_equal(i->deafness.asks, 0);
	assert_int_equal(c.silence.asks, 0);
}

/* ---- its end ---- */

static void test_what_is_an_episode(void **state)
{
	(void)state;
	ask(11000, ASK_PROBE);
	silence__end_episode(&c, 12000 * MS, EPISODE_CLOSED);
	silence__end_episode(&c, 12000 * MS, EPISODE_RECOVERED);
	assert_int_equal(i->episodes_used, 0);
	silence__end_episode(&c, 12000 * MS, EPISODE_DIED);	/* of a single ask */
	assert_int_equal(i->episodes_used, 1);
	assert_int_equal(i->episodes[0].asks, 1);
	assert_int_equal(i->episodes[0].kinds, ASK_PROBE);
	assert_int_equal(i->episodes[0].end, EPISODE_DIED);
	assert_int_equal(c.silence.asks, 1);	/* it stays, as evidence */
	c.silence.asks = 0;
	silence__end_episode(&c, 12000 * MS, EPISODE_DIED);
	assert_int_equal(i->episodes_used, 1);
}

/* The first eight and the last eight are kept. */
static void test_many_episodes(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 0; n < 20; n++) {
		ask(10000 + 100 * n, ASK_PROBE);
		ask(10010 + 100 * n, ASK_PROBE);
		silence__end(&c, (10050 + 100 * n) * MS);
	}
	assert_int_equal(i->episodes_used, 16);
	assert_int_equal(i->episodes_omitted, 4);
	for (n = 0; n < 16; n++)
		assert_int_equal(i->episodes[n].first_unanswered_ns,
				 (10000 + 100 * (n < 8 ? n : n + 4)) * MS);
	assert_int_equal(c.silences, 20);
}

static void test_answers_that_nobody_told(void **state)
{
	(void)state;
	ask(11000, ASK_DATA);
	ask(12000, ASK_DATA);
	silence__answered_unseen(&c, 12500 * MS);
	assert_int_equal(c.probes_answered, 0);
	assert_int_equal(i->episodes[0].ended_ns, 12500 * MS);
	ask(13000, ASK_PROBE);
	silence__answered_unseen(&c, 13500 * MS);
	assert_int_equal(c.probes_answered, 1);
	assert_int_equal(c.silence.asks, 0);
	assert_int_equal(c.slowest_answer_us, 0);	/* when is not known so well */
}

static void test_an_answer_after_hours(void **state)
{
	(void)state;
	ask(11000, ASK_PROBE);
	silence__answered(&c, 11000 * MS + 1, true, &told);
	assert_int_equal(c.slowest_answer_us, 1);	/* late rather than quick */
	assert_int_equal(c.run.rtt.max_us, 0);
	ask(21000, ASK_PROBE);
	silence__answered(&c, 7200 * S, true, &told);
	assert_int_equal(c.slowest_answer_us, UINT32_MAX);
	/* a question for the window is folded, too, and counts as no probe */
	assert_int_equal(c.probes_answered, 2);
	ask(8000000, ASK_ZERO_WINDOW);
	silence__answered(&c, 8000 * S + 5000, true, &told);
	assert_int_equal(c.probes_answered, 2);
	assert_int_equal(c.run.rtt.count, 3);
	assert_int_equal(c.run.rtt.min_us, 0);
	assert_int_equal(c.run.episode, 1);
	assert_int_equal(told.count, 0);
	ask(9000000, ASK_DATA);		/* data are not */
	silence__answered(&c, 9000 * S + 5000, true, &told);
	assert_int_equal(told.count, 1);
	assert_int_equal(told.entries[0].kind, EVENT_ANSWERED);
	assert_int_equal(told.entries[0].rtt.count, 0);
}

static void test_probes_are_answered_amid_data(void **state)
{
	(void)state;
	ask(11000, ASK_DATA);
	silence__answer_probes(&c, 12000 * MS);		/* there are none */
	assert_int_equal(c.silence.asks, 1);
	silence__end(&c, 12000 * MS);
	ask(13000, ASK_ZERO_WINDOW);
	ask(13500, ASK_ZERO_WINDOW);
	silence__answer_probes(&c, 14000 * MS);		/* and no data */
	assert_int_equal(c.silence.asks, 2);
	i->deafness.asks_before = 2;
	i->deafness.carrying_ns = 15000 * MS;
	ask(15000, ASK_DATA);
	silence__answer_probes(&c, 16000 * MS);
	assert_int_equal(c.probes_answered, 0);		/* questions for the window are none */
	assert_int_equal(c.silence.asks, 1);
	assert_int_equal(c.silence.kinds, ASK_DATA);
	assert_int_equal(c.silence.first_ask_ns, 15000 * MS);
	assert_int_equal(i->episodes[0].kinds, ASK_ZERO_WINDOW);
	assert_int_equal(i->episodes[0].asks, 2);
	assert_int_equal(i->deafness.asks_before, 0);
	assert_int_equal(c.silences, 3);
}

static void test_a_first_probe_is_held_until_it_counts(void **state)
{
	(void)state;
	silence__note_held_probe(&c, &told);
	assert_int_equal(told.count, 0);
	ask(11000, ASK_PROBE);
	c.silence.held = EVENT_PROBE_SENT;
	silence__note_held_probe(&c, &told);
	silence__note_held_probe(&c, &told);
	assert_int_equal(told.count, 1);
	assert_int_equal(told.entries[0].kind, EVENT_PROBE_SENT);
	assert_int_equal(told.entries[0].n, 1);
	assert_int_equal(told.entries[0].at_ns, 11000 * MS);
}

/* ---- the journal ---- */

static void note(struct journal *j, uint8_t kind, uint16_t episode, uint32_t n)
{
	struct entry e = { .kind = kind, .episode = episode, .n = n, .at_ns = n };

	journal__add(j, &e);
}

static void test_round_trips(void **state)
{
	struct rtt none = { 0 }, a = { 0 }, b = { 0 }, sum;

	(void)state;
	rtt__add(&a, 30);
	assert_true(a.min_us == 30 && a.max_us == 30 && a.count == 1);
	rtt__add(&a, 10);
	rtt__add(&a, 20);
	assert_true(a.min_us == 10 && a.max_us == 30 && a.count == 3 && a.sum_us == 60);
	assert_int_equal(rtt__sum(a, none).count, 3);
	assert_int_equal(rtt__sum(none, a).min_us, 10);
	rtt__add(&b, 5);
	sum = rtt__sum(a, b);
	assert_true(sum.min_us == 5 && sum.max_us == 30 && sum.count == 4 && sum.sum_us == 65);
	rtt__add(&b, 50);
	sum = rtt__sum(b, a);
	assert_true(sum.min_us == 5 && sum.max_us == 50 && sum.count == 5);
	sum = rtt__sum(a, b);
	assert_true(sum.min_us == 5 && sum.max_us == 50);
}

static void test_of_an_episode_both_ends_are_kept(void **state)
{
	struct journal j = { 0 };
	uint32_t n;

	(void)state;
	note(&j, EVENT_SEEN, 0, 1000);
	for (n = 1; n <= 20; n++)
		note(&j, EVENT_PROBE_SENT, 1, n);
	assert_int_equal(j.used, 17);
	assert_int_equal(j.omitted, 4);
	assert_int_equal(j.entries[0].n, 1000);		/* of another episode */
	for (n = 1; n <= 16; n++)
		assert_int_equal(j.entries[n].n, n <= 8 ? n : n + 4);
	journal__free(&j);
	assert_int_equal(j.used + j.size, 0);
	assert_null(j.entries);
}

static void test_of_a_life_both_halves_are_kept(void **state)
{
	struct journal j = { 0 };
	uint32_t n;

	(void)state;
	for (n = 0; n < 100; n++)
		note(&j, EVENT_PROBE_SENT, n, n);
	assert_int_equal(j.used, JOURNAL_MAX);
	assert_int_equal(j.omitted, 4);
	for (n = 0; n < JOURNAL_MAX; n++)
		assert_int_equal(j.entries[n].n, n < JOURNAL_MAX / 2 ? n : n + 4);
	journal__free(&j);
}

static void test_of_signs_that_come_for_years_the_last_is_kept(void **state)
{
	static const uint8_t kinds[] = { EVENT_HEARTBEAT, EVENT_PEER_PROBE };
	struct journal j = { 0 };
	uint32_t n, k;

	(void)state;
	for (k = 0; k < 2; k++) {
		for (n = 1; n <= 5; n++)
			note(&j, kinds[k], 0, n);
		assert_int_equal(j.used, 2);
		assert_int_equal(j.entries[0].n, 1);
		assert_int_equal(j.entries[1].n, 5);
		assert_int_equal(j.omitted, 3);
		note(&j, EVENT_OPTION_CHANGE, 0, 6);	/* whatever comes between them ends the run */
		note(&j, kinds[k], 0, 7);
		note(&j, kinds[!k], 0, 8);
		note(&j, kinds[k], 0, 9);
		assert_int_equal(j.used, 6);
		journal__free(&j);
	}
	for (n = 1; n <= 5; n++)
		note(&j, EVENT_LOST, 0, n);
	assert_int_equal(j.used, 5);
	journal__free(&j);
}

/* A single fact adds a few events at the most. */
static void test_few_events_are_told_at_once(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 0; n < 6; n++)
		incidents__note(&c, &told, (struct entry){ .kind = EVENT_SEEN, .at_ns = n });
	assert_int_equal(told.count, 4);
	assert_int_equal(told.entries[3].at_ns, 3);
	assert_int_equal(i->journal.used, 6);
}

/* ---- found dead ---- */

static struct ho_event dead(uint16_t error)
{
	struct ho_event e = fact(HO_SEEN, 31000);

	e.state = TCP_CLOSE;
	e.error = error;
	e.flags |= HO_F_ALL_ACKED;
	e.last_tx_ns = 23040 * MS;
	return e;
}

static bool told_by(struct ho_event e, struct ho_event *ending)
{
	return unwitnessed__ending(&c, &e, HZ, ending);
}

static void test_when_it_died(void **state)
{
	struct ho_event e = dead(ETIMEDOUT), ending;

	(void)state;
	assert_true(told_by(e, &ending));
	assert_int_equal(ending.kind, HO_STATE);
	assert_int_equal(ending.mono_ns, 23040 * MS);
	assert_int_equal(ending.jiffies, 23040 / 4);
	assert_int_equal(ending.error, ETIMEDOUT);
	e.last_tx_ns = 31000 * MS;
	assert_true(told_by(e, &ending));
	assert_int_equal(ending.mono_ns, 31000 * MS);
	e.last_tx_ns++;		/* a clock of after it was found */
	assert_true(told_by(e, &ending));
	assert_int_equal(ending.mono_ns, 31000 * MS);
	e.last_tx_ns = 1000 * MS;	/* when it was heard, at the earliest */
	assert_true(told_by(e, &ending));
	assert_int_equal(ending.mono_ns, 1000 * MS);
	e.last_tx_ns--;
	assert_true(told_by(e, &ending));
	assert_int_equal(ending.mono_ns, 31000 * MS);
	ask(24000, ASK_PROBE);		/* or asked */
	e.last_tx_ns = 23999 * MS;
	assert_true(told_by(e, &ending));
	assert_int_equal(ending.mono_ns, 31000 * MS);
	e.last_tx_ns = 24000 * MS;
	assert_true(told_by(e, &ending));
	assert_int_equal(ending.mono_ns, 24000 * MS);
	e.error = ECONNABORTED;		/* no clock moves at that */
	assert_true(told_by(e, &ending));
	assert_int_equal(ending.mono_ns, 31000 * MS);
}

static bool died_of_keepalive(struct ho_event e)
{
	struct ho_event ending;

	assert_true(told_by(e, &ending));
	return ending.flags & HO_F_IN_KEEPALIVE;
}

static void test_of_what_it_died(void **state)
{
	static const uint16_t others[] = { ECONNRESET, EPIPE, ECONNABORTED };
	struct ho_event e;
	unsigned int n;

	(void)state;
	e = dead(ETIMEDOUT);
	assert_false(died_of_keepalive(e));	/* no probe was out */
	e.probes_out = 3;
	assert_true(died_of_keepalive(e));
	e.error = EHOSTUNREACH;		/* ICMP's */
	assert_true(died_of_keepalive(e));
	for (n = 0; n < 3; n++) {
		e.error = others[n];
		assert_false(died_of_keepalive(e));
	}
	e.error = ETIMEDOUT;
	e.retransmits = 1;
	assert_false(died_of_keepalive(e));
	e.retransmits = 0;
	e.unsent = 1;
	assert_false(died_of_keepalive(e));
	e.unsent = 0;
	e.flags &= ~HO_F_ALL_ACKED;
	assert_false(died_of_keepalive(e));
}

static void test_the_state_it_was_in(void **state)
{
	static const uint8_t closing[] = { TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_CLOSING, TCP_LAST_ACK };
	struct ho_event e = dead(ETIMEDOUT), ending;
	unsigned int n;

	(void)state;
	e.flags |= HO_F_FIN_QUEUED;	/* tcp_done() shuts both directions */
	assert_true(told_by(e, &ending));
	assert_int_equal(ending.old_state, TCP_ESTABLISHED);
	assert_false(ending.flags & HO_F_FIN_QUEUED);
	c.state = 0;
	assert_true(told_by(e, &ending));
	assert_int_equal(ending.old_state, TCP_ESTABLISHED);
	c.state = TCP_CLOSE_WAIT;
	assert_true(told_by(e, &ending));
	assert_int_equal(ending.old_state, TCP_CLOSE_WAIT);
	c.state = TCP_ESTABLISHED;
	e.flags |= HO_F_FIN_TAKEN;
	assert_true(told_by(e, &ending));
	assert_int_equal(ending.old_state, TCP_CLOSE_WAIT);
	for (n = 0; n < sizeof(closing); n++) {
		c.state = closing[n];
		assert_true(told_by(e, &ending));
		assert_int_equal(ending.old_state, closing[n]);
		assert_true(ending.flags & HO_F_FIN_QUEUED);
	}
}

/* Without an error: closed by both, or its program has fetched it. */
static void test_without_an_error(void **state)
{
	struct ho_event e = dead(0), ending;

	(void)state;
	assert_false(told_by(e, &ending));
	e.flags |= HO_F_FIN_TAKEN;
	assert_true(told_by(e, &ending));
	assert_int_equal(ending.old_state, TCP_LAST_ACK);
	assert_false(ending.flags & HO_F_IN_KEEPALIVE);
	e.probes_out = 1;
	assert_false(told_by(e, &ending));
	e.probes_out = 0;
	e.retransmits = 1;
	assert_false(told_by(e, &ending));
	e.retransmits = 0;
	ask(11000, ASK_PROBE);
	assert_false(told_by(e, &ending));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_asks_add_up),
		TEST(test_asks_in_time),
		TEST(test_the_first_ask_after_it_was_heard),
		TEST(test_what_is_an_episode),
		TEST(test_many_episodes),
		TEST(test_answers_that_nobody_told),
		TEST(test_an_answer_after_hours),
		TEST(test_probes_are_answered_amid_data),
		TEST(test_a_first_probe_is_held_until_it_counts),
		TEST(test_round_trips),
		TEST(test_of_an_episode_both_ends_are_kept),
		TEST(test_of_a_life_both_halves_are_kept),
		TEST(test_of_signs_that_come_for_years_the_last_is_kept),
		TEST(test_few_events_are_told_at_once),
		TEST(test_when_it_died),
		TEST(test_of_what_it_died),
		TEST(test_the_state_it_was_in),
		TEST(test_without_an_error),
	};

	return cmocka_run_group_tests_name("silence", tests, NULL, NULL);
}
