// SPDX-License-Identifier: GPL-2.0
/*
 * The watch's kernel side: one short program a hook, gate -> fill -> submit. Tracepoints only, so
 * that it runs where kprobes and fentry are locked down. It states facts and draws no conclusions.
 */
#include "cpu_note.bpf.h"
#include "dropped.bpf.h"
#include "emit.bpf.h"
#include "gate.bpf.h"
#include "receive.bpf.h"
#include "socket.bpf.h"
#include "timer.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* tcp_send_reset has its reason since commit 5691276b39da (6.10); detected from BTF. */
const volatile bool have_reset_reason = false;
/* tcp_retransmit_skb also reports failures, with their error, since commit ad892e912b84 (6.17). */
const volatile bool have_retransmit_error = false;
/* kfree_skb has its reason since commit c504e5c2f964 (5.17); detected from BTF. */
const volatile bool have_drop_reason = false;

/* ---- receive ---- */

/* Two ways to a typed tcp_sock; user space loads the first that this kernel takes. */
SEC("tp_btf/tcp_probe")
int tcp_probe_cast(unsigned long long *ctx)
{
	const struct tcp_sock *tp = compat__cast_tcp_sock((void *)ctx[0]);

	if (gate__quiet_before(tp))
		return heard_cast(ctx);
	return gate__backs_off(tp) ? answer_cast(ctx) : 0;
}

SEC("?tp_btf/tcp_probe")
int tcp_probe_skc(unsigned long long *ctx)
{
	const struct tcp_sock *tp = bpf_skc_to_tcp_sock((void *)ctx[0]);

	if (!tp)
		return 0;
	if (gate__quiet_before(tp))
		return heard_read(ctx);
	return gate__backs_off(tp) ? answer_read(ctx) : 0;
}

/* ---- transmit ---- */

/* It never left: no route, or this host dropped it, which may have been emitted already. */
static __always_inline int retransmission_failed(struct sock *sk, const struct tcp_sock *tp)
{
	struct cpu_note *note = this_cpu_note();
	bool told = note && note->dropped_of == (__u64)sk;
	struct ho_event *e;

	if (note)
		note->dropped_of = 0;
	if (told || socket__unheard_jiffies(tp, true) < gate_quiet_jiffies)
		return 0;
	e = event__begin(HO_SEND_FAILED, sk, tp);
	if (!e)
		return 0;
	e->reason = HO_FAILED_DROPPED;
	event__submit(e);
	return 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(tcp_retransmit_skb, struct sock *sk, struct sk_buff *skb)
{
	const struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct ho_event *e;

	/* a request socket retransmits, too */
	if (!tp || !gate__is_connection(socket__state(tp, true)))
		return 0;
	if (have_retransmit_error && (int)ctx[2])
		return retransmission_failed(sk, tp);
	if (!gate__retransmit(tp))
		return 0;
	e = event__begin(HO_RETRANSMIT, sk, tp);
	if (!e)
		return 0;
	event__submit(e);
	return 0;
}

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(tcp_send_reset, struct sock *sk, struct sk_buff *skb)
{
	const struct tcp_sock *tp;
	struct ho_event *e;
	int state;

	if (!sk)	/* answers a segment that belongs to no socket */
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)	/* a request, a TIME_WAIT */
		return 0;
	state = socket__state(tp, true);
	if (!gate__is_connection(state) && state != TCP_CLOSE)
		return 0;	/* a listener */
	if (!socket__cookie(tp, true))
		return 0;	/* was never a connection */
	e = event__begin(HO_RESET_SENT, sk, tp);
	if (!e)
		return 0;
	if (have_reset_reason)
		e->reason = ctx[2];
	event__submit(e);
	return 0;
}

/* ---- endings ---- */

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(tcp_receive_reset, struct sock *sk)
{
	const struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct ho_event *e;

	if (!tp || !gate__is_connection(socket__state(tp, true)))
		return 0;
	e = event__begin(HO_RESET_RECEIVED, sk, tp);
	if (!e)
		return 0;
	event__submit(e);
	return 0;
}

static __always_inline int state_changed(struct sock *sk, int old_state, int new_state)
{
	const struct tcp_sock *tp = compat__tcp_sock(sk);	/* DCCP's, MPTCP's own: NULL */
	struct cpu_note *note;
	struct ho_event *e;
	__u64 cookie;
	bool orderly;

	if (!tp)
		return 0;
	if (new_state != TCP_ESTABLISHED && !gate__is_connection(old_state) &&
	    !gate__is_unopened_end(tp, old_state, new_state))
		return 0;
	if (new_state != TCP_ESTABLISHED && new_state != TCP_CLOSE && new_state != TCP_CLOSE_WAIT &&
	    !gate_all_states && !gate__owed_an_answer(tp))
		return 0;

	cookie = compat__cookie(sk);
	note = this_cpu_note();
	if (!note)
		return 0;
	orderly = new_state == TCP_ESTABLISHED ||
		  ((new_state == TCP_CLOSE || new_state == TCP_CLOSE_WAIT) &&
		   old_state != TCP_SYN_RECV &&
		   (old_state != TCP_ESTABLISHED || new_state == TCP_CLOSE_WAIT) && !sk->sk_err &&
		   !tp->total_retrans && !gate__owed_an_answer(tp));
	if (orderly) {
		e = event__reserve(HO_STATE, cookie, bpf_ktime_get_ns(), HO_EVENT_SMALL);
		if (!e)
			return 0;
		socket__read_small(e, tp, true);
	} else {
		e = event__reserve(HO_STATE, cookie, bpf_ktime_get_ns(), HO_EVENT_FULL);
		if (!e)
			return 0;
		socket__read_full(e, tp, true);
	}
	e->old_state = old_state;
	e->state = new_state;	/* sk_state still holds the old one */
	if (in_keepalive_timer(note, sk))
		e->flags |= HO_F_IN_KEEPALIVE;
	if (new_state == TCP_CLOSE && (e->flags & HO_F_ORPHAN))
		note->emitted_ending = cookie;
	event__submit(e);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(inet_sock_set_state, struct sock *sk, int old_state, int new_state)
{
	struct cpu_note *note = this_cpu_note();

	if (note) {
		if (note->changed) {	/* this interrupts another call between the two */
			note->outer = note->changed;
			note->outer_to = note->changed_to;
		}
		note->changed = (__u64)sk;
		note->changed_to = new_state;
	}
	return state_changed(sk, old_state, new_state);
}

/* A program that an interrupt enters again on its CPU is skipped there; another program with the
 * same work is not. Openings and endings, which nothing repeats, have two: this one runs after its
 * sibling, and has work only where the sibling was skipped. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(inet_sock_set_state_twin, struct sock *sk, int old_state, int new_state)
{
	struct cpu_note *note = this_cpu_note();
	__u32 zero = 0;
	struct ho_losses *l;

	if (note && note->changed == (__u64)sk && note->changed_to == new_state) {
		note->changed = note->outer;
		note->changed_to = note->outer_to;
		note->outer = 0;
		return 0;
	}
	l = bpf_map_lookup_elem(&losses, &zero);
	if (l)
		l->made_good++;
	return state_changed(sk, old_state, new_state);
}

/* Kernels before tcp_done_with_error() report before the socket is closed; newer ones after, and
 * then the ending has just reported the error. */
SEC("tp_btf/inet_sk_error_report")
int BPF_PROG(inet_sk_error_report, struct sock *sk)
{
	const struct tcp_sock *tp = compat__tcp_sock(sk);
	struct cpu_note *note = this_cpu_note();
	struct ho_event *e;

	/* Without an error it is the error queue's: timestamps, zero-copy. An ICMP flood reports
	 * one each time, where the program asked for that (IP_RECVERR). */
	if (!note || !tp || !sk->sk_err || !gate__is_connection(socket__state(tp, true)) ||
	    !repeated__may_be_emitted(compat__cookie(sk) ^ REPEATED_ERROR, gate_repeated_jiffies))
		return 0;
	e = event__begin(HO_ERROR, sk, tp);
	if (!e)
		return 0;
	if (in_keepalive_timer(note, sk))
		e->flags |= HO_F_IN_KEEPALIVE;
	event__submit(e);
	return 0;
}

/* The second witness of every ending: emits it where the first was not run on this CPU just now; whole,
 * where how it ended may have to be derived from it. */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(tcp_destroy_sock, struct sock *sk)
{
	const struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct cpu_note *note = this_cpu_note();
	struct ho_event *e;
	__u64 cookie;

	if (!note || !tp)
		return 0;
	cookie = socket__cookie(tp, true);
	if (!cookie)	/* no event was ever emitted for a socket without a cookie */
		return 0;
	if (note->emitted_ending == cookie) {
		note->emitted_ending = 0;
		return 0;
	}
	if (sk->sk_err || tp->inet_conn.icsk_probes_out || tp->inet_conn.icsk_retransmits) {
		e = event__reserve(HO_GONE, cookie, bpf_ktime_get_ns(), HO_EVENT_FULL);
		if (!e)
			return 0;
		socket__read_full(e, tp, true);
	} else {
		e = event__reserve(HO_GONE, cookie, bpf_ktime_get_ns(), HO_EVENT_SMALL);
		if (!e)
			return 0;
		socket__read_small(e, tp, true);
	}
	event__submit(e);
	return 0;
}

/* ---- timers ---- */

SEC("tp_btf/timer_expire_entry")
int BPF_PROG(timer_expire_entry_cast, struct timer_list *timer)
{
	if (!is_of_tcp(timer))
		return 0;
	return timer_entered(timer, compat__cast_tcp_sock(socket_of(timer)), true);
}

SEC("tp_btf/timer_expire_exit")
int BPF_PROG(timer_expire_exit_cast, struct timer_list *timer)
{
	__u64 sk;
	const struct timer_note *note = take_note(timer, &sk);

	return note ? timer_left(timer, note, compat__cast_tcp_sock((void *)sk), true) : 0;
}

SEC("?tp_btf/timer_expire_entry")
int BPF_PROG(timer_expire_entry_read, struct timer_list *timer)
{
	return is_of_tcp(timer) ? timer_entered(timer, socket_of(timer), false) : 0;
}

SEC("?tp_btf/timer_expire_exit")
int BPF_PROG(timer_expire_exit_read, struct timer_list *timer)
{
	__u64 sk;
	const struct timer_note *note = take_note(timer, &sk);

	return note ? timer_left(timer, note, (void *)sk, false) : 0;
}

/* ---- segments that this host drops ---- */

/* Runs for every segment that this host drops: segments without a socket do not concern us. */
SEC("tp_btf/kfree_skb")
int BPF_PROG(kfree_skb_cast, struct sk_buff *skb)
{
	const struct sock *sk = skb->sk;

	return sk ? dropped(skb, cast_segments_tcp_sock(sk), have_drop_reason ? ctx[2] : 0) : 0;
}

SEC("?tp_btf/kfree_skb")
int BPF_PROG(kfree_skb_skc, struct sk_buff *skb)
{
	struct sock *sk = skb->sk;

	return sk ? dropped(skb, compat__tcp_sock(sk), have_drop_reason ? ctx[2] : 0) : 0;
}

/* ---- cookies, where tracing programs cannot create them ---- */

/* On every cgroup v2 socket of the host: gives a connection its cookie before it opens, either way.
 * Changes nothing else. Loaded only without have_cookie_helper. */
SEC("?sockops")
int give_cookie(struct bpf_sock_ops *ops)
{
	if (ops->op == BPF_SOCK_OPS_TCP_CONNECT_CB ||
	    ops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		bpf_get_socket_cookie(ops);
	return 1;
}
