// SPDX-License-Identifier: GPL-2.0
/* Plain netlink(7): Debian has no static libmnl, and the program is to need only glibc. */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/socket_dump.h"

#define ANSWER_BYTES (1 << 16)

static int request(int netlink, uint8_t family, uint32_t states)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 body;
	} message = {
		.header = { .nlmsg_len = sizeof(message), .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.body = { .sdiag_family = family, .sdiag_protocol = IPPROTO_TCP,
			  .idiag_states = states },
	};

	return send(netlink, &message, sizeof(message), 0) < 0 ? -errno : 0;
}

struct dump {
	uint32_t states;
	socket_dump_fn fn;
	void *context;
};

/* Is the dump over? 1 yes, 0 no, or the kernel's -errno. */
static int take_answer(const struct dump *d, const struct nlmsghdr *header, size_t size)
{
	for (; NLMSG_OK(header, size); header = NLMSG_NEXT(header, size)) {
		if (header->nlmsg_type == NLMSG_DONE)
			return 1;
		if (header->nlmsg_type == NLMSG_ERROR)
			return ((const struct nlmsgerr *)NLMSG_DATA(header))->error ?: 1;
		if (d->fn && header->nlmsg_type == SOCK_DIAG_BY_FAMILY)
			d->fn(d->context, NLMSG_DATA(header));
	}
	return 0;
}

static int dump(const struct dump *d, int netlink, uint8_t family, void *answer)
{
	int over = request(netlink, family, d->states);

	while (!over) {
		ssize_t n = recv(netlink, answer, ANSWER_BYTES, 0);

		over = n < 0 ? -errno : take_answer(d, answer, n);
	}
	return over < 0 ? over : 0;
}

int socket_dump__tcp(uint32_t states, socket_dump_fn fn, void *context)
{
	const struct dump d = { states, fn, context };
	int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	void *answer = malloc(ANSWER_BYTES);
	int err = netlink < 0 ? -errno : answer ? 0 : -ENOMEM;

	if (!err)
		err = dump(&d, netlink, AF_INET, answer);
	if (!err)
		err = dump(&d, netlink, AF_INET6, answer);
	free(answer);
	if (netlink >= 0)
		close(netlink);
	return err;
}
