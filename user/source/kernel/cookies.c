// SPDX-License-Identifier: GPL-2.0
/* Plain netlink(7): Debian has no static libmnl, and the program shall need nothing but glibc. */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/cookies.h"

/* States in which a connection exists, as gate.bpf.h has them: ESTABLISHED, FIN_WAIT1 and 2,
 * CLOSE_WAIT, LAST_ACK, CLOSING. */
#define STATES (1 << 1 | 1 << 4 | 1 << 5 | 1 << 8 | 1 << 9 | 1 << 11)
#define ANSWER_BYTES (1 << 16)

static int request(int netlink, uint8_t family)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 body;
	} message = {
		.header = { .nlmsg_len = sizeof(message), .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.body = { .sdiag_family = family, .sdiag_protocol = IPPROTO_TCP,
			  .idiag_states = STATES },
	};

	return send(netlink, &message, sizeof(message), 0) < 0 ? -errno : 0;
}

/* Is the dump over? 1 yes, 0 no, or the -errno that the kernel answered. */
static int is_over(const struct nlmsghdr *header, size_t size)
{
	for (; NLMSG_OK(header, size); header = NLMSG_NEXT(header, size)) {
		if (header->nlmsg_type == NLMSG_DONE)
			return 1;
		if (header->nlmsg_type == NLMSG_ERROR)
			return ((const struct nlmsgerr *)NLMSG_DATA(header))->error ?: 1;
	}
	return 0;
}

static int dump(int netlink, uint8_t family, void *answer)
{
	int over = request(netlink, family);

	while (!over) {
		ssize_t n = recv(netlink, answer, ANSWER_BYTES, 0);

		over = n < 0 ? -errno : is_over(answer, n);
	}
	return over < 0 ? over : 0;
}

int cookies__make(void)
{
	int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	void *answer = malloc(ANSWER_BYTES);
	int err = netlink < 0 ? -errno : answer ? 0 : -ENOMEM;

	if (!err)
		err = dump(netlink, AF_INET, answer);
	if (!err)
		err = dump(netlink, AF_INET6, answer);
	free(answer);
	if (netlink >= 0)
		close(netlink);
	return err;
}
