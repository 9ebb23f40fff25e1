// SPDX-License-Identifier: GPL-2.0
/* Probes that no event told of: how many there were, and how late each can have been. Keepalive is
 * 10/1/3, so that the first is due 10 s after the peer was heard (1 s), and the others each second. */
#include <errno.h>
#include <stdlib.h>

#include "connection/lost_probes.h"
#include "one_connection.h"

/* Whether probes are seen stays. */
static void anew_as_seen(void)
{
	bool unseen = rules.probes_unseen;

	anew();
	rules.probes_unseen = unseen;
}

static void has_asked(uint32_t asks, uint64_t first_ms, uint64_t last_ms)
{
	assert_int_equal(c.silence.asks, asks);
	assert_int_equal(c.silence.first_ask_ns, first_ms * MS);
	assert_int_equal(c.silence.last_ask_ns, last_ms * MS);
}

static uint32_t lost(void)
{
	return incidents__of(&c)->events_lost;
}

/* ---- by the kernel's count ---- */

static void test_a_count_that_rose_by_more(void **state)
{
	(void)state;
	apply(fact_probe(11000, 1));
	apply(fact_probe(13000, 3));
	has_asked(3, 11000, 13000);
	assert_int_equal(c.probes_sent, 3);
	assert_int_equal(told.untold_probes, 1);
	assert_int_equal(lost(), 1);
	assert_true(c.told);
	apply(fact_probe(14000, 4));
	assert_int_equal(told.untold_probes, 0);
	assert_int_equal(c.probes_sent, 4);
	apply(fact_probe(15000, 4));	/* it did not rise: another one's silence */
	assert_int_equal(lost(), 1);
}

/* Of a silence that had begun before us, they fell between the snapshot and the attaching: no loss. */
static void test_a_count_of_before(void **state)
{
	struct ho_event e = fact(HO_SEEN, 12500);

	(void)state;
	connection__release(&c);
	c = (struct connection){ .cookie = 9, .first_seen_ns = 12500 * MS, .partial = true };
	e.probes_out = 1;
	e.last_tx_ns = 11000 * MS;
	apply(e);
	apply(fact_probe(14000, 4));
	has_asked(4, 11000, 14000);
	assert_int_equal(c.probes_sent, 3);
	assert_int_equal(told.untold_probes, 0);
	assert_int_equal(lost(), 0);
}

static void test_a_count_saturates(void **state)
{
	struct told t = { .count = 0 };

	(void)state;
	apply(fact_probe(11000, 1));
	c.silence.asks = UINT16_MAX - 1;
	lost_probes__count_probes(&c, 3, 13000 * MS, &t);
	assert_int_equal(c.silence.asks, UINT16_MAX);
	assert_int_equal(c.probes_sent, 3);
	assert_int_equal(t.untold_probes, 2);
	lost_probes__count_probes(&c, 3, 13000 * MS, &t);	/* as many as are known */
	lost_probes__count_probes(&c, 2, 13000 * MS, &t);
	assert_int_equal(t.untold_probes, 2);
}

static void fail_probe(uint64_t ms, uint8_t probes_out)
{
	struct ho_event e = fact(HO_PROBE_FAILED, ms);

	e.reason = HO_FAILED_DROPPED;
	e.probes_out = probes_out;
	apply(e);
}

/* Between probes that this host dropped one is lost: nobody can say that it asked. */
static void test_between_those_that_were_dropped(void **state)
{
	(void)state;
	fail_probe(11000, 1);
	fail_probe(13000, 3);
	assert_int_equal(c.silence.asks, 0);
	assert_int_equal(c.silence.probes_out, 3);
	assert_int_equal(c.probes_sent, 0);
	assert_int_equal(lost(), 1);
	apply(fact_probe(14000, 4));	/* this one did */
	has_asked(1, 14000, 14000);
	fail_probe(16000, 6);
	assert_int_equal(c.silence.asks, 2);
	assert_int_equal(lost(), 2);
}

/* The count that a repetition of the peer's showed, which does not reset it. */
static void test_a_count_known_from_a_repetition(void **state)
{
	struct ho_event e = fact_segment(5000, 20);

	(void)state;
	e.segment = HO_SEGMENT_REPEATED;
	e.seq_offset = -20;
	e.probes_out = 2;
	apply(e);
	apply(fact_probe(16000, 5));
	has_asked(3, 16000, 16000);	/* no earlier: when is not known */
	assert_int_equal(c.silence.kinds, ASK_PROBE);
	assert_int_equal(c.silences, 1);
	assert_int_equal(c.probes_sent, 3);
	assert_int_equal(lost(), 2);
	assert_true(c.told);
}

/* ---- late ones ---- */

static void test_one_that_was_taken_for_lost(void **state)
{
	(void)state;
	apply(fact_probe(11000, 1));
	apply(fact_probe(13000, 3));
	apply(fact_probe(12999, 3));
	assert_int_equal(c.probes_sent, 3);
	assert_int_equal(lost(), 0);
	apply(fact_probe(12000, 2));	/* nothing is missing: it is another */
	assert_int_equal(c.probes_sent, 4);
	anew_as_seen();
	apply(fact_probe(11000, 1));
	apply(fact_probe(13000, 3));
	apply(fact_probe(13000, 3));	/* not before the last */
	assert_int_equal(lost(), 1);
	assert_int_equal(c.probes_sent, 4);
	anew_as_seen();
	apply(fact_probe(11000, 1));
	apply(fact_probe(13000, 3));
	apply(fact_probe(12000, 4));	/* not of those that the count has shown */
	assert_int_equal(lost(), 1);
	assert_int_equal(c.probes_sent, 4);
}

/* ---- the first of a silence ---- */

static void test_the_first_that_is_told(void **state)
{
	(void)state;
	/* 10 s and the timer's lateness (65 jiffies and two) after it was heard: the count was stale */
	apply(fact_probe(11268, 2));
	assert_int_equal(lost(), 0);
	anew_as_seen();
	apply(fact_probe(11269, 2));
	has_asked(2, 10269, 11269);
	assert_int_equal(lost(), 1);
	assert_int_equal(told.untold_probes, 1);
	assert_int_equal(c.probes_sent, 2);
	anew_as_seen();
	apply(fact_probe(30000, 1));	/* the kernel counts none before it */
	assert_int_equal(lost(), 0);
	anew_as_seen();
	c.last_heard_ns = 0;		/* since when is not known */
	c.partial = true;
	{
		struct ho_event e = fact_probe(30000, 2);

		e.rcv_tstamp_jiffies = e.lrcvtime_jiffies = e.jiffies + 1;
		apply(e);
	}
	assert_int_equal(lost(), 0);
}

/* An interval longer than the idle time: an answered probe is followed after the interval. */
static void test_the_first_after_a_long_interval(void **state)
{
	struct ho_event e = fact_probe(23000, 2);

	(void)state;
	c.keepalive.interval_jiffies = e.sock_interval_jiffies = 20 * HZ;
	apply(e);
	assert_int_equal(lost(), 0);
	anew_as_seen();
	c.keepalive.interval_jiffies = 20 * HZ;
	e = fact_probe(24000, 2);
	e.sock_interval_jiffies = 20 * HZ;
	apply(e);
	has_asked(2, 4000, 24000);
}

/* ---- kernels that show no probe ---- */

static struct ho_event answer(uint64_t ms, uint64_t probe_ms, uint8_t probes_out)
{
	struct ho_event e = fact_segment(ms, 0);

	e.last_tx_ns = probe_ms * MS;
	e.probes_out = probes_out;
	return e;
}

static void test_an_answer_tells_its_probe(void **state)
{
	(void)state;
	rules.probes_unseen = true;
	apply(answer(11040, 11000, 1));
	assert_int_equal(c.probes_sent, 1);
	assert_int_equal(c.probes_answered, 1);
	assert_int_equal(c.slowest_answer_us, 40000);
	assert_int_equal(c.incidents->episodes_used, 0);
	anew_as_seen();
	/* three were due by then, each as late as it can have been */
	apply(answer(13540, 13500, 3));
	assert_int_equal(c.probes_sent, 3);
	assert_int_equal(c.incidents->episodes_used, 1);
	assert_int_equal(c.incidents->episodes[0].asks, 3);
	assert_int_equal(c.incidents->episodes[0].first_unanswered_ns, 11500 * MS);
	anew_as_seen();
	apply(answer(13540, 13500, 2));		/* no more than the kernel counts */
	assert_int_equal(c.probes_sent, 2);
	anew_as_seen();
	apply(answer(12540, 11999, 5));		/* nor than fit: a second was due at 12 s */
	assert_int_equal(c.probes_sent, 1);
	anew_as_seen();
	apply(answer(12540, 12000, 5));
	assert_int_equal(c.probes_sent, 2);
	assert_int_equal(c.incidents->episodes[0].first_unanswered_ns, 11000 * MS);
}

static void test_what_is_no_answer_to_a_probe(void **state)
{
	struct ho_event e = answer(11040, 11000, 1);

	(void)state;
	apply(e);			/* where probes are shown this one was none */
	assert_int_equal(c.probes_sent, 0);
	rules.probes_unseen = true;
	anew_as_seen();
	e.packets_out = 1;		/* its last transmission may be of data */
	apply(e);
	assert_int_equal(c.probes_sent, 0);
	anew_as_seen();
	e.packets_out = 0;
	e.unsent = 1;
	apply(e);
	assert_int_equal(c.probes_sent, 0);
	anew_as_seen();
	apply(answer(11040, 11000, 0));
	assert_int_equal(c.probes_sent, 0);
	anew_as_seen();
	apply(answer(11040, 1000, 1));	/* not after it was heard */
	assert_int_equal(c.probes_sent, 0);
	anew_as_seen();
	apply(answer(11040, 11040, 1));	/* not before this */
	assert_int_equal(c.probes_sent, 0);
}

/* ---- the end ---- */

static struct ho_event given_up(uint64_t ms, uint8_t probes_out)
{
	struct ho_event e = fact_closed(ms, TCP_ESTABLISHED);

	e.error = ETIMEDOUT;
	e.probes_out = probes_out;
	e.flags |= HO_F_IN_KEEPALIVE;
	return e;
}

static void test_the_last_went_out_an_interval_before_the_end(void **state)
{
	(void)state;
	apply(fact_probe(11000, 1));
	apply(given_up(14100, 3));
	has_asked(3, 11000, 13100);
	assert_int_equal(lost(), 2);
	anew_as_seen();
	apply(fact_probe(11000, 1));
	apply(fact_probe(13200, 3));
	apply(given_up(14100, 3));
	has_asked(3, 11000, 13200);		/* it was told: that stands */
	assert_int_equal(lost(), 1);
	anew_as_seen();
	apply(given_up(14000, 3));		/* not one was told: the last at least */
	has_asked(1, 13000, 13000);
	assert_int_equal(lost(), 1);
	anew_as_seen();
	apply(given_up(14000, 0));		/* the kernel had sent none */
	assert_int_equal(c.silence.asks, 0);
	anew_as_seen();
	apply(given_up(999, 3));		/* no clock is so young */
	assert_int_equal(c.silence.asks, 0);
}

/* Data on the fast path leave the count of probes: at the end it may be from before. */
static void test_a_count_from_before_the_peer_was_heard(void **state)
{
	struct ho_event e = fact_segment(12500, 20);

	(void)state;
	apply(fact_probe(11000, 1));
	apply(fact_probe(12000, 2));
	e.probes_out = 2;
	apply(e);
	apply(given_up(14000, 2));
	assert_int_equal(c.silence.asks, 0);
	anew_as_seen();
	apply(fact_probe(11000, 1));
	apply(fact_probe(12000, 2));
	apply(e);
	apply(given_up(14000, 3));		/* one more since */
	has_asked(1, 13000, 13000);
	anew_as_seen();
	fail_probe(11000, 1);
	fail_probe(12000, 2);
	apply(given_up(13000, 2));
	assert_int_equal(c.silence.asks, 0);
	assert_int_equal(lost(), 0);
}

static void test_the_end_where_no_probe_is_shown(void **state)
{
	(void)state;
	rules.probes_unseen = true;
	apply(given_up(14000, 3));
	has_asked(3, 11000, 13000);
	assert_int_equal(c.probes_sent, 3);
	assert_int_equal(lost(), 0);		/* none was to be told */
	anew_as_seen();
	apply(given_up(13000, 3));		/* two can have been sent */
	has_asked(2, 11000, 12000);
	anew_as_seen();
	fail_probe(11000, 1);			/* what failed is shown */
	apply(given_up(14000, 3));
	assert_int_equal(c.silence.asks, 0);
	anew_as_seen();
	c.keepalive.interval_jiffies = 0;	/* what no kernel has tells one */
	{
		struct ho_event e = given_up(14000, 3);

		e.sock_interval_jiffies = e.net_interval_jiffies = 0;
		apply(e);
	}
	assert_int_equal(c.silence.asks, 1);
}

/* ---- questions for the window ---- */

static struct ho_event waiting(struct ho_event e, uint8_t probes_out)
{
	e.flags |= HO_F_ZERO_WINDOW;
	e.unsent = 10;
	e.pending = HO_PENDING_PROBE0;
	e.probes_out = probes_out;
	return e;
}

static void test_questions_for_the_window(void **state)
{
	struct ho_event e = waiting(fact(HO_ZERO_WINDOW_PROBE, 20000), 3);

	(void)state;
	e.last_tx_ns = 19500 * MS;
	apply(e);		/* two before it were sent by tcp_release_cb() */
	has_asked(3, 19500, 20000);
	assert_int_equal(c.silence.last_ask_jiffies, 20000 / 4);
	assert_int_equal(c.incidents->zero_window_probes, 3);
	assert_int_equal(c.silence.probes_out, 3);
	e = waiting(fact_segment(21000, 0), 5);
	e.last_tx_ns = 20960 * MS;
	apply(e);		/* two more, which this one answers */
	assert_int_equal(c.incidents->zero_window_probes, 5);
	assert_int_equal(c.silence.asks, 0);
	assert_int_equal(c.incidents->episodes[0].asks, 5);
	anew_as_seen();
	e = waiting(fact(HO_ZERO_WINDOW_PROBE, 20000), 1);
	apply(e);
	assert_int_equal(c.incidents->zero_window_probes, 1);
	has_asked(1, 20000, 20000);
	e = waiting(fact_segment(20040, 0), 1);
	apply(e);
	assert_int_equal(c.incidents->zero_window_probes, 1);
	anew_as_seen();
	e = waiting(fact_segment(21000, 0), 2);
	e.flags &= ~HO_F_ZERO_WINDOW;	/* it is open: what was counted was answered */
	apply(e);
	assert_int_equal(incidents__of(&c)->zero_window_probes, 0);
	anew_as_seen();
	e = waiting(fact_segment(21000, 0), 2);
	e.unsent = 0;
	apply(e);
	assert_int_equal(incidents__of(&c)->zero_window_probes, 0);
}

static void test_questions_that_the_clocks_place(void **state)
{
	struct ho_event e = waiting(fact_closed(20000, TCP_ESTABLISHED), 2);

	(void)state;
	e.error = ETIMEDOUT;
	e.last_tx_ns = 20001 * MS;	/* no later than the end */
	apply(e);
	has_asked(2, 20000, 20000);
	anew_as_seen();
	e.last_tx_ns = 19000 * MS;
	apply(e);
	has_asked(2, 19000, 19000);
	assert_int_equal(c.silence.last_ask_jiffies, 19000 / 4);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_count_that_rose_by_more),
		TEST(test_a_count_of_before),
		TEST(test_a_count_saturates),
		TEST(test_between_those_that_were_dropped),
		TEST(test_a_count_known_from_a_repetition),
		TEST(test_one_that_was_taken_for_lost),
		TEST(test_the_first_that_is_told),
		TEST(test_the_first_after_a_long_interval),
		TEST(test_an_answer_tells_its_probe),
		TEST(test_what_is_no_answer_to_a_probe),
		TEST(test_the_last_went_out_an_interval_before_the_end),
		TEST(test_a_count_from_before_the_peer_was_heard),
		TEST(test_the_end_where_no_probe_is_shown),
		TEST(test_questions_for_the_window),
		TEST(test_questions_that_the_clocks_place),
	};

	return cmocka_run_group_tests_name("lost_probes", tests, NULL, NULL);
}
