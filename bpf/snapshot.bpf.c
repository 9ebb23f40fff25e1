// SPDX-License-Identifier: GPL-2.0
/*
 * Who is there: iterators over open sockets.
 *
 * iter/task_file sees every TCP socket that some process holds, in every network namespace, and
 * whose it is. iter/tcp sees those, too, that nobody holds (not yet accepted, orphaned), but only
 * in the namespace of whoever opened it. Both give each socket its cookie.
 */
#include "compat.bpf.h"
#include "event.h"
#include "gate.bpf.h"
#include "socket.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* Our own socket, from which learn() reads what this kernel's keepalive timer looks like. */
const volatile __u64 own_cookie = 0;
/* iter/tcp tells every socket, or only those that held_sockets() has not told. */
bool only_without_file;

/* A row is larger than what the stack has left; a pass is read by one thread. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ho_row);
} scratch SEC(".maps");

static __always_inline struct ho_row *row__begin(struct sock *sk, __u64 cookie)
{
	__u32 zero = 0;
	struct ho_row *row = bpf_map_lookup_elem(&scratch, &zero);

	if (!row)
		return NULL;
	__builtin_memset(row, 0, sizeof(*row));
	row->event.kind = HO_SEEN;
	row->event.cookie = cookie;
	row->event.mono_ns = bpf_ktime_get_ns();
	socket__read_full(&row->event, sk);
	return row;
}

static __always_inline bool is_open_tcp(const struct sock *sk)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	return (family == AF_INET || family == AF_INET6) &&
	       BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP &&
	       gate__is_connection(BPF_CORE_READ(sk, __sk_common.skc_state));
}

SEC("iter/task_file")
int held_sockets(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct socket *socket;
	struct ho_row *row;
	struct sock *sk;

	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk || !is_open_tcp(sk))
		return 0;
	row = row__begin(sk, bpf_get_socket_cookie(sk));
	if (!row)
		return 0;
	row->pid = task->tgid;
	BPF_CORE_READ_STR_INTO(&row->comm, task, group_leader, comm);
	bpf_seq_write(ctx->meta->seq, row, sizeof(*row));
	return 0;
}

SEC("iter/tcp")
int sockets_in_netns(struct bpf_iter__tcp *ctx)
{
	struct sock_common *skc = ctx->sk_common;
	struct tcp_sock *tp;
	struct ho_row *row;
	struct sock *sk;

	if (!skc)
		return 0;
	tp = bpf_skc_to_tcp_sock(skc);
	if (!tp)	/* TIME_WAIT, a request */
		return 0;
	sk = (struct sock *)tp;
	if (!is_open_tcp(sk))
		return 0;
	if (only_without_file && BPF_CORE_READ(sk, sk_socket, file))
		return 0;
	row = row__begin(sk, bpf_get_socket_cookie(tp));
	if (row)
		bpf_seq_write(ctx->meta->seq, row, sizeof(*row));
	return 0;
}

SEC("iter/task_file")
int learn(struct bpf_iter__task_file *ctx)
{
	struct ho_learned learned = {};
	struct file *file = ctx->file;
	struct timer_list *timer;
	struct socket *socket;
	struct tcp_sock *tp;

	if (!file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket || !socket->sk)
		return 0;
	if (socket__cookie(BPF_CORE_READ(socket, sk)) != own_cookie)
		return 0;
	tp = (void *)BPF_CORE_READ(socket, sk);
	learned.keepalive_offset = compat__keepalive_timer_offset();
	timer = (void *)tp + learned.keepalive_offset;
	learned.keepalive_function = (__u64)BPF_CORE_READ(timer, function);
	learned.keepalive_time_jiffies = BPF_CORE_READ(tp, keepalive_time);
	bpf_seq_write(ctx->meta->seq, &learned, sizeof(learned));
	return 0;
}
