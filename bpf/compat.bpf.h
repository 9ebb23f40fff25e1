/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernel differences, all of them, each with its reason. Ask BTF, never the version: most of
 * these were backported to some stable branch. A field that some kernel lacks is declared here
 * in a flavour of its struct (___some), so that a missing field anywhere else is an error that
 * `make check` finds without booting (tests/vm/relocations).
 */
#ifndef HALFOPEN_COMPAT_BPF_H
#define HALFOPEN_COMPAT_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define SOCK_STREAM 1
#define AF_INET 2
#define AF_INET6 10

/* ---- reading memory ---- */

/*
 * One field of the struct that `p` points to. Where the verifier knows the pointer's type (a
 * tracepoint's argument, bpf_skc_to_tcp_sock(), bpf_rdonly_cast()) this is one load. Where it
 * does not (a socket found from its timer, before 6.2) it is a call of probe_read, which
 * lockdown=confidentiality refuses. `typed` is a constant at each call.
 */
#define READ(typed, p, field) ((typed) ? (p)->field : BPF_CORE_READ(p, field))
#define READ_BITFIELD(typed, p, field) \
	((typed) ? BPF_CORE_READ_BITFIELD(p, field) : BPF_CORE_READ_BITFIELD_PROBED(p, field))

/* A load whose value nobody waits for: it brings the cache line near. */
#define TOUCH(p, field) \
	do { \
		__u64 value = (__u64)(p)->field; \
		asm volatile("" : : "r"(value)); \
	} while (0)

/* a35b9af4ec2c (6.2): a kfunc that returns a typed, read-only pointer to anything; the verifier
 * turns it into one move. Weak: where it is missing, programs that call it are not loaded. */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

static __always_inline const struct tcp_sock *compat__cast_tcp_sock(const void *sk)
{
	return bpf_rdonly_cast(sk, bpf_core_type_id_kernel(struct tcp_sock));
}

/* What lies at an address, by a pointer that READ() takes. `typed` is a constant at each call. */
static __always_inline const void *compat__cast(const void *p, const __u32 type, const bool typed)
{
	return typed ? bpf_rdonly_cast(p, type) : p;
}

#define CAST(p, type, typed) \
	((const type *)compat__cast((const void *)(p), bpf_core_type_id_kernel(type), typed))

/*
 * `size` bytes from an address whose type the verifier does not know: with the kfunc through a
 * struct that has an array of bytes, else by probe_read, which lockdown=confidentiality refuses:
 * user space then says that memory cannot be read, and the verifier never comes to the call. `cast`
 * and `size` (48 at most, a multiple of 4) are constants at each call.
 */
const volatile bool can_read_memory = true;

struct memory_words {
	__u32 word[12];
};

static __always_inline bool compat__read_words(__u32 *words, const void *at, const __u32 size,
					       const bool cast)
{
	if (cast) {
		const struct sk_buff *around =
			bpf_rdonly_cast(at - bpf_core_field_offset(struct sk_buff, cb),
					bpf_core_type_id_kernel(struct sk_buff));
		const struct memory_words *memory = (const void *)around->cb;
		__u32 i;

#pragma unroll
		for (i = 0; i < size / 4; i++)
			words[i] = memory->word[i];
		return true;
	}
	return can_read_memory && !bpf_probe_read_kernel(words, size, at);
}

/* ---- fields that some kernels lack ---- */

/* Why and since when is said below, where they are read. One flavour for each struct: libbpf looks
 * through all of the kernel's types for each, which takes it a millisecond. */
#define SOME_HAVE __attribute__((preserve_access_index))

struct net___some {
	__u64 net_cookie;
} SOME_HAVE;

struct inet_hashinfo___some {
	bool pernet;
} SOME_HAVE;

struct sock___some {
	int sk_rx_dst_ifindex;
	struct timer_list tcp_retransmit_timer;
} SOME_HAVE;

struct inet_sock___some {
	int rx_dst_ifindex;
	unsigned long inet_flags;
	__u8 transparent : 1;
} SOME_HAVE;

struct inet_connection_sock___some {
	struct timer_list icsk_keepalive_timer;
	struct timer_list icsk_retransmit_timer;
	__u32 icsk_rto_max;
} SOME_HAVE;

struct tcp_sock___some {
	bool is_mptcp;
	u8 tcp_usec_ts : 1;
} SOME_HAVE;

/* ---- what a socket is ---- */

static __always_inline bool compat__is_inet(const struct sock *sk, const bool typed)
{
	__u16 family = READ(typed, sk, __sk_common.skc_family);

	return family == AF_INET || family == AF_INET6;
}

/* sk_is_tcp(): sockets with a struct tcp_sock. Protocol number 6 alone, which is all that
 * bpf_skc_to_tcp_sock() checks, is also a raw socket's, or NETLINK_XFRM. (MPTCP's own socket has
 * another number, SMC's another family.) `sk` is no request and no TIME_WAIT. */
static __always_inline bool compat__is_tcp(const struct sock *sk, const bool typed)
{
	return compat__is_inet(sk, typed) &&
	       READ(typed, sk, sk_type) == SOCK_STREAM &&
	       READ_BITFIELD(typed, sk, sk_protocol) == IPPROTO_TCP;
}

/* For programs that run on any socket; hooks that TCP alone calls (tcp_probe, iter/tcp ...) need no
 * more than bpf_skc_to_tcp_sock(). NULL if it is no TCP socket, a request or a TIME_WAIT. */
static __always_inline const struct tcp_sock *compat__tcp_sock(void *sk)
{
	const struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	return tp && compat__is_tcp((const void *)tp, true) ? tp : NULL;
}

/* ---- identity ---- */

/* c5dbb89fc2ac (5.12) lets tracing programs create a socket's cookie; before, they can only read
 * one that was created on another request (sockops, inet_diag). Detected from BTF. */
const volatile bool have_cookie_helper = true;

/* `sk` is a pointer whose type the verifier knows. */
static __always_inline __u64 compat__cookie(struct sock *sk)
{
	if (have_cookie_helper)
		return bpf_get_socket_cookie(sk);
	return sk->__sk_common.skc_cookie.counter;
}

/* ---- names ---- */

/* 7b15523a989b (5.13): without it, the name of an address is for user space to find. Detected from
 * BTF. */
const volatile bool have_snprintf_helper = true;

/* The kernel's function at an address; "" where that cannot be told. */
static __always_inline void compat__name(char *name, __u32 size, __u64 address)
{
	static const char symbol[] = "%ps";

	if (have_snprintf_helper)
		bpf_snprintf(name, size, symbol, &address, sizeof(address));
}

/* ---- the socket of a file ---- */

#define S_IFMT 0170000
#define S_IFSOCK 0140000

/* "bpf: Add a bpf_sock_from_file helper" (5.11). Before it: a file whose inode is a socket has
 * it as its private data (NULL if opened as a path only). Not typed. */
static __always_inline const struct tcp_sock *compat__tcp_of_inode(const struct file *file)
{
	const struct socket *socket;
	const struct sock *sk;

	if ((file->f_inode->i_mode & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = file->private_data;
	if (!socket)
		return NULL;
	sk = BPF_CORE_READ(socket, sk);
	return sk && compat__is_tcp(sk, false) ? (const void *)sk : NULL;
}

/* ---- retransmission ---- */

/* 1280b5ac2f6b (TCP_RTO_MAX_MS) gave each socket its own, in 6.15; before, TCP_RTO_MAX is a
 * constant. */
static __always_inline __u32 compat__rto_max(const struct tcp_sock *tp, const bool typed)
{
	const struct inet_connection_sock___some *icsk = (const void *)tp;

	if (!bpf_core_field_exists(struct inet_connection_sock___some, icsk_rto_max))
		return 0;
	return READ(typed, icsk, icsk_rto_max);
}

/* ---- the keepalive timer ---- */

/* 08dfe370239e moved the keepalive timer from sock.sk_timer to its own field, in 6.19 and in
 * stable branches before it (6.1.192, 6.12.117). */
static __always_inline __u32 compat__keepalive_timer_offset(void)
{
	if (bpf_core_field_exists(struct inet_connection_sock___some, icsk_keepalive_timer))
		return bpf_core_field_offset(struct inet_connection_sock___some,
					     icsk_keepalive_timer);
	return bpf_core_field_offset(struct sock, sk_timer);
}

static __always_inline __u64 compat__keepalive_function(const struct tcp_sock *tp)
{
	const struct inet_connection_sock___some *icsk = (const void *)tp;
	const struct sock *sk = (const void *)tp;

	if (bpf_core_field_exists(struct inet_connection_sock___some, icsk_keepalive_timer))
		return (__u64)icsk->icsk_keepalive_timer.function;
	return (__u64)sk->sk_timer.function;
}

/* In jiffies, not rounded as the timer wheel does. */
static __always_inline __u64 compat__keepalive_expires(const struct tcp_sock *tp, const bool typed)
{
	const struct inet_connection_sock___some *icsk = (const void *)tp;
	const struct sock *sk = (const void *)tp;

	if (bpf_core_field_exists(struct inet_connection_sock___some, icsk_keepalive_timer))
		return READ(typed, icsk, icsk_keepalive_timer.expires);
	return READ(typed, sk, sk_timer.expires);
}

/* timer_pending() */
static __always_inline bool compat__is_keepalive_armed(const struct tcp_sock *tp, const bool typed)
{
	const struct inet_connection_sock___some *icsk = (const void *)tp;
	const struct sock *sk = (const void *)tp;

	if (bpf_core_field_exists(struct inet_connection_sock___some, icsk_keepalive_timer))
		return READ(typed, icsk, icsk_keepalive_timer.entry.pprev);
	return READ(typed, sk, sk_timer.entry.pprev);
}

/* ---- the timer of retransmissions and zero-window probes ---- */

/* A field of the connection until 7.1, of the socket from 7.2 on. */
static __always_inline __u32 compat__write_timer_offset(void)
{
	if (bpf_core_field_exists(struct sock___some, tcp_retransmit_timer))
		return bpf_core_field_offset(struct sock___some, tcp_retransmit_timer);
	if (bpf_core_field_exists(struct inet_connection_sock___some, icsk_retransmit_timer))
		return bpf_core_field_offset(struct inet_connection_sock___some,
					     icsk_retransmit_timer);
	return 0;
}

static __always_inline __u64 compat__write_function(const struct tcp_sock *tp)
{
	const struct inet_connection_sock___some *icsk = (const void *)tp;
	const struct sock___some *sk = (const void *)tp;

	if (bpf_core_field_exists(struct sock___some, tcp_retransmit_timer))
		return (__u64)sk->tcp_retransmit_timer.function;
	if (bpf_core_field_exists(struct inet_connection_sock___some, icsk_retransmit_timer))
		return (__u64)icsk->icsk_retransmit_timer.function;
	return 0;
}

/* In jiffies; means something while icsk_pending says what it is armed for. */
static __always_inline __u64 compat__write_expires(const struct tcp_sock *tp, const bool typed)
{
	const struct inet_connection_sock___some *icsk = (const void *)tp;
	const struct sock___some *sk = (const void *)tp;

	if (bpf_core_field_exists(struct sock___some, tcp_retransmit_timer))
		return READ(typed, sk, tcp_retransmit_timer.expires);
	if (bpf_core_field_exists(struct inet_connection_sock___some, icsk_retransmit_timer))
		return READ(typed, icsk, icsk_retransmit_timer.expires);
	return 0;
}

/* ---- the table of connections ---- */

/* d1e5e6408b30 (6.1) lets a namespace have one of its own (net.ipv4.tcp_child_ehash_entries). */
static __always_inline bool compat__is_own_table(const struct inet_hashinfo *table,
						 const bool typed)
{
	const struct inet_hashinfo___some *own = (const void *)table;

	return bpf_core_field_exists(struct inet_hashinfo___some, pernet) &&
	       READ(typed, own, pernet);
}

/* ---- fields ---- */

/* "tcp: convert elligible sysctls to u8" (5.13, and stable branches: 5.10.262 has it) shrank this
 * one, an int before. The macro for bit-fields reads the size that a field has on this kernel;
 * other reads take the size of the build's vmlinux.h. */
static __always_inline __u8 compat__net_keepalive_probes(const struct net *net, const bool typed)
{
	int probes = READ_BITFIELD(typed, net, ipv4.sysctl_tcp_keepalive_probes);

	return probes > 255 ? 255 : probes;
}

/* 3d368ab87cf6 (5.12) gives each namespace a cookie when it is made; before, it is an atomic_long
 * that is 0 until first requested. */
static __always_inline __u64 compat__net_cookie(const struct net *net, const bool typed)
{
	const struct net___some *named = (const void *)net;

	return bpf_core_field_exists(struct net___some, net_cookie)
		       ? READ(typed, named, net_cookie)
		       : 0;
}

/* "tcp: add support for usec resolution in TCP TS values" (6.7): where a route asks for it,
 * retrans_stamp and the peer's timestamps count microseconds, else milliseconds. */
static __always_inline bool compat__has_usec_timestamps(const struct tcp_sock *tp,
							const bool typed)
{
	const struct tcp_sock___some *usec = (const void *)tp;

	return bpf_core_field_exists(struct tcp_sock___some, tcp_usec_ts) &&
	       READ_BITFIELD(typed, usec, tcp_usec_ts);
}

/* 4bd0623f04ee (6.6) made IP_TRANSPARENT a bit of inet_flags, of an enum without a name; before, it
 * is one of the bit-fields. */
#define INET_FLAGS_TRANSPARENT 15

static __always_inline bool compat__is_transparent(const struct tcp_sock *tp, const bool typed)
{
	const struct inet_sock___some *inet = (const void *)tp;

	if (bpf_core_field_exists(struct inet_sock___some, transparent))
		return READ_BITFIELD(typed, inet, transparent);
	return bpf_core_field_exists(struct inet_sock___some, inet_flags) &&
	       READ(typed, inet, inet_flags) & (1UL << INET_FLAGS_TRANSPARENT);
}

/* tcp_tsval_replay(): how many ticks of the peer's timestamps a second may have; 1024 before that
 * function existed, beside microseconds. */
static __always_inline __u32 compat__replay_ticks(const struct tcp_sock *tp)
{
	if (compat__has_usec_timestamps(tp, true))
		return 1000000;
	return bpf_core_field_exists(struct tcp_sock___some, tcp_usec_ts) ? 1200 : 1024;
}

/* Reasons of kfree_skb() came one by one, from 5.17 (c504e5c2f964) on, and are renumbered. */
enum skb_drop_reason___some {
	SKB_DROP_REASON_NEIGH_FAILED___some = 1,
	SKB_DROP_REASON_NEIGH_QUEUEFULL___some = 2,
	SKB_DROP_REASON_QDISC_DROP___some = 3,
	SKB_DROP_REASON_TCP_INVALID_END_SEQUENCE___some = 4,
};

#define IS_REASON(number, name) \
	(bpf_core_enum_value_exists(enum skb_drop_reason___some, name##___some) && \
	 (number) == bpf_core_enum_value(enum skb_drop_reason___some, name##___some))

/* Neighbour discovery failed: the segment counts as sent, as the link was asked for the address. */
static __always_inline bool compat__is_of_neighbour(__u32 reason)
{
	return IS_REASON(reason, SKB_DROP_REASON_NEIGH_FAILED) ||
	       IS_REASON(reason, SKB_DROP_REASON_NEIGH_QUEUEFULL);
}

/* A queue of this host was full. */
static __always_inline bool compat__is_of_queue(__u32 reason)
{
	return IS_REASON(reason, SKB_DROP_REASON_QDISC_DROP);
}

/* 9ca48d616ed7 (6.17), which added that drop reason, refuses segments that end above our window,
 * unless the program has read all data. */
static __always_inline bool compat__refuses_end_above_window(void)
{
	return bpf_core_enum_value_exists(enum skb_drop_reason___some,
					  SKB_DROP_REASON_TCP_INVALID_END_SEQUENCE___some);
}

/* Only with CONFIG_MPTCP, which Debian's 5.10 was built without. */
static __always_inline bool compat__is_mptcp(const struct tcp_sock *tp, const bool typed)
{
	const struct tcp_sock___some *subflow = (const void *)tp;

	return bpf_core_field_exists(struct tcp_sock___some, is_mptcp) &&
	       READ(typed, subflow, is_mptcp);
}

/* "tcp: extend TCP flags to allow AE bit/ACE field" (6.15) made the flags 16 bits wide; the low
 * byte is unchanged. */
static __always_inline __u8 compat__tcp_flags(const struct tcp_skb_cb *cb)
{
	return BPF_CORE_READ_BITFIELD(cb, tcp_flags);
}

/* ---- interfaces ---- */

/* Each network namespace's first device. */
#define LOOPBACK_IFINDEX 1

static __always_inline bool compat__is_loopback(const struct net_device *dev, const bool typed)
{
	return dev && READ(typed, dev, ifindex) == LOOPBACK_IFINDEX;
}

/* Of the last route to the peer; NULL where it has none at the moment. */
static __always_inline const struct net_device *compat__leaves_by(const struct sock *sk,
								  const bool typed)
{
	const struct dst_entry *dst = READ(typed, sk, sk_dst_cache);

	return bpf_core_field_exists(struct dst_entry, dev) && dst ? READ(typed, dst, dev) : NULL;
}

/* The interface of the segment that arrived last (skb_iif). 0: none did but for those that waited
 * while the socket was locked, of which the kernel keeps no route. 0c0a5ef809f9 (5.17) moved it
 * beside that route. */
static __always_inline int compat__arrived_by(const struct tcp_sock *tp, const bool typed)
{
	const struct inet_sock___some *inet = (const void *)tp;
	const struct sock___some *now = (const void *)tp;
	const struct sock *sk = (const void *)tp;

	if (!READ(typed, sk, sk_rx_dst))
		return 0;
	if (bpf_core_field_exists(struct sock___some, sk_rx_dst_ifindex))
		return READ(typed, now, sk_rx_dst_ifindex);
	return bpf_core_field_exists(struct inet_sock___some, rx_dst_ifindex)
		       ? READ(typed, inet, rx_dst_ifindex)
		       : 0;
}

#endif
