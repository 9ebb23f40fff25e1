// SPDX-License-Identifier: GPL-2.0
/* Prints how many TCP sockets this network namespace has, by the kernel's own iterator. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "count_sockets.skel.h"

int main(void)
{
	struct count_sockets_bpf *bpf = count_sockets_bpf__open_and_load();
	int iterator;
	ssize_t n;
	char byte;

	if (!bpf || count_sockets_bpf__attach(bpf))
		return 1;
	iterator = bpf_iter_create(bpf_link__fd(bpf->links.count));
	if (iterator < 0)
		return 1;
	do {
		n = read(iterator, &byte, sizeof(byte));
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));	/* goes on where it was */
	printf("%llu\n", (unsigned long long)bpf->bss->sockets);
	return n != 0;
}
