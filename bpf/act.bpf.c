// SPDX-License-Identifier: GPL-2.0
/*
 * Re-arms the keepalive timer of idle sockets, which was set with earlier values: SO_KEEPALIVE off
 * and on again follows the present sysctls and pins no option, as setting the idle time would. The
 * iterator holds the socket's lock, so nothing comes in between. A re-armed socket is marked and
 * its end is observed: if it dies after a keepalive probe, keepalive ended it.
 */
#include "compat.bpf.h"
#include "event.h"
#include "gate.bpf.h"
#include "act.h"
#include "socket.bpf.h"

char LICENSE[] SEC("license") = "GPL";

#define SOL_SOCKET 1
#define SO_KEEPALIVE 9
#define ECONNABORTED 103
#define DEAD_MAX (1 << 18)

/* The network namespace (inode), and how recent counts as "heard a short time ago"; set before
 * load. */
const volatile __u32 netns = 0;
const volatile __u32 heard_jiffies = 300 * 250;

/* Number of sockets that a pass may still arm. */
__u64 allowance = 0;
struct ho_rearm_counts counts = {};

struct mark {
	__u32 armed_jiffies;
	bool heard;	/* a short time before */
	bool answered;	/* heard since */
	bool dead;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct mark);
} marks SEC(".maps");

/* A new connection of the same peer: to our port, or to the port that we had connected to. */
struct dial {
	ho_u8 peer[16];
	__u16 port;	/* ours, or the peer's if `is_ours_to_dial` */
	__u16 family;
	__u32 is_ours_to_dial;
};

/* Sockets that died without having been heard lately, counted by peer and port. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, DEAD_MAX);
	__type(key, struct dial);
	__type(value, __u64);
} silent_dead SEC(".maps");

static __always_inline void count(ho_u64 *counter)
{
	__sync_fetch_and_add(counter, 1);
}

/* ---- the end of armed sockets ---- */

static __always_inline void note_answer(const struct tcp_sock *tp, struct mark *m)
{
	__u32 since = socket__jiffies() - m->armed_jiffies;

	if (m->answered || socket__unheard_jiffies(tp, true) >= since)
		return;
	m->answered = true;
	count(&counts.answered);
	if (!m->heard)
		count(&counts.answered_silent);
}

static __always_inline struct dial dial_of(const struct tcp_sock *tp, bool is_ours_to_dial)
{
	const struct inet_sock *inet = (const void *)tp;
	const struct sock *sk = (const void *)tp;
	struct dial d;

	__builtin_memset(&d, 0, sizeof(d));
	d.family = sk->__sk_common.skc_family;
	d.is_ours_to_dial = is_ours_to_dial;
	d.port = is_ours_to_dial ? sk->__sk_common.skc_dport : inet->inet_sport;
	if (d.family == AF_INET6)
		socket__read_ipv6(d.peer, &sk->__sk_common.skc_v6_daddr, true);
	else
		socket__read_ipv4(d.peer, sk->__sk_common.skc_daddr);
	return d;
}

static __always_inline void note_silent_dead(const struct tcp_sock *tp, bool is_ours_to_dial)
{
	struct dial d = dial_of(tp, is_ours_to_dial);
	__u64 one = 1, *dead = bpf_map_lookup_elem(&silent_dead, &d);

	if (dead)
		__sync_fetch_and_add(dead, 1);
	else
		bpf_map_update_elem(&silent_dead, &d, &one, BPF_NOEXIST);
}

/* An error after a keepalive probe ended it: no answer, or a reset. A close by the program leaves
 * no error; `ss -K` and the like abort; after the peer's FIN the connection does not count as
 * lost. */
static __always_inline void note_end(struct sock *sk, const struct tcp_sock *tp)
{
	struct mark *m = bpf_sk_storage_get(&marks, sk, NULL, 0);

	if (!m || m->dead)
		return;
	m->dead = true;
	note_answer(tp, m);
	if (!sk->sk_err || sk->sk_err == ECONNABORTED || !tp->inet_conn.icsk_probes_out ||
	    socket__flags(tp, HO_F_FIN_TAKEN, true))
		return;
	if (m->heard || m->answered) {
		count(&counts.died_alive);
		return;
	}
	count(&counts.died_silent);
	note_silent_dead(tp, false);
	note_silent_dead(tp, true);
}

static __always_inline void note_dial(const struct tcp_sock *tp, bool is_ours_to_dial)
{
	struct dial d = dial_of(tp, is_ours_to_dial);
	__u64 *dead = bpf_map_lookup_elem(&silent_dead, &d);

	if (!dead)
		return;
	if (__sync_fetch_and_sub(dead, 1) <= 1)
		bpf_map_delete_elem(&silent_dead, &d);
	count(&counts.dialled_again);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(follow_state, struct sock *sk, int old_state, int new_state)
{
	const struct tcp_sock *tp;

	if (new_state != TCP_CLOSE && new_state != TCP_ESTABLISHED)
		return 0;
	tp = compat__tcp_sock(sk);
	if (!tp || socket__net(tp, true)->ns.inum != netns)
		return 0;
	if (new_state == TCP_CLOSE)
		note_end(sk, tp);
	else
		note_dial(tp, old_state == TCP_SYN_SENT);
	return 0;
}

/* Second witness: a program is skipped where an interrupt enters it again. */
SEC("tp_btf/inet_sk_error_report")
int BPF_PROG(follow_error, const struct sock *error_sk)
{
	const struct tcp_sock *tp = compat__tcp_sock((void *)error_sk);

	if (tp && socket__state(tp, true) == TCP_CLOSE)
		note_end((struct sock *)error_sk, tp);
	return 0;
}

/* ---- arming ---- */

/* With a user timeout, one lost probe would kill what has been idle for longer. */
static __always_inline bool is_special(const struct tcp_sock *tp)
{
	const struct sock *sk = (const void *)tp;
	int state = socket__state(tp, true);

	return tp->inet_conn.icsk_user_timeout || READ_BITFIELD(true, tp, repair) ||
	       compat__is_mptcp(tp, true) || READ_BITFIELD(true, sk, sk_kern_sock) ||
	       (state != TCP_ESTABLISHED && state != TCP_CLOSE_WAIT && state != TCP_FIN_WAIT2);
}

/* Any local user may open connections to himself and let them fall silent: their deaths say nothing
 * about devices, and a user could cause them at will. So whatever leaves by the loopback device is
 * left alone, wherever NAT leads it. */
static __always_inline bool is_peer_of_this_host(const struct tcp_sock *tp)
{
	const struct sock *sk = (const void *)tp;
	__u8 local[16] = {}, peer[16] = {};
	int i, differ = 0;

	if (compat__is_loopback(compat__leaves_by(sk, true), true) ||
	    place__of_peer(tp, true) == HO_PLACE_HERE)
		return true;
	if (sk->__sk_common.skc_family == AF_INET)
		return sk->__sk_common.skc_daddr == sk->__sk_common.skc_rcv_saddr;
	socket__read_ipv6(local, &sk->__sk_common.skc_v6_rcv_saddr, true);
	socket__read_ipv6(peer, &sk->__sk_common.skc_v6_daddr, true);
	for (i = 0; i < 16; i++)
		differ |= local[i] ^ peer[i];
	return !differ;
}

/*
 * The present timer expires sooner. Armed anew, it expires the idle time from now, or up to an
 * eighth of that later, as the timer wheel rounds (tcp(7) does not say so; calc_index() of
 * kernel/time/timer.c does). How the wheel rounded the present timer is not known: at least by
 * nothing.
 */
static __always_inline bool is_sooner(const struct tcp_sock *tp)
{
	__u64 idle = socket__idle_jiffies(tp, true);
	__u64 anew = bpf_jiffies64() + idle + idle / 7 + 2;

	return (__s64)(compat__keepalive_expires(tp, true) - anew) <= 0;
}

static __always_inline enum ho_rearm_kind judge(const struct tcp_sock *tp)
{
	__u16 flags = socket__flags(tp, HO_F_ORPHAN | HO_F_KEEPALIVE, true);

	if (flags & HO_F_ORPHAN)
		return HO_REARM_ORPHAN;
	if (!(flags & HO_F_KEEPALIVE))
		return HO_REARM_WITHOUT;
	if (tp->keepalive_time)
		return HO_REARM_OWN;
	if (is_special(tp))
		return HO_REARM_SPECIAL;
	if (is_peer_of_this_host(tp))
		return HO_REARM_LOCAL;
	if (tp->inet_conn.icsk_probes_out || socket__has_data_under_way(tp, true))
		return HO_REARM_ASKING;
	return is_sooner(tp) ? HO_REARM_SOONER : HO_REARM_DUE;
}

static __always_inline void arm(struct sock *sk, bool heard)
{
	struct mark fresh = { .armed_jiffies = socket__jiffies(), .heard = heard };
	int off = 0, on = 1;

	/* a socket that cannot be marked is not armed: its death would go unnoticed */
	if (!bpf_sk_storage_get(&marks, sk, &fresh, BPF_SK_STORAGE_GET_F_CREATE)) {
		count(&counts.refused);
		return;
	}
	if (bpf_setsockopt(sk, SOL_SOCKET, SO_KEEPALIVE, &off, sizeof(off)) ||
	    bpf_setsockopt(sk, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on))) {
		bpf_sk_storage_delete(&marks, sk);
		count(&counts.refused);
		return;
	}
	count(&counts.armed);
	if (heard)
		count(&counts.armed_heard);
}

/* Is the socket still open for its program, with keepalive on? */
static __always_inline bool is_asked(const struct tcp_sock *tp)
{
	__u16 flags = socket__flags(tp, HO_F_ORPHAN | HO_F_KEEPALIVE, true);

	return flags == HO_F_KEEPALIVE;
}

/* Over the namespace of the process that opened the iterator: follows armed sockets, and arms as
 * many more as are allowed. */
SEC("iter/tcp")
int pass(struct bpf_iter__tcp *ctx)
{
	struct sock_common *skc = ctx->sk_common;
	enum ho_rearm_kind kind;
	struct tcp_sock *tp;
	struct mark *m;
	bool heard;

	if (!skc)
		return 0;
	tp = bpf_skc_to_tcp_sock(skc);
	if (!tp || !gate__is_connection(socket__state(tp, true)))
		return 0;
	m = bpf_sk_storage_get(&marks, (struct sock *)tp, NULL, 0);
	if (m) {
		note_answer(tp, m);
		counts.undecided += !m->answered && is_asked(tp);
		return 0;
	}
	kind = judge(tp);
	counts.found[kind]++;
	if (kind != HO_REARM_DUE)
		return 0;
	heard = socket__unheard_jiffies(tp, true) < heard_jiffies;
	counts.found_heard += heard;
	if (!allowance)
		return 0;
	allowance--;
	arm((struct sock *)tp, heard);
	return 0;
}
