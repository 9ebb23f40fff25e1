// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/every_netns.h"
#include "kernel/kernel_btf.h"
#include "kernel/snapshot.h"
#include "pipeline/look.h"
#include "pipeline/look_way.h"
#include "sys/capability.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/process.h"
#include "sys/reason.h"
#include "tcp/retransmission.h"
#include "tcp/tcp_states.h"
#include "value/array.h"

/* So often one look asks connection tracking, at some microseconds each: a third of a second. Half as
 * often in namespaces that users made, so that those of this host have their turn. */
#define CONNTRACK_ASKS (1 << 16)

/* ---- namespaces ---- */

static uint32_t read_retries2(void)
{
	FILE *f = fopen("/proc/sys/net/ipv4/tcp_retries2", "re");
	unsigned int retries = RETRIES2_DEFAULT;	/* where it cannot be read */

	if (!f)
		return RETRIES2_DEFAULT;
	if (fscanf(f, "%u", &retries) != 1)
		retries = RETRIES2_DEFAULT;
	fclose(f);
	return retries;
}

/* Its network is the caller's to read. NULL: memory is short. */
static struct look_netns *add_netns(struct look *l, const struct netns *ns, uint32_t retries2)
{
	struct look_netns *bigger = array__with_room(l->namespaces, l->namespace_count,
						     &l->namespace_size, sizeof(*bigger));

	if (!bigger)
		return NULL;
	l->namespaces = bigger;
	bigger += l->namespace_count++;
	*bigger = (struct look_netns){ .netns = *ns, .retries2 = retries2 };
	return bigger;
}

static int on_netns(void *context, const struct netns *ns, const struct keepalive_sysctl *s)
{
	struct look *l = context;
	struct look_netns *added = add_netns(l, ns, read_retries2());

	if (!added)
		return -ENOMEM;
	if (l->config.take || l->config.with_listeners || l->config.with_pairs)
		listeners__read(&l->listeners, ns->inode);
	look_network__read(&added->network, s, &l->conntracks);
	l->tracks |= look_network__tracks(&added->network);
	l->passed |= look_network__may_be_passed(&added->network);
	added->netns.cookie = netns__cookie();	/* we are in it */
	return 0;
}

/* Its name, where it has one, is known, and no more. */
static int on_refused(void *context, const struct netns *ns)
{
	struct look *l = context;
	struct look_netns *added;

	l->closed = l->tracks = l->passed = true;
	if (!ns)
		return 0;
	added = add_netns(l, ns, RETRIES2_DEFAULT);
	if (!added)
		return -ENOMEM;
	look_network__refuse(&added->network);
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

/* ---- what a pass and its readers ask of a socket ---- */

const struct look_netns *look__netns(const struct look *l, const struct look_socket *s)
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
	const struct look_netns *ns = look__netns(l, s);

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

/* Is it in a namespace that is there and was not entered? An orphan's that is not found is gone, if we
 * can see all of them. */
static bool is_unseen(const struct look *l, const struct look_socket *s)
{
	if (s->netns)
		return l->namespaces[s->netns - 1].network.closed;
	return l->closed || !(s->row.event.flags & HO_F_ORPHAN);
}

bool look__knows_listeners(const struct look *l, const struct look_socket *s)
{
	return !is_unseen(l, s);
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

/* May connection tracking, or a route, be asked once more? */
static bool may_ask_conntrack(void *context, const struct look_network *n)
{
	struct look *l = context;

	if (l->conntrack_asks < (n->ours ? CONNTRACK_ASKS : CONNTRACK_ASKS / 2))
		return true;
	l->conntrack_unasked = true;
	return false;
}

static enum look_forgets forgets(struct look *l, uint32_t ns, const struct look_idle *idle,
				 bool is_own)
{
	const struct look_network *n = &l->namespaces[ns - 1].network;

	if (!look_network__may_forget(n, idle, is_own))
		return LOOK_REMEMBERS;
	if (n->conntrack.unasked)
		return LOOK_FORGETS_UNKNOWN;
	if (!may_ask_conntrack(l, n))
		return LOOK_FORGETS_UNKNOWN;
	l->conntrack_asks++;
	return look_network__forgets(n, idle);
}

/* The number of the namespace that forgets it, from 1: its own first, then those that its segments
 * pass on their way; 0: none is known to. Of some it may be `*unknown`. */
static uint32_t forgotten_by(struct look *l, const struct look_socket *s, bool *unknown)
{
	const struct look_ways ways = {
		.namespaces = l->namespaces, .namespace_count = l->namespace_count,
		.closed = l->closed, .opened = &l->ways, .asks = &l->conntrack_asks,
		.may_ask = may_ask_conntrack, .context = l };
	enum look_forgets answer;
	uint32_t at = s->netns, hops = 0;
	struct look_idle idle;

	*unknown = false;
	if ((s->netns && !l->tracks) ||
	    !look_idle__of(&s->row.event, l->rules.hz, &idle))
		return 0;
	answer = s->netns ? forgets(l, s->netns, &idle, true) : LOOK_FORGETS_UNKNOWN;
	*unknown = answer == LOOK_FORGETS_UNKNOWN;
	if (answer == LOOK_FORGETS)
		return s->netns;
	while (l->passed && at && hops++ < LOOK_WAY_HOPS &&
	       (at = look_way__next(&ways, at, &idle, unknown))) {
		answer = forgets(l, at, &idle, false);
		if (answer == LOOK_FORGETS)
			return at;
		*unknown |= answer == LOOK_FORGETS_UNKNOWN;
	}
	return 0;
}

static bool is_address_unknown(const struct look *l, const struct look_socket *s)
{
	if (s->row.transparent)
		return false;
	return is_unseen(l, s) ||
	       (s->netns &&
		!look_network__knows_local(&l->namespaces[s->netns - 1].network));
}

static void judge_network(struct look *l, struct look_socket *s)
{
	bool unknown;
	uint32_t by = forgotten_by(l, s, &unknown);

	s->address_gone = s->netns && !s->row.transparent && look_network__lacks_local(
		&l->namespaces[s->netns - 1].network, &s->row.event);
	s->address_unknown = is_address_unknown(l, s);
	s->forgotten_unknown = unknown && !by;
	l->address_unknown += s->address_unknown;
	l->forgotten_unknown += s->forgotten_unknown;
	s->forgotten_by = by;
	s->forgotten_after_s = by ? l->namespaces[by - 1].network.conntrack.established_s : 0;
}

/* Of a proxy's two sides one may be wanted, and the other not. */
static bool add_side(struct look *l, const struct look_socket *s)
{
	const struct ho_event *e = &s->row.event;

	if (!l->config.with_pairs || !s->owner || l->listeners.incomplete ||
	    !look__knows_listeners(l, s))
		return true;
	return look_pairs__add(&l->pairs, e, s->owner, look__listening_port(l, e) != 0,
			       exposure__is_suspect(e, &l->rules));
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

	if (!holdings__tell(&l->holdings, row->event.cookie, &owner))
		return 0;	/* a pass may tell one twice */
	if (!make_room(l))
		return -ENOMEM;
	l->looked_at += row->event.state != TCP_CLOSE;
	s = &l->sockets[l->config.take ? 0 : l->count];
	s->row = *row;
	s->owner = owner;
	s->netns = netns_of(l, &row->event);
	s->forgotten_by = s->forgotten_after_s = 0;
	s->address_gone = s->reads = s->address_unknown = s->forgotten_unknown = false;
	if (!add_side(l, s))
		return -ENOMEM;
	if (!is_wanted(l, s))
		return 0;
	if (row->event.state != TCP_CLOSE)
		judge_network(l, s);
	if (!keep(l, s))
		return -ENOMEM;
	l->count++;
	return 0;
}

static void fetch_holding(void *context, const struct ho_row *row)
{
	const struct look *l = context;

	holdings__fetch(&l->holdings, row->event.cookie);
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
				     .soon = fetch_holding, .entered = on_netns, .refused = on_refused,
				     .between = between,
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
	if (!err && l->config.with_pairs && !look_pairs__find(&l->pairs, l->rules.hz))
		err = -ENOMEM;
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
	struct kernel_btf *btf = NULL;
	int err = kernel_btf__open(&btf);

	if (err)
		log_error("the kernel's types (BTF) cannot be read: %s", reason__of(err));
	if (!err)
		err = snapshot__open(btf, &i->snapshot);
	kernel_btf__close(btf);
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
