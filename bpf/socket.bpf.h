/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading one socket into an event. Every load goes through probe_read, because the keepalive
 * timer gives only an address: the verifier has no type for it. These reads happen for events
 * that are told, never on the path of a healthy segment (gate.bpf.h).
 */
#ifndef HALFOPEN_SOCKET_BPF_H
#define HALFOPEN_SOCKET_BPF_H

#include "compat.bpf.h"
#include "event.h"

static __always_inline __u32 socket__jiffies(void)
{
	return (__u32)bpf_jiffies64();
}

/* 0 until somebody asked for it with bpf_get_socket_cookie(). */
static __always_inline __u64 socket__cookie(const struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
}

/* Time in jiffies since the peer was last heard as the kernel keeps it: an acceptable ACK or
 * data, whichever is younger (the `elapsed` of tcp_keepalive_timer()). */
static __always_inline __u32 socket__unheard_jiffies(const struct sock *sk, __u32 now)
{
	const struct tcp_sock *tp = (const void *)sk;
	__u32 acked = now - BPF_CORE_READ(tp, rcv_tstamp);
	__u32 data = now - BPF_CORE_READ(tp, inet_conn.icsk_ack.lrcvtime);

	return acked < data ? acked : data;
}

/* In step 6 of tcp_keepalive_timer() a socket with data under way is not probed. */
static __always_inline bool socket__has_data_under_way(const struct sock *sk)
{
	const struct tcp_sock *tp = (const void *)sk;

	return BPF_CORE_READ(tp, packets_out) ||
	       BPF_CORE_READ(tp, write_seq) != BPF_CORE_READ(tp, snd_nxt);
}

static __always_inline void socket__read_identity(struct ho_event *e, const struct sock *sk)
{
	const struct inet_sock *inet = (const void *)sk;
	__u16 port;

	e->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	e->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	if (e->family == AF_INET6) {
		BPF_CORE_READ_INTO(&e->local, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
		BPF_CORE_READ_INTO(&e->peer, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr8);
	} else {
		__u32 local = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
		__u32 peer = BPF_CORE_READ(sk, __sk_common.skc_daddr);

		__builtin_memset(e->local, 0, sizeof(e->local));
		__builtin_memset(e->peer, 0, sizeof(e->peer));
		__builtin_memcpy(e->local, &local, sizeof(local));
		__builtin_memcpy(e->peer, &peer, sizeof(peer));
	}
	/* Not skc_num: inet_put_port() clears it before the last state change. */
	port = BPF_CORE_READ(inet, inet_sport);
	e->local_port = __builtin_bswap16(port);
	port = BPF_CORE_READ(sk, __sk_common.skc_dport);
	e->peer_port = __builtin_bswap16(port);
}

static __always_inline void socket__read_options(struct ho_event *e, const struct sock *sk)
{
	const struct tcp_sock *tp = (const void *)sk;
	const struct net *net = BPF_CORE_READ(sk, __sk_common.skc_net.net);

	e->sock_idle_jiffies = BPF_CORE_READ(tp, keepalive_time);
	e->sock_interval_jiffies = BPF_CORE_READ(tp, keepalive_intvl);
	e->sock_probes = BPF_CORE_READ(tp, keepalive_probes);
	e->net_idle_jiffies = BPF_CORE_READ(net, ipv4.sysctl_tcp_keepalive_time);
	e->net_interval_jiffies = BPF_CORE_READ(net, ipv4.sysctl_tcp_keepalive_intvl);
	e->net_probes = compat__net_keepalive_probes(net);
	e->user_timeout_ms = BPF_CORE_READ(tp, inet_conn.icsk_user_timeout);
}

static __always_inline __u16 socket__flags(const struct sock *sk)
{
	const struct tcp_sock *tp = (const void *)sk;
	unsigned long bits = BPF_CORE_READ(sk, __sk_common.skc_flags);
	__u16 flags = 0;

	if (bits & (1UL << bpf_core_enum_value(enum sock_flags, SOCK_KEEPOPEN)))
		flags |= HO_F_KEEPALIVE;
	if (bits & (1UL << bpf_core_enum_value(enum sock_flags, SOCK_DEAD)))
		flags |= HO_F_ORPHAN;
	if (BPF_CORE_READ(sk, sk_lock.owned))
		flags |= HO_F_OWNED;
	if (BPF_CORE_READ_BITFIELD_PROBED(sk, sk_shutdown) & 2 /* SEND_SHUTDOWN */)
		flags |= HO_F_FIN_QUEUED;
	if (compat__is_mptcp(tp))
		flags |= HO_F_MPTCP;
	return flags;
}

/* The part that every event has. `cookie` and `mono_ns` are the caller's. */
static __always_inline void socket__read_small(struct ho_event *e, const struct sock *sk)
{
	const struct tcp_sock *tp = (const void *)sk;

	socket__read_identity(e, sk);
	socket__read_options(e, sk);
	e->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	e->old_state = 0;
	e->flags = socket__flags(sk);
	e->error = BPF_CORE_READ(sk, sk_err);
	e->jiffies = socket__jiffies();
	e->rcv_tstamp_jiffies = BPF_CORE_READ(tp, rcv_tstamp);
	e->lrcvtime_jiffies = BPF_CORE_READ(tp, inet_conn.icsk_ack.lrcvtime);
	e->srtt_us = BPF_CORE_READ(tp, srtt_us) >> 3;
	e->probes_out = BPF_CORE_READ(tp, inet_conn.icsk_probes_out);
	e->ca_state = BPF_CORE_READ_BITFIELD_PROBED(&tp->inet_conn, icsk_ca_state);
}

static __always_inline void socket__read_full(struct ho_event *e, const struct sock *sk)
{
	const struct tcp_sock *tp = (const void *)sk;

	socket__read_small(e, sk);
	e->last_tx_ns = BPF_CORE_READ(tp, tcp_mstamp) * 1000;
	e->bytes_acked = BPF_CORE_READ(tp, bytes_acked);
	e->bytes_received = BPF_CORE_READ(tp, bytes_received);
	e->lsndtime_jiffies = BPF_CORE_READ(tp, lsndtime);
	e->chrono_start_jiffies = BPF_CORE_READ(tp, chrono_start);
	e->chrono_type = BPF_CORE_READ_BITFIELD_PROBED(tp, chrono_type);
	e->rto_jiffies = BPF_CORE_READ(tp, inet_conn.icsk_rto);
	e->packets_out = BPF_CORE_READ(tp, packets_out);
	e->unsent = BPF_CORE_READ(tp, write_seq) - BPF_CORE_READ(tp, snd_nxt);
	e->data_segs_out = BPF_CORE_READ(tp, data_segs_out);
	e->data_segs_in = BPF_CORE_READ(tp, data_segs_in);
	e->total_retrans = BPF_CORE_READ(tp, total_retrans);
	e->mdev_us = BPF_CORE_READ(tp, mdev_us);
	e->backoff = BPF_CORE_READ(tp, inet_conn.icsk_backoff);
	e->retransmits = BPF_CORE_READ(tp, inet_conn.icsk_retransmits);
	e->pending = BPF_CORE_READ(tp, inet_conn.icsk_pending);
	e->seq_offset = 0;
	e->payload = 0;
	e->reason = 0;
	e->tcp_flags = 0;
	e->pad[0] = e->pad[1] = e->pad[2] = 0;
}



#endif
