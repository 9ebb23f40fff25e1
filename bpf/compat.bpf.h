/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernel differences, all of them, each with its reason. Ask BTF, never the version: most of
 * these were backported to some stable branch.
 */
#ifndef HALFOPEN_COMPAT_BPF_H
#define HALFOPEN_COMPAT_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

#define AF_INET 2
#define AF_INET6 10

/* 6.2 (commit a35b9af4ec2c): a kfunc that gives a typed, read-only pointer; the verifier turns
 * it into one move. Weak: where it is missing, the programs that call it are not loaded. */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

/* 08dfe370239e moved the keepalive timer from sock.sk_timer to its own field, in 6.19 and in
 * stable branches before it (6.1.192, 6.12.117). */
struct inet_connection_sock___own_timer {
	struct timer_list icsk_keepalive_timer;
} __attribute__((preserve_access_index));

static __always_inline __u32 compat__keepalive_timer_offset(void)
{
	if (bpf_core_field_exists(struct inet_connection_sock___own_timer, icsk_keepalive_timer))
		return bpf_core_field_offset(struct inet_connection_sock___own_timer,
					     icsk_keepalive_timer);
	return bpf_core_field_offset(struct sock, sk_timer);
}

/* sysctl_tcp_keepalive_probes is an int before 5.15 or so and a u8 since; CO-RE relocates the
 * offset of a read but not its size. */
struct netns_ipv4___int_probes {
	int sysctl_tcp_keepalive_probes;
} __attribute__((preserve_access_index));

static __always_inline __u8 compat__net_keepalive_probes(const struct net *net)
{
	if (bpf_core_field_size(net->ipv4.sysctl_tcp_keepalive_probes) == 1)
		return BPF_CORE_READ(net, ipv4.sysctl_tcp_keepalive_probes);

	const struct netns_ipv4___int_probes *ipv4 = (const void *)&net->ipv4;
	int probes = BPF_CORE_READ(ipv4, sysctl_tcp_keepalive_probes);

	return probes > 255 ? 255 : probes;
}

/* tcp_mstamp counts microseconds on every kernel of the matrix; is_mptcp needs CONFIG_MPTCP. */
static __always_inline bool compat__is_mptcp(const struct tcp_sock *tp)
{
	return bpf_core_field_exists(tp->is_mptcp) && BPF_CORE_READ(tp, is_mptcp);
}

#endif
