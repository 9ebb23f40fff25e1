// SPDX-License-Identifier: GPL-2.0
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "sys/netlink.h"
#include "sys/next_netns.h"

/* A question with some attributes. */
union question {
	struct nlmsghdr header;
	uint8_t room[256];
};

static void begin(union question *q, uint16_t type, size_t body)
{
	memset(q, 0, sizeof(*q));
	q->header = (struct nlmsghdr){ .nlmsg_len = NLMSG_LENGTH(body), .nlmsg_type = type,
				       .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK };
}

/* A number that is an attribute of the answer. */
struct wanted {
	size_t body;		/* stands before the attributes */
	unsigned int attribute;
	int32_t value;		/* ... or what it was before */
};

static void take(void *context, const struct nlmsghdr *answer)
{
	struct wanted *w = context;
	const void *at;
	size_t length;

	if (answer->nlmsg_len < NLMSG_SPACE(w->body))
		return;
	at = netlink__find((const char *)NLMSG_DATA(answer) + NLMSG_ALIGN(w->body),
			   answer->nlmsg_len - NLMSG_SPACE(w->body), w->attribute, &length);
	if (at && length == sizeof(w->value))
		memcpy(&w->value, at, sizeof(w->value));
}

static int32_t ask(int fd, const union question *q, struct wanted w)
{
	int32_t otherwise = w.value;

	return netlink__ask(fd, &q->header, take, &w) ? otherwise : w.value;
}

/* `local` may be NULL: the kernel refuses one that the namespace does not have. */
static uint32_t link_of(int fd, const struct endpoint *local, const struct endpoint *peer)
{
	bool is_ipv4 = endpoint__is_mapped(peer->address);
	size_t skipped = is_ipv4 ? 12 : 0, size = 16 - skipped;
	struct rtmsg *route;
	union question q;

	begin(&q, RTM_GETROUTE, sizeof(*route));
	route = NLMSG_DATA(&q.header);
	route->rtm_family = is_ipv4 ? AF_INET : AF_INET6;
	route->rtm_dst_len = size * 8;
	netlink__add(&q.header, RTA_DST, peer->address + skipped, size);
	if (local) {
		route->rtm_src_len = size * 8;
		netlink__add(&q.header, RTA_SRC, local->address + skipped, size);
	}
	return ask(fd, &q, (struct wanted){ sizeof(*route), RTA_OIF, 0 });
}

uint32_t next_netns__link(int fd, const struct endpoint *local, const struct endpoint *peer)
{
	return link_of(fd, local, peer) ?: link_of(fd, NULL, peer);
}

int32_t next_netns__number(int fd, uint32_t link)
{
	struct ifinfomsg *info;
	union question q;

	begin(&q, RTM_GETLINK, sizeof(*info));
	info = NLMSG_DATA(&q.header);
	info->ifi_index = link;
	return ask(fd, &q, (struct wanted){ sizeof(*info), IFLA_LINK_NETNSID, -1 });
}

int32_t next_netns__number_of(int fd, int netns_fd)
{
	int32_t value = netns_fd;
	union question q;

	begin(&q, RTM_GETNSID, sizeof(struct rtgenmsg));
	netlink__add(&q.header, NETNSA_FD, &value, sizeof(value));
	return ask(fd, &q, (struct wanted){ sizeof(struct rtgenmsg), NETNSA_NSID, -1 });
}
