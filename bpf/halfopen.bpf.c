// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel side: one short program a hook, gate -> fill -> submit. Tracepoints only, so that
 * it runs where kprobes and fentry are locked away. It states facts and draws no conclusions.
 */
#include "compat.bpf.h"
#include "event.h"
#include "gate.bpf.h"
#include "socket.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* Learned from a socket of our own (snapshot.bpf.c), set before load. */
const volatile __u64 keepalive_function = 0;
const volatile __u32 keepalive_offset = 0;
const volatile __u32 hz = 250;
/* Wake the reader once this much lies in the ring; below it, the reader's own tick suffices. */
const volatile __u64 ring_wake_bytes = 1 << 20;
/* tcp_send_reset has its reason since commit 5691276b39da (6.10); asked of BTF. */
const volatile bool have_reset_reason = false;

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

/* The socket whose keepalive timer runs on this CPU, as it was when the timer fired. */
struct timer_note {
	__u64 sk;		/* 0: none */
	__u64 cookie;
	__u64 mono_ns;
	__u32 probes_out;
	bool due;		/* idle for long enough, nothing under way: a probe must follow */
};

/* The last socket whose ending was told on this CPU: orphans are destroyed in the same breath,
 * and then the second witness has nothing to add. */
struct cpu_note {
	struct timer_note timer;
	__u64 told_ending;
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

/* A full event about `sk`, now. */
static __always_inline struct ho_event *event__begin(__u8 kind, struct sock *sk)
{
	struct ho_event *e = event__reserve(kind, bpf_get_socket_cookie(sk), bpf_ktime_get_ns(),
					    HO_EVENT_FULL);

	if (e)
		socket__read_full(e, sk);
	return e;
}

static __always_inline void event__submit(struct ho_event *e)
{
	bool full = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) >= ring_wake_bytes;

	bpf_ringbuf_submit(e, full ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

static __always_inline bool is_tcp(const struct sock *sk)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	return BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP &&
	       (family == AF_INET || family == AF_INET6);
}

/* ---- receive ---- */

/* A segment after a silence: an answer, the peer's own probe, a reset, or life after an idle
 * gap. The socket is as it was before the segment. A function of its own, so that the way of a
 * healthy segment saves no registers; it takes the context, in which the verifier knows types. */
static __noinline int heard(unsigned long long *ctx)
{
	struct sock *sk = (void *)ctx[0];
	const struct sk_buff *skb = (void *)ctx[1];
	const struct tcp_sock *tp = (void *)sk;
	const void *header = BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, transport_header);
	struct ho_event *e;
	struct tcphdr th;
	__u8 tcp_flags;
	__s32 seq_offset;

	if (bpf_probe_read_kernel(&th, sizeof(th), header))
		return 0;
	tcp_flags = ((__u8 *)&th)[13];
	seq_offset = bpf_ntohl(th.seq) - BPF_CORE_READ(tp, rcv_nxt);
	/* seq = rcv_nxt - 1 is a keepalive probe of the peer's */
	if (!gate__ends_a_silence(sk) && seq_offset != -1 && !th.rst)
		return 0;

	e = event__begin(HO_HEARD, sk);
	if (!e)
		return 0;
	e->flags |= HO_F_SEGMENT;
	e->tcp_flags = tcp_flags;
	e->seq_offset = seq_offset;
	e->payload = BPF_CORE_READ(skb, len) - th.doff * 4;
	event__submit(e);
	return 0;
}

/* Two ways to a typed tcp_sock; user space loads the first that this kernel takes. */
SEC("tp_btf/tcp_probe")
int tcp_probe_cast(unsigned long long *ctx)
{
	const struct tcp_sock *tp = bpf_rdonly_cast((void *)ctx[0],
						    bpf_core_type_id_kernel(struct tcp_sock));

	return gate__quiet_before(tp) ? heard(ctx) : 0;
}

SEC("?tp_btf/tcp_probe")
int tcp_probe_skc(unsigned long long *ctx)
{
	const struct tcp_sock *tp = bpf_skc_to_tcp_sock((void *)ctx[0]);

	return tp && gate__quiet_before(tp) ? heard(ctx) : 0;
}

/* ---- transmit ---- */

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(tcp_retransmit_skb, struct sock *sk, struct sk_buff *skb)
{
	struct ho_event *e;

	if (!gate__is_connection(BPF_CORE_READ(sk, __sk_common.skc_state)) || !gate__retransmit(sk))
		return 0;
	e = event__begin(HO_RETRANSMIT, sk);
	if (!e)
		return 0;
	event__submit(e);
	return 0;
}

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(tcp_send_reset, struct sock *sk, struct sk_buff *skb)
{
	struct ho_event *e;
	int state;

	if (!sk)	/* answers a segment that belongs to no socket */
		return 0;
	state = BPF_CORE_READ(sk, __sk_common.skc_state);
	if (!gate__is_connection(state) && state != TCP_CLOSE)
		return 0;	/* a listener, a request, a TIME_WAIT */
	if (!socket__cookie(sk))
		return 0;	/* never was a connection */
	e = event__begin(HO_RESET_SENT, sk);
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
	struct ho_event *e;

	if (!gate__is_connection(BPF_CORE_READ(sk, __sk_common.skc_state)))
		return 0;
	e = event__begin(HO_RESET_RECEIVED, sk);
	if (!e)
		return 0;
	event__submit(e);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(inet_sock_set_state, struct sock *sk, int old_state, int new_state)
{
	struct cpu_note *note;
	struct ho_event *e;
	__u64 cookie;
	bool orderly;

	/* The MPTCP socket itself changes state here too, and is no tcp_sock. */
	if (!is_tcp(sk))
		return 0;
	if (new_state != TCP_ESTABLISHED && !gate__is_connection(old_state))
		return 0;
	if (new_state != TCP_ESTABLISHED && new_state != TCP_CLOSE && !gate_all_states &&
	    !gate__owed_an_answer(sk))
		return 0;

	cookie = bpf_get_socket_cookie(sk);
	note = this_cpu_note();
	if (!note)
		return 0;
	orderly = new_state == TCP_ESTABLISHED ||
		  (new_state == TCP_CLOSE && old_state != TCP_ESTABLISHED &&
		   !BPF_CORE_READ(sk, sk_err) && !gate__owed_an_answer(sk));
	if (orderly) {
		e = event__reserve(HO_STATE, cookie, bpf_ktime_get_ns(), HO_EVENT_SMALL);
		if (!e)
			return 0;
		socket__read_small(e, sk);
	} else {
		e = event__reserve(HO_STATE, cookie, bpf_ktime_get_ns(), HO_EVENT_FULL);
		if (!e)
			return 0;
		socket__read_full(e, sk);
	}
	e->old_state = old_state;
	e->state = new_state;	/* sk_state still holds the old one */
	if (note->timer.sk == (__u64)sk)
		e->flags |= HO_F_IN_KEEPALIVE;
	if (new_state == TCP_CLOSE)
		note->told_ending = cookie;
	event__submit(e);
	return 0;
}

/* Kernels before tcp_done_with_error() report before the socket is closed; newer ones after,
 * and then the ending has just told the error. */
SEC("tp_btf/inet_sk_error_report")
int BPF_PROG(inet_sk_error_report, struct sock *sk)
{
	struct cpu_note *note = this_cpu_note();
	struct ho_event *e;

	if (!note || !is_tcp(sk) || !gate__is_connection(BPF_CORE_READ(sk, __sk_common.skc_state)))
		return 0;
	e = event__begin(HO_ERROR, sk);
	if (!e)
		return 0;
	if (note->timer.sk == (__u64)sk)
		e->flags |= HO_F_IN_KEEPALIVE;
	event__submit(e);
	return 0;
}

/* The second witness of every ending: tells where the first was not heard on this CPU just now. */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(tcp_destroy_sock, struct sock *sk)
{
	struct cpu_note *note = this_cpu_note();
	struct ho_event *e;
	__u64 cookie = socket__cookie(sk);

	if (!note || !cookie)	/* nobody ever told of a socket without a cookie */
		return 0;
	if (note->told_ending == cookie) {
		note->told_ending = 0;
		return 0;
	}
	e = event__reserve(HO_GONE, cookie, bpf_ktime_get_ns(), HO_EVENT_SMALL);
	if (!e)
		return 0;
	socket__read_small(e, sk);
	event__submit(e);
	return 0;
}

/* ---- the keepalive timer: every probe, without a program on timer_start ---- */

SEC("tp_btf/timer_expire_entry")
int BPF_PROG(timer_expire_entry, struct timer_list *timer)
{
	const struct tcp_sock *tp;
	struct cpu_note *note;
	struct sock *sk;
	__u32 idle;

	if ((__u64)timer->function != keepalive_function)
		return 0;
	note = this_cpu_note();
	if (!note)
		return 0;
	sk = (void *)timer - keepalive_offset;
	tp = (void *)sk;
	if (!is_tcp(sk))
		return 0;
	idle = BPF_CORE_READ(tp, keepalive_time);
	if (!idle)
		idle = BPF_CORE_READ(sk, __sk_common.skc_net.net, ipv4.sysctl_tcp_keepalive_time);
	note->timer.mono_ns = bpf_ktime_get_ns();
	note->timer.cookie = socket__cookie(sk);
	note->timer.probes_out = BPF_CORE_READ(tp, inet_conn.icsk_probes_out);
	note->timer.due = !socket__has_data_under_way(sk) &&
			  socket__unheard_jiffies(sk, socket__jiffies()) >= idle;
	note->timer.sk = (__u64)sk;
	return 0;
}

/*
 * Was a probe sent? By icsk_probes_out, which the timer raised by one (KEEPALIVE counts even a
 * probe that a filter dropped). When the answer was quicker than we (another CPU took it while
 * this one left the timer) the count is 0 again, and the timer re-armed for the interval tells.
 * Local congestion leaves the count alone and re-arms for TCP_RESOURCE_PROBE_INTERVAL = HZ/2.
 */
SEC("tp_btf/timer_expire_exit")
int BPF_PROG(timer_expire_exit, struct timer_list *timer)
{
	const struct tcp_sock *tp;
	struct cpu_note *note;
	struct ho_event *e;
	struct sock *sk;
	__u32 rearmed, interval;
	__u8 kind, probes_out;

	if ((__u64)timer->function != keepalive_function)
		return 0;
	note = this_cpu_note();
	if (!note || !note->timer.sk)
		return 0;
	sk = (void *)note->timer.sk;
	note->timer.sk = 0;
	/* The timer dropped its reference: the memory may be another socket's by now, which its
	 * cookie tells. An ending inside the timer was told by the state change. */
	if (socket__cookie(sk) != note->timer.cookie ||
	    !gate__is_connection(BPF_CORE_READ(sk, __sk_common.skc_state)))
		return 0;

	tp = (void *)sk;
	probes_out = BPF_CORE_READ(tp, inet_conn.icsk_probes_out);
	rearmed = (__u32)timer->expires - socket__jiffies();
	interval = BPF_CORE_READ(tp, keepalive_intvl);
	if (!interval)
		interval = BPF_CORE_READ(sk, __sk_common.skc_net.net,
					 ipv4.sysctl_tcp_keepalive_intvl);
	if (probes_out == (__u8)(note->timer.probes_out + 1))
		kind = HO_PROBE_SENT;
	else if (note->timer.due && !probes_out && interval - rearmed <= 1)
		kind = HO_PROBE_SENT;
	else if (note->timer.due && hz / 2 - rearmed <= 1)
		kind = HO_PROBE_FAILED;
	else
		return 0;

	e = event__reserve(kind, note->timer.cookie, note->timer.mono_ns, HO_EVENT_FULL);
	if (!e)
		return 0;
	socket__read_full(e, sk);
	event__submit(e);
	return 0;
}
