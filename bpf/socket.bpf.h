/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading one socket into an event. `typed` says whether the verifier knows the pointer's type
 * (compat.bpf.h); it is a constant at each call.
 */
#ifndef HALFOPEN_SOCKET_BPF_H
#define HALFOPEN_SOCKET_BPF_H

#include "compat.bpf.h"
#include "event.h"
#include "place.bpf.h"

#define SEND_SHUTDOWN 2

#define ALL_FLAGS 0xffff

/* This kernel's; set by user space before load. */
const volatile __u32 hz = 0;

static __always_inline __u32 socket__jiffies(void)
{
	return (__u32)bpf_jiffies64();
}

/* 0 until first requested. */
static __always_inline __u64 socket__cookie(const struct tcp_sock *tp, const bool typed)
{
	const struct sock *sk = (const void *)tp;

	return READ(typed, sk, __sk_common.skc_cookie.counter);
}

static __always_inline int socket__state(const struct tcp_sock *tp, const bool typed)
{
	const struct sock *sk = (const void *)tp;

	return READ(typed, sk, __sk_common.skc_state);
}

static __always_inline const struct net *socket__net(const struct tcp_sock *tp, const bool typed)
{
	const struct sock *sk = (const void *)tp;

	return READ(typed, sk, __sk_common.skc_net.net);
}

/* Time in jiffies since the peer was last heard as the kernel keeps it: an acceptable ACK or
 * data, whichever is younger (the `elapsed` of tcp_keepalive_timer()). */
static __always_inline __u32 socket__unheard_jiffies(const struct tcp_sock *tp, const bool typed)
{
	__u32 now = socket__jiffies();
	__u32 acked = now - READ(typed, tp, rcv_tstamp);
	__u32 data = now - READ(typed, tp, inet_conn.icsk_ack.lrcvtime);

	return acked < data ? acked : data;
}

/* In step 6 of tcp_keepalive_timer() a socket with data under way is not probed. */
static __always_inline bool socket__has_data_under_way(const struct tcp_sock *tp,
						       const bool typed)
{
	return READ(typed, tp, packets_out) ||
	       READ(typed, tp, write_seq) != READ(typed, tp, snd_nxt);
}

/* keepalive_time_when() and keepalive_intvl_when(): the socket's own value, else the sysctl. */
static __always_inline __u32 socket__idle_jiffies(const struct tcp_sock *tp, const bool typed)
{
	__u32 own = READ(typed, tp, keepalive_time);
	const struct net *net = socket__net(tp, typed);

	return own ?: READ(typed, net, ipv4.sysctl_tcp_keepalive_time);
}

static __always_inline __u32 socket__interval_jiffies(const struct tcp_sock *tp, const bool typed)
{
	__u32 own = READ(typed, tp, keepalive_intvl);
	const struct net *net = socket__net(tp, typed);

	return own ?: READ(typed, net, ipv4.sysctl_tcp_keepalive_intvl);
}

/* Its layout is the same everywhere. */
static __always_inline void socket__read_ipv6(ho_u8 *to, const struct in6_addr *from,
					      const bool typed)
{
	const __u32 *at = (const void *)from;
	__u32 words[4];

	if (typed) {
		words[0] = at[0];
		words[1] = at[1];
		words[2] = at[2];
		words[3] = at[3];
	} else {
		bpf_probe_read_kernel(words, sizeof(words), at);
	}
	__builtin_memcpy(to, words, sizeof(words));
}

static __always_inline void socket__read_ipv4(ho_u8 *to, __u32 address)
{
	__u32 words[4] = { address };

	__builtin_memcpy(to, words, sizeof(words));
}

static __always_inline void socket__read_identity(struct ho_event *e, const struct tcp_sock *tp,
						  const bool typed)
{
	const struct net *net = socket__net(tp, typed);
	const struct inet_sock *inet = (const void *)tp;
	const struct sock *sk = (const void *)tp;

	e->family = READ(typed, sk, __sk_common.skc_family);
	e->netns = READ(typed, net, ns.inum);
	if (e->family == AF_INET6) {
		socket__read_ipv6(e->local, &sk->__sk_common.skc_v6_rcv_saddr, typed);
		socket__read_ipv6(e->peer, &sk->__sk_common.skc_v6_daddr, typed);
	} else {
		socket__read_ipv4(e->local, READ(typed, sk, __sk_common.skc_rcv_saddr));
		socket__read_ipv4(e->peer, READ(typed, sk, __sk_common.skc_daddr));
	}
	/* inet_put_port() clears the first before the last state change; the second is in a cache
	 * line of its own. */
	e->local_port = READ(typed, sk, __sk_common.skc_num);
	if (!e->local_port)
		e->local_port = __builtin_bswap16(READ(typed, inet, inet_sport));
	e->peer_port = __builtin_bswap16(READ(typed, sk, __sk_common.skc_dport));
}

static __always_inline void socket__read_options(struct ho_event *e, const struct tcp_sock *tp,
						 const bool typed)
{
	const struct net *net = socket__net(tp, typed);

	e->sock_idle_jiffies = READ(typed, tp, keepalive_time);
	e->sock_interval_jiffies = READ(typed, tp, keepalive_intvl);
	e->sock_probes = READ(typed, tp, keepalive_probes);
	e->net_idle_jiffies = READ(typed, net, ipv4.sysctl_tcp_keepalive_time);
	e->net_interval_jiffies = READ(typed, net, ipv4.sysctl_tcp_keepalive_intvl);
	e->net_probes = compat__net_keepalive_probes(net, typed);
	e->user_timeout_ms = READ(typed, tp, inet_conn.icsk_user_timeout);
}

/* Has the window that we offered been filled? */
static __always_inline bool socket__has_closed_window(const struct tcp_sock *tp, const bool typed)
{
	return (__s32)(READ(typed, tp, rcv_wup) + READ(typed, tp, rcv_wnd) -
		       READ(typed, tp, rcv_nxt)) <= 0;
}

/* Those of `wanted`, a constant at each call: what is not wanted is not read. */
static __always_inline __u16 socket__flags(const struct tcp_sock *tp, const __u16 wanted,
					   const bool typed)
{
	const struct sock *sk = (const void *)tp;
	unsigned long bits = READ(typed, sk, __sk_common.skc_flags);
	__u16 flags = 0;

	if (bits & (1UL << bpf_core_enum_value(enum sock_flags, SOCK_KEEPOPEN)))
		flags |= HO_F_KEEPALIVE;
	if (bits & (1UL << bpf_core_enum_value(enum sock_flags, SOCK_DEAD)))
		flags |= HO_F_ORPHAN;
	if (bits & (1UL << bpf_core_enum_value(enum sock_flags, SOCK_DONE)))
		flags |= HO_F_FIN_TAKEN;
	if (wanted & HO_F_LINGER_0 &&
	    bits & (1UL << bpf_core_enum_value(enum sock_flags, SOCK_LINGER)) &&
	    !READ(typed, sk, sk_lingertime))
		flags |= HO_F_LINGER_0;
	if (wanted & HO_F_FIN_QUEUED && READ_BITFIELD(typed, sk, sk_shutdown) & SEND_SHUTDOWN)
		flags |= HO_F_FIN_QUEUED;
	if (wanted & HO_F_ZERO_WINDOW && !READ(typed, tp, snd_wnd))
		flags |= HO_F_ZERO_WINDOW;
	if (wanted & HO_F_MPTCP && compat__is_mptcp(tp, typed))
		flags |= HO_F_MPTCP;
	if (wanted & HO_F_REPAIR && READ_BITFIELD(typed, tp, repair))
		flags |= HO_F_REPAIR;
	if (wanted & HO_F_ALL_ACKED && READ(typed, tp, snd_una) == READ(typed, tp, write_seq))
		flags |= HO_F_ALL_ACKED;
	if (wanted & HO_F_OWN_WINDOW_ZERO && socket__has_closed_window(tp, typed))
		flags |= HO_F_OWN_WINDOW_ZERO;
	return flags & wanted;
}

/* Since when the data under way are retransmitted; 0: they are not. */
static __always_inline __u32 socket__retransmitting_ms(const struct tcp_sock *tp,
						       const bool typed)
{
	__u32 since = READ(typed, tp, retrans_stamp);
	__u64 now_us;

	if (!since || !READ(typed, tp, inet_conn.icsk_retransmits))
		return 0;
	now_us = bpf_ktime_get_ns() / 1000;
	return compat__has_usec_timestamps(tp, typed) ? ((__u32)now_us - since) / 1000
						      : (__u32)(now_us / 1000) - since;
}

/* The part that every event has. `cookie` and `mono_ns` are the caller's. */
static __always_inline void socket__read_small(struct ho_event *e, const struct tcp_sock *tp,
					       const bool typed)
{
	const struct sock *sk = (const void *)tp;

	socket__read_identity(e, tp, typed);
	socket__read_options(e, tp, typed);
	e->state = socket__state(tp, typed);
	e->old_state = 0;
	e->flags = socket__flags(tp, ALL_FLAGS, typed);
	e->error = READ(typed, sk, sk_err);
	e->jiffies = socket__jiffies();
	e->rcv_tstamp_jiffies = READ(typed, tp, rcv_tstamp);
	e->lrcvtime_jiffies = READ(typed, tp, inet_conn.icsk_ack.lrcvtime);
	e->srtt_us = READ(typed, tp, srtt_us) >> 3;
	e->probes_out = READ(typed, tp, inet_conn.icsk_probes_out);
	e->peer_place = place__of_peer(tp, typed);
	e->net_cookie = compat__net_cookie(socket__net(tp, typed), typed);
}

/* RACK records when the last delivered segment was sent and how long it took; without SACK it does
 * not, and the clock of deliveries is used, until a first transmission resets it. */
static __always_inline __u64 socket__acknowledged_ns(const struct ho_event *e,
						     const struct tcp_sock *tp, const bool typed)
{
	__u64 sent_us = READ(typed, tp, rack.mstamp);

	if (sent_us)
		return (sent_us + READ(typed, tp, rack.rtt_us)) * 1000;
	return e->bytes_acked && !(e->flags & HO_F_UNDELIVERED) ? e->delivered_ns : 0;
}

static __always_inline void socket__read_full(struct ho_event *e, const struct tcp_sock *tp,
					      const bool typed)
{
	const struct sock *sk = (const void *)tp;

	socket__read_small(e, tp, typed);
	e->last_tx_ns = READ(typed, tp, tcp_mstamp) * 1000;
	e->bytes_acked = READ(typed, tp, bytes_acked);
	e->bytes_received = READ(typed, tp, bytes_received);
	e->lsndtime_jiffies = READ(typed, tp, lsndtime);
	e->chrono_start_jiffies = READ(typed, tp, chrono_start);
	e->chrono_type = READ_BITFIELD(typed, tp, chrono_type);
	e->rto_jiffies = READ(typed, tp, inet_conn.icsk_rto);
	e->packets_out = READ(typed, tp, packets_out);
	e->unsent = READ(typed, tp, write_seq) - READ(typed, tp, snd_nxt);
	e->data_segs_out = READ(typed, tp, data_segs_out);
	e->data_segs_in = READ(typed, tp, data_segs_in);
	e->total_retrans = READ(typed, tp, total_retrans);
	e->mdev_us = READ(typed, tp, mdev_us);
	e->retransmits = READ(typed, tp, inet_conn.icsk_retransmits);
	e->pending = READ(typed, tp, inet_conn.icsk_pending);
	e->seq_offset = 0;
	e->payload = 0;
	e->reason = 0;
	e->tcp_flags = 0;
	e->segment = HO_SEGMENT_UNJUDGED;
	e->ttl = 0;
	e->unverified = 0;
	e->bound_if = READ(typed, sk, __sk_common.skc_bound_dev_if);
	/* tcp_send_window_probe() */
	e->window_probed = READ(typed, tp, snd_wl1) == READ(typed, tp, rcv_nxt) - 1;
	e->pad_full = 0;
	/* tcp_rate_skb_sent() sets both at the first transmission after all was acknowledged. They
	 * outlive the queue, which an ending purges. */
	e->delivered_ns = READ(typed, tp, delivered_mstamp) * 1000;
	if (e->delivered_ns &&
	    READ(typed, tp, first_tx_mstamp) == READ(typed, tp, delivered_mstamp))
		e->flags |= HO_F_UNDELIVERED;
	e->acknowledged_ns = socket__acknowledged_ns(e, tp, typed);
	e->ack_offset = 0;
	e->segs_in = READ(typed, tp, segs_in);
	e->ts_recent_s = READ(typed, tp, rx_opt.ts_recent) ? READ(typed, tp, rx_opt.ts_recent_stamp)
							   : 0;
	e->rto_max_jiffies = compat__rto_max(tp, typed);
	e->oow_ack_jiffies = READ(typed, tp, last_oow_ack_time);
	e->retransmitting_ms = socket__retransmitting_ms(tp, typed);
}

static __always_inline bool socket__is_data_state(int state)
{
	return state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT;
}

/* The flags that counts need. A FIN is queued in other states alone: tcp_shutdown() leaves both at
 * once. */
static __always_inline __u16 socket__counted_flags(const struct tcp_sock *tp, int state,
						   const bool typed)
{
	__u16 flags = socket__flags(
		tp, HO_F_KEEPALIVE | HO_F_ORPHAN | HO_F_OWN_WINDOW_ZERO, typed);

	return socket__is_data_state(state)
		       ? flags
		       : flags | socket__flags(tp, HO_F_FIN_QUEUED | HO_F_ALL_ACKED, typed);
}

/* What counts need of a socket (user/core/exposure): each cache line that is not read saves a tenth
 * of the pass. Options are read where keepalive is on, and the clock of what was sent last where a
 * probe is out, or (`old_stamps`) where a stamp may have wrapped. */
static __always_inline void socket__read_counted(struct ho_event *e, const struct tcp_sock *tp,
						 const bool old_stamps, const bool typed)
{
	socket__read_identity(e, tp, typed);
	e->net_cookie = compat__net_cookie(socket__net(tp, typed), typed);
	e->peer_place = place__of_peer(tp, typed);
	e->state = socket__state(tp, typed);
	e->flags = socket__counted_flags(tp, e->state, typed);
	e->jiffies = socket__jiffies();
	e->rcv_tstamp_jiffies = READ(typed, tp, rcv_tstamp);
	e->lrcvtime_jiffies = READ(typed, tp, inet_conn.icsk_ack.lrcvtime);
	e->oow_ack_jiffies = READ(typed, tp, last_oow_ack_time);
	e->probes_out = READ(typed, tp, inet_conn.icsk_probes_out);
	e->retransmits = READ(typed, tp, inet_conn.icsk_retransmits);
	if (e->flags & HO_F_KEEPALIVE)
		socket__read_options(e, tp, typed);
	if (e->probes_out || old_stamps)
		e->last_tx_ns = READ(typed, tp, tcp_mstamp) * 1000;
	if (old_stamps && READ(typed, tp, rx_opt.ts_recent))
		e->ts_recent_s = READ(typed, tp, rx_opt.ts_recent_stamp);
}

/* The peer's FIN had the sequence number before rcv_nxt; an acceptable ACK sets snd_wl1 to its
 * own. */
static __always_inline void socket__read_close_wait(struct ho_row *row, const struct tcp_sock *tp,
						    const bool typed)
{
	row->answered_since_fin = READ(typed, tp, snd_wl1) == READ(typed, tp, rcv_nxt);
	row->sent_data_jiffies = READ(typed, tp, lsndtime);
}

/* What any row, zeroed, tells besides its event. */
static __always_inline void socket__read_row(struct ho_row *row, const struct tcp_sock *tp,
					     const bool typed)
{
	row->transparent = compat__is_transparent(tp, typed);
	if (row->event.state == TCP_CLOSE_WAIT)
		socket__read_close_wait(row, tp, typed);
}

/* accept() gives it a struct socket, which it loses when it is orphaned (sock_orphan(): after the
 * mark). */
static __always_inline bool socket__is_unaccepted(const struct tcp_sock *tp, const bool typed)
{
	const struct sock *sk = (const void *)tp;

	return !READ(typed, sk, sk_socket) &&
	       !(READ(typed, sk, __sk_common.skc_flags) &
		 (1UL << bpf_core_enum_value(enum sock_flags, SOCK_DEAD)));
}

/* Behind socket__read_full(): what is true at this moment alone. */
static __always_inline void socket__read_moment(struct ho_row *row, const struct tcp_sock *tp,
						const bool typed)
{
	__s32 window = READ(typed, tp, rcv_wup) + READ(typed, tp, rcv_wnd) -
		       READ(typed, tp, rcv_nxt);

	row->receive_window = window > 0 ? window : 0;
	row->unaccepted = socket__is_unaccepted(tp, typed);
	row->keepalive_in_jiffies = HO_TIMER_OFF;
	if (compat__is_keepalive_armed(tp, typed))
		row->keepalive_in_jiffies =
			(__u32)compat__keepalive_expires(tp, typed) - row->event.jiffies;
	row->write_in_jiffies = HO_TIMER_OFF;
	if (row->event.pending)
		row->write_in_jiffies =
			(__u32)compat__write_expires(tp, typed) - row->event.jiffies;
}

/* ---- touching, before reading ---- */

/* A field of each cache line that socket__read_counted() and socket__read_row() read of most
 * sockets, as 6.18 lays them out; elsewhere some line is waited for. */
static __always_inline void socket__touch_counted(const struct tcp_sock *tp)
{
	const struct inet_sock *inet = (const void *)tp;
	const struct sock *sk = (const void *)tp;

	TOUCH(sk, __sk_common.skc_state);
	TOUCH(sk, __sk_common.skc_cookie.counter);
	TOUCH(sk, sk_rx_dst);
	TOUCH(inet, inet_sport);
	TOUCH(tp, inet_conn.icsk_probes_out);
	TOUCH(tp, rcv_tstamp);
	TOUCH(tp, rcv_wup);
	TOUCH(tp, last_oow_ack_time);
}

/* The same of socket__read_full(), socket__read_moment() and socket__read_row(). */
static __always_inline void socket__touch_full(const struct tcp_sock *tp)
{
	const struct sock *sk = (const void *)tp;

	socket__touch_counted(tp);
	TOUCH(sk, sk_err);
	TOUCH(sk, sk_timer.expires);
	TOUCH(sk, sk_type);
	TOUCH(tp, inet_conn.icsk_rto);
	TOUCH(tp, inet_conn.icsk_user_timeout);
	TOUCH(tp, snd_wl1);
	TOUCH(tp, lsndtime);
	TOUCH(tp, tcp_mstamp);
	TOUCH(tp, delivered_mstamp);
	TOUCH(tp, rack.mstamp);
	TOUCH(tp, keepalive_time);
}

#endif
