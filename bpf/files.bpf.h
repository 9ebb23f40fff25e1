/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The TCP sockets in the table of files of a process, read descriptor by descriptor: iter/task_file
 * shows the same, and takes references to each file, which costs several times as much.
 *
 * It is read without locks or references: a socket is reported only if its file stands at the same
 * descriptor before and after reading. Sockets without a cookie and dead ones are counted only;
 * iter/task_file gives a cookie, and shows the dead.
 */
#ifndef HALFOPEN_FILES_BPF_H
#define HALFOPEN_FILES_BPF_H

#include "compat.bpf.h"
#include "event.h"
#include "gate.bpf.h"
#include "socket.bpf.h"

/* Descriptors looked at in one run, within which the kernel does not schedule. */
#define FILES_A_RUN 8192

/* Those of one process, and the position: read and set by user space in between. */
struct ho_held held;

/* The descriptors being read; addresses are numbers to the verifier. */
struct {
	volatile __u64 first;	/* of the array of pointers to files */
	__u32 count;
} descriptors;

/* What the next descriptors lead to, touched before it is read (as in table.bpf.h): all their files,
 * then what those lead to. */
#define TOUCHED_FILES 32	/* a power of two */

struct {
	volatile __u64 at[TOUCHED_FILES];	/* addresses of files, then sockets, then socks */
	__u32 count;
	__u32 until;	/* the descriptor behind the last that was touched */
} ahead;

/* The address that the pointer at an address holds. */
static __always_inline __u64 files__pointer(__u64 at)
{
	volatile __u64 pointer = (__u64)CAST(at, struct list_head, true)->next;

	return pointer;
}

static __always_inline bool files__find(const struct files_struct *files)
{
	const struct fdtable *table = files ? files->fdt : NULL;

	if (!table)
		return false;
	descriptors.first = (__u64)table->fd;
	descriptors.count = table->max_fds;
	return true;
}

/* Another thread's, which is read by itself. */
static __always_inline bool files__are_shared(const struct task_struct *task)
{
	return task->pid != task->tgid && task->files == task->group_leader->files;
}

/* The stream socket that is the file at an address, NULL for any other file. */
static __always_inline const struct sock *files__stream(__u64 file_at)
{
	const struct file *file = CAST(file_at, struct file, true);
	const struct socket *socket;

	if ((__u64)file->f_op != held.socket_operations)
		return NULL;
	socket = CAST(file->private_data, struct socket, true);
	return socket->type == SOCK_STREAM ? CAST(socket->sk, struct sock, true) : NULL;
}

static __always_inline void files__touch_later(__u64 at)
{
	if (at)
		ahead.at[ahead.count++ & (TOUCHED_FILES - 1)] = at;
}

static int files__touch_file(__u32 i, void *context)
{
	const struct file *file = CAST(ahead.at[i & (TOUCHED_FILES - 1)], struct file, true);

	if ((__u64)file->f_op == held.socket_operations)
		files__touch_later((__u64)file->private_data);
	return 0;
}

static int files__touch_socket(__u32 i, void *context)
{
	const struct socket *socket = CAST(ahead.at[i & (TOUCHED_FILES - 1)], struct socket, true);

	files__touch_later((__u64)socket->sk);
	return 0;
}

static int files__touch_sock(__u32 i, void *context)
{
	const struct sock *sk = CAST(ahead.at[i & (TOUCHED_FILES - 1)], struct sock, true);

	TOUCH(sk, __sk_common.skc_state);
	TOUCH(sk, __sk_common.skc_cookie.counter);
	return 0;
}

static __always_inline __u32 files__take_count(void)
{
	__u32 count = ahead.count;

	ahead.count = 0;
	return count;
}

static __always_inline void files__touch(void)
{
	__u32 i;

	ahead.count = 0;
	ahead.until = held.descriptor + TOUCHED_FILES;
	for (i = 0; i < TOUCHED_FILES && held.descriptor + i < descriptors.count; i++)
		files__touch_later(files__pointer(descriptors.first +
						  (held.descriptor + i) * sizeof(void *)));
	bpf_loop(files__take_count(), files__touch_file, NULL, 0);
	bpf_loop(files__take_count(), files__touch_socket, NULL, 0);
	bpf_loop(files__take_count(), files__touch_sock, NULL, 0);
}

/* It was connected, and stays behind its file. */
static __always_inline bool files__has_died(const struct sock *sk, int state)
{
	return state == TCP_CLOSE && sk->__sk_common.skc_dport && compat__is_tcp(sk, true);
}

/* The protocol, which is in another cache line, makes no difference to a cookie: no connection has
 * that of another protocol's socket. */
static __always_inline void files__take(__u64 at)
{
	__u64 file_at = files__pointer(at), cookie;
	const struct tcp_sock *tp;
	const struct sock *sk;
	int state;

	if (!file_at)
		return;
	sk = files__stream(file_at);
	if (!sk || !compat__is_inet(sk, true))
		return;
	tp = CAST(sk, struct tcp_sock, true);
	state = socket__state(tp, true);
	cookie = socket__cookie(tp, true);
	if (files__pointer(at) != file_at)
		return;
	if (!gate__is_connection(state))
		held.dead += files__has_died(sk, state);
	else if (cookie)
		held.cookies[held.count++ & (HO_HELD_MAX - 1)] = cookie;
	else if (compat__is_tcp(sk, true))
		held.without_cookie++;
}

/* One descriptor; 1 where the run is over. */
static int files__step(__u32 i, void *context)
{
	if (held.descriptor >= descriptors.count || held.count >= HO_HELD_MAX)
		return 1;
	if (held.descriptor >= ahead.until)
		files__touch();
	files__take(descriptors.first + held.descriptor * sizeof(void *));
	held.descriptor++;
	return 0;
}

/* A process with connections ends a read of one byte; one that has more of them than a run looks at
 * ends it with EAGAIN, and is continued by the next. */
static __always_inline int files__run(struct bpf_iter_meta *meta, const struct task_struct *task)
{
	const struct files_struct *files;
	__u8 done = 1;

	if (!task)
		return 0;
	/* The verifier searches all of BTF, several times, for each pointer that is loaded from one
	 * that it trusts. */
	task = CAST(task, struct task_struct, true);
	files = task->files;
	if (files__are_shared(task) || !files__find(files))
		return 0;
	if (held.thread != (__u32)task->pid)
		held.descriptor = 0;
	ahead.until = 0;
	held.thread = task->pid;
	held.pid = task->tgid;
	__builtin_memcpy(held.comm, task->group_leader->comm, sizeof(held.comm));
	bpf_loop(FILES_A_RUN, files__step, NULL, 0);
	if (task->files != files)
		held.count = 0;	/* it ends, and other files may have been read */
	else if (held.descriptor < descriptors.count)
		return 1;
	held.thread = 0;
	if (held.count)
		bpf_seq_write(meta->seq, &done, sizeof(done));
	return 0;
}

#endif
