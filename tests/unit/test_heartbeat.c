// SPDX-License-Identifier: GPL-2.0
/* A device's own heartbeat, and the data that a socket carried. */
#include "connection/heartbeat.h"
#include "connection/traffic.h"
#include "tcp/tcp_states.h"
#include "unit.h"

static struct ho_event beat(uint32_t payload)
{
	return (struct ho_event){ .kind = HO_HEARD, .state = TCP_ESTABLISHED,
				  .flags = HO_F_DATA_IDLE,
				  .tcp_flags = 0x18, .payload = payload };
}

static void test_what_is_a_heartbeat(void **state)
{
	struct ho_event e = beat(1);

	(void)state;
	assert_true(heartbeat__is(&e));
	e = beat(64);
	assert_true(heartbeat__is(&e));
	e = beat(65);		/* a report */
	assert_false(heartbeat__is(&e));
	e = beat(0);		/* no data */
	assert_false(heartbeat__is(&e));
	e = beat(1);
	e.seq_offset = -1;	/* the peer's keepalive probe, with a garbage byte */
	assert_false(heartbeat__is(&e));
	e.seq_offset = 1;	/* behind something that is missing */
	assert_false(heartbeat__is(&e));
	e = beat(1);
	e.packets_out = 1;	/* it may be a reply to what we sent */
	assert_false(heartbeat__is(&e));
	e = beat(1);
	e.flags = 0;		/* amid other data */
	assert_false(heartbeat__is(&e));
	e = beat(1);
	e.tcp_flags = HO_TCP_RST;
	assert_false(heartbeat__is(&e));
	e = beat(1);
	e.kind = HO_SEEN;
	assert_false(heartbeat__is(&e));
}

static void take(struct heartbeat *h, uint32_t bytes, uint64_t pause_ms)
{
	struct ho_event e = beat(bytes);

	heartbeat__take(h, &e, pause_ms * MS);
}

static void test_the_period_is_the_mean_of_a_steady_run(void **state)
{
	struct heartbeat h = { 0 };

	(void)state;
	assert_int_equal(heartbeat__period_ms(&h), 0);
	take(&h, 2, 60000);
	assert_int_equal(heartbeat__period_ms(&h), 0);	/* one shows no period */
	take(&h, 2, 61000);
	assert_int_equal(heartbeat__period_ms(&h), 60500);
	take(&h, 2, 62000);
	assert_int_equal(heartbeat__period_ms(&h), 61000);
	assert_int_equal(h.bytes, 2);
	assert_int_equal(h.run, 3);
	take(&h, 2, 90000);	/* half as long again is the most */
	assert_int_equal(heartbeat__period_ms(&h), 68250);
	take(&h, 2, 90001);
	assert_int_equal(heartbeat__period_ms(&h), 0);
}

static void test_a_shorter_pause_unsettles_too(void **state)
{
	struct heartbeat h = { 0 };

	(void)state;
	take(&h, 2, 30000);
	take(&h, 2, 20000);
	assert_int_equal(heartbeat__period_ms(&h), 25000);
	take(&h, 2, 19999);
	assert_int_equal(heartbeat__period_ms(&h), 0);
}

static void test_another_size_begins_anew(void **state)
{
	struct heartbeat h = { 0 };

	(void)state;
	take(&h, 2, 1000);
	take(&h, 2, 60000);
	take(&h, 3, 10000);
	assert_int_equal(h.bytes, 3);
	assert_int_equal(h.run, 1);
	assert_int_equal(heartbeat__period_ms(&h), 0);
	take(&h, 3, 12000);
	assert_int_equal(heartbeat__period_ms(&h), 11000);
}

static void test_the_reply_is_data_that_is_acknowledged(void **state)
{
	struct ho_event e = beat(1), later = { .kind = HO_PROBE_SENT, .bytes_acked = 100 };
	struct heartbeat h = { 0 };

	(void)state;
	heartbeat__notice_reply(&h, &later);	/* of none */
	assert_int_equal(h.reply, REPLY_UNKNOWN);
	e.bytes_acked = 100;
	heartbeat__take(&h, &e, 60 * S);
	assert_true(h.pending);
	heartbeat__notice_reply(&h, &later);	/* the reply may be on its way */
	assert_true(h.pending);
	assert_int_equal(h.reply, REPLY_UNKNOWN);
	later.bytes_acked = 101;
	heartbeat__notice_reply(&h, &later);
	assert_int_equal(h.reply, REPLY_ACKNOWLEDGED);
	assert_false(h.pending);
	later.kind = HO_RETRANSMIT;
	later.bytes_acked = 100;
	heartbeat__notice_reply(&h, &later);	/* known already */
	assert_int_equal(h.reply, REPLY_ACKNOWLEDGED);
}

static void test_no_reply_by_the_next_heartbeat_or_a_retransmission(void **state)
{
	struct ho_event e = beat(1), again = { .kind = HO_RETRANSMIT };
	struct heartbeat h = { 0 };

	(void)state;
	heartbeat__take(&h, &e, 60 * S);
	heartbeat__notice_reply(&h, &e);
	assert_int_equal(h.reply, REPLY_NONE);
	assert_false(h.pending);
	h = (struct heartbeat){ 0 };
	heartbeat__take(&h, &e, 60 * S);
	heartbeat__notice_reply(&h, &again);
	assert_int_equal(h.reply, REPLY_NONE);
}

/* ---- data carried: the kernel's counts, without the SYN and the FIN that it counts as bytes
 * ---- */

static struct ho_event counted(uint64_t s, uint64_t received, uint64_t acked)
{
	return (struct ho_event){ .kind = HO_HEARD, .state = TCP_ESTABLISHED, .mono_ns = s * S,
				  .last_tx_ns = 1, .bytes_received = received, .bytes_acked = acked,
				  .data_segs_in = received / 100, .data_segs_out = acked / 100 };
}

static void assert_carried(const struct traffic *t, uint64_t s, uint64_t received, uint64_t acked)
{
	struct traffic_counts c = traffic__carried(t);

	assert_int_equal(c.at_ns, s * S);
	assert_int_equal(c.received_bytes, received);
	assert_int_equal(c.acked_bytes, acked);
	assert_int_equal(c.received_segments, received / 100);
	assert_int_equal(c.sent_segments, acked / 100);
}

static void test_what_was_carried_before_is_not_ours(void **state)
{
	struct ho_event e = counted(10, 500, 300);
	struct traffic t = { 0 };

	(void)state;
	traffic__take(&t, &e);
	assert_carried(&t, 0, 0, 0);
	e = counted(30, 900, 400);
	traffic__take(&t, &e);
	assert_carried(&t, 20, 400, 100);
	e = counted(40, 1000, 900);
	e.last_tx_ns = 0;	/* a small event */
	traffic__take(&t, &e);
	assert_carried(&t, 20, 400, 100);
}

static void test_a_connection_that_we_opened_has_its_syn_acknowledged(void **state)
{
	struct ho_event opened = { .kind = HO_STATE, .state = TCP_ESTABLISHED,
				   .old_state = TCP_SYN_SENT, .mono_ns = 5 * S };
	struct ho_event e = counted(10, 0, 201);
	struct traffic t = { 0 };

	(void)state;
	traffic__take(&t, &opened);
	traffic__take(&t, &e);
	assert_carried(&t, 5, 0, 200);
	opened.old_state = TCP_SYN_RECV;
	t = (struct traffic){ 0 };
	e = counted(10, 0, 200);
	traffic__take(&t, &opened);
	traffic__take(&t, &e);
	assert_carried(&t, 5, 0, 200);
}

static void test_fins_are_no_data(void **state)
{
	struct ho_event first = counted(1, 0, 0), e = counted(9, 301, 401);
	struct traffic t = { 0 };

	(void)state;
	traffic__take(&t, &first);
	e.flags = HO_F_FIN_TAKEN | HO_F_FIN_QUEUED | HO_F_ALL_ACKED;
	e.state = TCP_CLOSE;
	e.old_state = TCP_LAST_ACK;
	t = (struct traffic){ 0 };
	traffic__take(&t, &first);
	traffic__take(&t, &e);
	assert_carried(&t, 8, 300, 400);
	e.flags &= ~HO_F_ALL_ACKED;	/* ours is still under way */
	t = (struct traffic){ 0 };
	traffic__take(&t, &first);
	traffic__take(&t, &e);
	assert_int_equal(traffic__carried(&t).acked_bytes, 401);
	e.flags |= HO_F_ALL_ACKED;
	e.old_state = TCP_ESTABLISHED;	/* an abort sends none */
	t = (struct traffic){ 0 };
	traffic__take(&t, &first);
	traffic__take(&t, &e);
	assert_int_equal(traffic__carried(&t).acked_bytes, 401);
	e.old_state = TCP_CLOSE_WAIT;
	t = (struct traffic){ 0 };
	traffic__take(&t, &first);
	traffic__take(&t, &e);
	assert_int_equal(traffic__carried(&t).acked_bytes, 401);
	e.state = TCP_FIN_WAIT2;	/* while it is open its own state says so */
	e.old_state = TCP_ESTABLISHED;
	t = (struct traffic){ 0 };
	traffic__take(&t, &first);
	traffic__take(&t, &e);
	assert_int_equal(traffic__carried(&t).acked_bytes, 400);
	assert_int_equal(traffic__carried(&t).received_bytes, 300);
	e.flags = HO_F_FIN_TAKEN;
	e.bytes_received = 0;	/* kernels that do not count it */
	t = (struct traffic){ 0 };
	traffic__take(&t, &first);
	traffic__take(&t, &e);
	assert_int_equal(traffic__carried(&t).received_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_a_heartbeat),
		cmocka_unit_test(test_the_period_is_the_mean_of_a_steady_run),
		cmocka_unit_test(test_a_shorter_pause_unsettles_too),
		cmocka_unit_test(test_another_size_begins_anew),
		cmocka_unit_test(test_the_reply_is_data_that_is_acknowledged),
		cmocka_unit_test(test_no_reply_by_the_next_heartbeat_or_a_retransmission),
		cmocka_unit_test(test_what_was_carried_before_is_not_ours),
		cmocka_unit_test(test_a_connection_that_we_opened_has_its_syn_acknowledged),
		cmocka_unit_test(test_fins_are_no_data),
	};

	return cmocka_run_group_tests_name("heartbeat", tests, NULL, NULL);
}
