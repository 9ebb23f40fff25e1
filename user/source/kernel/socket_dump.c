// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/socket_dump.h"
#include "sys/netlink.h"

struct dump {
	uint32_t states;
	socket_dump_fn fn;
	void *context;
};

static void take_answer(void *context, const struct nlmsghdr *answer)
{
	const struct dump *d = context;

	if (d->fn && answer->nlmsg_type == SOCK_DIAG_BY_FAMILY)
		d->fn(d->context, NLMSG_DATA(answer));
}

static int dump(struct dump *d, int netlink, uint8_t family)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 body;
	} message = {
		.header = { .nlmsg_len = sizeof(message), .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.body = { .sdiag_family = family, .sdiag_protocol = IPPROTO_TCP,
			  .idiag_states = d->states },
	};
	int err = netlink__ask(netlink, &message.header, take_answer, d);

	return err == -EINTR ? 0 : err;	/* sockets come and go while they are read */
}

int socket_dump__tcp(uint32_t states, socket_dump_fn fn, void *context)
{
	struct dump d = { states, fn, context };
	int netlink = netlink__open(NETLINK_SOCK_DIAG), err;

	if (netlink < 0)
		return netlink;
	err = dump(&d, netlink, AF_INET);
	if (!err)
		err = dump(&d, netlink, AF_INET6);
	close(netlink);
	return err;
}
