// SPDX-License-Identifier: GPL-2.0
/* When a socket's peer is asked next, and when the kernel gives it up: by the rules of
 * tcp_keepalive_timer(), tcp_retransmit_timer() and tcp_probe_timer(). */
#include <math.h>

#include "exposure/deadline.h"
#include "facts.h"
#include "tcp/retransmission.h"

static struct ho_row row;

/* A row at `ms`, of a socket that was heard at 1 s; no timer runs. */
static int begin(void **state)
{
	(void)state;
	row = (struct ho_row){ .write_in_jiffies = HO_TIMER_OFF,
			       .keepalive_in_jiffies = HO_TIMER_OFF };
	row.event = fact(HO_SEEN, 5000);
	return 0;
}

static void is(double next_ask_s, double dies_s)
{
	struct deadline d = deadline__of(&row, HZ, 15);

	if (isinf(next_ask_s))
		assert_true(isinf(d.next_ask_s));
	else
		assert_true(fabs(d.next_ask_s - next_ask_s) < 1e-6);
	if (isinf(dies_s))
		assert_true(isinf(d.dies_s));
	else if (fabs(d.dies_s - dies_s) >= 1e-6)
		fail_msg("dies in %f s, not %f", d.dies_s, dies_s);
}

/* ---- keepalive: 10/1/3 ---- */

static void test_no_timer(void **state)
{
	(void)state;
	is(INFINITY, INFINITY);
	row.event.flags = 0;
	row.keepalive_in_jiffies = 1500;	/* switched off: the timer expires, and that is all */
	is(INFINITY, INFINITY);
	row.event.state = TCP_FIN_WAIT2;
	is(INFINITY, INFINITY);
	row.event.flags = HO_F_ORPHAN;		/* whose timer this is, too */
	is(INFINITY, 6);
}

static void test_probes(void **state)
{
	(void)state;
	row.keepalive_in_jiffies = 1500;
	is(6, 9);
	row.keepalive_in_jiffies = 250;		/* it was heard since: armed anew for the rest */
	is(6, 9);
	row.event = fact(HO_SEEN, 11500);
	row.keepalive_in_jiffies = 125;
	row.event.probes_out = 1;
	is(0.5, 2.5);
	row.event.probes_out = 2;
	is(0.5, 1.5);
	row.event.probes_out = 3;
	is(0.5, 0.5);
	row.event.probes_out = 4;
	is(0.5, 0.5);
	row.keepalive_in_jiffies = -5;		/* it is late */
	is(0, 0);
}

/* The count is ignored: it gives up at the first expiry from the limit on, one probe being out. */
static void test_probes_with_a_user_timeout(void **state)
{
	(void)state;
	row.keepalive_in_jiffies = 1500;
	row.event.user_timeout_ms = 12500;
	is(6, 9);		/* probes at 10, 11, 12 s; at 13 s it is over */
	row.event.user_timeout_ms = 12000;
	is(6, 8);
	row.event.user_timeout_ms = 60000;
	is(6, 56);
	row.event.user_timeout_ms = 500;
	is(6, 7);
	row.event = fact(HO_SEEN, 11500);
	row.event.user_timeout_ms = 500;
	row.event.probes_out = 1;
	row.keepalive_in_jiffies = 125;
	is(0.5, 0.5);
}

/* ---- data under way ---- */

static double gives_up(uint32_t retries, double user_timeout_s, double rto_max_s)
{
	struct retransmission_limits limits = { retries, user_timeout_s, rto_max_s };

	return retransmission__gives_up_after_s(0.2, &limits, HZ, 0);
}

static void test_retransmissions(void **state)
{
	(void)state;
	row.write_in_jiffies = 25;
	row.keepalive_in_jiffies = 1500;	/* it has no say */
	is(0.1, 0.1 + gives_up(15, 0, 120));
	row.event.user_timeout_ms = 5000;
	is(0.1, 0.1 + gives_up(15, 5, 120));
	row.event.user_timeout_ms = 0;
	row.event.rto_max_jiffies = 5 * HZ;
	is(0.1, 0.1 + gives_up(15, 0, 5));
	row.event.rto_max_jiffies = 0;
	row.event.flags |= HO_F_ORPHAN;
	is(0.1, 0.1 + gives_up(8, 0, 120));
	row.event.flags &= ~HO_F_ORPHAN;
	/* in the midst of it: the RTO has been doubled thrice */
	row.event.retransmits = 3;
	row.event.rto_jiffies = 8 * HZ / 5;
	row.event.retransmitting_ms = 1400;
	is(0.1, gives_up(15, 0, 120) - 1.4);
	row.event.retransmitting_ms = 2000000;	/* it is over, at the next expiry */
	is(0.1, 0.1);
}

/* ---- a closed window ---- */

static void asks_for_window(uint32_t retries2, double dies_s)
{
	struct deadline d = deadline__of(&row, HZ, retries2);

	assert_true(fabs(d.next_ask_s - 0.2) < 1e-6);
	if (fabs(d.dies_s - dies_s) >= 1e-6)
		fail_msg("dies in %f s, not %f", d.dies_s, dies_s);
}

static void test_questions_for_the_window(void **state)
{
	(void)state;
	row.event.pending = HO_PENDING_PROBE0;
	row.write_in_jiffies = HZ / 5;
	asks_for_window(3, 0.2 + 0.2 + 0.4 + 0.8);
	row.event.probes_out = 2;
	asks_for_window(3, 0.2 + 0.8);
	row.event.probes_out = 3;
	asks_for_window(3, 0.2);
	row.event.probes_out = 0;
	row.event.rto_max_jiffies = HZ;
	asks_for_window(5, 0.2 + 0.2 + 0.4 + 0.8 + 1 + 1);
	row.event.flags |= HO_F_ORPHAN;
	asks_for_window(3, 0.2 + 0.2 + 0.4 + 0.8 + 5);
	row.event.flags &= ~HO_F_ORPHAN;
	row.event.rto_max_jiffies = 0;
	/* the user timeout counts from the last answer, four seconds ago */
	row.event.user_timeout_ms = 5000;
	asks_for_window(15, 1);
	row.event.user_timeout_ms = 1000;
	asks_for_window(15, 0.2);
	row.event.user_timeout_ms = 60000;
	asks_for_window(3, 1.6);
}

#define TEST(f) cmocka_unit_test_setup(f, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_timer),
		TEST(test_probes),
		TEST(test_probes_with_a_user_timeout),
		TEST(test_retransmissions),
		TEST(test_questions_for_the_window),
	};

	return cmocka_run_group_tests_name("deadline", tests, NULL, NULL);
}
