// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/net_namespace.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/netns_life.h"

struct attribute {
	struct nlattr head;
	int32_t value;
};

struct request {
	struct nlmsghdr head;
	struct rtgenmsg generic;
	char padding[3];
	struct attribute attributes[2];
};

/* NETNSA_NSID of an answer, or -errno. */
static int read_number(const char *reply, ssize_t size)
{
	const struct nlmsghdr *head = (const void *)reply;
	const struct nlmsgerr *error = NLMSG_DATA(head);
	const struct attribute *a;
	size_t at;

	if (size < 0)
		return -errno;
	if (!NLMSG_OK(head, size))
		return -EPROTO;
	if (head->nlmsg_type == NLMSG_ERROR)
		return error->error;
	for (at = NLMSG_LENGTH(NLMSG_ALIGN(sizeof(struct rtgenmsg)));
	     at + sizeof(*a) <= head->nlmsg_len; at += NLA_ALIGN(a->head.nla_len)) {
		a = (const void *)(reply + at);
		if (a->head.nla_type == NETNSA_NSID)
			return a->value;
		if (a->head.nla_len < sizeof(a->head))
			break;
	}
	return -EPROTO;
}

/* RTM_NEWNSID or RTM_GETNSID with one attribute, or two; 0, a number, or -errno. */
static int ask(int type, const struct attribute *attributes, unsigned int count)
{
	struct request request = {
		.head = { .nlmsg_len = offsetof(struct request, attributes) +
				       count * sizeof(*attributes),
			  .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST |
				(type == RTM_NEWNSID ? NLM_F_ACK : 0) },
	};
	char reply[1024] __attribute__((aligned(__alignof__(struct nlmsghdr))));
	int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), result;

	if (s < 0)
		return -errno;
	memcpy(request.attributes, attributes, count * sizeof(*attributes));
	if (send(s, &request, request.head.nlmsg_len, 0) < 0)
		result = -errno;
	else
		result = read_number(reply, recv(s, reply, sizeof(reply), 0));
	close(s);
	return result;
}

static struct attribute attribute(int type, int32_t value)
{
	return (struct attribute){ { sizeof(struct attribute), type }, value };
}

int netns_life__begin(int fd)
{
	struct attribute attributes[] = { attribute(NETNSA_FD, fd),
					  attribute(NETNSA_NSID, NETNSA_NSID_NOT_ASSIGNED) };
	int number = ask(RTM_GETNSID, attributes, 1), err;

	if (number >= 0)
		return number;
	err = ask(RTM_NEWNSID, attributes, 2);
	if (err && err != -EEXIST)
		return err;
	number = ask(RTM_GETNSID, attributes, 1);
	return number < 0 ? -ENOTSUP : number;
}

bool netns_life__is_over(int number)
{
	struct attribute a = attribute(NETNSA_NSID, number);

	return ask(RTM_GETNSID, &a, 1) == -ENOENT;
}
