/* SPDX-License-Identifier: GPL-2.0 */
/* Segments that this host drops: probes and data that never left, answers that TCP never saw. */
#ifndef HALFOPEN_DROPPED_BPF_H
#define HALFOPEN_DROPPED_BPF_H

#include "cpu_note.bpf.h"
#include "emit.bpf.h"
#include "gate.bpf.h"

/* The timers' programs are attached: they emit every probe. Set once they are. */
bool timers_watched = false;

/* Bytes of a segment of ours behind its TCP header, assuming the usual options: a segment with more
 * options acknowledges at once, which does not matter here. */
static __always_inline __s32 payload_of(const struct sk_buff *skb, const struct tcp_sock *tp)
{
	__s32 before = (__s32)(skb->head + skb->transport_header - skb->data);

	return (__s32)skb->len - before - tp->tcp_header_len;
}

/* A segment of a socket that never leaves: probes are emitted by the keepalive timer's programs;
 * data, a FIN or a window probe is emitted here, where the peer keeps silent. (A busy socket's
 * drops are congestion.) */
static __always_inline int send_failed(__u64 cookie, const struct tcp_sock *tp,
				       const struct sk_buff *skb, bool asks_for_window,
				       __u32 reason)
{
	bool fin = socket__flags(tp, HO_F_FIN_QUEUED, true);
	struct cpu_note *note = this_cpu_note();
	struct ho_event *e;

	if (!socket__has_data_under_way(tp, true) || compat__is_of_neighbour(reason) ||
	    socket__unheard_jiffies(tp, true) < gate_quiet_jiffies ||
	    !(asks_for_window || fin || payload_of(skb, tp) > 0))
		return 0;
	if (note)
		note->dropped_of = (__u64)tp;
	e = event__reserve(HO_SEND_FAILED, cookie, bpf_ktime_get_ns(), HO_EVENT_FULL);
	if (!e)
		return 0;
	socket__read_full(e, tp, true);
	e->reason = compat__is_of_queue(reason) ? HO_FAILED_CONGESTION : HO_FAILED_DROPPED;
	event__submit(e);
	return 0;
}

/* A probe where no program sees the keepalive timer (DESIGN.md, Kernels): nothing is under way, and
 * the peer was not heard for the idle time. */
static __always_inline int probe_failed(__u64 cookie, const struct tcp_sock *tp)
{
	struct ho_event *e;

	if (timers_watched ||
	    socket__unheard_jiffies(tp, true) < socket__idle_jiffies(tp, true) ||
	    !socket__flags(tp, HO_F_KEEPALIVE, true))
		return 0;
	e = event__reserve(HO_PROBE_FAILED, cookie, bpf_ktime_get_ns(), HO_EVENT_FULL);
	if (!e)
		return 0;
	socket__read_full(e, tp, true);
	e->probes_out++;	/* the kernel will count it */
	e->reason = HO_FAILED_DROPPED;
	event__submit(e);
	return 0;
}

/* A segment of the peer, matched to its socket by an early look-up and dropped before TCP saw it,
 * while the kernel waits for an answer. */
static __always_inline int answer_dropped(__u64 cookie, const struct tcp_sock *tp,
					  const struct sk_buff *skb)
{
	const struct net_device *dev = skb->dev;
	struct ho_event *e;

	/* in another namespace of this host it is our own segment, on its way out */
	if (!dev || dev->nd_net.net != socket__net(tp, true))
		return 0;
	if (!gate__awaits_an_answer(tp) ||
	    !repeated__may_be_emitted(cookie ^ REPEATED_DROPPED, gate_repeated_jiffies))
		return 0;
	e = event__reserve(HO_ANSWER_DROPPED, cookie, bpf_ktime_get_ns(), HO_EVENT_FULL);
	if (!e)
		return 0;
	socket__read_full(e, tp, true);
	event__submit(e);
	return 0;
}

/* `tp` is typed; NULL: no TCP socket. */
static __always_inline int dropped(const struct sk_buff *skb, const struct tcp_sock *tp,
				   __u32 reason)
{
	struct cpu_note *note = this_cpu_note();
	bool in_timer = note && note->timer.sk == (__u64)skb->sk;
	__u64 cookie;

	if (in_timer)
		note->timer.dropped = true;
	if (!tp || (in_timer && note->timer.keepalive) ||
	    !gate__is_connection(socket__state(tp, true)))
		return 0;
	cookie = socket__cookie(tp, true);
	if (!cookie)	/* no event was ever emitted for it */
		return 0;
	if (skb->skb_iif)
		return answer_dropped(cookie, tp, skb);
	if (!in_timer && !socket__has_data_under_way(tp, true))
		return probe_failed(cookie, tp);
	return send_failed(cookie, tp, skb, in_timer, reason);
}

/* From 6.2 on the socket of a segment is no argument for bpf_skc_to_tcp_sock(). A request, which
 * has no more than a sock_common, is recognised by its state. */
static __always_inline const struct tcp_sock *cast_segments_tcp_sock(const struct sock *sk)
{
	if (!gate__is_connection(sk->__sk_common.skc_state) || !compat__is_tcp(sk, true))
		return NULL;
	return compat__cast_tcp_sock(sk);
}

#endif
