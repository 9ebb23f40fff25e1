// SPDX-License-Identifier: GPL-2.0
/* Asks of a peer: when what is under way was first sent, retransmissions without an event, sends
 * that this host dropped. */
#include <errno.h>
#include <stdlib.h>

#include "connection/asks.h"
#include "connection/lost_probes.h"
#include "connection/outcome.h"
#include "one_connection.h"

/* ---- first transmissions ---- */

static uint64_t first_ms(struct ho_event e)
{
	return asks__first_transmission_ns(&e, HZ) / MS;
}

static void test_when_it_was_first_sent(void **state)
{
	struct ho_event e = fact(HO_RETRANSMIT, 20000);

	(void)state;
	/* armed an RTO ago */
	assert_int_equal(first_ms(e), 19800);
	e.retransmitting_ms = 1500;	/* in the midst of retransmissions, the first of those */
	assert_int_equal(first_ms(e), 18500);
	e.retransmitting_ms = 100;
	assert_int_equal(first_ms(e), 19800);
	/* the write queue was empty when the peer was heard, and has been filled at 17 s */
	e.chrono_type = 1;
	e.chrono_start_jiffies = 17000 / 4;
	assert_int_equal(first_ms(e), 17004);
	e.chrono_start_jiffies = 500 / 4;	/* before that: no evidence */
	assert_int_equal(first_ms(e), 19800);
	/* the kernel's own record */
	e.delivered_ns = 16000 * MS;
	assert_int_equal(first_ms(e), 19800);
	e.flags |= HO_F_UNDELIVERED;
	assert_int_equal(first_ms(e), 16000);
	e.delivered_ns = 20000 * MS;
	assert_int_equal(first_ms(e), 20000);
	e.delivered_ns = 20001 * MS;	/* of the time after it */
	assert_int_equal(first_ms(e), 19800);
	e = fact(HO_RETRANSMIT, 100);
	assert_int_equal(first_ms(e), 0);	/* not below 0 */
}

/* ---- retransmissions ---- */

static void test_the_first_transmission_asked_too(void **state)
{
	(void)state;
	apply(fact_retransmission(20000, 1));
	assert_int_equal(c.silence.asks, 2);
	assert_int_equal(c.silence.kinds, ASK_DATA);
	assert_int_equal(c.silence.first_ask_ns, 19800 * MS);
	assert_int_equal(c.silence.last_ask_ns, 20000 * MS);
	assert_int_equal(told.entries[0].kind, EVENT_RETRANSMIT);
	assert_int_equal(told.entries[0].n, 1);
	assert_int_equal(c.incidents->deafness.retransmits, 1);
	apply(fact_retransmission(20400, 2));
	assert_int_equal(c.silence.asks, 3);
	assert_int_equal(told.entries[0].n, 2);
	apply(fact_retransmission(23600, 5));	/* two of them were not emitted */
	assert_int_equal(c.silence.asks, 6);
	assert_int_equal(c.incidents->deafness.retransmits, 5);
	assert_int_equal(silence__unanswered(&c), 5);
	assert_int_equal(c.incidents->closed_ns, 0);	/* no FIN is under way */
}

/* A first probe that was held back is told before what follows it. */
static void test_data_after_a_probe(void **state)
{
	(void)state;
	apply(fact_probe(11000, 1));
	assert_int_equal(told.count, 0);
	apply(fact_retransmission(20000, 1));
	assert_int_equal(told.count, 2);
	assert_int_equal(told.entries[0].kind, EVENT_PROBE_SENT);
	assert_int_equal(told.entries[0].at_ns, 11000 * MS);
	assert_int_equal(told.entries[1].kind, EVENT_RETRANSMIT);
	assert_int_equal(c.silence.kinds, ASK_PROBE | ASK_DATA);
	assert_int_equal(c.incidents->deafness.asks_before, 1);
	assert_int_equal(c.incidents->deafness.carrying_ns, 19800 * MS);
}

static void test_a_loss_probe_is_the_first(void **state)
{
	(void)state;
	apply(fact_retransmission(20000, 0));
	assert_int_equal(told.entries[0].n, 1);
	assert_int_equal(c.silence.asks, 2);
	assert_int_equal(c.incidents->deafness.retransmits, 0);
}

static void test_kinds_of_what_is_sent_again(void **state)
{
	struct ho_event e = fact_retransmission(20000, 1);

	(void)state;
	e.flags |= HO_F_FIN_QUEUED;
	e.state = TCP_FIN_WAIT1;
	apply(e);
	assert_int_equal(c.silence.kinds, ASK_FIN);
	assert_int_equal(c.incidents->closed_ns, 19800 * MS);
	anew();
	e.packets_out = 2;	/* of data and a FIN the data go first */
	apply(e);
	assert_int_equal(c.silence.kinds, ASK_DATA);
	assert_int_equal(c.incidents->closed_ns, 19800 * MS);
	anew();
	e = fact_retransmission(20000, 0);
	e.flags |= HO_F_ZERO_WINDOW;	/* its own timer does not count */
	apply(e);
	assert_int_equal(c.silence.kinds, ASK_ZERO_WINDOW);
	anew();
	e.retransmits = 1;
	apply(e);
	assert_int_equal(c.silence.kinds, ASK_DATA);
}

static void test_what_was_answered_before_is_no_ask(void **state)
{
	struct ho_event e = fact_retransmission(20000, 1);

	(void)state;
	e.flags &= ~HO_F_UNDELIVERED;
	e.rcv_tstamp_jiffies = 19900 / 4;	/* the peer spoke after the first transmission */
	apply(e);
	assert_int_equal(c.silence.asks, 1);
	assert_int_equal(c.silence.first_ask_ns, 20000 * MS);
	anew();
	e.rcv_tstamp_jiffies = 19804 / 4;	/* at the very moment, to a jiffy */
	apply(e);
	assert_int_equal(c.last_heard_ns, 19800 * MS);
	assert_int_equal(c.silence.asks, 1);
	anew();
	e.rcv_tstamp_jiffies = 19800 / 4;
	apply(e);
	assert_int_equal(c.silence.asks, 2);
}

static void test_heard_after_the_first_transmission(void **state)
{
	struct ho_event e = fact_retransmission(20000, 1);

	(void)state;
	/* acknowledged nothing of it, and came too late to have crossed it */
	e.rcv_tstamp_jiffies = 19952 / 4;
	apply(e);
	assert_int_equal(c.silence.asks, 2);
	assert_int_equal(c.incidents->deafness.asks, 1);
	anew();
	e.rcv_tstamp_jiffies = 19840 / 4;	/* within a round trip: it crossed it */
	apply(e);
	assert_int_equal(c.silence.asks, 2);
	assert_int_equal(c.incidents->deafness.asks, 0);
}

/* ---- sends that this host dropped ---- */

static void test_a_retransmission_that_was_dropped_asked_nobody(void **state)
{
	struct ho_event failed = fact(HO_SEND_FAILED, 20000);

	(void)state;
	failed.packets_out = 1;
	failed.flags |= HO_F_UNDELIVERED;
	failed.delivered_ns = 19800 * MS;
	failed.reason = HO_FAILED_DROPPED;
	apply(failed);
	assert_int_equal(c.silence.asks, 1);	/* what is under way had left */
	assert_int_equal(c.incidents->sends_failed, 1);
	assert_int_equal(c.incidents->failed_in_silence, 1);
	assert_int_equal(c.incidents->failed_ns, 20000 * MS);
	assert_int_equal(c.incidents->first_failed_ns, 0);
	assert_int_equal(told.entries[0].kind, EVENT_SEND_FAILED);
	assert_int_equal(told.entries[0].n, HO_FAILED_DROPPED);
	assert_true(c.told);
	apply(fact_retransmission(20000, 1));	/* emitted within moments of it */
	assert_int_equal(c.silence.asks, 1);
	apply(fact_retransmission(20400, 2));
	assert_int_equal(c.silence.asks, 2);
}

static void test_a_first_transmission_that_was_dropped(void **state)
{
	struct ho_event failed = fact(HO_SEND_FAILED, 19800);

	(void)state;
	apply(failed);
	assert_int_equal(c.incidents->first_failed_ns, 19800 * MS);
	assert_int_equal(c.silence.asks, 0);
	apply(fact_retransmission(20000, 1));
	assert_int_equal(c.silence.asks, 1);
	assert_int_equal(c.silence.first_ask_ns, 20000 * MS);
	anew();
	failed = fact(HO_SEND_FAILED, 19700);	/* another one, not within moments of it */
	apply(failed);
	apply(fact_retransmission(20000, 1));
	assert_int_equal(c.silence.asks, 2);
	anew();
	failed = fact(HO_SEND_FAILED, 19790);	/* within 3 ms and two jiffies */
	apply(failed);
	apply(fact_retransmission(20000, 1));
	assert_int_equal(c.silence.asks, 1);
	anew();
	failed = fact(HO_SEND_FAILED, 19789);
	apply(failed);
	apply(fact_retransmission(20000, 1));
	assert_int_equal(c.silence.asks, 2);
}

static void test_of_what_this_host_dropped_the_first_asked(void **state)
{
	struct ho_event failed = fact(HO_SEND_FAILED, 20000);

	(void)state;
	failed.packets_out = 1;
	failed.flags |= HO_F_UNDELIVERED | HO_F_FIN_QUEUED;
	failed.delivered_ns = 19800 * MS;
	apply(failed);
	assert_int_equal(c.silence.kinds, ASK_FIN);
	anew();
	failed.unsent = 5;	/* it waits behind data */
	apply(failed);
	assert_int_equal(c.silence.kinds, ASK_DATA);
	anew();
	failed.unsent = 0;
	failed.flags &= ~HO_F_FIN_QUEUED;
	apply(failed);
	assert_int_equal(c.silence.kinds, ASK_DATA);
}

static void test_a_dropped_question_for_the_window_is_counted_by_the_kernel(void **state)
{
	struct ho_event failed = fact(HO_SEND_FAILED, 20000);

	(void)state;
	failed.unsent = 10;
	failed.flags |= HO_F_ZERO_WINDOW;
	failed.probes_out = 2;
	apply(failed);
	assert_int_equal(c.silence.probes_out, 3);
	assert_int_equal(c.silence.asks, 0);
}

static void test_probes_that_failed(void **state)
{
	struct ho_event e = fact(HO_PROBE_FAILED, 11000);

	(void)state;
	e.reason = HO_FAILED_DROPPED;
	e.probes_out = 1;
	apply(e);
	assert_int_equal(c.incidents->probes_failed, 1);
	assert_int_equal(c.incidents->failed_in_silence, 1);
	assert_int_equal(c.incidents->failed_ns, 11000 * MS);
	assert_int_equal(c.silence.probes_out, 1);
	assert_int_equal(c.silence.asks, 0);
	assert_int_equal(told.entries[0].kind, EVENT_PROBE_FAILED);
	e = fact(HO_PROBE_FAILED, 11500);	/* a full queue: the kernel counts none */
	e.reason = HO_FAILED_CONGESTION;
	e.probes_out = 2;
	apply(e);
	assert_int_equal(c.silence.probes_out, 1);
	assert_int_equal(c.incidents->probes_failed, 2);
	assert_int_equal(told.entries[0].n, HO_FAILED_CONGESTION);
}

/* ---- probes without an event ---- */

static void test_probes_between_two_that_were_told(void **state)
{
	(void)state;
	apply(fact_probe(11000, 1));
	apply(fact_probe(14000, 4));
	assert_int_equal(c.probes_sent, 4);
	assert_int_equal(c.silence.asks, 4);
	assert_int_equal(c.incidents->events_lost, 2);
	assert_int_equal(told.untold_probes, 2);
	/* one of them comes late: it was taken for lost */
	apply(fact_probe(12000, 2));
	assert_int_equal(c.incidents->events_lost, 1);
	assert_int_equal(c.probes_sent, 4);
	apply(fact_probe(10900, 1));		/* before all others */
	assert_int_equal(c.incidents->events_lost, 0);
	assert_int_equal(c.silence.first_ask_ns, 10900 * MS);
	apply(fact_probe(13000, 3));		/* nothing is missing any more */
	assert_int_equal(c.probes_sent, 5);
}

static void test_the_first_of_a_silence(void **state)
{
	(void)state;
	apply(fact_probe(12100, 2));		/* one idle time and one interval after the last sign of life */
	assert_int_equal(c.probes_sent, 2);
	assert_int_equal(c.silence.asks, 2);
	assert_int_equal(c.silence.first_ask_ns, 11100 * MS);
	assert_int_equal(c.incidents->events_lost, 1);
	anew();
	apply(fact_probe(11100, 2));		/* after the idle time alone: the count was stale */
	assert_int_equal(c.probes_sent, 1);
	assert_int_equal(c.silence.asks, 1);
	assert_int_equal(c.incidents->events_lost, 0);
}

static void give_up(uint64_t ms, uint8_t probes_out, uint32_t unsent, uint16_t flags)
{
	struct ho_event e = fact(HO_STATE, ms);

	e.state = TCP_CLOSE;
	e.old_state = TCP_ESTABLISHED;
	e.error = ETIMEDOUT;
	e.probes_out = probes_out;
	e.unsent = unsent;
	e.flags |= flags;
	apply(e);
}

static void test_probes_known_by_the_end_alone(void **state)
{
	(void)state;
	apply(fact_probe(11000, 1));
	give_up(14000, 3, 0, HO_F_IN_KEEPALIVE);
	assert_int_equal(c.probes_sent, 3);
	assert_int_equal(c.incidents->events_lost, 2);
	assert_int_equal(c.silence.last_ask_ns, 13000 * MS);	/* an interval before the end */
	assert_int_equal(c.incidents->outcome, OUTCOME_KEEPALIVE_TIMEOUT);
	anew();
	give_up(14000, 3, 0, HO_F_IN_KEEPALIVE);	/* none was emitted: the last, at least */
	assert_int_equal(c.probes_sent, 1);
	assert_int_equal(c.silence.first_ask_ns, 13000 * MS);
	assert_int_equal(c.incidents->events_lost, 1);
}

static void test_questions_for_the_window_known_by_the_end(void **state)
{
	(void)state;
	give_up(14000, 3, 10, HO_F_ZERO_WINDOW);
	assert_int_equal(c.incidents->zero_window_probes, 3);
	assert_int_equal(c.silence.asks, 3);
	assert_int_equal(c.silence.kinds, ASK_ZERO_WINDOW);
	assert_int_equal(c.incidents->outcome, OUTCOME_ZERO_WINDOW_TIMEOUT);
	assert_int_equal(c.incidents->found_by, FOUND_BY_ZERO_WINDOW);
}

/* ---- FIN and data so soon after another ask that it was in time ---- */

static void test_what_follows_a_probe_at_once_is_for_its_own_sake(void **state)
{
	struct ho_event e = fact(HO_STATE, 11020);

	(void)state;
	apply(fact_probe(11000, 1));
	e.state = TCP_FIN_WAIT1;
	e.old_state = TCP_ESTABLISHED;
	apply(e);
	assert_int_equal(c.silence.asks, 2);
	assert_false(c.told);	/* within srtt + 4 rttvar: the probe may yet be answered */
	anew();
	apply(fact_probe(11000, 1));
	e.mono_ns = 11051 * MS;
	apply(e);
	assert_true(c.told);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_when_it_was_first_sent),
		TEST(test_the_first_transmission_asked_too),
		TEST(test_data_after_a_probe),
		TEST(test_of_what_this_host_dropped_the_first_asked),
		TEST(test_a_loss_probe_is_the_first),
		TEST(test_kinds_of_what_is_sent_again),
		TEST(test_what_was_answered_before_is_no_ask),
		TEST(test_heard_after_the_first_transmission),
		TEST(test_a_retransmission_that_was_dropped_asked_nobody),
		TEST(test_a_first_transmission_that_was_dropped),
		TEST(test_a_dropped_question_for_the_window_is_counted_by_the_kernel),
		TEST(test_probes_that_failed),
		TEST(test_probes_between_two_that_were_told),
		TEST(test_the_first_of_a_silence),
		TEST(test_probes_known_by_the_end_alone),
		TEST(test_questions_for_the_window_known_by_the_end),
		TEST(test_what_follows_a_probe_at_once_is_for_its_own_sake),
	};

	return cmocka_run_group_tests_name("asks", tests, NULL, NULL);
}
