// SPDX-License-Identifier: GPL-2.0
/* For comparison with our passes over sockets: the kernel's own iterator, with a program that only
 * counts. */
#include "compat.bpf.h"

char LICENSE[] SEC("license") = "GPL";

__u64 sockets;

SEC("iter/tcp")
int count(struct bpf_iter__tcp *ctx)
{
	if (ctx->sk_common)
		sockets++;
	return 0;
}
