// SPDX-License-Identifier: GPL-2.0
/* The state that one socket's history keeps of each event; its ending and output are in
 * test_core.c. */
#include <errno.h>
#include <stdlib.h>

#include "connection/outcome.h"
#include "facts.h"

static const struct connection_rules rules = { .hz = HZ, .suspect_after = 2, .fold = true };
static struct connection c;
static struct told told;

static void apply(const struct ho_event *e)
{
	assert_true(connection__apply(&c, e, &rules, &told));
}

static void established(void)
{
	struct ho_event e = fact_opened();

	apply(&e);
}

static void probe(uint64_t ms, uint8_t probes_out)
{
	struct ho_event e = fact_probe(ms, probes_out);

	apply(&e);
}

static int begin(void **state)
{
	(void)state;
	c = (struct connection){ .cookie = 9, .first_seen_ns = 1000 * MS };
	return 0;
}

static int end(void **state)
{
	(void)state;
	connection__release(&c);
	return 0;
}

/* ---- identity ---- */

static void test_who_it_is(void **state)
{
	(void)state;
	established();
	assert_int_equal(connection__family(&c), AF_INET);
	assert_int_equal(c.netns, 5);
	assert_int_equal(c.local.port, 1883);
	assert_int_equal(c.peer.port, 40000);
	assert_int_equal(c.peer.address[3], 7);
	assert_true(c.identified && c.addressed);
	assert_false(c.mptcp);
	assert_int_equal(c.srtt_us, 40000);
	assert_int_equal(c.mdev_us, 10000);
	assert_int_equal(c.last_heard_ns, 1000 * MS);
	assert_int_equal(c.state, TCP_ESTABLISHED);
}

static void test_what_is_not_told_stays(void **state)
{
	struct ho_event e = fact(HO_PROBE_SENT, 11000);

	(void)state;
	established();
	e.srtt_us = e.mdev_us = e.total_retrans = 0;
	e.flags |= HO_F_MPTCP;
	apply(&e);
	assert_int_equal(c.srtt_us, 40000);
	assert_int_equal(c.mdev_us, 10000);
	assert_true(c.mptcp);
	e = fact(HO_PROBE_SENT, 12000);
	e.probes_out = 2;
	e.srtt_us = 50000;
	e.mdev_us = 20000;
	apply(&e);
	assert_int_equal(c.srtt_us, 50000);
	assert_int_equal(c.mdev_us, 20000);
	assert_true(c.mptcp);	/* once is enough */
}

static void test_an_ipv6_socket_bound_to_an_interface(void **state)
{
	struct ho_event e = fact(HO_SEEN, 2000);

	(void)state;
	e.family = AF_INET6;
	e.bound_if = 3;
	apply(&e);
	assert_int_equal(connection__family(&c), AF_INET6);
	assert_int_equal(c.incidents->bound_if, 3);
	e = fact(HO_PROBE_SENT, 11000);
	e.family = AF_INET6;
	apply(&e);
	assert_int_equal(c.incidents->bound_if, 3);
}

static void test_its_ends_without_an_event(void **state)
{
	struct endpoint local = { { 192, 0, 2, 1 }, 80 }, peer = { { 192, 0, 2, 9 }, 999 };

	(void)state;
	connection__address(&c, 6, AF_INET6, &local, &peer);
	assert_int_equal(c.netns, 6);
	assert_int_equal(connection__family(&c), AF_INET6);
	assert_int_equal(c.local.port, 80);
	assert_int_equal(c.peer.port, 999);
	assert_true(c.addressed);
	assert_false(c.identified);
	assert_int_equal(c.last_heard_ns, 1000 * MS);	/* its handshake */
	c.last_heard_ns = 5;
	connection__address(&c, 6, AF_INET, &local, &peer);
	assert_int_equal(c.last_heard_ns, 5);
	assert_int_equal(connection__family(&c), AF_INET);
	c.last_heard_ns = 0;
	c.partial = true;	/* unknown when it was heard */
	connection__address(&c, 6, AF_INET, &local, &peer);
	assert_int_equal(c.last_heard_ns, 0);
}

/* ---- retransmissions: the kernel's own count ---- */

static struct ho_event retransmission(uint64_t ms, uint32_t total)
{
	struct ho_event e = fact(HO_RETRANSMIT, ms);

	e.packets_out = 1;
	e.total_retrans = total;
	e.chrono_type = 1;
	e.chrono_start_jiffies = (ms - 200) / 4;
	return e;
}

static uint32_t retransmits(void)
{
	return c.retransmits_total - incidents__of(&c)->retransmits_before;
}

static void test_retransmissions_since_it_was_established(void **state)
{
	struct ho_event e = retransmission(20000, 2);

	(void)state;
	established();
	assert_int_equal(retransmits(), 0);
	apply(&e);
	assert_int_equal(retransmits(), 2);	/* one of them had no event */
	e = retransmission(21000, 1);		/* late: the count never falls */
	apply(&e);
	assert_int_equal(retransmits(), 2);
	e = retransmission(22000, 3);
	apply(&e);
	assert_int_equal(retransmits(), 3);
}

static void test_retransmissions_of_before_are_not_ours(void **state)
{
	struct ho_event e = fact(HO_SEEN, 2000);

	(void)state;
	c.partial = true;
	e.total_retrans = 7;
	apply(&e);
	assert_int_equal(retransmits(), 0);
	e = retransmission(20000, 9);
	apply(&e);
	assert_int_equal(retransmits(), 2);
}

static void test_the_retransmission_that_shows_it_first(void **state)
{
	struct ho_event e = retransmission(20000, 7);

	(void)state;
	c.partial = true;
	apply(&e);
	assert_int_equal(retransmits(), 1);
}

/* ---- options ---- */

static void test_a_program_sets_options_right_after_accept(void **state)
{
	struct ho_event e = fact(HO_PROBE_SENT, 11000);

	(void)state;
	established();
	assert_false(c.options_settled);
	e.sock_probes = 5;
	apply(&e);
	assert_int_equal(c.keepalive.probes, 5);
	assert_true(c.options_settled);
	assert_int_equal(c.incidents->journal.used, 1);		/* the opening alone */
	e = fact(HO_PROBE_SENT, 12000);
	e.sock_probes = 6;
	e.probes_out = 2;
	apply(&e);
	assert_int_equal(c.keepalive.probes, 6);
	assert_int_equal(c.incidents->journal.entries[1].kind, EVENT_OPTION_CHANGE);
	assert_int_equal(c.incidents->journal.entries[1].at_ns, 12000 * MS);
	assert_true(c.told);
}

/* Of one that was open before, nobody says when it set them: what is there now counts. */
static void test_options_of_before_are_settled(void **state)
{
	struct ho_event e = fact(HO_SEEN, 2000);

	(void)state;
	c.partial = true;
	apply(&e);
	assert_true(c.options_settled);
	e = fact(HO_PROBE_SENT, 11000);
	e.sock_probes = 5;
	apply(&e);
	assert_int_equal(c.incidents->journal.entries[1].kind, EVENT_OPTION_CHANGE);
	assert_true(c.told);
	end(NULL);
	begin(NULL);
	e = fact(HO_STATE, 2000);	/* first heard of as it is half closed */
	e.old_state = TCP_ESTABLISHED;
	e.state = TCP_CLOSE_WAIT;
	apply(&e);
	assert_true(c.options_settled);
}

static void follow(uint32_t idle_s, uint32_t interval_s, uint32_t probes)
{
	connection__follow_sysctl(&c, 15000 * MS, idle_s, interval_s, probes, &rules, &told);
}

static void test_what_it_took_from_the_sysctls_follows_them(void **state)
{
	struct ho_event e = fact(HO_SEEN, 2000);

	(void)state;
	e.sock_idle_jiffies = e.sock_interval_jiffies = e.sock_probes = 0;
	apply(&e);
	assert_int_equal(c.keepalive.idle_jiffies, 7200 * HZ);
	follow(7200, 75, 9);
	assert_int_equal(told.count, 0);
	follow(600, 30, 400);
	assert_int_equal(c.keepalive.idle_jiffies, 600 * HZ);
	assert_int_equal(c.keepalive.interval_jiffies, 30 * HZ);
	assert_int_equal(c.keepalive.probes, 255);
	assert_int_equal(told.count, 1);
	assert_int_equal(told.entries[0].kind, EVENT_OPTION_CHANGE);
	assert_int_equal(told.entries[0].at_ns, 15000 * MS);
	assert_true(c.told);
	follow(600, 30, 254);
	assert_int_equal(c.keepalive.probes, 254);
}

static void test_what_it_set_itself_does_not(void **state)
{
	(void)state;
	established();
	follow(600, 30, 4);
	assert_int_equal(c.keepalive.idle_jiffies, 10 * HZ);
	assert_int_equal(c.keepalive.interval_jiffies, HZ);
	assert_int_equal(c.keepalive.probes, 3);
	assert_int_equal(told.count, 0);
	assert_false(c.told);
}

static void test_sysctls_concern_nobody_without_keepalive(void **state)
{
	struct ho_event e = fact(HO_SEEN, 2000);

	(void)state;
	e.flags = 0;
	e.sock_idle_jiffies = 0;
	apply(&e);
	follow(600, 30, 4);
	assert_int_equal(c.keepalive.idle_jiffies, 600 * HZ);
	assert_int_equal(told.count, 0);
	assert_false(c.told);
}

/* ---- half closed ---- */

static void test_when_the_peer_said_goodbye(void **state)
{
	struct ho_event e = fact(HO_STATE, 5000);

	(void)state;
	established();
	e.state = TCP_CLOSE_WAIT;
	e.old_state = TCP_ESTABLISHED;
	e.flags |= HO_F_FIN_TAKEN;
	apply(&e);
	assert_int_equal(c.incidents->half_closed_ns, 5000 * MS);
	assert_int_equal(c.state, TCP_CLOSE_WAIT);
	e = fact(HO_PROBE_SENT, 20000);
	e.state = TCP_CLOSE_WAIT;
	e.flags |= HO_F_FIN_TAKEN;
	apply(&e);
	assert_int_equal(c.incidents->half_closed_ns, 5000 * MS);	/* the first one is kept */
}

static void test_a_goodbye_of_before(void **state)
{
	struct ho_event e = fact(HO_SEEN, 5000);

	(void)state;
	c.partial = true;
	e.state = TCP_CLOSE_WAIT;
	e.flags |= HO_F_FIN_TAKEN;
	apply(&e);
	assert_true(c.incidents->half_closed_ns == HALF_CLOSED_BEFORE);
}

static void test_who_closed_first_waits_for_nobody(void **state)
{
	struct ho_event e = fact(HO_SEEN, 5000);

	(void)state;
	c.partial = true;
	e.state = TCP_CLOSING;
	e.flags |= HO_F_FIN_TAKEN | HO_F_FIN_QUEUED;
	apply(&e);
	assert_int_equal(c.incidents->half_closed_ns, 0);
}

/* ---- closed by its program ---- */

static void close_at(uint64_t ms)
{
	struct ho_event e = fact(HO_STATE, ms);

	e.state = TCP_FIN_WAIT1;
	e.old_state = TCP_ESTABLISHED;
	e.flags |= HO_F_FIN_QUEUED;
	apply(&e);
}

static void test_closed_while_suspect(void **state)
{
	(void)state;
	established();
	probe(11000, 1);
	probe(12000, 2);
	probe(13000, 3);
	close_at(13500);	/* two asks had stayed unanswered until the next was due */
	assert_int_equal(c.incidents->closed_ns, 13500 * MS);
	assert_true(c.incidents->suspect_at_close);
	assert_int_equal(c.silence.asks, 4);	/* the FIN is one */
	assert_true(c.silence.kinds & ASK_FIN);
}

static void test_closed_while_one_ask_was_unanswered(void **state)
{
	(void)state;
	established();
	probe(11000, 1);
	probe(12000, 2);
	close_at(12500);
	assert_int_equal(c.incidents->closed_ns, 12500 * MS);
	assert_false(c.incidents->suspect_at_close);
	assert_int_equal(c.silence.asks, 3);
}

static void test_a_fin_behind_data_that_wait(void **state)
{
	struct ho_event e = fact(HO_STATE, 13500);

	(void)state;
	established();
	probe(11000, 1);
	e.state = TCP_FIN_WAIT1;
	e.unsent = 100;
	apply(&e);
	assert_int_equal(c.silence.asks, 1);	/* it did not leave */
	assert_int_equal(c.incidents->closed_ns, 13500 * MS);
	end(NULL);
	begin(NULL);
	established();
	probe(11000, 1);
	e.unsent = 0;
	e.flags |= HO_F_ZERO_WINDOW;
	apply(&e);
	assert_int_equal(c.silence.asks, 1);
}

static void test_closed_while_well(void **state)
{
	(void)state;
	established();
	close_at(5000);
	assert_int_equal(c.incidents->closed_ns, 5000 * MS);
	assert_false(c.incidents->suspect_at_close);
	assert_int_equal(c.silence.asks, 0);	/* a silence begins with what stays unanswered */
}

static struct ho_event found_closing(uint64_t ms, uint8_t state)
{
	struct ho_event e = fact(HO_SEEN, ms);

	c.partial = true;
	e.state = state;
	e.flags |= HO_F_UNDELIVERED | HO_F_FIN_QUEUED;
	e.packets_out = 1;
	e.delivered_ns = (ms - 700) * MS;
	return e;
}

static void test_closed_before_we_came(void **state)
{
	static const uint8_t states[] = { TCP_FIN_WAIT1, TCP_LAST_ACK, TCP_CLOSING };
	unsigned int i;
	struct ho_event e;

	(void)state;
	for (i = 0; i < sizeof(states); i++) {
		begin(NULL);
		e = found_closing(5000, states[i]);
		apply(&e);
		assert_int_equal(c.incidents->closed_ns, 4300 * MS);	/* the FIN's first transmission */
		end(NULL);
	}
	begin(NULL);
	e = found_closing(5000, TCP_FIN_WAIT1);
	e.packets_out = 2;	/* the FIN is not alone */
	apply(&e);
	assert_int_equal(c.incidents->closed_ns, 5000 * MS);
	end(NULL);
	begin(NULL);
	e = found_closing(5000, TCP_FIN_WAIT1);
	e.flags &= ~HO_F_UNDELIVERED;
	apply(&e);
	assert_int_equal(c.incidents->closed_ns, 5000 * MS);
	end(NULL);
	begin(NULL);
	e = found_closing(5000, TCP_ESTABLISHED);
	apply(&e);
	assert_int_equal(c.incidents->closed_ns, 0);
}

/* ---- first seen amid a silence ---- */

static void test_probes_of_before(void **state)
{
	struct ho_event e = fact(HO_SEEN, 20000);

	(void)state;
	c.partial = true;
	e.probes_out = 3;
	e.last_tx_ns = 19500 * MS;
	apply(&e);
	assert_int_equal(c.silence.asks, 3);
	assert_int_equal(c.silence.probes_out, 3);
	assert_int_equal(c.silence.kinds, ASK_PROBE);
	assert_true(c.silence.adopted);
	/* an interval apart, the last at 19.5 s */
	assert_int_equal(c.silence.last_ask_ns, 19500 * MS);
	assert_int_equal(c.silence.first_ask_ns, 17500 * MS);
	assert_int_equal(c.silences, 1);
	assert_true(c.told);
	assert_int_equal(c.probes_sent, 0);	/* not during the watch */
}

static void test_one_probe_of_before(void **state)
{
	struct ho_event e = fact(HO_SEEN, 20000);

	(void)state;
	c.partial = true;
	e.probes_out = 1;
	e.last_tx_ns = 19500 * MS;
	apply(&e);
	assert_int_equal(c.silence.asks, 1);
	assert_int_equal(c.silence.first_ask_ns, 19500 * MS);
	assert_false(c.told);
}

static void test_a_stale_count_of_before(void **state)
{
	struct ho_event e = fact(HO_SEEN, 20000);

	(void)state;
	c.partial = true;
	e.probes_out = 3;
	e.last_tx_ns = 15000 * MS;
	e.lrcvtime_jiffies = 18000 / 4;		/* data came, which do not reset it */
	apply(&e);
	assert_int_equal(c.silence.asks, 0);
	assert_false(c.told);
	assert_int_equal(c.last_heard_ns / MS, 17996);	/* to a jiffy */
}

static void test_questions_for_the_window_of_before(void **state)
{
	struct ho_event e = fact(HO_SEEN, 20000);

	(void)state;
	c.partial = true;
	e.probes_out = 2;
	e.unsent = 10;
	e.last_tx_ns = 19000 * MS;
	apply(&e);
	assert_int_equal(c.silence.kinds, ASK_ZERO_WINDOW);
	assert_int_equal(c.silence.asks, 2);
	assert_int_equal(c.silence.first_ask_ns, 19000 * MS);	/* their intervals grow */
	end(NULL);
	begin(NULL);
	c.partial = true;
	e.unsent = 0;
	e.pending = HO_PENDING_PROBE0;
	apply(&e);
	assert_int_equal(c.silence.kinds, ASK_ZERO_WINDOW);
}

static void test_retransmissions_of_before(void **state)
{
	struct ho_event e = fact(HO_SEEN, 20000);

	(void)state;
	c.partial = true;
	e.retransmits = 3;
	e.packets_out = 1;
	e.bytes_acked = 77;
	e.flags |= HO_F_UNDELIVERED;
	e.delivered_ns = 16000 * MS;
	e.last_tx_ns = 19000 * MS;
	apply(&e);
	assert_int_equal(c.silence.asks, 4);	/* and the first transmission */
	assert_int_equal(c.silence.kinds, ASK_DATA);
	assert_int_equal(c.silence.first_ask_ns, 16000 * MS);
	assert_int_equal(c.silence.last_ask_ns, 19000 * MS);
	assert_int_equal(c.incidents->deafness.bytes_acked, 77);
	assert_int_equal(c.incidents->deafness.retransmits, 3);
	assert_true(c.told);
	end(NULL);
	begin(NULL);
	c.partial = true;
	e.flags |= HO_F_FIN_QUEUED;
	e.delivered_ns = 0;	/* unknown: the last is what is known */
	apply(&e);
	assert_int_equal(c.silence.kinds, ASK_FIN);
	assert_int_equal(c.silence.first_ask_ns, 19000 * MS);
}

static void test_a_quiet_one_has_no_silence(void **state)
{
	struct ho_event e = fact(HO_SEEN, 20000);

	(void)state;
	c.partial = true;
	apply(&e);
	assert_int_equal(c.silence.asks, 0);
	assert_int_equal(c.silences, 0);
	assert_false(c.told);
	assert_int_equal(c.incidents->journal.entries[0].kind, EVENT_SEEN);
	/* another pass finds it again: nothing new */
	e = fact(HO_SEEN, 30000);
	e.probes_out = 3;
	apply(&e);
	assert_int_equal(c.silence.asks, 0);
	assert_int_equal(c.incidents->journal.used, 1);
}

/* ---- seen by passes alone ---- */

static void test_life_that_only_a_pass_knows(void **state)
{
	(void)state;
	established();
	connection__note_life(&c, 50000 * MS, HZ);
	assert_int_equal(c.last_heard_ns, 50000 * MS);
	connection__note_life(&c, 40000 * MS, HZ);	/* older */
	assert_int_equal(c.last_heard_ns, 50000 * MS);
	probe(60000, 1);
	connection__note_life(&c, 60500 * MS, HZ);	/* an answer, or not: its event will show */
	assert_int_equal(c.last_heard_ns, 50000 * MS);
}

/* 2^32 jiffies later the same stamp seems new. */
static void test_life_of_a_wrap_ago(void **state)
{
	uint64_t wrap_ms = (1ULL << 32) * 4;

	(void)state;
	established();
	connection__note_life(&c, (1000 + wrap_ms) * MS, HZ);
	assert_int_equal(c.last_heard_ns, 1000 * MS);
	connection__note_life(&c, (1000 + wrap_ms / 2) * MS, HZ);
	assert_int_equal(c.last_heard_ns, (1000 + wrap_ms / 2) * MS);
}

/* ---- its end ---- */

static void close_with(uint64_t ms, uint16_t error)
{
	struct ho_event e = fact(HO_STATE, ms);

	e.state = TCP_CLOSE;
	e.old_state = TCP_ESTABLISHED;
	e.error = error;
	apply(&e);
}

static void test_an_end_is_told_once(void **state)
{
	struct ho_event e = fact(HO_GONE, 6001);

	(void)state;
	established();
	close_with(6000, ECONNABORTED);
	assert_int_equal(connection__ended_ns(&c), 6000 * MS);
	assert_int_equal(c.incidents->ended_from, TCP_ESTABLISHED);
	assert_int_equal(c.incidents->error, ECONNABORTED);
	assert_int_equal(c.incidents->outcome, OUTCOME_ABORTED_LOCALLY);
	assert_false(c.incidents->destroyed);
	close_with(6500, ETIMEDOUT);
	assert_int_equal(connection__ended_ns(&c), 6000 * MS);
	apply(&e);
	assert_true(c.incidents->destroyed);
	assert_false(c.incidents->ending_lost);
	assert_int_equal(c.incidents->outcome, OUTCOME_ABORTED_LOCALLY);
	probe(7000, 1);		/* events after the end belong to no connection */
	assert_int_equal(c.probes_sent, 0);
}

static void test_an_error_that_was_told_before_is_told_once(void **state)
{
	struct ho_event e = fact(HO_ERROR, 6000);

	(void)state;
	established();
	e.error = ECONNABORTED;
	apply(&e);
	assert_int_equal(told.count, 1);
	close_with(6000, ECONNABORTED);
	assert_int_equal(told.count, 1);
	assert_int_equal(told.entries[0].kind, EVENT_STATE);
	assert_int_equal(told.entries[0].from, TCP_ESTABLISHED);
	assert_int_equal(told.entries[0].to, TCP_CLOSE);
	end(NULL);
	begin(NULL);
	established();
	close_with(6000, ECONNABORTED);
	assert_int_equal(told.count, 2);
	assert_int_equal(told.entries[1].kind, EVENT_ERROR);
	assert_int_equal(told.entries[1].n, ECONNABORTED);
}

/* Retransmissions that no event told of: at the end the kernel says when what is under way was first
 * sent. */
static void test_retransmissions_that_only_the_end_shows(void **state)
{
	struct ho_event e = fact(HO_STATE, 30000);

	(void)state;
	established();
	e.state = TCP_CLOSE;
	e.old_state = TCP_ESTABLISHED;
	e.error = ETIMEDOUT;
	e.retransmits = 3;
	e.flags |= HO_F_UNDELIVERED;
	e.delivered_ns = 15000 * MS;
	apply(&e);
	assert_int_equal(c.silence.kinds, ASK_DATA);
	assert_int_equal(c.silence.first_ask_ns, 15000 * MS);
	assert_int_equal(c.incidents->closed_ns, 0);
	end(NULL);
	begin(NULL);
	established();
	e.flags |= HO_F_FIN_QUEUED | HO_F_ORPHAN;
	e.old_state = TCP_FIN_WAIT1;
	apply(&e);
	assert_int_equal(c.silence.kinds, ASK_FIN);
	assert_int_equal(c.incidents->closed_ns, 15000 * MS);
	end(NULL);
	begin(NULL);
	established();
	e.flags &= ~HO_F_UNDELIVERED;	/* some of it was acknowledged: nobody knows when it was sent */
	apply(&e);
	assert_int_equal(c.silence.asks, 0);
}

static void test_gone_without_an_end(void **state)
{
	struct ho_event e = fact(HO_GONE, 6000);

	(void)state;
	established();
	e.state = TCP_CLOSE;
	apply(&e);
	assert_int_equal(connection__ended_ns(&c), 6000 * MS);
	assert_true(c.incidents->ending_lost && c.incidents->destroyed);
	assert_int_equal(c.incidents->outcome, OUTCOME_UNKNOWN);
	assert_false(c.told);	/* it was well */
	end(NULL);
	begin(NULL);
	established();
	e.error = ETIMEDOUT;
	apply(&e);
	assert_true(c.told);
	assert_int_equal(c.incidents->error, ETIMEDOUT);
	end(NULL);
	begin(NULL);
	established();
	probe(11000, 1);
	probe(12000, 2);
	e.error = 0;
	e.mono_ns = 13000 * MS;
	apply(&e);
	assert_true(c.told);	/* one ask was unanswered */
	assert_int_equal(c.incidents->episodes[0].end, EPISODE_CLOSED);
	assert_int_equal(c.incidents->episodes[0].ended_ns, 13000 * MS);
}

/* Any later fact may tell that data of ours was acknowledged since a heartbeat came. */
static void test_a_heartbeat_is_answered(void **state)
{
	struct ho_event beat = fact_segment(31000, 2), later = fact(HO_STATE, 32000);

	(void)state;
	established();
	beat.flags |= HO_F_DATA_IDLE;
	beat.bytes_acked = 10;
	apply(&beat);
	assert_int_equal(c.incidents->heartbeat.reply, REPLY_UNKNOWN);
	later.old_state = TCP_ESTABLISHED;
	later.state = TCP_CLOSE_WAIT;
	later.bytes_acked = 14;
	apply(&later);
	assert_int_equal(c.incidents->heartbeat.reply, REPLY_ACKNOWLEDGED);
}

static void test_a_reset_that_we_sent(void **state)
{
	struct ho_event e = fact(HO_RESET_SENT, 6000);

	(void)state;
	established();
	e.reason = 11;
	apply(&e);
	assert_true(c.incidents->reset_sent);
	assert_int_equal(c.incidents->reset_reason, 11);
	assert_int_equal(told.entries[0].kind, EVENT_RESET_SENT);
	assert_int_equal(told.entries[0].n, 11);
	assert_int_equal(told.entries[0].at_ns, 6000 * MS);
}

/* ---- evidence ---- */

static void test_asks_after_the_declaration_do_not_count(void **state)
{
	struct latency_evidence e;

	(void)state;
	established();
	probe(11000, 1);
	probe(12000, 2);
	probe(13000, 3);
	c.slowest_answer_us = 70;
	e = connection__evidence(&c, 12500 * MS);
	assert_int_equal(e.declared_ns, 12500 * MS);
	assert_int_equal(e.last_heard_ns, 1000 * MS);
	assert_int_equal(e.first_unanswered_ns, 11000 * MS);
	assert_int_equal(e.last_unanswered_ns, 12500 * MS);
	assert_int_equal(e.srtt_us, 40000);
	assert_int_equal(e.mdev_us, 10000);
	assert_int_equal(e.slowest_answer_ns, 70000);
	e = connection__evidence(&c, 20000 * MS);
	assert_int_equal(e.last_unanswered_ns, 13000 * MS);
	e = connection__evidence(&c, 10999 * MS);
	assert_int_equal(e.first_unanswered_ns, 0);
	e = connection__evidence(&c, 11000 * MS);
	assert_int_equal(e.first_unanswered_ns, 11000 * MS);
}

/* ---- incidents ---- */

static void test_the_likeliest_successor_stays(void **state)
{
	struct successor by = { .cookie = 1, .at_ns = 5000 * MS, .confidence = 0.5 };

	(void)state;
	established();
	incidents__suspect_successor(&c, &by, &told);
	assert_int_equal(told.count, 1);
	assert_int_equal(told.entries[0].kind, EVENT_SUPERSEDED);
	assert_int_equal(told.entries[0].n, 500);
	assert_int_equal(told.entries[0].by_cookie, 1);
	assert_int_equal(told.entries[0].at_ns, 5000 * MS);
	assert_true(c.told);
	by.cookie = 2;		/* as likely: the first stays */
	incidents__suspect_successor(&c, &by, &told);
	assert_int_equal(told.count, 0);
	assert_int_equal(incidents__successor(&c)->cookie, 1);
	by.confidence = 0.6;
	incidents__suspect_successor(&c, &by, &told);
	assert_int_equal(incidents__successor(&c)->cookie, 2);
	by.confidence = 1;
	incidents__suspect_successor(&c, &by, &told);
	assert_int_equal(told.entries[0].n, 1000);
	c.last_heard_ns = 5000 * MS;
	assert_non_null(incidents__successor(&c));
	c.last_heard_ns++;	/* heard after that one came */
	assert_null(incidents__successor(&c));
}

static void test_losses_are_counted_and_told(void **state)
{
	(void)state;
	told = (struct told){ 0 };
	incidents__note_loss(&c, 7000 * MS, 3, &told);
	incidents__note_loss(&c, 8000 * MS, 4, &told);
	assert_int_equal(c.incidents->events_lost, 7);
	assert_int_equal(told.count, 2);
	assert_int_equal(told.entries[1].kind, EVENT_LOST);
	assert_int_equal(told.entries[1].n, 4);
	assert_int_equal(told.entries[1].at_ns, 8000 * MS);
}

static void test_revisions_count_up(void **state)
{
	(void)state;
	assert_int_equal(incidents__revise(&c), 1);
	assert_int_equal(incidents__revise(&c), 2);
	assert_true(incidents__set_found_by(&c, FOUND_BY_RESET));
	assert_int_equal(c.incidents->found_by, FOUND_BY_RESET);
}

static void test_answered_probes_are_one_entry(void **state)
{
	struct ho_event heard = fact(HO_HEARD, 11040);
	struct rtt rtt;

	(void)state;
	established();
	heard.flags |= HO_F_SEGMENT;
	heard.tcp_flags = HO_TCP_ACK;
	heard.probes_out = 1;
	probe(11000, 1);
	apply(&heard);
	probe(21000, 1);
	heard.mono_ns = 21060 * MS;
	heard.jiffies = 21060 / 4;
	apply(&heard);
	assert_int_equal(c.probes_sent, 2);
	assert_int_equal(c.probes_answered, 2);
	assert_int_equal(c.incidents->journal.used, 1);
	rtt = incidents__rtt(&c);
	assert_int_equal(rtt.count, 2);
	assert_int_equal(rtt.min_us, 40000);
	assert_int_equal(rtt.max_us, 60000);
	incidents__flush_run(&c);
	assert_int_equal(c.incidents->journal.used, 2);
	assert_int_equal(c.incidents->journal.entries[1].kind, EVENT_ANSWERED_RUN);
	assert_int_equal(c.incidents->journal.entries[1].n, 2);
	assert_int_equal(c.incidents->journal.entries[1].at_ns, 11000 * MS);
	assert_int_equal(c.incidents->journal.entries[1].last_ns, 21060 * MS);
	rtt = incidents__rtt(&c);
	assert_int_equal(rtt.count, 2);
	assert_int_equal(rtt.sum_us, 100000);
	incidents__flush_run(&c);	/* nothing is left of it */
	assert_int_equal(c.incidents->journal.used, 2);
	assert_int_equal(c.slowest_answer_us, 60000);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_who_it_is),
		TEST(test_what_is_not_told_stays),
		TEST(test_an_ipv6_socket_bound_to_an_interface),
		TEST(test_its_ends_without_an_event),
		TEST(test_retransmissions_since_it_was_established),
		TEST(test_retransmissions_of_before_are_not_ours),
		TEST(test_the_retransmission_that_shows_it_first),
		TEST(test_a_program_sets_options_right_after_accept),
		TEST(test_options_of_before_are_settled),
		TEST(test_what_it_took_from_the_sysctls_follows_them),
		TEST(test_what_it_set_itself_does_not),
		TEST(test_sysctls_concern_nobody_without_keepalive),
		TEST(test_when_the_peer_said_goodbye),
		TEST(test_a_goodbye_of_before),
		TEST(test_who_closed_first_waits_for_nobody),
		TEST(test_closed_while_suspect),
		TEST(test_closed_while_one_ask_was_unanswered),
		TEST(test_a_fin_behind_data_that_wait),
		TEST(test_closed_while_well),
		TEST(test_closed_before_we_came),
		TEST(test_probes_of_before),
		TEST(test_one_probe_of_before),
		TEST(test_a_stale_count_of_before),
		TEST(test_questions_for_the_window_of_before),
		TEST(test_retransmissions_of_before),
		TEST(test_a_quiet_one_has_no_silence),
		TEST(test_life_that_only_a_pass_knows),
		TEST(test_life_of_a_wrap_ago),
		TEST(test_an_end_is_told_once),
		TEST(test_an_error_that_was_told_before_is_told_once),
		TEST(test_retransmissions_that_only_the_end_shows),
		TEST(test_gone_without_an_end),
		TEST(test_a_heartbeat_is_answered),
		TEST(test_a_reset_that_we_sent),
		TEST(test_asks_after_the_declaration_do_not_count),
		TEST(test_the_likeliest_successor_stays),
		TEST(test_losses_are_counted_and_told),
		TEST(test_revisions_count_up),
		TEST(test_answered_probes_are_one_entry),
	};

	return cmocka_run_group_tests_name("connection", tests, NULL, NULL);
}
