// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <linux/netlink.h>
#include <unistd.h>

#include "pipeline/look_way.h"
#include "sys/netlink.h"
#include "sys/next_netns.h"

static int open_there(const struct netns *ns)
{
	int back = netns__enter(ns), fd;

	if (back < 0)
		return back;
	fd = netlink__open(NETLINK_ROUTE);
	netns__leave(back);
	return fd;
}

static bool may_ask(struct look *l, struct look_netns *from)
{
	if (from->network.closed || !look__may_ask_conntrack(l, &from->network))
		return false;
	if (from->network.way.fd < 0 && l->ways < LOOK_NETWORKS_ASKED) {
		from->network.way.fd = open_there(&from->netns);
		l->ways += from->network.way.fd >= 0;
	}
	return from->network.way.fd >= 0;
}

/* A path may be another namespace's by now: then it has another inode. */
static bool is_number_of(struct look *l, int fd, int32_t number, const struct netns *ns)
{
	int at = open(ns->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool is_its = at >= 0 && netns__is_opened(at, ns) &&
		      next_netns__number_of(fd, at) == number;

	l->conntrack_asks++;
	if (at >= 0)
		close(at);
	return is_its;
}

static bool may_pass(const struct look_network *n)
{
	const struct conntrack *c = &n->conntrack;

	return !n->closed && n->ours && (c->forwards_ipv4 || c->forwards_ipv6);
}

/* Where the link leads to. */
static void find_end(struct look *l, uint32_t from, uint32_t link)
{
	struct look_way *way = &l->namespaces[from - 1].network.way;
	int32_t number = next_netns__number(way->fd, link);
	uint32_t i;

	*way = (struct look_way){ .fd = way->fd, .link = link };
	if (number < 0)
		return;
	for (i = 0; i < l->namespace_count; i++) {
		if (i != from - 1 && may_pass(&l->namespaces[i].network) &&
		    is_number_of(l, way->fd, number, &l->namespaces[i].netns)) {
			way->netns = i + 1;
			return;
		}
	}
	way->unknown = l->closed;
}

uint32_t look_way__next(struct look *l, uint32_t from, const struct look_idle *idle, bool *unknown)
{
	struct look_netns *ns = &l->namespaces[from - 1];
	struct look_way *way = &ns->network.way;
	uint32_t link;

	if (!may_ask(l, ns)) {
		*unknown = true;
		return 0;
	}
	l->conntrack_asks++;
	link = next_netns__link(way->fd, &idle->local, &idle->peer);
	if (!link)
		return 0;
	if (link != way->link)
		find_end(l, from, link);
	*unknown |= way->unknown;
	return way->netns;
}
