/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's table of connections (ehash), read bucket by bucket: one walk finds those of all
 * namespaces; iter/tcp, which reads the same table, shows one namespace only.
 *
 * It is read without its locks, as __inet_lookup_established() does: a chain ends with the number
 * of its bucket, so a reader that a moving socket led into another chain notices that and starts
 * again. So every socket that stays in its chain is found, and a table with another layout is
 * noticed.
 */
#ifndef HALFOPEN_TABLE_BPF_H
#define HALFOPEN_TABLE_BPF_H

#include "compat.bpf.h"
#include "event.h"
#include "gate.bpf.h"
#include "socket.bpf.h"

/* Buckets and sockets looked at in one run, within which the kernel does not schedule. */
#define STEPS_A_RUN 8192
/* Most restarts of one chain. */
#define RETRIES 64

/* The rows of one run, and its position: read and set by user space in between. */
struct ho_batch batch;

/* The chain being read. A value loaded from here is a number to the verifier, which does not let a
 * program look at the bits of a pointer. */
struct {
	__u64 buckets;		/* address of the first */
	volatile __u64 at;	/* address in a chain; 0: at its beginning */
	__u32 mask, count, retries;
} chain;

/*
 * A walk waits for memory: hardly a line of it is in a cache, and what is done with a socket is too
 * long for the processor to begin with the next meanwhile. So the sockets of the next buckets are
 * touched first, many at once, and read when they are in the cache. Nothing else depends on it.
 */
#define TOUCHED_BUCKETS 32	/* a power of two */
#define TOUCHED_DEPTH 4		/* sockets of each chain */

struct {
	volatile __u64 at[TOUCHED_BUCKETS];	/* addresses in chains, of one socket each */
	__u32 count;
	__u32 until;	/* the bucket behind the last that was touched */
} near;

/* That of the namespace which the reading thread is in. False where it has a table of its own, from
 * which the others' cannot be found. */
static __always_inline bool table__find(const bool typed)
{
	const struct task_struct *self =
		CAST(bpf_get_current_task(), struct task_struct, typed);
	const struct nsproxy *namespaces = READ(typed, self, nsproxy);
	const struct net *net = READ(typed, namespaces, net_ns);
	const struct inet_hashinfo *table = READ(typed, net, ipv4.tcp_death_row.hashinfo);

	if (compat__is_own_table(table, typed))
		return false;
	chain.buckets = (__u64)READ(typed, table, ehash);
	chain.mask = READ(typed, table, ehash_mask);
	batch.buckets = chain.mask + 1;
	return true;
}

static __always_inline __u64 table__first(__u32 bucket, const bool typed)
{
	__u64 size = bpf_core_type_size(struct inet_ehash_bucket);
	__u64 at = chain.buckets + bucket * size;

	return (__u64)READ(typed, CAST(at, struct inet_ehash_bucket, typed), chain.first);
}

static __always_inline const struct tcp_sock *table__socket(__u64 at, const bool typed)
{
	return CAST(at - bpf_core_field_offset(struct sock, __sk_common.skc_nulls_node),
		    struct tcp_sock, typed);
}

static __always_inline __u64 table__next(const struct tcp_sock *tp, const bool typed)
{
	const struct sock *sk = (const void *)tp;

	return (__u64)READ(typed, sk, __sk_common.skc_nulls_node.next);
}

static int table__touch_socket(__u32 i, void *context)
{
	const struct tcp_sock *tp =
		table__socket(near.at[i & (TOUCHED_BUCKETS - 1)], true);

	if (batch.lean)
		socket__touch_counted(tp);
	else
		socket__touch_full(tp);
	return 0;
}

/* An address in a chain is kept unless it is the chain's end. */
static __always_inline void table__touch_later(__u64 at)
{
	volatile __u64 *last = &near.at[near.count & (TOUCHED_BUCKETS - 1)];

	*last = at;
	at = *last;
	near.count += !(at & 1) && at;
}

static int table__touch_next(__u32 i, void *context)
{
	__u64 at = near.at[i & (TOUCHED_BUCKETS - 1)];

	table__touch_later(table__next(table__socket(at, true), true));
	return 0;
}

static __always_inline void table__touch(void)
{
	__u32 depth, count, i;

	near.count = 0;
	near.until = batch.bucket + TOUCHED_BUCKETS;
	for (i = 0; i < TOUCHED_BUCKETS; i++)
		table__touch_later(table__first((batch.bucket + i) & chain.mask, true));
	for (depth = 0; depth < TOUCHED_DEPTH && near.count; depth++) {
		count = near.count;
		bpf_loop(count, table__touch_socket, NULL, 0);
		near.count = 0;
		bpf_loop(count, table__touch_next, NULL, 0);
	}
}

/* Complete by its last ACK, and no socket yet (is_acknowledged()). */
static __always_inline bool table__is_acknowledged(const void *request, const bool typed)
{
	return READ_BITFIELD(typed, CAST(request, struct inet_request_sock, typed), acked);
}

/* A socket without a cookie is reported by its namespace only. */
static __always_inline bool table__take_unknown(struct ho_row *row, const struct tcp_sock *tp,
						int state, const bool typed)
{
	const struct net *net = socket__net(tp, typed);

	if (!batch.unknown)
		return false;
	__builtin_memset(row, 0, sizeof(*row));
	row->event.state = state;
	row->event.netns = READ(typed, net, ns.inum);
	row->event.net_cookie = compat__net_cookie(net, typed);
	return true;
}

/* No reference is held, and its memory may be reused by now: a row is emitted only if cookie and
 * state were the same before and after reading. */
static __always_inline bool table__take(struct ho_row *row, const struct tcp_sock *tp,
					const bool typed)
{
	int state = socket__state(tp, typed);
	__u64 cookie;

	if (state == TCP_NEW_SYN_RECV)
		return batch.waiting && table__is_acknowledged(tp, typed) &&
		       table__take_unknown(row, tp, state, typed);
	if (!gate__is_connection(state))
		return false;
	cookie = socket__cookie(tp, typed);
	if (!cookie)
		return table__take_unknown(row, tp, state, typed);
	if (!batch.known)
		return false;
	__builtin_memset(row, 0, sizeof(*row));
	row->event.kind = HO_SEEN;
	row->event.cookie = cookie;
	/* Reading the clock waits for all loads before it. */
	if (!batch.untimed)
		row->event.mono_ns = bpf_ktime_get_ns();
	if (batch.lean) {
		socket__read_counted(&row->event, tp, batch.old_stamps, typed);
	} else {
		socket__read_full(&row->event, tp, typed);
		socket__read_moment(row, tp, typed);
	}
	socket__read_row(row, tp, typed);
	return row->event.state == state && socket__cookie(tp, typed) == cookie;
}

/* Led into another chain: the bucket is started again. 1 where no retries are left. */
static __always_inline int table__begin_again(void)
{
	chain.at = 0;
	return ++chain.retries > RETRIES;
}

static __always_inline int table__end_bucket(void)
{
	batch.count = chain.count;
	batch.bucket++;
	chain.at = chain.retries = 0;
	return batch.bucket > chain.mask;
}

/* One socket, or one end, of a chain; 1 where the run is over. */
static __always_inline int table__step(const bool typed)
{
	const struct tcp_sock *tp;

	if (!chain.at) {
		if (typed && batch.bucket >= near.until)
			table__touch();
		chain.count = batch.count;
		chain.at = table__first(batch.bucket, typed);
	}
	if (chain.at & 1)
		return chain.at >> 1 == batch.bucket ? table__end_bucket() : table__begin_again();
	if (!chain.at)
		return table__begin_again();
	if (chain.count >= HO_BATCH_ROWS)
		return 1;
	tp = table__socket(chain.at, typed);
	if (table__take(&batch.rows[chain.count & (HO_BATCH_ROWS - 1)], tp, typed))
		chain.count++;
	chain.at = table__next(tp, typed);
	return 0;
}

static int table__step_cast(__u32 i, void *context)
{
	return table__step(true);
}

static int table__step_read(__u32 i, void *context)
{
	return table__step(false);
}

/* Continues where the last run ended. */
static __always_inline int table__run(struct bpf_iter_meta *meta, const struct task_struct *task,
				      const bool typed)
{
	__u8 done = 1;

	if (!task || (!typed && !can_read_memory))
		return 0;
	batch.count = chain.at = chain.retries = near.until = 0;
	batch.begun_ns = bpf_ktime_get_ns();
	batch.begun_jiffies = socket__jiffies();
	if (table__find(typed) && batch.bucket <= chain.mask)
		bpf_loop(STEPS_A_RUN, typed ? table__step_cast : table__step_read, NULL, 0);
	bpf_seq_write(meta->seq, &done, sizeof(done));
	return 0;
}

#endif
