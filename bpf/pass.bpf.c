// SPDX-License-Identifier: GPL-2.0
/*
 * Open sockets and their holders: iterators.
 *
 * iter/tcp sees every connection, whichever process holds it, but only in the namespace of the
 * process that opened the iterator. iter/task_file sees the files of every process of the reader's
 * PID namespace, in every network namespace: the process of a socket, and sockets that died and
 * stay behind their file until it is closed. Both give each socket its cookie. Sockets that have
 * one are found in all namespaces at once by a walk over the kernel's table of connections
 * (table.bpf.h).
 */
#include "compat.bpf.h"
#include "event.h"
#include "files.bpf.h"
#include "gate.bpf.h"
#include "socket.bpf.h"
#include "table.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* Our own socket, from which learn() reads what this kernel's keepalive timer looks like. */
const volatile __u64 own_cookie = 0;
/* iter/tcp emits listeners with TCP_DEFER_ACCEPT, too, and then complete handshakes. */
bool emit_waiting;
/* iter/task_file also emits sockets that were connected and have died; ... */
bool emit_dead;
/* ... or no others. */
bool emit_only_dead;
/* If false, iter/task_file gives cookies and emits nothing. */
bool emit_held;
/* ... or only the process of each (struct ho_holder), no row. */
bool emit_owners;

/* A row is larger than what the stack has left; a pass is read by one thread. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ho_row);
} scratch SEC(".maps");

static __always_inline struct ho_row *row__begin(const struct tcp_sock *tp, __u64 cookie,
						 int state, const bool typed)
{
	__u32 zero = 0;
	struct ho_row *row = bpf_map_lookup_elem(&scratch, &zero);

	/* without a cookie no later event could be matched to it */
	if (!row || !cookie)
		return NULL;
	__builtin_memset(row, 0, sizeof(*row));
	row->event.kind = HO_SEEN;
	row->event.cookie = cookie;
	row->event.mono_ns = bpf_ktime_get_ns();
	socket__read_full(&row->event, tp, typed);
	socket__read_moment(row, tp, typed);
	socket__read_row(row, tp, typed);
	/* a reference does not lock it: a state that changed meanwhile is emitted by the state
	 * hook */
	return row->event.state == state ? row : NULL;
}

static __always_inline void emit_holder(struct bpf_iter_meta *meta, const struct task_struct *task,
					struct ho_row *row)
{
	row->pid = task->tgid;
	__builtin_memcpy(row->comm, task->group_leader->comm, sizeof(row->comm));
	bpf_seq_write(meta->seq, row, sizeof(*row));
}

static __always_inline void emit_owner(struct bpf_iter_meta *meta, const struct task_struct *task,
				       __u64 cookie)
{
	struct ho_holder holder = { .cookie = cookie, .pid = task->tgid };

	if (!cookie)
		return;
	__builtin_memcpy(holder.comm, task->group_leader->comm, sizeof(holder.comm));
	bpf_seq_write(meta->seq, &holder, sizeof(holder));
}

static __always_inline void emit_learned(struct bpf_iter_meta *meta, const struct tcp_sock *tp,
					 __u64 socket_operations)
{
	struct ho_learned learned = {
		.socket_operations = socket_operations,
		.keepalive_offset = compat__keepalive_timer_offset(),
		.keepalive_function = compat__keepalive_function(tp),
		.write_function = compat__write_function(tp),
		.write_offset = compat__write_timer_offset(),
		.keepalive_time_jiffies = tp->keepalive_time,
	};

	compat__name(learned.keepalive_name, sizeof(learned.keepalive_name),
		     learned.keepalive_function);
	bpf_seq_write(meta->seq, &learned, sizeof(learned));
}

/* The TCP socket that is the file, typed; NULL for any other file. */
static __always_inline struct sock *tcp_of_file(struct file *file, const struct tcp_sock **tp)
{
	struct socket *socket = file ? bpf_sock_from_file(file) : NULL;
	struct sock *sk = socket ? socket->sk : NULL;

	*tp = sk ? compat__tcp_sock(sk) : NULL;
	return *tp ? sk : NULL;
}

/* A socket that has died keeps its peer's port. */
static __always_inline bool is_emitted(const struct tcp_sock *tp, int state, const bool typed)
{
	const struct sock *sk = (const void *)tp;

	return (gate__is_connection(state) && !emit_only_dead) ||
	       (emit_dead && state == TCP_CLOSE && READ(typed, sk, __sk_common.skc_dport));
}

SEC("iter/task_file")
int BPF_PROG(held_sockets, struct bpf_iter_meta *meta, struct task_struct *task, __u32 fd,
	     struct file *file)
{
	const struct tcp_sock *tp;
	struct ho_row *row;
	struct sock *sk;
	__u64 cookie;
	int state;

	if (!task)
		return 0;
	sk = tcp_of_file(file, &tp);
	if (!sk)
		return 0;
	state = socket__state(tp, true);
	if (!is_emitted(tp, state, true))
		return 0;
	cookie = compat__cookie(sk);
	if (emit_owners)
		emit_owner(meta, task, cookie);
	row = emit_held ? row__begin(tp, cookie, state, true) : NULL;
	if (row)
		emit_holder(meta, task, row);
	return 0;
}

SEC("iter/task_file")
int BPF_PROG(learn, struct bpf_iter_meta *meta, struct task_struct *task, __u32 fd, struct file *file)
{
	const struct tcp_sock *tp;

	if (file && tcp_of_file(file, &tp) && socket__cookie(tp, true) == own_cookie)
		emit_learned(meta, tp, (__u64)file->f_op);
	return 0;
}

/* The same two for kernels without bpf_sock_from_file(): held sockets, not typed; ... */
SEC("?iter/task_file")
int BPF_PROG(held_sockets_by_inode, struct bpf_iter_meta *meta, struct task_struct *task, __u32 fd,
	     struct file *file)
{
	const struct tcp_sock *tp;
	struct ho_row *row;
	int state;

	if (!task || !file)
		return 0;
	tp = compat__tcp_of_inode(file);
	if (!tp)
		return 0;
	state = socket__state(tp, false);
	if (!is_emitted(tp, state, false))
		return 0;
	if (emit_owners)
		emit_owner(meta, task, socket__cookie(tp, false));
	row = emit_held ? row__begin(tp, socket__cookie(tp, false), state, false) : NULL;
	if (row)
		emit_holder(meta, task, row);
	return 0;
}

/* ... and our own socket while it listens: iterators over sockets show no other unconnected
 * ones. */
SEC("?iter/tcp")
int BPF_PROG(learn_from_listener, struct bpf_iter_meta *meta, struct sock_common *skc)
{
	const struct tcp_sock *tp = skc ? bpf_skc_to_tcp_sock(skc) : NULL;

	if (tp && socket__cookie(tp, true) == own_cookie)
		emit_learned(meta, tp, 0);
	return 0;
}

/* A listener, or a request: only its local end is emitted. */
static __always_inline int emit_listening(struct bpf_iter_meta *meta,
					  const struct sock_common *skc, int state)
{
	const struct net *net = skc->skc_net.net;
	__u32 zero = 0;
	struct ho_row *row = bpf_map_lookup_elem(&scratch, &zero);

	if (!row)
		return 0;
	__builtin_memset(row, 0, sizeof(*row));
	row->event.state = state;
	row->event.family = skc->skc_family;
	row->event.netns = net->ns.inum;
	row->event.net_cookie = compat__net_cookie(net, true);
	row->event.local_port = skc->skc_num;
	if (skc->skc_family == AF_INET6)
		socket__read_ipv6(row->event.local, &skc->skc_v6_rcv_saddr, true);
	else
		socket__read_ipv4(row->event.local, skc->skc_rcv_saddr);
	bpf_seq_write(meta->seq, row, sizeof(*row));
	return 0;
}

/* The last ACK of its handshake has arrived, and no socket was created (tcp_check_req()). */
static __always_inline bool is_acknowledged(struct sock_common *skc)
{
	const struct inet_request_sock *request = (const void *)bpf_skc_to_tcp_request_sock(skc);

	return request && READ_BITFIELD(true, request, acked);
}

SEC("iter/tcp")
int BPF_PROG(sockets_in_netns, struct bpf_iter_meta *meta, struct sock_common *skc)
{
	struct tcp_sock *tp;
	struct ho_row *row;
	struct sock *sk;
	int state;

	if (!skc)
		return 0;
	tp = bpf_skc_to_tcp_sock(skc);
	if (!tp)	/* TIME_WAIT, a request */
		return emit_waiting && is_acknowledged(skc)
			       ? emit_listening(meta, skc, TCP_NEW_SYN_RECV) : 0;
	if (emit_waiting && socket__state(tp, true) == TCP_LISTEN &&
	    tp->inet_conn.icsk_accept_queue.rskq_defer_accept)
		return emit_listening(meta, skc, TCP_LISTEN);
	state = socket__state(tp, true);
	if (!gate__is_connection(state))
		return 0;
	sk = (struct sock *)tp;
	row = row__begin(tp, compat__cookie(sk), state, true);
	if (row)
		bpf_seq_write(meta->seq, row, sizeof(*row));
	return 0;
}

/* The table of connections, of all namespaces: one run a read, which one byte ends. Two forms, of
 * which user space loads the first that this kernel takes. */
SEC("iter/task")
int BPF_PROG(connections_cast, struct bpf_iter_meta *meta, struct task_struct *task)
{
	return table__run(meta, task, true);
}

SEC("?iter/task")
int BPF_PROG(connections_read, struct bpf_iter_meta *meta, struct task_struct *task)
{
	return table__run(meta, task, false);
}

/* The owners of sockets: a process with some ends a read of one byte. */
SEC("iter/task")
int BPF_PROG(owners, struct bpf_iter_meta *meta, struct task_struct *task)
{
	return files__run(meta, task);
}
