/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Is the peer of this host? Addresses do not tell: NAT may lead one of this host's elsewhere (a
 * container's published port), and a foreign one here (a transparent proxy). The interface by which
 * the peer's segments arrive does: the loopback device brings only what was sent in the same
 * network namespace.
 */
#ifndef HALFOPEN_PLACE_BPF_H
#define HALFOPEN_PLACE_BPF_H

#include "compat.bpf.h"
#include "event.h"

/* More than the headers that an MSS leaves out. */
#define HEADERS_MAX 100

/* Before anything arrived: what leaves by the loopback device gets to a peer of this host if that
 * announced the MSS of this device, too, which our program may have limited (TCP_MAXSEG). */
static __always_inline enum ho_place place__by_route(const struct tcp_sock *tp, const bool typed)
{
	const struct net_device *dev = compat__leaves_by((const void *)tp, typed);

	if (!compat__is_loopback(dev, typed))
		return HO_PLACE_UNKNOWN;
	if (READ(typed, tp, rx_opt.user_mss) ||
	    READ(typed, tp, rx_opt.mss_clamp) + HEADERS_MAX >= READ(typed, dev, mtu))
		return HO_PLACE_HERE;
	return HO_PLACE_ELSEWHERE;
}

/* Whatever a VRF takes in, from this host or not, arrives by the VRF's device, which its sockets
 * are bound to. */
static __always_inline enum ho_place place__of_peer(const struct tcp_sock *tp, const bool typed)
{
	const struct sock *sk = (const void *)tp;
	int arrived_by = compat__arrived_by(tp, typed);

	if (!arrived_by)
		return place__by_route(tp, typed);
	if (arrived_by == LOOPBACK_IFINDEX)
		return HO_PLACE_HERE;
	if (arrived_by == READ(typed, sk, __sk_common.skc_bound_dev_if))
		return HO_PLACE_UNKNOWN;
	return HO_PLACE_ELSEWHERE;
}

#endif
