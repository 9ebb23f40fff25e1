// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sys/conntrack.h"
#include "sys/netlink.h"

#define SETTINGS "/proc/sys/net/netfilter/"
#define FORWARDS_IPV4 "/proc/sys/net/ipv4/ip_forward"
#define FORWARDS_IPV6 "/proc/sys/net/ipv6/conf/all/forwarding"

/* 0 where it cannot be read: that is not there. */
static uint32_t read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	unsigned int number = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%u", &number) != 1)
		number = 0;
	fclose(f);
	return number;
}

void conntrack__open(struct conntrack *c, uint32_t asked_within_s, bool may_ask)
{
	*c = (struct conntrack){ .fd = -1 };
	c->forwards_ipv4 = read_number(FORWARDS_IPV4);
	c->forwards_ipv6 = read_number(FORWARDS_IPV6);
	if (!read_number(SETTINGS "nf_conntrack_count"))
		return;
	c->established_s = read_number(SETTINGS "nf_conntrack_tcp_timeout_established");
	if (!c->established_s || c->established_s >= asked_within_s)
		return;
	c->fd = may_ask ? netlink__open(NETLINK_NETFILTER) : -EMFILE;
	c->unasked = c->fd < 0;
}

void conntrack__close(struct conntrack *c)
{
	if (c->fd >= 0)
		close(c->fd);
	*c = (struct conntrack){ .fd = -1 };
}

/* Any direction of a connection finds it: this is what our own segments look like. */
static void add_tuple(struct nlmsghdr *message, const struct endpoint *from,
		      const struct endpoint *to)
{
	bool is_ipv4 = endpoint__is_mapped(to->address);
	size_t skipped = is_ipv4 ? 12 : 0, size = 16 - skipped;
	uint16_t from_port = htons(from->port), to_port = htons(to->port);
	uint8_t tcp = IPPROTO_TCP;
	struct nlattr *tuple = netlink__begin(message, CTA_TUPLE_ORIG), *part;

	part = netlink__begin(message, CTA_TUPLE_IP);
	netlink__add(message, is_ipv4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, from->address + skipped,
		     size);
	netlink__add(message, is_ipv4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, to->address + skipped, size);
	netlink__end(message, part);
	part = netlink__begin(message, CTA_TUPLE_PROTO);
	netlink__add(message, CTA_PROTO_NUM, &tcp, sizeof(tcp));
	netlink__add(message, CTA_PROTO_SRC_PORT, &from_port, sizeof(from_port));
	netlink__add(message, CTA_PROTO_DST_PORT, &to_port, sizeof(to_port));
	netlink__end(message, part);
	netlink__end(message, tuple);
}

/* Of a connection that is not yet established, or has its end, there may be no time. */
static void take_left(void *context, const struct nlmsghdr *answer)
{
	const struct nfgenmsg *body = NLMSG_DATA(answer);
	int64_t *left_s = context;
	const void *timeout;
	uint32_t seconds;
	size_t length;

	if (answer->nlmsg_len < NLMSG_LENGTH(sizeof(*body)))
		return;
	timeout = netlink__find(body + 1, NLMSG_PAYLOAD(answer, sizeof(*body)), CTA_TIMEOUT,
				&length);
	if (!timeout || length != sizeof(seconds))
		return;
	memcpy(&seconds, timeout, sizeof(seconds));
	*left_s = ntohl(seconds);
}

int64_t conntrack__left_s(const struct conntrack *c, const struct endpoint *local,
			  const struct endpoint *peer)
{
	union {
		struct nlmsghdr header;
		uint8_t room[256];
	} message = { .header = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct nfgenmsg)),
				  .nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET,
				  .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK } };
	struct nfgenmsg *body = NLMSG_DATA(&message.header);
	int64_t left_s = -ENOENT;
	int err;

	if (c->fd < 0)
		return -EBADF;
	body->nfgen_family = endpoint__is_mapped(peer->address) ? AF_INET : AF_INET6;
	body->version = NFNETLINK_V0;
	add_tuple(&message.header, local, peer);
	err = netlink__ask(c->fd, &message.header, take_left, &left_s);
	return err ? err : left_s;
}
