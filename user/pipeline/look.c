// SPDX-License-Identifier: GPL-2.0
#include <bpf/btf.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/every_netns.h"
#include "kernel/kernel_btf.h"
#include "kernel/snapshot.h"
#include "pipeline/look.h"
#include "sys/capability.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/process.h"
#include "sys/reason.h"
#include "tcp/stamps.h"
#include "tcp/tcp_states.h"
#include "value/address.h"

/* The kernel's default, where it cannot be read. */
#define RETRIES2 15
/* So often one look asks connection tracking, at some microseconds each: a third of a second. Half as
 * often in namespaces that users made, so that those of this host have their turn. */
#define CONNTRACK_ASKS (1 << 16)

/* ---- namespaces ---- */

static uint32_t read_retries2(void)
{
	FILE *f = fopen("/proc/sys/net/ipv4/tcp_retries2", "re");
	unsigned int retries = RETRIES2;

	if (!f)
		return RETRIES2;
	if (fscanf(f, "%u", &retries) != 1)
		retries = RETRIES2;
	fclose(f);
	return retries;
}

static int on_netns(void *context, const struct netns *ns, const struct keepalive_sysctl *s)
{
	struct look *l = context;
	struct look_netns *bigger =
		realloc(l->namespaces, (l->namespace_count + 1) * sizeof(*bigger));

	if (!bigger)
		return -ENOMEM;
	if (l->config.take || l->config.with_listeners || l->config.with_pairs)
		listeners__read(&l->listeners, ns->inode);
	l->namespaces = bigger;
	bigger[l->namespace_count] = (struct look_netns){ .netns = *ns,
							  .retries2 = read_retries2() };
	look_network__read(&bigger[l->namespace_count].network, s, &l->conntracks);
	bigger[l->namespace_count++].netns.cookie = netns__cookie();	/* we are in it */
	return 0;
}

/* An orphan of a namespace that is gone may have the inode of another one. */
static bool is_in(const struct ho_event *e, const struct netns *ns)
{
	return e->netns == ns->inode &&
	       (!e->net_cookie || !ns->cookie || e->net_cookie == ns->cookie);
}

static uint32_t netns_of(struct look *l, const struct ho_event *e)
{
	uint32_t *place = &l->netns_places[e->netns % LOOK_NETNS_PLACES], i;

	if (*place && is_in(e, &l->namespaces[*place - 1].netns))
		return *place;
	for (i = 0; i < l->namespace_count; i++)
		if (is_in(e, &l->namespaces[i].netns))
			return *place = i + 1;
	return 0;
}

/* ---- the pass ---- */

static uint32_t owner_of_process(struct look *l, const struct ho_holder *h)
{
	struct process_place place;

	if (h->pid == l->place_pid)
		return l->place_owner;
	process__find_place(h->pid, h->comm, &place);
	l->place_pid = h->pid;
	return l->place_owner = owners__take(&l->owners, h->pid, h->comm, place.cgroup,
					     place.container_id);
}

static int on_held(void *context, const struct ho_holder *h)
{
	struct look *l = context;
	uint32_t owner = owner_of_process(l, h);

	if (owner)
		holdings__add(&l->holdings, h->cookie, owner);
	return 0;
}

static bool is_wanted(struct look *l, const struct look_socket *s)
{
	struct filter_subject subject;
	unsigned int i;

	if (!l->config.filter)
		return true;
	subject = look__subject(l, s);
	for (i = 0; i < l->test_count; i++)
		l->tests[i].passed +=
			filter__matches(l->tests[i].test, &subject) == TRUTH_YES;
	return filter__matches(l->config.filter, &subject) == TRUTH_YES;
}

static bool forgets(struct look *l, uint32_t ns, const struct look_idle *idle, bool is_own)
{
	const struct look_network *n = &l->namespaces[ns - 1].network;

	if (!look_network__may_forget(n, idle, is_own))
		return false;
	if (l->conntrack_asks >= (n->ours ? CONNTRACK_ASKS : CONNTRACK_ASKS / 2)) {
		l->conntrack_unasked = true;
		return false;
	}
	l->conntrack_asks++;
	return look_network__forgets(n, idle);
}

/* The number of the namespace that forgets it, from 1: its own first, then those that its segments
 * may pass on their way; 0: none is known to. */
static uint32_t forgotten_by(struct look *l, const struct look_socket *s)
{
	struct look_idle idle;
	uint32_t i;

	if (!l->conntracks || !look_idle__of(&s->row.event, l->rules.hz, &idle))
		return 0;
	if (s->netns && forgets(l, s->netns, &idle, true))
		return s->netns;
	for (i = 1; i <= l->namespace_count; i++)
		if (i != s->netns && forgets(l, i, &idle, false))
			return i;
	return 0;
}

static void judge_network(struct look *l, struct look_socket *s)
{
	uint32_t by = forgotten_by(l, s);

	s->address_gone = s->netns && !s->row.transparent && look_network__lacks_local(
		&l->namespaces[s->netns - 1].network, &s->row.event);
	s->forgotten_by = by;
	s->forgotten_after_s = by ? l->namespaces[by - 1].network.conntrack.established_s : 0;
}

/* Of a proxy's two sides one may be wanted, and the other not. */
static bool add_side(struct look *l, const struct look_socket *s, bool wanted)
{
	const struct ho_event *e = &s->row.event;
	bool suspect = exposure__asks(e, l->rules.hz) > EXPOSURE_SUSPECT_AFTER;

	if (!l->config.with_pairs || l->config.take || !s->owner || l->listeners.incomplete)
		return true;
	return look_pairs__add(&l->pairs, e, s->owner, look__listening_port(l, e) != 0,
			       suspect, wanted ? l->count + 1 : 0);
}

static void take_pair(void *context, size_t kept, uint32_t side)
{
	struct look *l = context;

	l->sockets[kept].pair = side + 1;
}

static bool make_room(struct look *l)
{
	size_t size = l->size ? l->size + l->size / 2 : 1024;
	struct look_socket *bigger;

	if (l->config.take ? l->size : l->count < l->size)
		return true;
	bigger = realloc(l->sockets, size * sizeof(*bigger));
	if (!bigger)
		return false;
	l->sockets = bigger;
	l->size = size;
	return true;
}

static bool take(struct look *l, const struct look_socket *s)
{
	return l->config.take(l->config.context, l, s);
}

/* It is taken when it is known whether its program reads. */
static bool put_off(struct look *l, const struct look_socket *s)
{
	struct look_socket *bigger =
		realloc(l->doubtful, (l->doubtful_count + 1) * sizeof(*bigger));

	if (!bigger)
		return false;
	l->doubtful = bigger;
	bigger[l->doubtful_count] = *s;
	return look_readers__add(&l->readers, s->row.event.cookie, l->doubtful_count++);
}

/* Keeps it, or has it taken. */
static bool keep(struct look *l, const struct look_socket *s)
{
	bool doubtful = l->config.with_readers &&
			look_readers__is_doubtful(&s->row.event, l->rules.hz);

	if (l->config.take)
		return doubtful ? put_off(l, s) : take(l, s);
	return !doubtful || look_readers__add(&l->readers, s->row.event.cookie, l->count);
}

static int on_socket(void *context, const struct ho_row *row)
{
	struct look *l = context;
	struct look_socket *s;
	uint32_t owner;
	bool wanted;

	if (!holdings__tell(&l->holdings, row->event.cookie, &owner))
		return 0;	/* a pass may tell one twice */
	if (!make_room(l))
		return -ENOMEM;
	l->looked_at += row->event.state != TCP_CLOSE;
	s = &l->sockets[l->config.take ? 0 : l->count];
	s->row = *row;
	s->owner = owner;
	s->netns = netns_of(l, &row->event);
	s->pair = s->forgotten_by = s->forgotten_after_s = 0;
	s->address_gone = s->reads = false;
	wanted = is_wanted(l, s);
	if (!add_side(l, s, wanted))
		return -ENOMEM;
	if (!wanted)
		return 0;
	if (row->event.state != TCP_CLOSE)
		judge_network(l, s);
	if (!keep(l, s))
		return -ENOMEM;
	l->count++;
	return 0;
}

/* A connection to somebody who refused it never was one. */
static bool was_connected(const struct ho_event *e)
{
	return e->srtt_us || e->bytes_acked || e->bytes_received;
}

static int on_ended(void *context, const struct ho_row *row)
{
	struct ho_holder holder = { .cookie = row->event.cookie, .pid = row->pid };

	if (!was_connected(&row->event))
		return 0;
	memcpy(holder.comm, row->comm, sizeof(holder.comm));
	on_held(context, &holder);
	return on_socket(context, row);
}

static int pass_over(void *context, const struct ho_holder *h)
{
	(void)context;
	(void)h;
	return 0;
}

/* The walk that finds the dead is as long as one over all files: it is made where there are some. A
 * socket that was held, and is not among the open ones, may have died between the two walks. */
static int find_ended(struct look *l, struct snapshot *snapshot)
{
	int err = 0;

	if (!l->config.with_ended)
		return 0;
	if (snapshot__has_owners(snapshot) && !snapshot__met_dead(snapshot) && l->holdings.untold)
		err = snapshot__owners(snapshot, pass_over, NULL);
	if (err || (snapshot__has_owners(snapshot) && !snapshot__met_dead(snapshot)))
		return err;
	return snapshot__dead(snapshot, on_ended, l);
}

static int settle_readers(struct look *l, struct snapshot *snapshot)
{
	struct look_socket *of = l->config.take ? l->doubtful : l->sockets;
	int err = look_readers__watch(&l->readers, snapshot);
	size_t i;

	for (i = 0; i < l->readers.count; i++)
		of[l->readers.all[i].of].reads = l->readers.all[i].reads;
	for (i = 0; !err && i < l->doubtful_count; i++)
		err = take(l, &l->doubtful[i]) ? 0 : -ENOMEM;
	return err;
}

static int between(void *context)
{
	struct look *l = context;

	return l->config.between ? l->config.between(l->config.context) : 0;
}

static int pass(struct look *l, const struct look_iterators *i)
{
	struct every_netns every = { .snapshot = i->snapshot, .row = on_socket,
				     .entered = on_netns, .between = between,
				     .lean = l->config.take && !l->config.timers,
				     .untimed = true, .context = l };
	int err;

	l->rules.hz = i->hz;
	holdings__expect(&l->holdings, snapshot__count_sockets());
	err = snapshot__owners(i->snapshot, on_held, l);
	if (!err)
		err = every_netns__sockets(&every, EVERY_OPEN_HELD, &l->complete);
	if (!err)
		err = find_ended(l, i->snapshot);
	if (!err)
		err = settle_readers(l, i->snapshot);
	if (err && err != -ECANCELED)
		log_error("the sockets that are open now cannot be read: %s", reason__of(err));
	l->complete &= !l->holdings.incomplete;
	if (!err)
		look_pairs__find(&l->pairs, l->rules.hz, take_pair, l);
	return err;
}

static void begin_tests(struct look *l)
{
	const struct filter *tests[LOOK_TESTS];
	unsigned int i;

	l->test_count = l->config.filter ? filter__tests(l->config.filter, tests, LOOK_TESTS) : 0;
	for (i = 0; i < l->test_count; i++)
		l->tests[i].test = tests[i];
}

static int load(struct look_iterators *i)
{
	struct btf *btf = NULL;
	int err = kernel_btf__load(&btf);

	if (err)
		log_error("the kernel's types (BTF) cannot be read: %s", reason__of(err));
	if (!err)
		err = snapshot__open(btf, &i->snapshot);
	btf__free(btf);
	if (err)
		return err;
	err = snapshot__find_table(i->snapshot, &i->hz);
	if (err)
		log_error("the sockets that are open now cannot be read: %s", reason__of(err));
	return err;
}

int look_iterators__load(struct look_iterators *i)
{
	const char *missing = capability__missing_for_bpf();
	int err;

	*i = (struct look_iterators){ .hz = 0 };
	if (missing) {
		log_error("not permitted: looking at sockets needs %s (run it as root)", missing);
		return -EPERM;
	}
	err = load(i);
	if (err)
		look_iterators__unload(i);
	return err;
}

void look_iterators__unload(struct look_iterators *i)
{
	snapshot__close(i->snapshot);
	i->snapshot = NULL;
}

int look__take(struct look *l, const struct look_config *config)
{
	struct look_iterators own = { .snapshot = NULL };
	unsigned int i;
	int err = 0;

	*l = (struct look){ .config = *config, .rules = config->rules,
			    .wall_ns = clock__realtime_offset_ns() };
	begin_tests(l);
	if (!config->iterators)
		err = look_iterators__load(&own);
	if (!err)
		err = pass(l, config->iterators ?: &own);
	look_iterators__unload(&own);
	holdings__free(&l->holdings);
	for (i = 0; i < l->namespace_count; i++)
		look_network__end(&l->namespaces[i].network);
	return err;
}

void look__free(struct look *l)
{
	unsigned int i;

	for (i = 0; i < l->namespace_count; i++)
		look_network__free(&l->namespaces[i].network);
	owners__free(&l->owners);
	listeners__free(&l->listeners);
	look_pairs__free(&l->pairs);
	look_readers__free(&l->readers);
	free(l->doubtful);
	free(l->namespaces);
	free(l->sockets);
	*l = (struct look){ 0 };
}

/* ---- one socket ---- */

static const struct look_netns *entered(const struct look *l, const struct look_socket *s)
{
	return s->netns ? &l->namespaces[s->netns - 1] : NULL;
}

const char *look__device(const struct look *l, const struct look_socket *s)
{
	return l->config.devices ? look_devices__name(l->config.devices, &s->row.event) : NULL;
}

struct filter_subject look__subject(const struct look *l, const struct look_socket *s)
{
	const struct ho_event *e = &s->row.event;
	const struct look_netns *ns = entered(l, s);

	return (struct filter_subject){
		.family = e->family, .local = endpoint__of(e->local, e->local_port),
		.peer = endpoint__of(e->peer, e->peer_port), .state = e->state,
		.netns = e->netns, .netns_cookie = ns ? ns->netns.cookie : 0,
		.netns_name = ns ? ns->netns.name : NULL,
		.owner = owners__at(&l->owners, s->owner), .device = look__device(l, s) };
}

uint16_t look__listening_port(struct look *l, const struct ho_event *e)
{
	if (l->listeners.incomplete || listeners__has(&l->listeners, e->netns, e->local_port))
		return e->local_port;
	return 0;
}

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
	const struct look_netns *ns = entered(l, s);

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
	const struct look_netns *ns = entered(l, s);

	return deadline__of(&s->row, l->rules.hz, ns ? ns->retries2 : RETRIES2);
}

double look__notices_within_s(const struct look *l, const struct look_socket *s)
{
	struct keepalive k = keepalive__of(&s->row.event);
	double dies_s;

	if (s->row.event.state == TCP_CLOSE)
		return -1;
	if (k.enabled)
		return keepalive__detects_within_ms(&k, l->rules.hz) / 1e3;
	if (exposure__never_notices(&s->row.event))
		return INFINITY;
	dies_s = look__deadline(l, s).dies_s;
	return isinf(dies_s) ? -1 : dies_s;
}

/* Why it is not known whether the peer is dead. */
static const char *why_unknown(const struct look *l, const struct exposure *x)
{
	if (x->ended)
		return "the connection has ended";
	if (x->peer_is_here)
		return "the peer is of this host";
	return l->rules.path_ns ? "the path may still remember it"
				: "when the path forgets idle connections is not known";
}

double look__dead(const struct look *l, const struct look_socket *s, double *doubt,
		  const char **why)
{
	const struct history_socket of = look__as_of_history(l, s);
	struct exposure x = look__exposure(l, s);

	*doubt = 0;
	*why = "";
	if (x.surely_dead && !x.ended)
		return 1;
	if (l->config.history && !x.peer_is_here && !x.ended)
		return history__dead(l->config.history, &of, doubt, why);
	*why = why_unknown(l, &x);
	return NAN;
}

static struct timeline_pair pair_of(const struct look *l, const struct look_socket *s)
{
	const struct pair_side *side;
	const struct look_side *other;
	struct timeline_pair pair;
	struct ho_event ends;

	if (!s->pair)
		return (struct timeline_pair){ .cookie = 0 };
	side = &l->pairs.sides[s->pair - 1];
	other = look_pairs__other(&l->pairs, s->pair - 1);
	pair = (struct timeline_pair){
		.cookie = other->cookie, .suspect = other->suspect, .confidence = side->confidence,
		.apart_s = side->apart_ms / 1e3, .received = side->received, .sent = side->sent };
	ends = (struct ho_event){ .family = other->family, .bound_if = other->bound_if };
	pair.local = end_of(&ends, other->local, other->local_port);
	pair.peer = end_of(&ends, other->peer, other->peer_port);
	return pair;
}

static unsigned int faults_of(const struct exposure *x)
{
	return x->leaked << FAULT_CLOSE_WAIT | x->window_closed << FAULT_WINDOW_CLOSED |
	       x->probes_off << FAULT_PROBES_OFF | x->address_gone << FAULT_ADDRESS_GONE |
	       (x->forgotten_by != 0) << FAULT_CONNTRACK | x->ended << FAULT_ENDED;
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
	double doubt, dead = look__dead(l, s, &doubt, &why);

	return (struct socket_now){
		.socket = socket_of(l, s), .no_owner = no_owner_of(s), .state = e->state,
		.keepalive = exposure__keepalive(&k, e->rto_max_jiffies, l->rules.hz),
		.last_heard_at = arrived_ns + l->wall_ns,
		.last_heard_is_lower_bound = e->state != TCP_ESTABLISHED ||
					     arrived_ns != stamps__heard_ns(e, l->rules.hz),
		.silent_s = (e->mono_ns - arrived_ns) / 1e9,
		.unanswered = x.unanswered, .suspect = x.suspect,
		.next_probe_in_s = due.next_ask_s, .dies_in_s = due.dies_s,
		.notices_in_s = look__notices_within_s(l, s),
		.half_closed = e->state == TCP_CLOSE_WAIT || e->state == TCP_LAST_ACK ||
			       e->state == TCP_CLOSING,
		.receive_window = s->row.receive_window, .exposed = !x.peer_is_here && !x.ended,
		.ended_at = x.ended ? (int64_t)(e->mono_ns - x.ended_ns) + l->wall_ns : 0,
		.error = x.ended ? e->error : 0,
		.faults = faults_of(&x), .pair = pair_of(l, s),
		.dead_probability = dead, .why = why };
}
