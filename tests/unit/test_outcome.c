// SPDX-License-Identifier: GPL-2.0
/* How a connection ended, and whether its peer was gone: cases that lie a little beside those of
 * test_core.c, each with what the kernel leaves behind. */
#include <errno.h>
#include <stdlib.h>

#include "connection/outcome.h"
#include "one_connection.h"
#include "timeline/names.h"

static void ends(struct ho_event e, enum outcome outcome, enum found_by found_by)
{
	apply(e);
	assert_string_equal(outcome__name(c.incidents->outcome), outcome__name(outcome));
	assert_string_equal(found_by__name(c.incidents->found_by), found_by__name(found_by));
}

/* ... as its only fact. */
static void ends_at_once(struct ho_event e, enum outcome outcome, enum found_by found_by)
{
	anew();
	ends(e, outcome, found_by);
}

static struct ho_event closed_with(uint16_t error)
{
	struct ho_event e = fact_closed(20000, TCP_ESTABLISHED);

	e.error = error;
	return e;
}

/* ---- timers ---- */

static void test_the_keepalive_timer(void **state)
{
	struct ho_event e = closed_with(ETIMEDOUT);

	(void)state;
	e.flags |= HO_F_IN_KEEPALIVE;
	e.probes_out = 3;
	ends_at_once(e, OUTCOME_KEEPALIVE_TIMEOUT, FOUND_BY_KEEPALIVE);
	assert_true(c.told);
	/* what ICMP left there changes nothing */
	e.error = EHOSTUNREACH;
	ends_at_once(e, OUTCOME_KEEPALIVE_TIMEOUT, FOUND_BY_KEEPALIVE);
	e.error = ECONNRESET;
	ends_at_once(e, OUTCOME_KEEPALIVE_TIMEOUT, FOUND_BY_KEEPALIVE);
	/* an orphan's timer of FIN_WAIT2 is the same, and no error */
	e.error = 0;
	e.old_state = TCP_FIN_WAIT2;
	e.flags |= HO_F_ORPHAN;
	ends_at_once(e, OUTCOME_CLOSED_LOCALLY, FOUND_BY_NOTHING);
}

static bool is_of_keepalive(struct ho_event e, bool reset_sent)
{
	anew();
	assert_true(incidents__make(&c));
	c.incidents->reset_sent = reset_sent;
	return outcome__is_of_keepalive(&c, &e);
}

/* Where its timer is not watched, by the reset that it sends and no other timer does. */
static void test_the_keepalive_timer_unseen(void **state)
{
	struct ho_event e = closed_with(ETIMEDOUT);

	(void)state;
	e.probes_out = 3;
	assert_true(is_of_keepalive(e, true));
	assert_false(is_of_keepalive(e, false));
	e.error = EHOSTUNREACH;
	assert_false(is_of_keepalive(e, true));
	e.error = ETIMEDOUT;
	e.probes_out = 0;
	assert_false(is_of_keepalive(e, true));
	e.probes_out = 3;
	e.unsent = 1;
	assert_false(is_of_keepalive(e, true));
	e.unsent = 0;
	e.flags |= HO_F_ORPHAN;
	assert_false(is_of_keepalive(e, true));
	e.flags &= ~HO_F_ORPHAN;
	e.retransmits = 1;
	assert_false(is_of_keepalive(e, true));
	e.retransmits = 0;
	anew();
	apply(fact_retransmission(15000, 1));
	c.incidents->reset_sent = true;
	assert_false(outcome__is_of_keepalive(&c, &e));
}

static void test_unacknowledged_data(void **state)
{
	struct ho_event e = closed_with(ETIMEDOUT);

	(void)state;
	ends_at_once(e, OUTCOME_UNKNOWN, FOUND_BY_NOTHING);
	e.retransmits = 5;
	ends_at_once(e, OUTCOME_RETRANSMIT_TIMEOUT, FOUND_BY_RETRANSMIT);
	e.user_timeout_ms = 900;
	ends_at_once(e, OUTCOME_USER_TIMEOUT, FOUND_BY_USER_TIMEOUT);
	e.error = ECONNREFUSED;		/* as ICMP said */
	ends_at_once(e, OUTCOME_UNREACHABLE, FOUND_BY_UNREACHABLE);
	e.retransmits = 0;
	ends_at_once(e, OUTCOME_UNKNOWN, FOUND_BY_NOTHING);
	apply(fact_closed(20001, TCP_ESTABLISHED));	/* an ending is told once */
	assert_int_equal(c.incidents->outcome, OUTCOME_UNKNOWN);
}

/* A window that was closed over data in flight: their own timer asks, and counts none. */
static void test_a_closed_window(void **state)
{
	struct ho_event e = closed_with(ETIMEDOUT), asked = fact_retransmission(15000, 0);

	(void)state;
	asked.flags |= HO_F_ZERO_WINDOW;
	e.flags |= HO_F_ZERO_WINDOW;
	anew();
	apply(asked);
	ends(e, OUTCOME_ZERO_WINDOW_TIMEOUT, FOUND_BY_ZERO_WINDOW);
	anew();
	apply(asked);
	e.flags &= ~HO_F_ZERO_WINDOW;	/* it was opened since */
	ends(e, OUTCOME_UNKNOWN, FOUND_BY_NOTHING);
	/* unsent data: closed by the end, or asked before */
	e = closed_with(ETIMEDOUT);
	e.unsent = 10;
	e.probes_out = 2;
	anew();
	apply(asked);
	ends(e, OUTCOME_ZERO_WINDOW_TIMEOUT, FOUND_BY_ZERO_WINDOW);
	e.error = EHOSTUNREACH;
	anew();
	apply(asked);
	ends(e, OUTCOME_UNREACHABLE, FOUND_BY_UNREACHABLE);
	/* the retransmission timer, too, has given up */
	e.error = ETIMEDOUT;
	e.retransmits = 3;
	anew();
	apply(asked);
	ends(e, OUTCOME_RETRANSMIT_TIMEOUT, FOUND_BY_RETRANSMIT);
}

static void test_a_window_that_stays_closed_and_a_peer_that_answers(void **state)
{
	struct ho_event e = closed_with(ETIMEDOUT), orphan;

	(void)state;
	e.unsent = 10;
	e.user_timeout_ms = 900;
	e.flags |= HO_F_ZERO_WINDOW;
	ends_at_once(e, OUTCOME_USER_TIMEOUT, FOUND_BY_NOTHING);
	e.probes_out = 1;	/* the last question stayed unanswered */
	ends_at_once(e, OUTCOME_USER_TIMEOUT, FOUND_BY_USER_TIMEOUT);
	orphan = e;
	orphan.old_state = TCP_FIN_WAIT1;
	orphan.flags |= HO_F_ORPHAN;
	ends_at_once(orphan, OUTCOME_CLOSED_LOCALLY, FOUND_BY_LOCAL_CLOSE);
	orphan.probes_out = 0;
	ends_at_once(orphan, OUTCOME_CLOSED_LOCALLY, FOUND_BY_NOTHING);
	orphan.unsent = 0;
	ends_at_once(orphan, OUTCOME_CLOSED_LOCALLY, FOUND_BY_LOCAL_CLOSE);
	orphan.unsent = 10;
	orphan.flags &= ~HO_F_ZERO_WINDOW;
	ends_at_once(orphan, OUTCOME_CLOSED_LOCALLY, FOUND_BY_LOCAL_CLOSE);
	orphan.flags |= HO_F_ZERO_WINDOW;
	orphan.retransmits = 1;
	ends_at_once(orphan, OUTCOME_CLOSED_LOCALLY, FOUND_BY_LOCAL_CLOSE);
}

/* ---- closed by its program ---- */

static void test_states_in_which_its_program_had_closed_it(void **state)
{
	static const struct {
		uint8_t from;
		enum outcome outcome;
		enum found_by found_by;		/* ... when it gives up */
	} cases[] = {
		{ TCP_FIN_WAIT1, OUTCOME_CLOSED_LOCALLY, FOUND_BY_LOCAL_CLOSE },
		{ TCP_FIN_WAIT2, OUTCOME_CLOSED_LOCALLY, FOUND_BY_NOTHING },
		{ TCP_CLOSING, OUTCOME_CLOSED_LOCALLY, FOUND_BY_LOCAL_CLOSE },
		{ TCP_LAST_ACK, OUTCOME_CLOSED_BY_PEER, FOUND_BY_LOCAL_CLOSE },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ho_event e = fact_closed(20000, cases[i].from);

		ends_at_once(e, cases[i].outcome, FOUND_BY_NOTHING);
		assert_false(c.told);
		e.error = ETIMEDOUT;
		e.flags |= HO_F_ORPHAN;
		ends_at_once(e, cases[i].outcome, cases[i].found_by);
		assert_int_equal(c.told, cases[i].found_by != FOUND_BY_NOTHING);
		/* a reset does not show whether it answers the FIN or crossed it */
		anew();
		apply(fact(HO_RESET_RECEIVED, 19000));
		e.error = ECONNRESET;
		ends(e, cases[i].outcome, FOUND_BY_NOTHING);
		/* whom its program still holds, after a shutdown(), is told the error */
		e.error = ETIMEDOUT;
		e.retransmits = 4;
		e.flags &= ~HO_F_ORPHAN;
		ends_at_once(e, OUTCOME_RETRANSMIT_TIMEOUT, FOUND_BY_RETRANSMIT);
	}
}

static void close_while_suspect(uint8_t state)
{
	struct ho_event e = fact(HO_STATE, 13500);

	anew();
	apply(fact_probe(11000, 1));
	apply(fact_probe(12000, 2));
	apply(fact_probe(13000, 3));
	e.old_state = state == TCP_LAST_ACK ? TCP_CLOSE_WAIT : TCP_ESTABLISHED;
	e.state = state;
	apply(e);
	assert_true(c.incidents->suspect_at_close);
}

static void test_closed_because_it_was_silent(void **state)
{
	(void)state;
	close_while_suspect(TCP_FIN_WAIT1);
	ends(fact_closed(20000, TCP_FIN_WAIT1), OUTCOME_CLOSED_LOCALLY, FOUND_BY_LOCAL_CLOSE);
	assert_int_equal(outcome__declared_ns(&c), 13500 * MS);
	assert_int_equal(c.incidents->episodes[0].end, EPISODE_CLOSED);
	assert_int_equal(c.incidents->episodes[0].ended_ns, 20000 * MS);
	close_while_suspect(TCP_LAST_ACK);	/* the peer had closed: it was there */
	ends(fact_closed(20000, TCP_LAST_ACK), OUTCOME_CLOSED_BY_PEER, FOUND_BY_NOTHING);
	close_while_suspect(TCP_FIN_WAIT1);	/* its FIN was acknowledged */
	ends(fact_closed(20000, TCP_FIN_WAIT2), OUTCOME_CLOSED_LOCALLY, FOUND_BY_NOTHING);
}

static void test_aborted_by_its_program(void **state)
{
	struct ho_event e = fact_closed(20000, TCP_ESTABLISHED);

	(void)state;
	ends_at_once(e, OUTCOME_ABORTED_LOCALLY, FOUND_BY_NOTHING);
	assert_int_equal(c.incidents->detail, DETAIL_NONE);
	assert_true(c.told);
	e.flags |= HO_F_LINGER_0;
	ends_at_once(e, OUTCOME_ABORTED_LOCALLY, FOUND_BY_NOTHING);
	assert_int_equal(c.incidents->detail, DETAIL_LINGER_0);
	e.error = ECONNABORTED;		/* ss -K */
	ends_at_once(e, OUTCOME_ABORTED_LOCALLY, FOUND_BY_NOTHING);
	assert_int_equal(c.incidents->detail, DETAIL_NONE);
	/* moved elsewhere: nothing was sent */
	e.error = 0;
	e.flags |= HO_F_REPAIR;
	ends_at_once(e, OUTCOME_CLOSED_LOCALLY, FOUND_BY_NOTHING);
	assert_int_equal(c.incidents->detail, DETAIL_MOVED);
	assert_true(c.told);
	e.flags &= ~HO_F_REPAIR;
	anew();
	apply(fact_probe(11000, 1));
	apply(fact_probe(12000, 2));	/* one was unanswered: no suspect */
	ends(e, OUTCOME_ABORTED_LOCALLY, FOUND_BY_NOTHING);
	anew();
	apply(fact_probe(11000, 1));
	apply(fact_probe(12000, 2));
	apply(fact_probe(13000, 3));
	ends(e, OUTCOME_ABORTED_LOCALLY, FOUND_BY_LOCAL_CLOSE);
	assert_int_equal(outcome__declared_ns(&c), 20000 * MS);
}

/* ---- resets ---- */

static void test_resets(void **state)
{
	struct ho_event e = fact(HO_RESET_RECEIVED, 15000);

	(void)state;
	ends_at_once(closed_with(ECONNRESET), OUTCOME_RESET_BY_PEER, FOUND_BY_NOTHING);
	ends_at_once(closed_with(EPIPE), OUTCOME_RESET_BY_PEER, FOUND_BY_NOTHING);
	anew();
	apply(e);
	ends(closed_with(0), OUTCOME_RESET_BY_PEER, FOUND_BY_NOTHING);
	anew();
	e.probes_out = 1;
	apply(e);
	ends(closed_with(ECONNRESET), OUTCOME_RESET_BY_PEER, FOUND_BY_RESET);
	assert_int_equal(outcome__declared_ns(&c), 15000 * MS);
	c.incidents->reset_ns = 0;
	assert_int_equal(outcome__declared_ns(&c), 20000 * MS);
}

/* ---- after a goodbye ---- */

static void say_goodbye(void)
{
	struct ho_event e = fact(HO_STATE, 5000);

	anew();
	e.old_state = TCP_ESTABLISHED;
	e.state = TCP_CLOSE_WAIT;
	e.flags |= HO_F_FIN_TAKEN;
	apply(e);
}

static void test_who_said_goodbye_is_not_gone(void **state)
{
	struct ho_event e = fact_closed(20000, TCP_CLOSE_WAIT);

	(void)state;
	e.error = ETIMEDOUT;
	e.flags |= HO_F_IN_KEEPALIVE | HO_F_FIN_TAKEN;
	e.probes_out = 3;
	say_goodbye();
	ends(e, OUTCOME_KEEPALIVE_TIMEOUT, FOUND_BY_NOTHING);	/* our program's leak */
	e.flags &= ~HO_F_IN_KEEPALIVE;
	e.probes_out = 0;
	e.retransmits = 4;
	say_goodbye();
	ends(e, OUTCOME_RETRANSMIT_TIMEOUT, FOUND_BY_RETRANSMIT);	/* data of ours, in vain */
	e.retransmits = 0;
	e.unsent = 10;
	e.probes_out = 2;
	e.flags |= HO_F_ZERO_WINDOW;
	say_goodbye();
	ends(e, OUTCOME_ZERO_WINDOW_TIMEOUT, FOUND_BY_ZERO_WINDOW);
	say_goodbye();
	apply(fact_probe(11000, 1));
	apply(fact_probe(12000, 2));
	apply(fact_probe(13000, 3));
	e = fact_closed(20000, TCP_CLOSE_WAIT);
	ends(e, OUTCOME_ABORTED_LOCALLY, FOUND_BY_LOCAL_CLOSE);
}

/* ---- nobody was asked ---- */

static void fail_probe(uint64_t ms, uint8_t probes_out)
{
	struct ho_event e = fact(HO_PROBE_FAILED, ms);

	e.reason = HO_FAILED_DROPPED;
	e.probes_out = probes_out;
	apply(e);
}

static void is_unasked(bool unasked)
{
	assert_int_equal(c.incidents->detail == DETAIL_UNASKED, unasked);
	if (unasked)
		assert_int_equal(c.incidents->found_by, FOUND_BY_NOTHING);
}

static void test_what_never_left_this_host_asked_nobody(void **state)
{
	struct ho_event e = closed_with(ETIMEDOUT);

	(void)state;
	e.flags |= HO_F_IN_KEEPALIVE;
	e.probes_out = 1;
	fail_probe(11000, 1);
	apply(e);
	is_unasked(true);
	anew();
	apply(fact_probe(11000, 1));	/* this one left */
	fail_probe(12000, 2);
	e.probes_out = 2;
	apply(e);
	is_unasked(false);
	anew();
	fail_probe(11000, 1);
	e.error = ECONNABORTED;		/* ss -K asks nobody, and says nothing of the peer */
	e.flags &= ~HO_F_IN_KEEPALIVE;
	apply(e);
	is_unasked(false);
	anew();
	fail_probe(11000, 1);
	e.error = 0;
	apply(e);
	is_unasked(false);
}

/* Sysctl tcp_keepalive_probes=0: the timer gives up without asking. */
static void test_no_probe_at_all(void **state)
{
	struct ho_event e = closed_with(ETIMEDOUT);

	(void)state;
	e.flags |= HO_F_IN_KEEPALIVE;
	e.sock_probes = e.net_probes = 0;
	ends_at_once(e, OUTCOME_KEEPALIVE_TIMEOUT, FOUND_BY_NOTHING);
	is_unasked(true);
	e.net_probes = 1;
	ends_at_once(e, OUTCOME_KEEPALIVE_TIMEOUT, FOUND_BY_KEEPALIVE);
	is_unasked(false);
	e.net_probes = 0;
	e.user_timeout_ms = 900;	/* which asks one at least */
	ends_at_once(e, OUTCOME_USER_TIMEOUT, FOUND_BY_USER_TIMEOUT);
	is_unasked(false);
}

/* A filter of our own may reset what it keeps in, in the same breath. */
static void test_a_reset_of_our_own_filter(void **state)
{
	static const struct {
		uint64_t after_ns;
		bool unasked;
	} resets[] = { { 0, true }, { 4999999, true }, { 5000000, false } };
	struct ho_event e = closed_with(ECONNREFUSED), r;
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		anew();
		fail_probe(11000, 1);
		r = fact(HO_RESET_RECEIVED, 11000);
		r.mono_ns += resets[i].after_ns;
		r.probes_out = 1;
		apply(r);
		apply(e);
		assert_int_equal(c.incidents->outcome, OUTCOME_RESET_BY_PEER);
		is_unasked(resets[i].unasked);
	}
	anew();		/* one that came before it failed was somebody else's */
	apply(fact(HO_RESET_RECEIVED, 10999));
	fail_probe(11000, 1);
	apply(e);
	is_unasked(false);
}

/* What was asked before the peer was last heard was answered: only what came since counts. */
static void test_asked_in_vain_before_it_was_heard(void **state)
{
	struct ho_event e = closed_with(ETIMEDOUT), probe = fact_segment(12500, 0);

	(void)state;
	probe.segment = HO_SEGMENT_REPEATED;
	probe.seq_offset = -1;
	probe.probes_out = 1;
	apply(fact_probe(11000, 1));
	apply(probe);			/* its own, which answers nothing */
	assert_int_equal(c.incidents->deafness.asks, 1);
	fail_probe(13000, 2);
	e.flags |= HO_F_IN_KEEPALIVE;
	e.probes_out = 2;
	apply(e);
	is_unasked(true);
	anew();
	apply(fact_probe(11000, 1));
	apply(probe);
	apply(fact_probe(13000, 2));
	fail_probe(14000, 3);
	e.probes_out = 3;
	apply(e);
	is_unasked(false);
}

static void test_data_that_were_kept_in(void **state)
{
	struct ho_event e = closed_with(ETIMEDOUT);

	(void)state;
	e.probes_out = 4;
	e.unsent = 100;
	ends_at_once(e, OUTCOME_RETRANSMIT_TIMEOUT, FOUND_BY_NOTHING);
	is_unasked(true);
	e.error = EHOSTUNREACH;
	ends_at_once(e, OUTCOME_UNREACHABLE, FOUND_BY_NOTHING);
	is_unasked(true);
	e.unsent = 0;
	ends_at_once(e, OUTCOME_UNKNOWN, FOUND_BY_NOTHING);
	is_unasked(false);
}

/* ---- how it stands ---- */

static void test_how_an_open_one_stands(void **state)
{
	struct successor by = { .at_ns = 14000 * MS, .confidence = 1 };

	(void)state;
	assert_int_equal(outcome__now(&c, 2), OUTCOME_OPEN);
	apply(fact_probe(11000, 1));
	apply(fact_probe(12000, 2));
	assert_int_equal(outcome__now(&c, 2), OUTCOME_OPEN);
	assert_int_equal(outcome__now(&c, 1), OUTCOME_SUSPECT);
	apply(fact_probe(13000, 3));
	assert_int_equal(outcome__now(&c, 2), OUTCOME_SUSPECT);
	incidents__suspect_successor(&c, &by, &told);
	apply(closed_with(ECONNABORTED));
	assert_int_equal(outcome__now(&c, 2), OUTCOME_ABORTED_LOCALLY);
	assert_int_equal(outcome__declared_ns(&c), 20000 * MS);
	incidents__set_found_by(&c, FOUND_BY_SUPERSEDED);
	assert_int_equal(outcome__declared_ns(&c), 14000 * MS);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_keepalive_timer),
		TEST(test_the_keepalive_timer_unseen),
		TEST(test_unacknowledged_data),
		TEST(test_a_closed_window),
		TEST(test_a_window_that_stays_closed_and_a_peer_that_answers),
		TEST(test_states_in_which_its_program_had_closed_it),
		TEST(test_closed_because_it_was_silent),
		TEST(test_aborted_by_its_program),
		TEST(test_resets),
		TEST(test_who_said_goodbye_is_not_gone),
		TEST(test_what_never_left_this_host_asked_nobody),
		TEST(test_no_probe_at_all),
		TEST(test_a_reset_of_our_own_filter),
		TEST(test_asked_in_vain_before_it_was_heard),
		TEST(test_data_that_were_kept_in),
		TEST(test_how_an_open_one_stands),
	};

	return cmocka_run_group_tests_name("outcome", tests, NULL, NULL);
}
