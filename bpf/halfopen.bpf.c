// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel side: one short program a hook, gate -> fill -> submit. Tracepoints only, so that
 * it runs where kprobes and fentry are locked away. It states facts and draws no conclusions.
 */
#include "compat.bpf.h"
#include "event.h"
#include "gate.bpf.h"
#include "segment.bpf.h"
#include "socket.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* Learned from a socket of our own (snapshot.bpf.c), set before load. */
const volatile __u64 keepalive_function = 0;
const volatile __u32 keepalive_offset = 0;
const volatile __u64 write_function = 0;
const volatile __u32 write_offset = 0;
/* Wake the reader once this much lies in the ring; below it, the reader's own tick suffices. */
const volatile __u64 ring_wake_bytes = 1 << 20;
/* tcp_send_reset has its reason since commit 5691276b39da (6.10); asked of BTF. */
const volatile bool have_reset_reason = false;
/* tcp_retransmit_skb tells failures, too, and their error, since commit ad892e912b84 (6.17). */
const volatile bool have_retransmit_error = false;
/* The programs on timers are attached: they tell every probe. Set once they are. */
bool timers_watched = false;
/* kfree_skb has its reason since commit c504e5c2f964 (5.17); asked of BTF. */
const volatile bool have_drop_reason = false;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);	/* resized from the live socket count before load */
} events SEC(".maps");

/* Counts of what could not be told. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ho_losses);
} losses SEC(".maps");

/* Whose events were lost: touched only when a reservation fails. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, __u32);
} lost_of SEC(".maps");

/* When a segment that moves no clock of its socket's was last told: asked for such alone. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, __u32);
} repeated SEC(".maps");

/* The socket whose timer runs on this CPU, as it was when the timer fired. */
struct timer_note {
	__u64 sk;		/* 0: none */
	__u64 cookie;
	__u64 mono_ns;
	__u32 probes_out;
	__u32 unprompted;	/* unprompted_segments() */
	bool keepalive;		/* that timer, or the one that asks for a window */
	bool due;		/* idle for long enough, nothing under way: a probe must follow */
	bool dropped;		/* this host threw a segment of the socket's away meanwhile */
};

struct cpu_note {
	struct timer_note timer;
	__u64 dropped_of;	/* the last socket of which a dropped segment was told */
	__u64 changed;		/* the last socket whose state changed; 0: its twin was here, too */
	__u64 outer;		/* the one that this interrupted; 0: none */
	__u64 told_ending;	/* the last orphan whose end was told: it is destroyed in the same
				 * breath, and the second witness has nothing to add; what a program
				 * holds may be connected again before that */
	int changed_to, outer_to;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cpu_note);
} cpu_notes SEC(".maps");

static __always_inline struct cpu_note *this_cpu_note(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&cpu_notes, &zero);
}

static __always_inline bool in_keepalive_timer(const struct cpu_note *note, const struct sock *sk)
{
	return note->timer.sk == (__u64)sk && note->timer.keepalive;
}

static __noinline int count_loss(__u64 cookie)
{
	__u32 zero = 0, one = 1;
	struct ho_losses *l = bpf_map_lookup_elem(&losses, &zero);
	__u32 *n;

	if (!l)
		return 0;
	if (!cookie) {
		l->no_cookie++;
		return 0;
	}
	l->ring_full++;
	n = bpf_map_lookup_elem(&lost_of, &cookie);
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&lost_of, &cookie, &one, BPF_ANY);
	return 0;
}

/* Both sizes are constants at each call, as the verifier wants them. */
static __always_inline struct ho_event *event__reserve(__u8 kind, __u64 cookie, __u64 mono_ns,
						       const __u64 size)
{
	struct ho_event *e = NULL;

	if (cookie)
		e = bpf_ringbuf_reserve(&events, size, 0);
	if (!e) {
		count_loss(cookie);
		return NULL;
	}
	e->kind = kind;
	e->cookie = cookie;
	e->mono_ns = mono_ns;
	return e;
}

/* A full event about `sk`, now. Both pointers are of the same socket, and typed. */
static __always_inline struct ho_event *event__begin(__u8 kind, struct sock *sk,
						     const struct tcp_sock *tp)
{
	struct ho_event *e = event__reserve(kind, compat__cookie(sk), bpf_ktime_get_ns(),
					    HO_EVENT_FULL);

	if (e)
		socket__read_full(e, tp, true);
	return e;
}

static __always_inline void event__submit(struct ho_event *e)
{
	bool full = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) >= ring_wake_bytes;

	bpf_ringbuf_submit(e, full ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

/* ---- receive ---- */

/* Each kind of what no clock notices has a budget of its own, so that none hides another. A bit of
 * the cookie is turned over: cookies count up from 1 or down from 2^64 (include/linux/cookie.h),
 * and none gets as far as these bits. */
#define REPEATED_SYN (1ULL << 62)
#define REPEATED_DROPPED (1ULL << 61)
#define REPEATED_OLD_ACK (1ULL << 60)
#define REPEATED_UNVERIFIED (1ULL << 59)
#define REPEATED_ERROR (1ULL << 58)

/* May one more of this socket's be told that its clocks do not notice? */
static __noinline bool repeated__may_be_told(__u64 cookie, __u32 apart_jiffies)
{
	__u32 now = socket__jiffies(), *told = bpf_map_lookup_elem(&repeated, &cookie);

	if (told) {
		if (now - *told < apart_jiffies)
			return false;
		*told = now;
		return true;
	}
	bpf_map_update_elem(&repeated, &cookie, &now, BPF_ANY);
	return true;
}

/* Is it worth telling? `*verdict` is what the kernel will make of it. */
static __always_inline bool is_worth_telling(const struct segment *s, struct sk_buff *skb,
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
		       repeated__may_be_told(compat__cookie(sk) ^ REPEATED_SYN,
					     gate_repeated_jiffies);
	if (!repeats && !data_idle && *verdict != HO_SEGMENT_REPEATED && !gate__ends_a_silence(tp))
		return false;
	if (*verdict == HO_SEGMENT_REPEATED)
		return repeated__may_be_told(compat__cookie(sk), gate_repeated_jiffies);
	return !segment__is_idle(s) ||
	       repeated__may_be_told(compat__cookie(sk) ^ REPEATED_OLD_ACK,
				     gate_repeated_jiffies);
}

/* A segment after a silence: an answer, the peer's own probe, a reset, or life after an idle
 * gap. The socket is as it was before the segment. It takes the context, in which the verifier
 * knows types. */
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
	if (!is_worth_telling(&s, skb, sk, tp, data_idle, &verdict))
		return 0;
	verified = segment__is_verified(skb);
	/* if it is taken, it closes the gate for as long */
	if (!verified && !repeated__may_be_told(compat__cookie(sk) ^ REPEATED_UNVERIFIED,
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

/* Something was heard a moment ago already, and yet this may be what the kernel waits for: an
 * acknowledgement of what it retransmits, or of its probes. It takes each such once. */
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

/* Functions of their own, so that the way of a healthy segment saves no registers. */
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

/* It never left: no route, or this host dropped it, which may be told already. */
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
		return 0;	/* never was a connection */
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
		e = event__reserve(HO_STATE, cookie, bpf_ktime_get_ns(), HO_EVENT_SMALL_TOLD);
		if (!e)
			return 0;
		socket__read_small_alone(e, tp, true);
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
		note->told_ending = cookie;
	event__submit(e);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(inet_sock_set_state, struct sock *sk, int old_state, int new_state)
{
	struct cpu_note *note = this_cpu_note();

	if (note) {
		if (note->changed) {	/* we interrupt somebody between the two */
			note->outer = note->changed;
			note->outer_to = note->changed_to;
		}
		note->changed = (__u64)sk;
		note->changed_to = new_state;
	}
	return state_changed(sk, old_state, new_state);
}

/* A program that an interrupt enters again on its CPU is skipped there; another one with the same work
 * is not. Openings and endings, which nothing repeats, have two: this runs behind its sibling, and has
 * work only where that did not run. */
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

/* Kernels before tcp_done_with_error() report before the socket is closed; newer ones after,
 * and then the ending has just told the error. */
SEC("tp_btf/inet_sk_error_report")
int BPF_PROG(inet_sk_error_report, struct sock *sk)
{
	const struct tcp_sock *tp = compat__tcp_sock(sk);
	struct cpu_note *note = this_cpu_note();
	struct ho_event *e;

	/* Without an error it is the error queue's: timestamps, zero-copy. An ICMP flood reports one
	 * each time, where the program asked for that (IP_RECVERR). */
	if (!note || !tp || !sk->sk_err || !gate__is_connection(socket__state(tp, true)) ||
	    !repeated__may_be_told(compat__cookie(sk) ^ REPEATED_ERROR, gate_repeated_jiffies))
		return 0;
	e = event__begin(HO_ERROR, sk, tp);
	if (!e)
		return 0;
	if (in_keepalive_timer(note, sk))
		e->flags |= HO_F_IN_KEEPALIVE;
	event__submit(e);
	return 0;
}

/* The second witness of every ending: tells where the first was not heard on this CPU just now. */
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
	if (!cookie)	/* nobody ever told of a socket without a cookie */
		return 0;
	if (note->told_ending == cookie) {
		note->told_ending = 0;
		return 0;
	}
	e = event__reserve(HO_GONE, cookie, bpf_ktime_get_ns(), HO_EVENT_SMALL_TOLD);
	if (!e)
		return 0;
	socket__read_small_alone(e, tp, true);
	event__submit(e);
	return 0;
}

/* ---- timers: every probe, without a program on timer_start ---- */

static __always_inline bool is_of_tcp(const struct timer_list *timer)
{
	__u64 function = (__u64)timer->function;

	return function == keepalive_function || (function == write_function && write_function);
}

static __always_inline bool is_keepalive(const struct timer_list *timer)
{
	return (__u64)timer->function == keepalive_function;
}

/* A timer's socket is known by its address only: the programs come in two forms, one that can
 * have it typed and one for kernels that cannot. */
static __always_inline const void *socket_of(const struct timer_list *timer)
{
	return (const void *)timer - (is_keepalive(timer) ? keepalive_offset : write_offset);
}

/* Counts the segments that left without one of data having come: an acknowledgement of data leaves
 * it as it was, or lowers it. */
static __always_inline __u32 unprompted_segments(const struct tcp_sock *tp, const bool typed)
{
	return READ(typed, tp, segs_out) - READ(typed, tp, data_segs_in);
}

static __always_inline int timer_entered(const struct timer_list *timer, const struct tcp_sock *tp,
					 const bool typed)
{
	struct cpu_note *note;

	/* It mostly fires to retransmit, or because nobody stopped it. */
	if (!is_keepalive(timer) &&
	    READ(typed, tp, inet_conn.icsk_pending) != HO_PENDING_PROBE0)
		return 0;
	note = this_cpu_note();
	if (!note)
		return 0;
	note->timer.mono_ns = bpf_ktime_get_ns();
	note->timer.cookie = socket__cookie(tp, typed);
	note->timer.probes_out = READ(typed, tp, inet_conn.icsk_probes_out);
	note->timer.unprompted = unprompted_segments(tp, typed);
	note->timer.keepalive = is_keepalive(timer);
	note->timer.due = note->timer.keepalive && !socket__has_data_under_way(tp, typed) &&
			  socket__unheard_jiffies(tp, typed) >= socket__idle_jiffies(tp, typed);
	note->timer.dropped = false;
	note->timer.sk = (__u64)tp;
	return 0;
}

/*
 * What the keepalive timer did. A probe was sent if it raised icsk_probes_out by one (which it
 * does even for a probe that this host dropped). When the answer was quicker than we (another
 * CPU took it while this one left the timer) the count is 0 again, and the timer re-armed for the
 * interval tells, with a segment that left. (A segment that comes before the timer's work re-arms
 * it, too, for the idle time, which may be as long as the interval.) Local congestion leaves the
 * count alone and re-arms for TCP_RESOURCE_PROBE_INTERVAL = HZ/2. 0: nothing.
 */
static __always_inline __u8 keepalive_did(const struct timer_list *timer,
					  const struct timer_note *note, const struct tcp_sock *tp,
					  const bool typed)
{
	__u32 rearmed = (__u32)timer->expires - socket__jiffies();
	__u8 probes_out = READ(typed, tp, inet_conn.icsk_probes_out);

	if (probes_out == (__u8)(note->probes_out + 1))
		return note->dropped ? HO_PROBE_FAILED : HO_PROBE_SENT;
	if (!note->due)
		return 0;
	if (!probes_out && socket__interval_jiffies(tp, typed) - rearmed <= 1)
		return (__s32)(unprompted_segments(tp, typed) - note->unprompted) > 0
			       ? HO_PROBE_SENT : 0;
	return hz / 2 - rearmed <= 1 ? HO_PROBE_FAILED : 0;
}

/* The persist timer counts in the same place. */
static __always_inline __u8 persist_did(const struct timer_note *note, const struct tcp_sock *tp,
					const bool typed)
{
	__u8 probes_out = READ(typed, tp, inet_conn.icsk_probes_out);

	return probes_out == (__u8)(note->probes_out + 1) && !note->dropped ? HO_ZERO_WINDOW_PROBE
									     : 0;
}

static __always_inline int timer_left(const struct timer_list *timer, const struct timer_note *note,
				      const struct tcp_sock *tp, const bool typed)
{
	struct ho_event *e;
	bool counted;
	__u8 kind;

	/* The timer dropped its reference: the memory may be another socket's by now, which its
	 * cookie tells. An ending inside the timer was told by the state change. */
	if (socket__cookie(tp, typed) != note->cookie ||
	    !gate__is_connection(socket__state(tp, typed)))
		return 0;
	kind = note->keepalive ? keepalive_did(timer, note, tp, typed)
			       : persist_did(note, tp, typed);
	if (!kind)
		return 0;
	counted = READ(typed, tp, inet_conn.icsk_probes_out) != note->probes_out;
	e = event__reserve(kind, note->cookie, note->mono_ns, HO_EVENT_FULL);
	if (!e)
		return 0;
	socket__read_full(e, tp, typed);
	if (kind == HO_PROBE_FAILED)
		e->reason = counted ? HO_FAILED_DROPPED : HO_FAILED_CONGESTION;
	event__submit(e);
	return 0;
}

/* The note of the socket whose timer is being left, which ends it; NULL if there is none. */
static __always_inline struct timer_note *take_note(const struct timer_list *timer, __u64 *sk)
{
	struct cpu_note *note;

	if (!is_of_tcp(timer))
		return NULL;
	note = this_cpu_note();
	if (!note || !note->timer.sk)
		return NULL;
	*sk = note->timer.sk;
	note->timer.sk = 0;
	return &note->timer;
}

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

/* ---- what this host itself throws away ---- */

/* Bytes of a segment of ours behind its TCP header, as far as the usual options make it: who sends
 * more options acknowledges at once, which is no matter here. */
static __always_inline __s32 payload_of(const struct sk_buff *skb, const struct tcp_sock *tp)
{
	__s32 before = (__s32)(skb->head + skb->transport_header - skb->data);

	return (__s32)skb->len - before - tp->tcp_header_len;
}

/* A segment of a socket's that never leaves: the keepalive timer's programs tell of a probe;
 * data, a FIN or a question for the window is told here, where the peer keeps silent. (A busy
 * socket's drops are congestion.) */
static __always_inline int send_failed(__u64 cookie, const struct tcp_sock *tp,
				       const struct sk_buff *skb, bool asks_for_window,
				       __u32 reason)
{
	bool fin = socket__flags(tp, true) & HO_F_FIN_QUEUED;
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

/* A probe where no program sees the keepalive timer (DESIGN.md, Kernels): nothing is under way, and the
 * peer was not heard for the idle time. */
static __always_inline int probe_failed(__u64 cookie, const struct tcp_sock *tp)
{
	struct ho_event *e;

	if (timers_watched ||
	    socket__unheard_jiffies(tp, true) < socket__idle_jiffies(tp, true) ||
	    !(socket__flags(tp, true) & HO_F_KEEPALIVE))
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

/* A segment of the peer's for which an early look-up had found the socket, dropped before TCP saw
 * it, while the kernel waits for an answer. */
static __always_inline int answer_dropped(__u64 cookie, const struct tcp_sock *tp,
					  const struct sk_buff *skb)
{
	const struct net_device *dev = skb->dev;
	struct ho_event *e;

	/* in another namespace of this host it is our own segment, on its way to somebody */
	if (!dev || dev->nd_net.net != socket__net(tp, true))
		return 0;
	if (!gate__awaits_an_answer(tp) ||
	    !repeated__may_be_told(cookie ^ REPEATED_DROPPED, gate_repeated_jiffies))
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
	if (!cookie)	/* nobody ever told of it */
		return 0;
	if (skb->skb_iif)
		return answer_dropped(cookie, tp, skb);
	if (!in_timer && !socket__has_data_under_way(tp, true))
		return probe_failed(cookie, tp);
	return send_failed(cookie, tp, skb, in_timer, reason);
}

/* From 6.2 on the socket of a segment is no argument for bpf_skc_to_tcp_sock(). What has no more
 * than a sock_common (a request) is told apart by its state. */
static __always_inline const struct tcp_sock *cast_segments_tcp_sock(const struct sock *sk)
{
	if (!gate__is_connection(sk->__sk_common.skc_state) || !compat__is_tcp(sk, true))
		return NULL;
	return compat__cast_tcp_sock(sk);
}

/* Told of every segment that this host drops: those without a socket are none of ours. */
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

/* ---- cookies, where tracing programs cannot ask for them ---- */

/* On every cgroup v2 socket of the host: before a connection opens, either way, it gets a cookie
 * here. Changes nothing else. Loaded only without have_cookie_helper. */
SEC("?sockops")
int give_cookie(struct bpf_sock_ops *ops)
{
	if (ops->op == BPF_SOCK_OPS_TCP_CONNECT_CB ||
	    ops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		bpf_get_socket_cookie(ops);
	return 1;
}
