// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/local_routes.h"
#include "sys/netlink.h"
#include "sys/routing_rules.h"
#include "value/array.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

/* Tables may change while they are read: so often that is tried anew. */
#define TRIES 5
#define ADDRESS_BITS 128

struct reading {
	struct local_routes *routes;
	struct routing_rules rules;	/* of the family that is read */
};

static void append(struct local_routes *r, const struct network *n)
{
	struct network *bigger = array__with_room(r->all, r->count, &r->size, sizeof(*bigger));

	r->known &= bigger != NULL;
	if (!bigger)
		return;
	r->all = bigger;
	r->all[r->count++] = *n;
}

static uint32_t table_of(const struct nlmsghdr *answer)
{
	const struct rtmsg *route = NLMSG_DATA(answer);
	uint32_t table = route->rtm_table;
	size_t length;
	const void *at =
		netlink__find(RTM_RTA(route), RTM_PAYLOAD(answer), RTA_TABLE, &length);

	if (at && length == sizeof(table))
		memcpy(&table, at, sizeof(table));
	return table;
}

static void take_route(void *context, const struct nlmsghdr *answer)
{
	struct reading *reading = context;
	const struct rtmsg *route = NLMSG_DATA(answer);
	size_t bytes = route->rtm_family == AF_INET ? 4 : 16, length;
	uint8_t address[16] = { 0 };
	struct endpoint end;
	struct network n;
	const void *to;

	if (answer->nlmsg_type != RTM_NEWROUTE || answer->nlmsg_len < NLMSG_LENGTH(sizeof(*route)) ||
	    (route->rtm_type != RTN_LOCAL && route->rtm_type != RTN_ANYCAST))
		return;
	if (!routing_rules__lead_to(&reading->rules, table_of(answer)))
		return;
	to = netlink__find(RTM_RTA(route), RTM_PAYLOAD(answer), RTA_DST, &length);
	if (to && length == bytes)
		memcpy(address, to, bytes);
	else if (to || route->rtm_dst_len)
		return;
	end = endpoint__of(address, 0);
	end = endpoint__mapped(&end, route->rtm_family);
	n.bits = route->rtm_dst_len + (bytes == 4 ? NETWORK_IPV4_BITS : 0);
	memcpy(n.address, end.address, sizeof(n.address));
	append(reading->routes, &n);
}

/* Those of one type alone, where the kernel can leave out the rest: a router may have a million. */
static int ask(int fd, uint8_t family, uint8_t type, struct reading *r)
{
	struct {
		struct nlmsghdr header;
		struct rtmsg body;
	} message = {
		.header = { .nlmsg_len = sizeof(message), .nlmsg_type = RTM_GETROUTE,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.body = { .rtm_family = family, .rtm_type = type },
	};
	int err = netlink__ask(fd, &message.header, take_route, r);

	return err == -ENOENT || err == -EAFNOSUPPORT ? 0 : err;	/* none; no such family */
}

static int read_family(int fd, uint8_t family, struct reading *r)
{
	int err = routing_rules__read(&r->rules, fd, family);

	if (err != -EINTR)
		err = ask(fd, family, RTN_LOCAL, r);
	if (!err && family == AF_INET6)
		err = ask(fd, family, RTN_ANYCAST, r);
	return err;
}

static int read_all(int fd, struct local_routes *routes)
{
	struct reading r = { .routes = routes };
	int err = read_family(fd, AF_INET, &r);

	if (!err)
		err = read_family(fd, AF_INET6, &r);
	routing_rules__free(&r.rules);
	return err;
}

static int compare(const void *a, const void *b)
{
	const struct network *x = a, *y = b;
	bool x_is_one = x->bits == ADDRESS_BITS, y_is_one = y->bits == ADDRESS_BITS;

	if (x_is_one != y_is_one)
		return x_is_one ? 1 : -1;
	return memcmp(x->address, y->address, sizeof(x->address));
}

void local_routes__read(struct local_routes *r)
{
	int fd = netlink__open(NETLINK_ROUTE), err = -EINTR, one = 1;
	unsigned int tries;

	*r = (struct local_routes){ 0 };
	if (fd < 0)
		return;
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	for (tries = 0; err == -EINTR && tries < TRIES; tries++) {
		r->count = 0;
		r->known = true;
		err = read_all(fd, r);
	}
	close(fd);
	r->known &= !err;
	if (r->count)
		qsort(r->all, r->count, sizeof(*r->all), compare);
	while (r->networks < r->count && r->all[r->networks].bits < ADDRESS_BITS)
		r->networks++;
}

bool local_routes__have(const struct local_routes *r, const uint8_t address[16])
{
	struct network one = { .bits = ADDRESS_BITS };
	size_t i;

	if (!r->known)
		return true;
	memcpy(one.address, address, sizeof(one.address));
	if (r->count > r->networks &&
	    bsearch(&one, r->all + r->networks, r->count - r->networks, sizeof(one), compare))
		return true;
	for (i = 0; i < r->networks; i++)
		if (network__holds(&r->all[i], address))
			return true;
	return false;
}

void local_routes__free(struct local_routes *r)
{
	free(r->all);
	*r = (struct local_routes){ 0 };
}
