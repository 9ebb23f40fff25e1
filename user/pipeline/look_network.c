// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "exposure/exposure.h"
#include "pipeline/look_network.h"
#include "tcp/stamps.h"
#include "tcp/tcp_states.h"

/* MAX_TCP_KEEPIDLE of net/tcp.h: no socket's own idle time is longer. */
#define IDLE_MAX_S 32767
/* Connection tracking tells whole seconds. */
#define ROUNDING_S 1

/* Of namespaces that users made, and of which there may be any number, half as many. */
static bool may_ask(const struct look_network *n, unsigned int asked)
{
	return asked < (n->ours ? LOOK_NETWORKS_ASKED : LOOK_NETWORKS_ASKED / 2);
}

void look_network__read(struct look_network *n, const struct keepalive_sysctl *sysctl,
			unsigned int *asked)
{
	uint32_t longest_s = sysctl->idle_s > IDLE_MAX_S ? sysctl->idle_s : IDLE_MAX_S;

	n->way = (struct look_way){ .fd = -1 };
	local_routes__read(&n->routes);
	n->ours = netns__has_our_administrator();
	conntrack__open(&n->conntrack, longest_s, may_ask(n, *asked));
	*asked += n->conntrack.fd >= 0;
}

void look_network__refuse(struct look_network *n)
{
	*n = (struct look_network){ .conntrack = { .fd = -1, .unasked = true },
				    .way = { .fd = -1 }, .closed = true };
}

bool look_network__tracks(const struct look_network *n)
{
	return n->conntrack.fd >= 0 || n->conntrack.unasked;
}

bool look_network__may_be_passed(const struct look_network *n)
{
	return look_network__tracks(n) && n->ours &&
	       (n->conntrack.forwards_ipv4 || n->conntrack.forwards_ipv6);
}

bool look_network__knows_local(const struct look_network *n)
{
	return n->routes.known;
}

void look_network__end(struct look_network *n)
{
	conntrack__close(&n->conntrack);
	if (n->way.fd >= 0)
		close(n->way.fd);
	n->way.fd = -1;
}

void look_network__free(struct look_network *n)
{
	look_network__end(n);
	local_routes__free(&n->routes);
}

static struct endpoint end_of(const struct ho_event *e, const uint8_t *address, uint16_t port)
{
	struct endpoint end = endpoint__of(address, port);

	return endpoint__mapped(&end, e->family);
}

/* Most have the address of the one before. */
bool look_network__lacks_local(struct look_network *n, const struct ho_event *e)
{
	struct endpoint local;

	if (n->asked_family == e->family &&
	    !memcmp(n->asked.address, e->local, sizeof(n->asked.address)))
		return n->lacks_asked;
	local = end_of(e, e->local, 0);
	n->asked = endpoint__of(e->local, 0);
	n->asked_family = e->family;
	n->lacks_asked = !local_routes__have(&n->routes, local.address);
	return n->lacks_asked;
}

bool look_idle__of(const struct ho_event *e, uint32_t hz, struct look_idle *idle)
{
	struct keepalive k = keepalive__of(e);
	uint32_t first = k.idle_jiffies > k.interval_jiffies ? k.idle_jiffies : k.interval_jiffies;

	if (!k.enabled || exposure__peer_is_here(e) ||
	    (e->state != TCP_ESTABLISHED && e->state != TCP_CLOSE_WAIT))
		return false;
	*idle = (struct look_idle){ .local = end_of(e, e->local, e->local_port),
				    .peer = end_of(e, e->peer, e->peer_port),
				    .asks_after_s = (double)first / hz,
				    .silent_s = (e->mono_ns - stamps__heard_ns(e, hz)) / 1e9 };
	return true;
}

bool look_network__may_forget(const struct look_network *n, const struct look_idle *idle, bool is_own)
{
	const struct conntrack *c = &n->conntrack;
	bool is_ipv4 = endpoint__is_mapped(idle->peer.address);

	if (n->closed)
		return true;
	if (!look_network__tracks(n) || idle->asks_after_s <= c->established_s + ROUNDING_S)
		return false;
	return is_own || (n->ours && (is_ipv4 ? c->forwards_ipv4 : c->forwards_ipv6));
}

enum look_forgets look_network__forgets(const struct look_network *n, const struct look_idle *idle)
{
	int64_t left_s = n->conntrack.unasked ? -EACCES
					      : conntrack__left_s(&n->conntrack, &idle->local,
								  &idle->peer);

	if (left_s == -ENOENT)
		return LOOK_REMEMBERS;
	if (left_s < 0)
		return LOOK_FORGETS_UNKNOWN;
	return idle->asks_after_s - idle->silent_s > left_s + ROUNDING_S ? LOOK_FORGETS
									  : LOOK_REMEMBERS;
}
