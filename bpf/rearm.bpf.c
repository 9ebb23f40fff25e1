// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets that are idle already wait for a timer that was armed with old values. This iterator arms
 * it anew: SO_KEEPALIVE off and on again, which follows the sysctls of now and pins no option, as
 * setting the idle time would. The iterator holds the socket's lock, so nothing comes in between.
 */
#include "compat.bpf.h"
#include "event.h"
#include "gate.bpf.h"
#include "socket.bpf.h"

char LICENSE[] SEC("license") = "GPL";

#define SOL_SOCKET 1
#define SO_KEEPALIVE 9

/* One slice of all sockets a pass, so that they do not all ask at once. */
__u32 slices = 1, slice = 0;
__u64 rearmed = 0, asking = 0, refused = 0;

SEC("iter/tcp")
int rearm(struct bpf_iter__tcp *ctx)
{
	struct sock_common *skc = ctx->sk_common;
	const struct tcp_sock *tp;
	int off = 0, on = 1;

	if (!skc || skc->skc_hash % (slices ?: 1) != slice)
		return 0;
	tp = bpf_skc_to_tcp_sock(skc);
	if (!tp || !gate__is_connection(socket__state(tp, true)) || tp->keepalive_time ||
	    !(socket__flags(tp, true) & HO_F_KEEPALIVE))
		return 0;
	/* It is asking already, and would be let off. */
	if (tp->inet_conn.icsk_probes_out || socket__has_data_under_way(tp, true)) {
		asking++;
		return 0;
	}
	if (bpf_setsockopt(skc, SOL_SOCKET, SO_KEEPALIVE, &off, sizeof(off)) ||
	    bpf_setsockopt(skc, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)))
		refused++;
	else
		rearmed++;
	return 0;
}
