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

static bool may_ask(const struct look_ways *w, struct look_netns *from)
{
	if (from->network.closed || !w->may_ask(w->context, &from->network))
		return false;
	if (from->network.way.fd < 0 && *w->opened < LOOK_NETWORKS_ASKED) {
		from->network.way.fd = open_there(&from->netns);
		*w->opened += from->network.way.fd >= 0;
	}
	return from->network.way.fd >= 0;
}

/* A path may be another namespace's by now: then it has another inode. */
static bool is_number_of(const struct look_ways *w, int fd, int32_t number, const struct netns *ns)
{
	int at = open(ns->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool is_its = at >= 0 && netns__is_opened(at, ns) &&
		      next_netns__number_of(fd, at) == number;

	(*w->asks)++;
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
static void find_end(const struct look_ways *w, uint32_t from, uint32_t link)
{
	struct look_way *way = &w->namespaces[from - 1].network.way;
	int32_t number = next_netns__number(way->fd, link);
	uint32_t i;

	*way = (struct look_way){ .fd = way->fd, .link = link };
	if (number < 0)
		return;
	for (i = 0; i < w->namespace_count; i++) {
		if (i != from - 1 && may_pass(&w->namespaces[i].network) &&
		    is_number_of(w, way->fd, number, &w->namespaces[i].netns)) {
			way->netns = i + 1;
			return;
		}
	}
	way->unknown = w->closed;
}

uint32_t look_way__next(const struct look_ways *w, uint32_t from, const struct look_idle *idle,
			bool *unknown)
{
	struct look_netns *ns = &w->namespaces[from - 1];
	struct look_way *way = &ns->network.way;
	uint32_t link;

	if (!may_ask(w, ns)) {
		*unknown = true;
		return 0;
	}
	(*w->asks)++;
	link = next_netns__link(way->fd, &idle->local, &idle->peer);
	if (!link)
		return 0;
	if (link != way->link)
		find_end(w, from, link);
	*unknown |= way->unknown;
	return way->netns;
}
