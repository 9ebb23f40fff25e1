/* SPDX-License-Identifier: GPL-2.0 */
/* Segments received: an answer, the peer's own probe, a reset, or the end of an idle gap. */
#ifndef HALFOPEN_RECEIVE_BPF_H
#define HALFOPEN_RECEIVE_BPF_H

#include "emit.bpf.h"
#include "gate.bpf.h"
#include "segment.bpf.h"

/* Is it to be emitted? `*verdict` is what the kernel will make of it. */
static __always_inline bool is_worth_emitting(const struct segment *s, struct sk_buff *skb,
					      struct sock *sk, const struct tcp_sock *tp,
					      bool data_idle, __u8 *verdict)
{
	/* The peer's own probe, or bytes that were taken before: whatever the kernel makes of
	 * it. */
	bool repeats = s->seq < 0 && s->end <= 0 && (s->payload || s->seq == -1);

	if (s->tcp_flags & HO_TCP_RST)
		return segment__resets(s, tp);
	*verdict = segment__judge(s, skb, tp);
	if (*verdict == HO_SEGMENT_REFUSED)
		return (s->tcp_flags & HO_TCP_SYN) && gate__challenges(tp) &&
		       repeated__may_be_emitted(compat__cookie(sk) ^ REPEATED_SYN,
						gate_repeated_jiffies);
	if (!repeats && !data_idle && *verdict != HO_SEGMENT_REPEATED && !gate__ends_a_silence(tp))
		return false;
	if (*verdict == HO_SEGMENT_REPEATED)
		return repeated__may_be_emitted(compat__cookie(sk), gate_repeated_jiffies);
	return !segment__is_idle(s) ||
	       repeated__may_be_emitted(compat__cookie(sk) ^ REPEATED_OLD_ACK,
					gate_repeated_jiffies);
}

/* A segment after a silence: an answer, the peer's own probe, a reset, or the end of an idle gap.
 * The socket is as it was before the segment. Takes the context, whose types the verifier knows. */
static __always_inline int heard(unsigned long long *ctx, const bool cast)
{
	struct sk_buff *skb = (void *)ctx[1];
	struct sock *sk = (void *)ctx[0];
	const struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	__u8 verdict = HO_SEGMENT_UNJUDGED;
	struct segment s;
	struct ho_event *e;
	bool data_idle, verified;

	if (!tp)
		return 0;
	segment__read(&s, skb, tp, cast);
	data_idle = s.payload && gate__data_idle(tp);
	if (!is_worth_emitting(&s, skb, sk, tp, data_idle, &verdict))
		return 0;
	verified = segment__is_verified(skb);
	/* if it is taken, it closes the gate for as long */
	if (!verified && !repeated__may_be_emitted(compat__cookie(sk) ^ REPEATED_UNVERIFIED,
						   gate_quiet_jiffies))
		return 0;

	e = event__begin(HO_HEARD, sk, tp);
	if (!e)
		return 0;
	e->flags |= HO_F_SEGMENT | (data_idle ? HO_F_DATA_IDLE : 0) |
		    (s.timestamp ? HO_F_TIMESTAMP : 0);
	e->tcp_flags = s.tcp_flags;
	e->seq_offset = s.seq;
	e->ack_offset = s.ack;
	e->payload = s.payload;
	e->segment = verdict;
	e->ttl = s.ttl;
	e->unverified = !verified;
	event__submit(e);
	return 0;
}

/* A segment was heard a moment ago already, and yet this one may be what the kernel waits for: an
 * acknowledgement of what it retransmits, or of its probes. It takes each such segment once. */
static __always_inline bool answers(unsigned long long *ctx)
{
	const struct sk_buff *skb = (void *)ctx[1];
	const struct tcp_skb_cb *cb = (const void *)skb->cb;
	const struct tcp_sock *tp = bpf_skc_to_tcp_sock((void *)ctx[0]);
	__s32 ack;

	if (!tp)
		return false;
	ack = cb->ack_seq - tp->snd_una;
	if (tp->inet_conn.icsk_retransmits)
		return ack > 0;
	return tp->inet_conn.icsk_probes_out && ack >= 0 && cb->seq == cb->end_seq;
}

/* Functions of their own, so that the path of a healthy segment saves no registers. */
static __noinline int heard_cast(unsigned long long *ctx)
{
	return heard(ctx, true);
}

static __noinline int heard_read(unsigned long long *ctx)
{
	return heard(ctx, false);
}

static __noinline int answer_cast(unsigned long long *ctx)
{
	return answers(ctx) ? heard(ctx, true) : 0;
}

static __noinline int answer_read(unsigned long long *ctx)
{
	return answers(ctx) ? heard(ctx, false) : 0;
}

#endif
