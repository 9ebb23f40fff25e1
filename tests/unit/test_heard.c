// SPDX-License-Identifier: GPL-2.0
/* What a peer's segments say: life, answers, resets, idle gaps, heartbeats, who else answers; and what
 * the kernel's clocks say where no segment was told. */
#include <errno.h>
#include <stdlib.h>

#include "connection/heard.h"
#include "connection/sign.h"
#include "one_connection.h"

/* ---- signs ---- */

static void test_what_a_segment_says(void **state)
{
	enum { LIFE = 1, PROBE = 2, ACKS = 4, NEW = 8 };
	static const struct {
		struct ho_event e;
		unsigned int says;
	} segments[] = {
		/* accepted by the kernel */
		{ { .segment = HO_SEGMENT_TAKEN }, LIFE | NEW },
		{ { .segment = HO_SEGMENT_TAKEN, .ack_offset = -1 }, LIFE },
		{ { .segment = HO_SEGMENT_TAKEN, .ack_offset = 1 }, LIFE | ACKS | NEW },
		{ { .segment = HO_SEGMENT_TAKEN, .ack_offset = -1, .payload = 1 }, LIFE | NEW },
		{ { .segment = HO_SEGMENT_TAKEN, .seq_offset = -5, .payload = 5 }, LIFE },
		{ { .segment = HO_SEGMENT_TAKEN, .seq_offset = -5, .payload = 6 }, LIFE | NEW },
		{ { .segment = HO_SEGMENT_TAKEN, .seq_offset = -5, .payload = 5,
		    .tcp_flags = HO_TCP_FIN }, LIFE | NEW },
		{ { .segment = HO_SEGMENT_TAKEN, .tcp_flags = HO_TCP_SYN }, 0 },
		{ { .segment = HO_SEGMENT_TAKEN, .tcp_flags = HO_TCP_RST }, 0 },
		/* its keepalive probe */
		{ { .segment = HO_SEGMENT_REPEATED, .seq_offset = -1 }, LIFE | PROBE },
		{ { .segment = HO_SEGMENT_REPEATED, .seq_offset = -2 }, LIFE },
		{ { .segment = HO_SEGMENT_REPEATED, .seq_offset = -1, .payload = 1 }, LIFE | PROBE },
		{ { .segment = HO_SEGMENT_REPEATED, .seq_offset = -1, .payload = 2 }, LIFE | NEW },
		{ { .segment = HO_SEGMENT_REPEATED, .seq_offset = -1, .tcp_flags = HO_TCP_FIN }, LIFE },
		/* ... or its last heartbeat once more, as it acknowledges nothing of ours */
		{ { .segment = HO_SEGMENT_REPEATED, .seq_offset = -1, .payload = 1,
		    .packets_out = 1 }, LIFE },
		{ { .segment = HO_SEGMENT_REPEATED, .seq_offset = -1, .packets_out = 1 },
		  LIFE | PROBE },
		/* ... or a question for our window */
		{ { .segment = HO_SEGMENT_REPEATED, .seq_offset = -1,
		    .flags = HO_F_OWN_WINDOW_ZERO }, LIFE },
		/* refused ones acknowledge nothing, whatever they say */
		{ { .segment = HO_SEGMENT_REPEATED, .seq_offset = -7, .ack_offset = 1 }, LIFE },
		{ { .segment = HO_SEGMENT_REFUSED, .ack_offset = 1 }, 0 },
		/* older recordings: what anybody may have sent is no life */
		{ { .tcp_flags = HO_TCP_ACK }, LIFE | ACKS | NEW },
		{ { .tcp_flags = 0 }, 0 },
		{ { .tcp_flags = HO_TCP_ACK, .seq_offset = 1 << 30 }, 0 },
		{ { .tcp_flags = HO_TCP_ACK, .seq_offset = (1 << 30) - 1 }, LIFE | ACKS | NEW },
		{ { .tcp_flags = HO_TCP_ACK, .seq_offset = -65535 }, 0 },
		{ { .tcp_flags = HO_TCP_ACK, .seq_offset = -65534 }, LIFE },
		{ { .tcp_flags = HO_TCP_ACK, .seq_offset = -(1 << 30), .payload = 1 }, 0 },
		{ { .tcp_flags = HO_TCP_ACK, .seq_offset = 1 - (1 << 30), .payload = 1 }, LIFE },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(segments) / sizeof(segments[0]); i++) {
		struct sign s = sign__of(&segments[i].e);
		unsigned int says = (s.life ? LIFE : 0) | (s.own_probe ? PROBE : 0) |
				    (s.acknowledges ? ACKS : 0) | (s.new ? NEW : 0);

		if (says != segments[i].says)
			fail_msg("segment %u says %u, not %u", i, says, segments[i].says);
	}
}

static void test_what_answers_an_ask(void **state)
{
	struct sign life = { .life = true }, new = { .life = true, .new = true };
	struct sign acks = { .life = true, .acknowledges = true }, forged = { .new = true };

	(void)state;
	assert_false(sign__answers(&life, ASK_PROBE));
	assert_true(sign__answers(&new, ASK_PROBE) && sign__answers(&new, ASK_ZERO_WINDOW));
	assert_false(sign__answers(&new, ASK_DATA) || sign__answers(&new, ASK_FIN));
	assert_false(sign__answers(&new, ASK_PROBE | ASK_DATA));
	assert_true(sign__answers(&acks, ASK_DATA) && sign__answers(&acks, ASK_PROBE));
	assert_false(sign__answers(&forged, ASK_PROBE));
}

/* ---- answers ---- */

static void test_a_probe_is_answered(void **state)
{
	(void)state;
	apply(fact_probe(11000, 1));
	apply(fact_segment(11040, 0));
	assert_int_equal(c.silence.asks, 0);
	assert_int_equal(c.silence.probes_out, 0);
	assert_int_equal(c.probes_answered, 1);
	assert_int_equal(c.slowest_answer_us, 40000);
	assert_int_equal(c.last_heard_ns, 11040 * MS);
	assert_int_equal(c.run.rtt.count, 1);
	assert_int_equal(told.count, 0);	/* one answer to one probe joins the run */
	assert_int_equal(c.incidents->episodes_used, 0);
	assert_false(c.told);
}

static void test_the_slowest_answer_stays(void **state)
{
	(void)state;
	apply(fact_probe(11000, 1));
	apply(fact_segment(11900, 0));
	apply(fact_probe(22000, 1));
	apply(fact_segment(22040, 0));
	assert_int_equal(c.slowest_answer_us, 900000);
	assert_int_equal(c.run.rtt.min_us, 40000);
	assert_int_equal(c.run.rtt.max_us, 900000);
	assert_int_equal(c.run.first_ns, 11000 * MS);
	assert_int_equal(c.run.last_ns, 22040 * MS);
}

/* Of several which one was answered is not known: late rather than quick, and without an RTT. */
static void test_one_of_several_is_answered(void **state)
{
	struct ho_event answer = fact_segment(12040, 0);

	(void)state;
	apply(fact_probe(11000, 1));
	apply(fact_probe(12000, 2));
	answer.mono_ns++;
	apply(answer);
	assert_int_equal(told.count, 1);
	assert_int_equal(told.entries[0].kind, EVENT_ANSWERED);
	assert_int_equal(told.entries[0].n, 2);
	assert_int_equal(told.entries[0].rtt.count, 0);
	assert_int_equal(c.slowest_answer_us, 1040001);
	assert_int_equal(c.incidents->episodes_used, 1);
	assert_int_equal(c.incidents->episodes[0].end, EPISODE_RECOVERED);
	assert_int_equal(c.incidents->episodes[0].asks, 2);
	assert_int_equal(c.incidents->episodes[0].first_unanswered_ns, 11000 * MS);
	assert_int_equal(c.incidents->episodes[0].ended_ns, 12040 * MS + 1);
	assert_int_equal(c.probes_answered, 1);
}

static void test_each_answer_where_each_is_asked_for(void **state)
{
	(void)state;
	rules.fold = false;
	apply(fact_probe(11000, 1));
	assert_int_equal(told.count, 1);
	assert_int_equal(told.entries[0].kind, EVENT_PROBE_SENT);
	assert_int_equal(told.entries[0].n, 1);
	apply(fact_segment(11040, 0));
	assert_int_equal(told.count, 1);
	assert_int_equal(told.entries[0].kind, EVENT_ANSWERED);
	assert_int_equal(told.entries[0].rtt.count, 1);
	assert_int_equal(told.entries[0].rtt.min_us, 40000);
	assert_int_equal(c.incidents->rtt.count, 1);
	assert_int_equal(c.incidents->rtt.sum_us, 40000);
	assert_int_equal(c.run.rtt.count, 0);
}

static void test_data_are_answered_by_their_acknowledgement(void **state)
{
	struct ho_event e = fact_segment(20400, 30);

	(void)state;
	apply(fact_retransmission(20000, 1));
	apply(e);
	assert_int_equal(c.silence.asks, 2);	/* new data, and nothing of ours acknowledged */
	assert_int_equal(c.incidents->deafness.asks, 2);
	assert_int_equal(c.incidents->deafness.first_ask_after_ns, 0);
	assert_int_equal(c.incidents->deafness.heard_jiffies, 20400 / 4);
	assert_int_equal(c.last_heard_ns, 20400 * MS);
	assert_int_equal(c.incidents->acknowledged_ns, 0);
	e = fact_segment(20500, 0);
	e.ack_offset = 10;
	apply(e);
	assert_int_equal(c.silence.asks, 0);
	assert_int_equal(c.incidents->acknowledged_ns, 20500 * MS);
	assert_int_equal(told.entries[0].kind, EVENT_ANSWERED);
	assert_int_equal(c.probes_answered, 0);
	assert_int_equal(c.incidents->deafness.asks, 0);
}

/* Probes, then data: what is new answers the probes, and the silence goes on with the data. */
static void test_probes_are_answered_and_data_are_not(void **state)
{
	struct ho_event e = fact_segment(13500, 30);

	(void)state;
	apply(fact_probe(11000, 1));
	apply(fact_probe(12000, 2));
	apply(fact_retransmission(13000, 1));
	assert_int_equal(c.silence.asks, 4);
	apply(e);
	assert_int_equal(c.probes_answered, 1);
	assert_int_equal(c.incidents->episodes_used, 1);
	assert_int_equal(c.incidents->episodes[0].asks, 2);
	assert_int_equal(c.incidents->episodes[0].kinds, ASK_PROBE);
	assert_int_equal(c.incidents->episodes[0].first_unanswered_ns, 11000 * MS);
	assert_int_equal(c.silence.asks, 2);
	assert_int_equal(c.silence.kinds, ASK_DATA);
	assert_int_equal(c.silence.first_ask_ns, 12800 * MS);
	assert_int_equal(c.silence.last_ask_ns, 13000 * MS);
	assert_int_equal(c.silences, 2);
	apply(fact_segment(13600, 30));		/* once is enough */
	assert_int_equal(c.probes_answered, 1);
	assert_int_equal(c.incidents->episodes_used, 1);
}

static void test_bytes_taken_before_answer_nobody(void **state)
{
	struct ho_event e = fact_segment(13500, 30);

	(void)state;
	apply(fact_probe(11000, 1));
	apply(fact_probe(12000, 2));
	apply(fact_retransmission(13000, 1));
	e.segment = HO_SEGMENT_REPEATED;
	e.seq_offset = -30;
	e.segs_in = 8;
	e.data_segs_in = 7;
	e.bytes_received = 500;
	apply(e);
	assert_int_equal(c.probes_answered, 0);
	assert_int_equal(c.silence.asks, 4);
	assert_int_equal(c.incidents->deafness.asks, 4);
	assert_int_equal(c.incidents->deafness.segs_in, 8);
	assert_int_equal(c.incidents->deafness.data_segs_in, 7);
	assert_int_equal(c.incidents->deafness.bytes_received, 500);
	/* the kernel drops a repetition: its own clocks stay */
	assert_int_equal(c.incidents->deafness.heard_jiffies, HZ);
	e.segment = HO_SEGMENT_TAKEN;
	e.seq_offset = -10;	/* a part is new */
	e.mono_ns = 13600 * MS;
	e.jiffies = 13600 / 4;
	apply(e);
	assert_int_equal(c.incidents->deafness.bytes_received, 520);
	assert_int_equal(c.incidents->deafness.heard_jiffies, 13600 / 4);
}

/* ---- its own probes ---- */

static void test_the_peers_own_probe(void **state)
{
	struct ho_event e = fact_segment(11500, 1);

	(void)state;
	apply(fact_probe(11000, 1));
	e.segment = HO_SEGMENT_REPEATED;
	e.seq_offset = -1;
	e.probes_out = 1;
	apply(e);
	assert_int_equal(c.incidents->peer_probes, 1);
	assert_int_equal(c.silence.asks, 1);
	assert_int_equal(c.silence.probes_out, 1);
	assert_int_equal(told.count, 2);	/* the first probe was held until now */
	assert_int_equal(told.entries[0].kind, EVENT_PROBE_SENT);
	assert_int_equal(told.entries[0].n, 1);
	assert_int_equal(told.entries[0].at_ns, 11000 * MS);
	assert_int_equal(told.entries[1].kind, EVENT_PEER_PROBE);
	assert_int_equal(told.entries[1].n, 1);
	assert_true(c.told);
	assert_int_equal(c.last_heard_ns, 11500 * MS);
	e.mono_ns = 12500 * MS;
	apply(e);
	assert_int_equal(c.incidents->peer_probes, 2);
	assert_int_equal(told.count, 1);
}

/* ---- the kernel's count of probes ---- */

static void test_data_may_leave_the_count_of_probes(void **state)
{
	struct ho_event e = fact_segment(14000, 20);

	(void)state;
	apply(fact_probe(11000, 1));
	apply(fact_probe(12000, 2));
	e.probes_out = 2;
	apply(e);
	assert_int_equal(c.silence.probes_out, 0);
	assert_int_equal(c.silence.count_before, 2);
	/* an acceptable ACK since then has not */
	e = fact_segment(15000, 0);
	e.probes_out = 2;
	apply(e);
	assert_int_equal(c.silence.count_before, 0);
	/* nor has one that no event told of: the kernel's clock of ACKs shows it */
	e = fact_segment(16000, 20);
	e.probes_out = 2;
	apply(e);
	assert_int_equal(c.silence.count_before, 2);
	e = fact(HO_STATE, 30000);
	e.old_state = TCP_ESTABLISHED;
	e.state = TCP_CLOSE_WAIT;
	e.rcv_tstamp_jiffies = 16004 / 4;	/* within a jiffy of the data */
	apply(e);
	assert_int_equal(c.silence.count_before, 2);
	e = fact(HO_SEEN, 31000);
	e.state = TCP_CLOSE_WAIT;
	e.rcv_tstamp_jiffies = 16016 / 4;
	apply(e);
	assert_int_equal(c.silence.count_before, 0);
}

static void test_a_repetition_leaves_the_count(void **state)
{
	struct ho_event e = fact_segment(5000, 20);

	(void)state;
	e.segment = HO_SEGMENT_REPEATED;
	e.seq_offset = -20;
	e.probes_out = 2;
	apply(e);
	assert_int_equal(c.silence.probes_out, 2);
	apply(fact_probe(11000, 3));
	e.probes_out = 7;
	e.mono_ns = 11500 * MS;
	apply(e);
	assert_int_equal(c.silence.probes_out, 3);	/* that of our own probe stands */
}

/* ---- resets ---- */

static struct ho_event reset(uint64_t ms, uint8_t flags)
{
	struct ho_event e = fact(HO_HEARD, ms);

	e.flags |= HO_F_SEGMENT;
	e.tcp_flags = HO_TCP_RST | flags;
	e.segment = HO_SEGMENT_TAKEN;
	return e;
}

static bool is_of_an_ask(struct ho_event e)
{
	anew();
	apply(e);
	assert_int_equal(c.incidents->reset_heard_ns, e.mono_ns);
	assert_int_equal(c.last_heard_ns, 1000 * MS);	/* no sign of life */
	return c.incidents->reset_of_an_ask;
}

static void test_who_has_forgotten_answers_by_a_reset(void **state)
{
	struct ho_event e = reset(11040, 0);

	(void)state;
	assert_false(is_of_an_ask(e));		/* nothing was asked */
	e.probes_out = 1;
	assert_true(is_of_an_ask(e));
	e.probes_out = 0;
	e.packets_out = 1;
	assert_true(is_of_an_ask(e));
	/* with an ACK its sender has the connection */
	e = reset(11040, HO_TCP_ACK);
	e.probes_out = 1;
	assert_false(is_of_an_ask(e));
	/* but lwIP's, which acknowledges the probe's own number */
	e.ack_offset = -1;
	e.segs_in = 5;
	assert_true(is_of_an_ask(e));
	e.segs_in = 0;		/* an older recording: nobody counted */
	assert_false(is_of_an_ask(e));
	e.segs_in = 5;
	e.ack_offset = 0;
	assert_false(is_of_an_ask(e));
	e.ack_offset = -1;
	e.probes_out = 0;
	assert_false(is_of_an_ask(e));
}

static bool is_of_a_challenge(uint64_t syn_ms, uint64_t reset_ms)
{
	struct ho_event syn = fact_segment(syn_ms, 0);

	anew();
	syn.tcp_flags = HO_TCP_SYN;
	syn.segment = HO_SEGMENT_REFUSED;
	syn.segs_in = 17;
	apply(syn);
	assert_int_equal(c.incidents->syn_heard_ns, syn_ms * MS);
	assert_int_equal(c.incidents->deafness.segs_in, 17);
	assert_int_equal(c.last_heard_ns, 1000 * MS);
	apply(reset(reset_ms, 0));
	return c.incidents->reset_of_an_ask;
}

static void test_a_challenge_ack_is_an_ask(void **state)
{
	struct ho_event e = reset(9000, 0);

	(void)state;
	assert_true(is_of_a_challenge(8000, 8040));
	assert_true(is_of_a_challenge(5000, 8000));
	assert_false(is_of_a_challenge(4999, 8000));
	/* by the kernel's clock of what it answered so */
	anew();
	e.oow_ack_jiffies = 6000 / 4;
	assert_true(is_of_an_ask(e));
	e.oow_ack_jiffies = 5988 / 4;
	assert_false(is_of_an_ask(e));
	e.oow_ack_jiffies = 0;
	e.mono_ns = 2000 * MS;
	e.jiffies = 2000 / 4;
	assert_false(is_of_an_ask(e));
	e.oow_ack_jiffies = 980 / 4;	/* before this connection */
	assert_false(is_of_an_ask(e));
	e.oow_ack_jiffies = 1100 / 4;
	assert_true(is_of_an_ask(e));
}

static void test_data_that_a_reset_answers_asked(void **state)
{
	struct ho_event e = reset(20000, 0);

	(void)state;
	e.packets_out = 1;
	e.flags |= HO_F_UNDELIVERED;
	e.delivered_ns = 19960 * MS;
	apply(e);
	assert_int_equal(c.silence.asks, 1);
	assert_int_equal(c.silence.kinds, ASK_DATA);
	assert_int_equal(c.silence.first_ask_ns, 19960 * MS);
	e.mono_ns = 20001 * MS;
	apply(e);
	assert_int_equal(c.silence.asks, 1);	/* known */
	anew();
	e.delivered_ns = 500 * MS;	/* what was heard since shows that the path was alive then */
	apply(e);
	assert_int_equal(c.silence.first_ask_ns, 1000 * MS);
	anew();
	e.tcp_flags |= HO_TCP_ACK;
	apply(e);
	assert_int_equal(c.silence.asks, 0);
	anew();
	e.tcp_flags = HO_TCP_RST;
	e.packets_out = 0;
	apply(e);
	assert_int_equal(c.silence.asks, 0);
}

/* `halfopen probe` asks by a way that no other event tells of. */
static void test_a_reset_that_answers_a_probe_of_ours(void **state)
{
	struct ho_event e = reset(20000, 0);

	(void)state;
	e.window_probed = true;
	e.last_tx_ns = 19960 * MS;
	apply(e);
	assert_true(c.incidents->reset_of_probe);
	assert_int_equal(c.silence.asks, 1);
	assert_int_equal(c.silence.kinds, ASK_ZERO_WINDOW);
	assert_int_equal(c.silence.first_ask_ns, 19960 * MS);
	/* nothing was sent since it was heard: the mark is that of a byte that it sent last */
	anew();
	e.last_tx_ns = 1001 * MS;
	apply(e);
	assert_false(c.incidents->reset_of_probe);
	assert_int_equal(c.silence.asks, 0);
	/* the kernel asked by itself, or answered a SYN */
	anew();
	e.last_tx_ns = 19960 * MS;
	e.probes_out = 1;
	apply(e);
	assert_false(c.incidents->reset_of_probe);
	anew();
	e.probes_out = 0;
	e.oow_ack_jiffies = 18000 / 4;
	apply(e);
	assert_false(c.incidents->reset_of_probe);
	assert_true(c.incidents->reset_of_an_ask);
	/* with an ACK its sender has the connection */
	anew();
	e.oow_ack_jiffies = 0;
	e.tcp_flags |= HO_TCP_ACK;
	apply(e);
	assert_false(c.incidents->reset_of_probe);
}

static struct ho_event accepted_reset(uint64_t ms, uint8_t state)
{
	struct ho_event e = fact(HO_RESET_RECEIVED, ms);

	e.state = state;
	return e;
}

static void test_a_reset_that_the_kernel_accepted(void **state)
{
	struct ho_event e = accepted_reset(11050, TCP_ESTABLISHED);

	(void)state;
	/* its segment was told just before: that says what it is */
	apply(reset(11040, HO_TCP_ACK));
	e.probes_out = 1;
	apply(e);
	assert_false(c.incidents->reset_of_an_ask);
	assert_int_equal(c.incidents->reset_ns, 11050 * MS);
	assert_int_equal(told.entries[0].kind, EVENT_RESET_RECEIVED);
	assert_int_equal(told.entries[0].at_ns, 11050 * MS);
	anew();
	apply(reset(11040, HO_TCP_ACK));
	e.mono_ns++;
	apply(e);
	assert_true(c.incidents->reset_of_an_ask);	/* that was another one */
	/* where the segment is not seen: with a probe out, or data in CLOSE_WAIT */
	anew();
	apply(accepted_reset(11050, TCP_ESTABLISHED));
	assert_false(c.incidents->reset_of_an_ask);
	anew();
	e = accepted_reset(11050, TCP_ESTABLISHED);
	e.packets_out = 1;
	apply(e);
	assert_false(c.incidents->reset_of_an_ask);
	assert_int_equal(c.silence.asks, 0);
	anew();
	e.state = TCP_CLOSE_WAIT;
	apply(e);
	assert_true(c.incidents->reset_of_an_ask);
	assert_int_equal(c.silence.asks, 1);
	assert_int_equal(c.silence.kinds, ASK_DATA);
}

/* ---- what is no sign of life ---- */

static void test_a_checksum_that_nobody_verified(void **state)
{
	struct ho_event e = fact_segment(11040, 0);

	(void)state;
	apply(fact_probe(11000, 1));
	e.unverified = 1;
	e.segs_in = 9;
	apply(e);
	assert_int_equal(c.silence.asks, 1);
	assert_int_equal(c.last_heard_ns, 1000 * MS);
	assert_int_equal(c.incidents->deafness.segs_in, 9);
	assert_int_equal(c.incidents->syn_heard_ns, 0);
}

static void test_an_answer_that_this_host_dropped(void **state)
{
	(void)state;
	apply(fact_probe(11000, 1));
	apply(fact(HO_ANSWER_DROPPED, 11040));
	assert_int_equal(c.incidents->answers_dropped, 1);
	assert_true(c.told);
	assert_int_equal(c.silence.asks, 1);
	assert_int_equal(told.entries[told.count - 1].kind, EVENT_ANSWER_DROPPED);
	assert_int_equal(told.entries[told.count - 1].at_ns, 11040 * MS);
	apply(fact(HO_ANSWER_DROPPED, 11050));
	assert_int_equal(c.incidents->answers_dropped, 2);
}

/* ---- idle gaps ---- */

static void has_gap(uint32_t from_ms, uint32_t to_ms, bool ended_by_us)
{
	assert_int_equal(c.gaps.used, 1);
	assert_int_equal(c.gaps.only.from_ms, from_ms);
	assert_int_equal(c.gaps.only.to_ms, to_ms);
	assert_int_equal(c.gaps.only.ended_by_us, ended_by_us);
	assert_int_equal(c.gaps.only.count, 1);
}

static void test_a_gap_that_we_ended(void **state)
{
	struct ho_event e = fact_segment(31000, 0);

	(void)state;
	apply(fact_probe(11000, 1));
	apply(fact_segment(11040, 0));
	has_gap(9996, 10000, true);	/* less a jiffy, to which what was heard is known */
	anew();
	/* we wrote after it, and were answered */
	e.chrono_type = 1;
	e.chrono_start_jiffies = 30960 / 4;
	e.ack_offset = 5;
	apply(e);
	has_gap(29952, 29964, true);
	anew();
	e.chrono_type = 0;	/* no: that nothing of ours was under way says nothing */
	apply(e);
	assert_int_equal(c.gaps.used, 0);
	anew();
	e.chrono_type = 1;
	e.chrono_start_jiffies = 500 / 4;	/* since before it was heard */
	apply(e);
	assert_int_equal(c.gaps.used, 0);
}

static void test_a_gap_that_the_peer_ended(void **state)
{
	struct ho_event e = fact_segment(31000, 20);

	(void)state;
	apply(e);
	has_gap(29996, 30000, false);
	anew();
	e.chrono_type = 1;	/* ours may have been first */
	e.chrono_start_jiffies = 500 / 4;
	apply(e);
	assert_int_equal(c.gaps.used, 0);
	anew();
	e = fact_segment(31000, 0);
	e.segment = HO_SEGMENT_REPEATED;
	e.seq_offset = -1;	/* its keepalive probe */
	apply(e);
	has_gap(29996, 30000, false);
}

static void test_short_gaps_say_nothing(void **state)
{
	struct ho_event e = fact_segment(2000, 20);

	(void)state;
	apply(e);
	has_gap(996, 1000, false);
	anew();
	e.mono_ns--;
	apply(e);
	assert_int_equal(c.gaps.used, 0);
	anew();
	c.last_heard_ns = 0;	/* its beginning is not known */
	c.partial = true;
	e = fact_segment(31000, 20);
	e.rcv_tstamp_jiffies = e.lrcvtime_jiffies = 31000 / 4 + 1;
	e.mono_ns = 31000 * MS;
	c.silence.asks = 0;
	apply(e);
	assert_int_equal(c.gaps.used, 0);
}

static void test_no_gap_where_nothing_arrives(void **state)
{
	struct ho_event e = fact_segment(21000, 30);

	(void)state;
	apply(fact_retransmission(20000, 1));
	apply(e);	/* it answers nothing */
	assert_int_equal(c.gaps.used, 0);
	e = fact_segment(22000, 0);
	e.ack_offset = 5;	/* but it was heard meanwhile: what ended the gap is not known */
	apply(e);
	assert_int_equal(c.gaps.used, 0);
}

/* ---- heartbeats ---- */

static void test_a_heartbeat_comes_after_a_pause(void **state)
{
	struct ho_event e = fact_segment(61000, 2);

	(void)state;
	e.flags |= HO_F_DATA_IDLE;
	e.bytes_acked = 7;
	apply(e);
	assert_int_equal(c.incidents->heartbeats, 1);
	assert_true(c.told);
	assert_int_equal(told.entries[0].kind, EVENT_HEARTBEAT);
	assert_int_equal(told.entries[0].n, 2);
	assert_int_equal(told.entries[0].at_ns, 61000 * MS);
	/* since its last data, known to two jiffies */
	assert_int_equal(told.entries[0].last_ns, 1004 * MS);
	assert_int_equal(c.incidents->heartbeat.most_ms, 59996);
	assert_int_equal(c.incidents->heartbeat.bytes_acked, 7);
	anew();
	e.lsndtime_jiffies = HZ - 2;		/* ours went out at the same moment */
	apply(e);
	assert_int_equal(told.entries[0].last_ns, 1004 * MS);
	anew();
	e.lsndtime_jiffies = 41000 / 4;		/* or since ours */
	apply(e);
	assert_int_equal(told.entries[0].last_ns, 41004 * MS);
	assert_int_equal(c.incidents->heartbeat.most_ms, 19996);
}

/* ---- who answers in the peer's place ---- */

static void data_came(uint64_t ms, uint8_t ttl, uint32_t data_segs)
{
	struct ho_event e = fact_segment(ms, 20);

	e.ttl = ttl;
	e.data_segs_in = data_segs;
	e.flags |= HO_F_TIMESTAMP;
	apply(e);
}

static void answer_came(uint64_t ms, uint8_t ttl, uint32_t data_segs, uint16_t flags)
{
	struct ho_event e = fact_segment(ms, 0);

	apply(fact_probe(ms - 40, 1));
	e.ttl = ttl;
	e.data_segs_in = data_segs;
	e.flags |= flags;
	apply(e);
}

static void test_an_answer_from_elsewhere(void **state)
{
	(void)state;
	data_came(2000, 52, 3);
	assert_int_equal(c.data_ttl, 52);
	assert_int_equal(c.data_segs, 3);
	assert_true(c.data_timestamps);
	answer_came(12040, 52, 3, HO_F_TIMESTAMP);
	assert_int_equal(c.incidents->other.answers, 0);
	answer_came(23040, 64, 3, HO_F_TIMESTAMP);
	assert_int_equal(c.incidents->other.answers, 1);
	assert_int_equal(c.incidents->other.ttl, 64);
	assert_true(c.incidents->other.timestamps);
	assert_true(c.told);
	answer_came(34040, 52, 3, 0);	/* as far, but without timestamps */
	assert_int_equal(c.incidents->other.answers, 2);
	assert_int_equal(c.incidents->other.ttl, 52);
	assert_false(c.incidents->other.timestamps);
	answer_came(45040, 64, 4, HO_F_TIMESTAMP);	/* later data may have come that way */
	answer_came(56040, 0, 3, 0);			/* not read */
	assert_int_equal(c.incidents->other.answers, 2);
}

static void test_nobody_answers_who_was_not_asked(void **state)
{
	struct ho_event e = fact_segment(12040, 0);

	(void)state;
	e.ttl = 64;
	apply(e);
	assert_int_equal(c.data_ttl, 0);	/* that of data alone */
	data_came(13000, 52, 0);
	e.mono_ns = 14000 * MS;
	apply(e);
	assert_int_equal(c.incidents->other.answers, 0);
	e.payload = 5;
	e.segment = HO_SEGMENT_REPEATED;	/* anybody can repeat */
	e.seq_offset = -5;
	apply(e);
	assert_int_equal(c.data_ttl, 52);
}

/* ---- the kernel's clocks ---- */

static struct ho_event later(uint64_t ms, uint64_t heard_ms)
{
	struct ho_event e = fact(HO_SEEN, ms);

	e.rcv_tstamp_jiffies = heard_ms / 4;
	return e;
}

static void test_an_answer_that_no_event_told(void **state)
{
	(void)state;
	apply(fact_probe(11000, 1));
	apply(later(20000, 11040));
	assert_int_equal(c.silence.asks, 0);
	assert_int_equal(c.probes_answered, 1);
	assert_int_equal(c.last_heard_ns / MS, 11036);
	assert_int_equal(c.slowest_answer_us, 0);
	anew();
	apply(fact_probe(11000, 1));
	apply(later(20000, 11000));	/* within the jiffy of the probe: it came after it */
	assert_int_equal(c.silence.asks, 0);
	anew();
	apply(fact_probe(11000, 1));
	apply(later(20000, 10996));
	assert_int_equal(c.silence.asks, 1);
	assert_int_equal(c.probes_answered, 0);
	assert_int_equal(c.last_heard_ns / MS, 10992);
}

/* 32 bits of jiffies tell no order of what lies months apart. */
static void test_answers_months_later(void **state)
{
	const uint64_t day_ms = 86400000;
	struct ho_event e;

	(void)state;
	apply(fact_probe(11000, 1));
	e = later(120 * day_ms, 110 * day_ms);
	e.lrcvtime_jiffies = e.rcv_tstamp_jiffies;
	apply(e);
	assert_int_equal(c.silence.asks, 0);
	assert_int_equal(c.last_heard_ns / MS, 110 * day_ms - 4);
	anew();
	apply(fact_probe(120 * day_ms, 1));	/* the first for months */
	apply(later(120 * day_ms + 1000, 1000));
	assert_int_equal(c.silence.asks, 1);
}

/* After a wrap of the jiffies, 198 days at this rate, the stamp of its last segment looks young. */
static void test_a_stamp_of_a_wrap_ago(void **state)
{
	const uint64_t wrap_ms = (1ULL << 32) * 4, heard_ms = 2000000;

	(void)state;
	apply(fact_segment(heard_ms, 0));
	apply(later(wrap_ms + heard_ms + 10000, heard_ms));
	assert_int_equal(c.last_heard_ns, heard_ms * MS);
	apply(later(wrap_ms + heard_ms + 3600000, heard_ms + 1800000));	/* this one is young */
	assert_int_equal(c.last_heard_ns / MS, wrap_ms + heard_ms + 1800000 - 4);
}

static void test_data_that_were_acknowledged_unseen(void **state)
{
	struct ho_event e;

	(void)state;
	apply(fact_retransmission(20000, 1));
	e = later(30000, 20400);
	apply(e);
	assert_int_equal(c.silence.asks, 2);	/* heard, and nothing acknowledged */
	assert_int_equal(c.incidents->deafness.asks, 2);
	assert_int_equal(c.last_heard_ns / MS, 20396);
	anew();
	apply(fact_retransmission(20000, 1));
	e.bytes_acked = 1;
	apply(e);
	assert_int_equal(c.silence.asks, 0);
	anew();
	apply(fact_retransmission(20000, 1));
	e.bytes_acked = 0;
	e.flags |= HO_F_ALL_ACKED;
	apply(e);
	assert_int_equal(c.silence.asks, 0);
	anew();
	apply(fact_retransmission(20000, 1));
	e.flags &= ~HO_F_ALL_ACKED;
	e.last_tx_ns = 0;	/* the smallest facts are told only where nothing is owed */
	apply(e);
	assert_int_equal(c.silence.asks, 0);
	anew();
	apply(fact_retransmission(20000, 1));
	e = fact_closed(30000, TCP_FIN_WAIT2);	/* a FIN that was acknowledged */
	e.rcv_tstamp_jiffies = 20400 / 4;
	apply(e);
	assert_int_equal(c.silence.asks, 0);
}

static void test_where_empty_probes_are_invisible(void **state)
{
	struct ho_event e = fact(HO_STATE, 5000);

	(void)state;
	assert_false(c.heard_is_lower_bound);
	e.old_state = TCP_ESTABLISHED;
	e.state = TCP_CLOSE_WAIT;
	apply(e);
	assert_true(c.heard_is_lower_bound);
	apply(fact_closed(6000, TCP_CLOSE_WAIT));
	assert_true(c.heard_is_lower_bound);
	anew();
	apply(fact_closed(6000, TCP_ESTABLISHED));
	assert_false(c.heard_is_lower_bound);
}

static void test_when_it_last_acknowledged(void **state)
{
	struct ho_event e = later(30000, 20000);

	(void)state;
	e.acknowledged_ns = 19000 * MS;
	apply(e);
	assert_int_equal(c.incidents->acknowledged_ns, 19000 * MS);
	e = later(31000, 21000);
	e.acknowledged_ns = 18000 * MS;		/* it never goes back */
	apply(e);
	assert_int_equal(c.incidents->acknowledged_ns, 19000 * MS);
	e.acknowledged_ns = 25000 * MS;		/* no later than the last acceptable ACK, to a jiffy */
	apply(e);
	assert_int_equal(c.incidents->acknowledged_ns, 21004 * MS);
	assert_int_equal(c.last_heard_ns, 21004 * MS);
}

static void test_whoever_was_heard_is_asked_anew(void **state)
{
	struct ho_event e = fact(HO_PROBE_FAILED, 11000);

	(void)state;
	e.reason = HO_FAILED_DROPPED;
	e.probes_out = 1;
	apply(e);
	assert_int_equal(c.incidents->failed_in_silence, 1);
	apply(later(12000, 10900));	/* before it failed */
	assert_int_equal(c.incidents->failed_in_silence, 1);
	apply(later(13000, 12500));
	assert_int_equal(c.incidents->failed_in_silence, 0);
}

/* What was told, and answered nothing, explains the kernel's clocks; what came after it does not. */
static void test_clocks_that_are_explained(void **state)
{
	struct ho_event e = fact_segment(20400, 30);

	(void)state;
	apply(fact_retransmission(20000, 1));
	e.segs_in = 5;
	e.data_segs_in = 5;
	apply(e);
	assert_int_equal(c.incidents->deafness.asks, 2);
	e = later(21000, 20400);
	e.lrcvtime_jiffies = 20400 / 4;
	e.bytes_acked = 3;	/* it would be an answer, if it was another segment */
	e.segs_in = 5;
	apply(e);
	assert_int_equal(c.silence.asks, 2);
	e = later(22000, 20404);	/* a jiffy later: it is */
	e.bytes_acked = 3;
	e.segs_in = 6;
	apply(e);
	assert_int_equal(c.silence.asks, 0);
}

/* Asked by data at 20 s, and heard at `ms` by a segment that answered nothing: the fifth of all, the
 * fifth with data, of 100 bytes so far. */
static void hear_unanswering_at(uint64_t ms)
{
	struct ho_event e = fact_segment(ms, 30);

	anew();
	apply(fact_retransmission(20000, 1));
	e.segs_in = e.data_segs_in = 5;
	e.bytes_received = 70;
	apply(e);
	assert_int_equal(c.incidents->deafness.asks, 2);
}

/* Is it an answer, as something of ours is acknowledged by now, or that segment once more? */
static bool is_an_answer(uint64_t heard_ms, uint32_t segs, uint32_t data_segs, uint64_t bytes)
{
	struct ho_event e = later(30000, heard_ms);

	e.lrcvtime_jiffies = heard_ms / 4;
	e.bytes_acked = 3;
	e.segs_in = segs;
	e.data_segs_in = data_segs;
	e.bytes_received = bytes;
	apply(e);
	assert_true(c.silence.asks == 0 || c.silence.asks == 2);
	return !c.silence.asks;
}

/* Of bytes that are repeated one segment is told in half a second: the others bring nothing new. */
static void test_repetitions_that_were_not_told(void **state)
{
	(void)state;
	hear_unanswering_at(21000);
	assert_false(is_an_answer(25000, 8, 8, 100));
	hear_unanswering_at(21000);
	assert_true(is_an_answer(25000, 8, 8, 101));	/* a new byte */
	hear_unanswering_at(21000);
	assert_true(is_an_answer(25000, 9, 8, 100));	/* one without data */
	hear_unanswering_at(21000);
	assert_true(is_an_answer(25000, 5, 5, 100));	/* none is counted, and one came */
	hear_unanswering_at(21000);
	assert_true(is_an_answer(25000, 0, 0, 100));	/* the smallest facts have no counts */
}

/* Just when an answer was due (last ask, srtt, 4 rttvar, two jiffies), it may have come in the same
 * jiffy as the segment that was told: then one more was counted. */
static void test_an_answer_in_the_same_jiffy(void **state)
{
	(void)state;
	hear_unanswering_at(20056);
	assert_true(is_an_answer(20056, 6, 5, 100));
	hear_unanswering_at(20056);
	assert_false(is_an_answer(20056, 5, 5, 100));
	hear_unanswering_at(20056);
	assert_false(is_an_answer(20056, 7, 5, 100));
	hear_unanswering_at(20060);
	assert_false(is_an_answer(20060, 6, 5, 100));
	hear_unanswering_at(20056);
	assert_false(is_an_answer(20052, 6, 5, 100));	/* before it */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_a_segment_says),
		TEST(test_what_answers_an_ask),
		TEST(test_a_probe_is_answered),
		TEST(test_the_slowest_answer_stays),
		TEST(test_one_of_several_is_answered),
		TEST(test_each_answer_where_each_is_asked_for),
		TEST(test_data_are_answered_by_their_acknowledgement),
		TEST(test_probes_are_answered_and_data_are_not),
		TEST(test_bytes_taken_before_answer_nobody),
		TEST(test_the_peers_own_probe),
		TEST(test_data_may_leave_the_count_of_probes),
		TEST(test_a_repetition_leaves_the_count),
		TEST(test_who_has_forgotten_answers_by_a_reset),
		TEST(test_a_challenge_ack_is_an_ask),
		TEST(test_data_that_a_reset_answers_asked),
		TEST(test_a_reset_that_answers_a_probe_of_ours),
		TEST(test_a_reset_that_the_kernel_accepted),
		TEST(test_a_checksum_that_nobody_verified),
		TEST(test_an_answer_that_this_host_dropped),
		TEST(test_a_gap_that_we_ended),
		TEST(test_a_gap_that_the_peer_ended),
		TEST(test_short_gaps_say_nothing),
		TEST(test_no_gap_where_nothing_arrives),
		TEST(test_a_heartbeat_comes_after_a_pause),
		TEST(test_an_answer_from_elsewhere),
		TEST(test_nobody_answers_who_was_not_asked),
		TEST(test_an_answer_that_no_event_told),
		TEST(test_answers_months_later),
		TEST(test_a_stamp_of_a_wrap_ago),
		TEST(test_data_that_were_acknowledged_unseen),
		TEST(test_where_empty_probes_are_invisible),
		TEST(test_when_it_last_acknowledged),
		TEST(test_whoever_was_heard_is_asked_anew),
		TEST(test_clocks_that_are_explained),
		TEST(test_repetitions_that_were_not_told),
		TEST(test_an_answer_in_the_same_jiffy),
	};

	return cmocka_run_group_tests_name("heard", tests, NULL, NULL);
}
