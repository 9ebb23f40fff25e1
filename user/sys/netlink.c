// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "sys/netlink.h"

#define ANSWER_BYTES (1 << 16)
/* The kernel answers at once, or never. */
#define PATIENCE_S 10

int netlink__open(int protocol)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

struct asking {
	netlink_fn fn;
	void *context;
	bool interrupted;
};

/* Is that all? 1 yes, 0 no, or the kernel's -errno. */
static int take(struct asking *a, const struct nlmsghdr *header, size_t size)
{
	for (; NLMSG_OK(header, size); header = NLMSG_NEXT(header, size)) {
		a->interrupted |= header->nlmsg_flags & NLM_F_DUMP_INTR;
		if (header->nlmsg_type == NLMSG_DONE)
			return 1;
		if (header->nlmsg_type == NLMSG_ERROR)
			return ((const struct nlmsgerr *)NLMSG_DATA(header))->error ?: 1;
		if (a->fn)
			a->fn(a->context, header);
	}
	return 0;
}

int netlink__ask(int fd, const struct nlmsghdr *question, netlink_fn fn, void *context)
{
	struct asking a = { fn, context, false };
	void *answer = malloc(ANSWER_BYTES);
	int over = answer ? 0 : -ENOMEM;

	if (!over && send(fd, question, question->nlmsg_len, 0) < 0)
		over = -errno;
	while (!over) {
		ssize_t n = recv(fd, answer, ANSWER_BYTES, 0);

		if (n < 0 && errno == EINTR)
			continue;
		over = n < 0 ? -errno : take(&a, answer, n);
	}
	free(answer);
	if (over < 0)
		return over;
	return a.interrupted ? -EINTR : 0;
}

static void *end_of(struct nlmsghdr *message)
{
	return (char *)message + NLMSG_ALIGN(message->nlmsg_len);
}

struct nlattr *netlink__begin(struct nlmsghdr *message, unsigned int type)
{
	struct nlattr *a = end_of(message);

	*a = (struct nlattr){ .nla_type = type | NLA_F_NESTED };
	message->nlmsg_len = NLMSG_ALIGN(message->nlmsg_len) + NLA_HDRLEN;
	return a;
}

void netlink__end(struct nlmsghdr *message, struct nlattr *nested)
{
	nested->nla_len = (char *)end_of(message) - (char *)nested;
}

void netlink__add(struct nlmsghdr *message, unsigned int type, const void *value, size_t size)
{
	struct nlattr *a = end_of(message);

	*a = (struct nlattr){ .nla_type = type, .nla_len = NLA_HDRLEN + size };
	memcpy((char *)a + NLA_HDRLEN, value, size);
	memset((char *)a + NLA_HDRLEN + size, 0, NLA_ALIGN(size) - size);
	message->nlmsg_len = NLMSG_ALIGN(message->nlmsg_len) + NLA_HDRLEN + NLA_ALIGN(size);
}

const void *netlink__find(const void *attributes, size_t size, unsigned int type, size_t *length)
{
	const struct nlattr *a = attributes;

	while (size >= NLA_HDRLEN && a->nla_len >= NLA_HDRLEN && a->nla_len <= size) {
		size_t whole = NLA_ALIGN(a->nla_len);

		if ((a->nla_type & NLA_TYPE_MASK) == type) {
			*length = a->nla_len - NLA_HDRLEN;
			return (const char *)a + NLA_HDRLEN;
		}
		if (whole >= size)
			break;
		size -= whole;
		a = (const struct nlattr *)((const char *)a + whole);
	}
	return NULL;
}
