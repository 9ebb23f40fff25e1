// SPDX-License-Identifier: GPL-2.0
/* For comparison with our receive program: a program on the same hook that does nothing. */
#include "compat.bpf.h"

char LICENSE[] SEC("license") = "GPL";

SEC("tp_btf/tcp_probe")
int BPF_PROG(empty, struct sock *sk, struct sk_buff *skb)
{
	return 0;
}
