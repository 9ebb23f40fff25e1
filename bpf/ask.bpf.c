// SPDX-License-Identifier: GPL-2.0
/*
 * Follows the answers of peers that user/act/asker.c asks, and shows which process has which socket
 * open. Changes nothing.
 *
 * A socket that leaves TCP_REPAIR has snd_wl1 == rcv_nxt - 1 until its next segment is taken
 * (tcp_send_window_probe()). So the first test of each segment of this host is two loads, and a map
 * is looked up for few others than answers.
 */
#include "compat.bpf.h"
#include "ask.h"
#include "event.h"
#include "segment.bpf.h"
#include "socket.bpf.h"

char LICENSE[] SEC("license") = "GPL";

#define ASKED_MAX (1 << 17)

/* In a PID namespace of its own (a container) processes have other numbers. */
const volatile bool in_host_pid_namespace = true;
/* kfree_skb has its reason since commit c504e5c2f964 (5.17); detected from BTF. */
const volatile bool have_drop_reason = false;

/* The socket that is being asked at this moment; 0: none. */
__u64 asking = 0;
/* Of the process that asks, which also reads the descriptors; as the kernel numbers it. */
__u32 own_tgid = 0;
/* This host dropped the ask. */
bool ask_was_dropped = false;

/* Sockets that were asked and have not answered, by cookie: user space's number of each. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ASKED_MAX);
	__type(key, __u64);
	__type(value, __u32);
} asked SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} answers SEC(".maps");

/* Where the ring is full, user space finds the answer by the kernel's clocks. */
static __always_inline void submit(__u64 cookie, __u32 slot, __u16 kind, __u32 bytes, __u16 error)
{
	struct ho_answer a = { .cookie = cookie, .mono_ns = bpf_ktime_get_ns(), .slot = slot,
			       .bytes = bytes, .kind = kind, .error = error };

	bpf_ringbuf_output(&answers, &a, sizeof(a), 0);
}

/* ---- answers ---- */

/* With its IP header. */
static __always_inline __u32 bytes_of(const struct sk_buff *skb)
{
	return skb->len + skb->transport_header - skb->network_header;
}

/* An answer follows the ask with something new: the peer's own probe, and bytes that were taken
 * before, rather show that nothing of ours arrives. */
static __always_inline bool is_new(const struct segment *s)
{
	return s->end > 0 || (!s->seq && s->ack >= 0);
}

static __always_inline int heard(unsigned long long *ctx, const bool cast)
{
	const struct sk_buff *skb = (void *)ctx[1];
	const struct tcp_sock *tp = bpf_skc_to_tcp_sock((void *)ctx[0]);
	struct segment s;
	__u64 cookie;
	__u32 *slot;
	__u8 verdict;

	if (!tp)
		return 0;
	cookie = socket__cookie(tp, true);
	slot = bpf_map_lookup_elem(&asked, &cookie);
	if (!slot)
		return 0;
	segment__read(&s, skb, tp, cast);
	if (s.tcp_flags & HO_TCP_RST) {
		if (segment__resets(&s, tp))
			submit(cookie, *slot, HO_ANSWER_RESET, bytes_of(skb), 0);
		return 0;
	}
	verdict = segment__judge(&s, skb, tp);
	if (verdict == HO_SEGMENT_TAKEN && is_new(&s))
		submit(cookie, *slot, HO_ANSWER_LIFE, bytes_of(skb), 0);
	else if (verdict != HO_SEGMENT_REFUSED)
		submit(cookie, *slot, HO_ANSWER_NONE, 0, 0);
	return 0;
}

static __always_inline bool may_have_been_asked(const struct tcp_sock *tp)
{
	return tp->snd_wl1 == tp->rcv_nxt - 1;
}

/* Two ways to a typed tcp_sock; user space loads the first that this kernel takes. */
SEC("tp_btf/tcp_probe")
int heard_cast(unsigned long long *ctx)
{
	return may_have_been_asked(compat__cast_tcp_sock((void *)ctx[0])) ? heard(ctx, true) : 0;
}

SEC("?tp_btf/tcp_probe")
int heard_read(unsigned long long *ctx)
{
	const struct tcp_sock *tp = bpf_skc_to_tcp_sock((void *)ctx[0]);

	return tp && may_have_been_asked(tp) ? heard(ctx, false) : 0;
}

/* ---- endings ---- */

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(ended, struct sock *sk, int old_state, int new_state)
{
	const struct tcp_sock *tp;
	__u64 cookie;
	__u32 *slot;

	if (new_state != TCP_CLOSE && old_state != TCP_ESTABLISHED)
		return 0;
	tp = compat__tcp_sock(sk);
	if (!tp)
		return 0;
	cookie = socket__cookie(tp, true);
	slot = bpf_map_lookup_elem(&asked, &cookie);
	if (slot)
		submit(cookie, *slot, new_state == TCP_CLOSE ? HO_ANSWER_END : HO_ANSWER_LEFT, 0,
		       sk->sk_err);
	return 0;
}

/* ---- asks and answers that this host drops ---- */

/* A filter on input drops a segment that an early look-up has matched to its socket; TCP takes the
 * socket off the segment before it judges. (In another namespace it is our own, on its way out.) */
static __always_inline int answer_dropped(const struct sk_buff *skb, const struct sock *sk)
{
	__u64 cookie = sk->__sk_common.skc_cookie.counter;
	const struct net_device *dev = skb->dev;
	__u32 *slot;

	if (!dev || dev->nd_net.net != sk->__sk_common.skc_net.net)
		return 0;
	slot = bpf_map_lookup_elem(&asked, &cookie);
	if (slot)
		submit(cookie, *slot, HO_ANSWER_FILTERED, 0, 0);
	return 0;
}

/* Within the call that asks, a filter on output and a missing route drop the segment. (The link
 * layer's search for an address counts as sent.) */
SEC("tp_btf/kfree_skb")
int BPF_PROG(dropped, struct sk_buff *skb)
{
	const struct sock *sk = skb->sk;

	if (!sk)
		return 0;
	if (skb->skb_iif)
		return answer_dropped(skb, sk);
	if (!asking || bpf_get_current_pid_tgid() >> 32 != own_tgid ||
	    sk->__sk_common.skc_cookie.counter != (__s64)asking)
		return 0;
	if (!have_drop_reason || !compat__is_of_neighbour(ctx[2]))
		ask_was_dropped = true;
	return 0;
}

/* ---- descriptors ---- */

/* As the reader's PID namespace numbers it. */
static __always_inline __u32 pid_of(const struct task_struct *task)
{
	const struct task_struct *us = (const void *)bpf_get_current_task();
	const struct pid *pid;
	struct upid here;
	__u32 level;

	if (in_host_pid_namespace)
		return task->tgid;
	level = BPF_CORE_READ(us, thread_pid, level);
	pid = BPF_CORE_READ(task, group_leader, thread_pid);
	if (bpf_probe_read_kernel(&here, sizeof(here), &pid->numbers[level]))
		return 0;
	return here.nr;
}

static __always_inline int show(struct bpf_iter_meta *meta, const struct task_struct *task,
				__u32 fd, __u64 cookie)
{
	struct ho_descriptor d = { .cookie = cookie, .pid = pid_of(task), .fd = fd };

	own_tgid = bpf_get_current_pid_tgid() >> 32;
	if (cookie)
		bpf_seq_write(meta->seq, &d, sizeof(d));
	return 0;
}

SEC("iter/task_file")
int descriptors(struct bpf_iter__task_file *ctx)
{
	const struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct socket *socket = file ? bpf_sock_from_file(file) : NULL;
	struct sock *sk = socket ? socket->sk : NULL;
	const struct tcp_sock *tp = sk ? compat__tcp_sock(sk) : NULL;

	if (!task || !tp || socket__state(tp, true) != TCP_ESTABLISHED)
		return 0;
	return show(ctx->meta, task, ctx->fd, socket__cookie(tp, true));
}

/* For kernels without bpf_sock_from_file(). */
SEC("?iter/task_file")
int descriptors_by_inode(struct bpf_iter__task_file *ctx)
{
	const struct task_struct *task = ctx->task;
	const struct file *file = ctx->file;
	const struct tcp_sock *tp = file ? compat__tcp_of_inode(file) : NULL;

	if (!task || !tp || socket__state(tp, false) != TCP_ESTABLISHED)
		return 0;
	return show(ctx->meta, task, ctx->fd, socket__cookie(tp, false));
}
