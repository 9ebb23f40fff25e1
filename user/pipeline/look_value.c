// SPDX-License-Identifier: GPL-2.0
#include <math.h>

#include "pipeline/look_value.h"
#include "tcp/retransmission.h"
#include "tcp/stamps.h"
#include "tcp/tcp_states.h"
#include "value/address.h"

struct history_socket look__as_of_history(const struct look *l, const struct look_socket *s)
{
	return (struct history_socket){ &s->row.event, look__device(l, s), l->rules.hz };
}

struct exposure look__exposure(const struct look *l, const struct look_socket *s)
{
	struct exposure_rules rules = l->rules;
	struct exposure x;

	if (l->config.history && !rules.path_ns) {
		const struct history_socket of = look__as_of_history(l, s);

		rules.path_ns = history__path_ns(l->config.history, &of);
	}
	x = exposure__of(&s->row.event, &rules);
	x.window_closed &= !s->reads;
	x.leaked |= exposure__leaks_under_keepalive(&s->row, l->rules.hz);
	x.address_gone = s->address_gone;
	x.address_unknown = s->address_unknown;
	x.forgotten_unknown = s->forgotten_unknown;
	x.forgotten_by = s->forgotten_by;
	x.forgotten_after_s = s->forgotten_after_s;
	return x;
}

static struct timeline_end end_of(const struct ho_event *e, const uint8_t *address, uint16_t port)
{
	struct timeline_end end = { .port = port };

	address__format(e->family, e->bound_if, address, end.address);
	return end;
}

static struct timeline_socket socket_of(const struct look *l, const struct look_socket *s)
{
	const struct owner *owner = owners__at(&l->owners, s->owner);
	const struct ho_event *e = &s->row.event;
	const struct look_netns *ns = look__netns(l, s);

	return (struct timeline_socket){
		.cookie = e->cookie, .connection = 1,
		.netns = { .inode = e->netns, .cookie = ns ? ns->netns.cookie : 0,
			   .name = ns ? ns->netns.name : "",
			   .host_name = ns ? ns->netns.host_name : "" },
		.is_ipv6 = e->family == AF_INET6 && !endpoint__is_mapped(e->peer),
		.local = end_of(e, e->local, e->local_port),
		.peer = end_of(e, e->peer, e->peer_port),
		.owner = { .known = owner, .pid = owner ? owner->pid : 0,
			   .comm = owner ? owner->comm : "", .cgroup = owner ? owner->cgroup : "",
			   .container_id = owner ? owner->container_id : "" },
		.device = look__device(l, s) ?: "", .mptcp = e->flags & HO_F_MPTCP };
}

struct deadline look__deadline(const struct look *l, const struct look_socket *s)
{
	const struct look_netns *ns = look__netns(l, s);

	return deadline__of(&s->row, l->rules.hz, ns ? ns->retries2 : RETRIES2_DEFAULT);
}

static double notices_within_s(const struct look *l, const struct look_socket *s,
			       const struct keepalive *k, const struct deadline *due)
{
	if (s->row.event.state == TCP_CLOSE)
		return -1;
	if (k->enabled)
		return keepalive__detects_within_ms(k, l->rules.hz) / 1e3;
	if (exposure__never_notices(&s->row.event))
		return INFINITY;
	return isinf(due->dies_s) ? -1 : due->dies_s;
}

double look__notices_within_s(const struct look *l, const struct look_socket *s)
{
	struct keepalive k = keepalive__of(&s->row.event);
	struct deadline due = look__deadline(l, s);

	return notices_within_s(l, s, &k, &due);
}

/* Why it is not known whether the peer is dead. */
static const char *why_unknown(const struct look *l, const struct exposure *x)
{
	if (x->ended)
		return "the connection has ended";
	if (x->peer_is_here)
		return "the peer is of this host";
	if (x->said_goodbye)
		return "the peer has closed the connection";
	return l->rules.path_ns ? "the path may still remember it"
				: "when the path forgets idle connections is not known";
}

static struct history_dead dead(const struct look *l, const struct look_socket *s,
				const struct exposure *x, const char **why)
{
	*why = "";
	if (x->surely_dead && !x->ended)
		return (struct history_dead){ 1, 1, 1 };
	if (l->config.history && !x->peer_is_here && !x->said_goodbye && !x->ended) {
		const struct history_socket of = look__as_of_history(l, s);

		return history__dead(l->config.history, &of, why);
	}
	*why = why_unknown(l, x);
	return (struct history_dead){ NAN, NAN, NAN };
}

struct history_dead look__dead(const struct look *l, const struct look_socket *s, const char **why)
{
	struct exposure x = look__exposure(l, s);

	return dead(l, s, &x, why);
}

struct timeline_pair look__pair(const struct look *l, uint64_t cookie)
{
	const struct look_side *other;
	const struct pair_side *side;
	struct timeline_pair pair = { .cookie = 0 };
	struct ho_event ends;

	side = look_pairs__of(&l->pairs, cookie, &other, &pair.cookie);
	if (!side)
		return pair;
	ends = (struct ho_event){ .family = other->family, .bound_if = other->bound_if };
	pair.suspect = other->suspect;
	pair.confidence = side->confidence;
	pair.apart_s = side->apart_ms / 1e3;
	pair.received = side->received;
	pair.sent = side->sent;
	pair.local = end_of(&ends, other->local, other->local_port);
	pair.peer = end_of(&ends, other->peer, other->peer_port);
	return pair;
}

unsigned int look__faults(const struct exposure *x)
{
	return x->leaked << FAULT_CLOSE_WAIT | x->window_closed << FAULT_WINDOW_CLOSED |
	       x->probes_off << FAULT_PROBES_OFF | x->address_gone << FAULT_ADDRESS_GONE |
	       (x->forgotten_by != 0) << FAULT_CONNTRACK | x->ended << FAULT_ENDED;
}

static unsigned int unknown_faults_of(const struct exposure *x)
{
	return x->address_unknown << FAULT_ADDRESS_GONE | x->forgotten_unknown << FAULT_CONNTRACK;
}

static enum no_owner no_owner_of(const struct look_socket *s)
{
	if (s->owner)
		return HAS_OWNER;
	if (s->row.unaccepted)
		return NOT_ACCEPTED;
	return s->row.event.flags & HO_F_ORPHAN ? CLOSED_BY_OWNER : OWNER_UNSEEN;
}

struct socket_now look__value(const struct look *l, const struct look_socket *s)
{
	const struct ho_event *e = &s->row.event;
	struct exposure x = look__exposure(l, s);
	struct deadline due = look__deadline(l, s);
	uint64_t arrived_ns = stamps__arrived_ns(e, l->rules.hz);
	struct keepalive k = keepalive__of(e);
	const char *why;
	double chance = dead(l, s, &x, &why).likely;

	return (struct socket_now){
		.socket = socket_of(l, s), .no_owner = no_owner_of(s), .state = e->state,
		.keepalive = exposure__keepalive(&k, e->rto_max_jiffies, l->rules.hz),
		.last_heard_at = arrived_ns + l->wall_ns,
		.last_heard_is_lower_bound = e->state != TCP_ESTABLISHED ||
					     arrived_ns != stamps__heard_ns(e, l->rules.hz),
		.silent_s = (e->mono_ns - arrived_ns) / 1e9,
		.unanswered = x.unanswered, .suspect = x.suspect,
		.next_probe_in_s = due.next_ask_s, .dies_in_s = due.dies_s,
		.notices_in_s = notices_within_s(l, s, &k, &due),
		.half_closed = e->state == TCP_CLOSE_WAIT || e->state == TCP_LAST_ACK ||
			       e->state == TCP_CLOSING,
		.receive_window = s->row.receive_window, .exposed = !x.peer_is_here && !x.ended,
		.ended_at = x.ended ? (int64_t)(e->mono_ns - x.ended_ns) + l->wall_ns : 0,
		.error = x.ended ? e->error : 0,
		.faults = look__faults(&x), .faults_unknown = unknown_faults_of(&x),
		.pair = look__pair(l, e->cookie),
		.dead_probability = chance, .why = why };
}
