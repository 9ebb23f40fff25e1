// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/every_netns.h"
#include "kernel/inodes.h"
#include "kernel/kernel_btf.h"
#include "kernel/live.h"
#include "kernel/programs.h"
#include "kernel/ring_positions.h"
#include "kernel/snapshot.h"
#include "kernel/walks.h"
#include "source/identity_feed.h"
#include "sys/capability.h"
#include "sys/clock.h"
#include "sys/host.h"
#include "sys/log.h"
#include "sys/reason.h"
#include "watch.skel.h"
#include "value/words.h"

#define NS_PER_S 1000000000ULL
/* The core gets a tick this often, ... */
#define TICK_NS (NS_PER_S / 4)
/* ... losses and the wall clock are checked this often, ... */
#define CHECK_NS NS_PER_S
/* ... and new namespaces take no more than this share of a processor's time. */
#define NEW_NETNS_DUTY 50
/* A new namespace is entered this soon after its first event. */
#define NEW_NETNS_NS (NS_PER_S / 5)
/* A record that is reserved and not submitted is checked again after this. */
#define WAIT_PAUSE_US 1000
/* Measuring the offset of two clocks is exact to microseconds, unless our CPU is taken away. A
 * reported step is larger than the first, a step that is only measured larger than both. */
#define CLOCK_SET_NS 100000LL
#define CLOCK_STEP_NS 5000000LL

struct live {
	struct live_config config;
	struct snapshot *snapshot;
	struct watch_bpf *bpf;
	struct ring_buffer *ring;
	struct ring_positions positions;
	size_t ring_wanted;	/* its size for the host's sockets, as last reported; 0: by hand */
	uint64_t horizon_ns;	/* everything before it has been read: reorder__horizon() */
	uint64_t started_ns;	/* when the stream began, until that is passed on; then 0 */
	struct kernel_btf *btf;	/* this kernel's */
	struct reorder reorder;
	struct walks walks;
	struct identity_feed *identities;	/* NULL: devices are not named */
	struct ho_learned learned;
	unsigned int hz;

	int steps;	/* clock__watch_steps(); negative: found by measuring only */
	int64_t realtime_offset_ns;
	uint64_t next_tick_ns, next_check_ns, last_check_ns;
	uint64_t next_new_netns_ns;
	uint64_t ring_full_before, recursion_before;
	struct inodes namespaces;	/* known to the core ... */
	struct inodes unknown;	/* ... and others, from which an event came */
	bool has_new_netns;	/* there may be new ones ... */
	bool has_unnamed;	/* ... that have no name */
	int names;	/* netns__watch_names(); negative: none */
	uint32_t own_netns;
	struct netns_list named;	/* as known to the core */
	uint64_t pumped_ns;
	int stream_error;
};

/* ---- records ---- */

/* The first error ends the stream. */
static int push(void *context, const struct record *r)
{
	struct live *l = context;
	int err = reorder__push(&l->reorder, r);

	if (err && !l->stream_error)
		l->stream_error = err;
	return l->stream_error;
}

/* An event of the future is invalid, and would be waited for in vain. */
static int push_event(struct live *l, const struct record *r)
{
	uint64_t now = clock__mono_ns();
	struct record senseless;

	if (r->mono_ns <= now + NS_PER_S)
		return push(l, r);
	senseless = record__senseless(now);
	return push(l, &senseless);
}

/* Reserved records are mostly submitted within microseconds. */
#define READ_TRIES 3

/* Reads everything in the ring; `*all`: is that all that was reserved before? */
static int read_ring(struct live *l, bool *all)
{
	uint64_t now = clock__mono_ns();
	unsigned long reserved = ring_positions__reserved(&l->positions);
	bool gave_up = l->reorder.gave_up;
	int err, tries = 0;

	do {
		err = ring_buffer__consume(l->ring);
		*all = ring_positions__is_read(&l->positions, reserved);
	} while (err >= 0 && !*all && ++tries < READ_TRIES);
	l->horizon_ns = reorder__horizon(&l->reorder, now, *all);
	if (l->reorder.gave_up && !gave_up)
		log_warning("a record in the kernel's ring buffer was not submitted for %llu s: "
			    "what was reserved behind it comes late, and out of order",
			    REORDER_WAIT_MAX_NS / NS_PER_S);
	return err < 0 ? err : 0;
}

/* What was told until the stream began, which is in the ring or read, is not held back: the first
 * line would be. A record that is late even so is taken out of order, as at any time. */
static uint64_t horizon(struct live *l, bool all)
{
	uint64_t until_ns = l->horizon_ns;

	if (all && l->started_ns > until_ns)
		until_ns = l->started_ns;
	if (until_ns >= l->started_ns)
		l->started_ns = 0;
	return until_ns;
}

static int release(struct live *l, uint64_t until_ns)
{
	int err = reorder__release(&l->reorder, until_ns, l->config.fn, l->config.context);

	if (err && !l->stream_error)
		l->stream_error = err;
	return l->stream_error;
}

static int on_ring(void *context, void *data, size_t size)
{
	struct record r = { .type = RECORD_EVENT };
	struct live *l = context;

	record__take_event(&r, data, size);
	r.mono_ns = r.event.mono_ns;
	if (r.event.kind == HO_STATE && r.event.state == 1 /* TCP_ESTABLISHED */)
		walks__note_opening(&l->walks);
	if (!inodes__has(&l->namespaces, r.event.netns) &&
	    inodes__add(&l->unknown, r.event.netns))
		l->has_new_netns = l->has_unnamed = true;
	return push_event(l, &r);
}

/* A walk over a million sockets, or a thousand namespaces, takes a while: reads the ring
 * meanwhile. */
static int keep_up(void *context)
{
	struct live *l = context;
	bool all;

	if (!l->ring)
		return 0;
	read_ring(l, &all);
	return release(l, l->horizon_ns);
}

/* All of them are about to be reported. */
static void begin_namespaces(void *context)
{
	struct live *l = context;

	inodes__forget(&l->namespaces);
	inodes__forget(&l->unknown);
	l->named.count = 0;
}

/* Called within the namespace. */
static int on_netns(void *context, const struct netns *entered, const struct keepalive_sysctl *s)
{
	struct record r = { .type = RECORD_SYSCTL, .mono_ns = clock__mono_ns() };
	struct netns told = *entered, *ns = &told;
	struct live *l = context;

	ns->cookie = netns__cookie();
	/* It is created without a name, which `ip netns add` binds a moment later. */
	if (*ns->name || *ns->host_name || ns->inode == l->own_netns)
		inodes__add(&l->namespaces, ns->inode);
	if (netns__has_path_of_name(ns))
		netns__append(&l->named, ns);
	r.sysctl.netns = ns->inode;
	r.sysctl.idle_s = s->idle_s;
	r.sysctl.interval_s = s->interval_s;
	r.sysctl.probes = s->probes;
	r.sysctl.name = ns->name;
	r.sysctl.cookie = ns->cookie;
	r.sysctl.host_name = ns->host_name;
	return push(l, &r);
}

/* A namespace whose name was removed may have ended, too, and its inode may be reused at once by
 * another, whose events must not be assigned to it. The name was still there at the last check. */
static void notice_gone_names(struct live *l)
{
	unsigned int i;
	struct stat st;

	if (l->names < 0 || !netns__names_changed(l->names))
		return;
	l->has_new_netns = true;	/* to be read again */
	for (i = 0; i < l->named.count; i++) {
		const struct netns *ns = &l->named.all[i];
		struct record r = { .type = RECORD_NETNS_GONE, .mono_ns = l->pumped_ns };

		if (!stat(ns->path, &st) && st.st_ino == ns->inode)
			continue;
		r.netns_gone.netns = ns->inode;
		r.netns_gone.cookie = ns->cookie;
		push(l, &r);
		inodes__remove(&l->namespaces, ns->inode);
		inodes__remove(&l->unknown, ns->inode);
		l->named.all[i--] = l->named.all[--l->named.count];
	}
}

static void push_meta(struct live *l, uint64_t now)
{
	struct record r = { .type = RECORD_META, .mono_ns = now };
	struct host host;

	host__read(&host);
	r.meta.hz = l->hz;
	r.meta.version = l->config.version;
	r.meta.gateway = l->config.gateway ? l->config.gateway : host.name;
	r.meta.boot_id = host.boot_id;
	r.meta.run_id = host.run_id;
	r.meta.kernel = host.kernel;
	r.meta.peers = "full";
	r.meta.sockets = snapshot__count_sockets();
	push(l, &r);
}

static void push_clock(struct live *l, uint64_t now)
{
	struct record r = { .type = RECORD_CLOCK, .mono_ns = now };

	r.clock.realtime_offset_ns = l->realtime_offset_ns;
	push(l, &r);
}

/* Numbers of reset reasons differ between kernels: their names come from the kernel's BTF. */
static void push_reset_reasons(struct live *l, uint64_t now)
{
	static const char prefix[] = "SK_RST_REASON_";
	const struct btf *btf = kernel_btf__types(l->btf);
	int id = btf ? btf__find_by_name_kind(btf, "sk_rst_reason", BTF_KIND_ENUM) : 0;
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, id) : NULL;
	int i;

	for (i = 0; t && i < btf_vlen(t); i++) {
		const char *name = btf__name_by_offset(btf, btf_enum(t)[i].name_off);
		struct record r = { .type = RECORD_RESET_REASON, .mono_ns = now };

		if (strncmp(name, prefix, sizeof(prefix) - 1))
			continue;
		r.reset_reason.number = btf_enum(t)[i].val;
		r.reset_reason.name = name + sizeof(prefix) - 1;
		push(l, &r);
	}
}

static void push_start(struct live *l)
{
	struct record r = { .type = RECORD_START, .mono_ns = clock__mono_ns() };
	char names[1024];

	walks__report_waiting(&l->walks, r.mono_ns);
	programs__list(l->bpf, names, sizeof(names));
	r.start.attached = names;
	r.start.probes = programs__see_probes(l->bpf) ? PROBES_SEEN : PROBES_UNSEEN;
	push(l, &r);
}

static void on_identity(void *context, const struct identity *identity)
{
	struct record r = { .type = RECORD_IDENTITY, .mono_ns = clock__mono_ns() };
	struct live *l = context;
	int64_t at_ns = identity->at_unix_ns - l->realtime_offset_ns;

	r.identity.at_ns = !identity->at_unix_ns ? r.mono_ns : at_ns > 0 ? at_ns : 0;
	memcpy(r.identity.peer, identity->peer.address, sizeof(r.identity.peer));
	r.identity.port = identity->peer.port;
	r.identity.local = identity->local;
	r.identity.device = identity->device;
	push(l, &r);
}

/* ---- losses ---- */

/* Sum over all CPUs. */
static struct ho_losses losses_now(const struct live *l)
{
	int cpus = libbpf_num_possible_cpus(), i;
	struct ho_losses *each = calloc(cpus, sizeof(*each)), sum = { 0 };
	uint32_t zero = 0;

	if (each && !bpf_map_lookup_elem(bpf_map__fd(l->bpf->maps.losses), &zero, each))
		for (i = 0; i < cpus; i++) {
			sum.ring_full += each[i].ring_full + each[i].no_cookie;
			sum.made_good += each[i].made_good;
		}
	free(each);
	return sum;
}

static uint64_t misses_of(const struct bpf_program *prog)
{
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);

	if (bpf_program__fd(prog) < 0 ||
	    bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &size))
		return 0;
	return info.recursion_misses;
}

/* Runs that recursion took from programs without a replacement: openings and endings have a twin,
 * and the destruction of a socket is itself a second witness. */
static uint64_t recursion_now(const struct live *l, uint64_t made_good)
{
	struct bpf_program *prog;
	uint64_t sum = 0;

	bpf_object__for_each_program(prog, l->bpf->obj)
		if (prog != l->bpf->progs.inet_sock_set_state_twin &&
		    prog != l->bpf->progs.tcp_destroy_sock)
			sum += misses_of(prog);
	return sum > made_good ? sum - made_good : 0;
}

static void push_loss(struct live *l, uint64_t now, enum loss_reason reason, uint64_t count)
{
	struct record r = { .type = RECORD_LOSS, .mono_ns = now };

	if (!count)
		return;
	r.loss.reason = reason;
	r.loss.count = count;
	r.loss.from_ns = l->last_check_ns;
	push(l, &r);
	walks__note_loss(&l->walks);
}

/* Sockets whose events did not fit into the ring. */
static void push_losers(struct live *l, uint64_t now)
{
	int map = bpf_map__fd(l->bpf->maps.lost_of);
	uint64_t cookie;
	uint32_t count;

	while (!bpf_map_get_next_key(map, NULL, &cookie)) {
		struct record r = { .type = RECORD_LOSS, .mono_ns = now };

		if (!bpf_map_lookup_elem(map, &cookie, &count)) {
			r.loss.cookie = cookie;
			r.loss.count = count;
			r.loss.from_ns = l->last_check_ns;
			r.loss.reason = LOSS_RING_FULL;
			push(l, &r);
		}
		if (bpf_map_delete_elem(map, &cookie) && errno != ENOENT)
			break;
	}
}

static void check_losses(struct live *l, uint64_t now)
{
	struct ho_losses losses = losses_now(l);
	uint64_t recursion = recursion_now(l, losses.made_good);

	push_loss(l, now, LOSS_RING_FULL, losses.ring_full - l->ring_full_before);
	if (recursion > l->recursion_before) {	/* the two are not read at the same instant */
		push_loss(l, now, LOSS_RECURSION, recursion - l->recursion_before);
		l->recursion_before = recursion;
	}
	if (losses.ring_full != l->ring_full_before)
		push_losers(l, now);
	l->ring_full_before = losses.ring_full;
	l->last_check_ns = now;
}

static void check_clock(struct live *l, int64_t at_least_ns)
{
	int64_t offset = clock__realtime_offset_ns();

	if (llabs(offset - l->realtime_offset_ns) < at_least_ns)
		return;
	l->realtime_offset_ns = offset;
	push_clock(l, clock__mono_ns());
}

/* The size of the ring follows from the number of sockets when it was made: those of the whole host, as
 * the kernel tells of all. Who wants a part of them need not care how many others there are, until
 * their events leave no room for his. */
static void check_ring(struct live *l)
{
	size_t sockets = snapshot__count_sockets(), wanted = programs__ring_bytes(sockets);
	struct words count = { 0 };

	if (!l->ring_wanted || wanted < 2 * l->ring_wanted ||
	    (l->config.in_part && !l->ring_full_before))
		return;
	l->ring_wanted = wanted;
	words__add_count(&count, sockets);
	log_warning("this host has %s TCP sockets now, and the ring buffer of %u MiB that was made "
		    "for fewer %s: restart the watch, or give it --ring %zuMiB", count.text ?: "many",
		    bpf_map__max_entries(l->bpf->maps.events) >> 20,
		    l->ring_full_before ? "has overflowed" : "may overflow", wanted >> 20);
	words__free(&count);
}

/* ---- new namespaces ---- */

static bool is_unknown(void *context, const struct netns *ns)
{
	struct live *l = context;

	return !inodes__has(&l->namespaces, ns->inode);
}

/* Enters new namespaces. One that cannot be entered is not tried again. */
static int enter_new_netns(struct live *l, uint64_t now)
{
	uint64_t begun_ns = clock__own_cpu_ns();
	int err;

	if (!l->has_new_netns || now < l->next_new_netns_ns)
		return 0;
	l->has_new_netns = false;
	/* Named ones are found quickly; only for others all processes are searched. */
	err = every_netns__enter(true, is_unknown, on_netns, l);
	if (!err && l->has_unnamed && !inodes__are_within(&l->unknown, &l->namespaces))
		err = every_netns__enter(false, is_unknown, on_netns, l);
	l->has_unnamed = false;
	l->next_new_netns_ns = now + NEW_NETNS_NS +
				(clock__own_cpu_ns() - begun_ns) * NEW_NETNS_DUTY;
	return err;
}

/* ---- the source ---- */

static int open_kernel_btf(struct kernel_btf **btf)
{
	int err = kernel_btf__open(btf);

	if (err && err != -ENOTSUP)
		log_error("cannot read the kernel's types: %s", reason__of(err));
	if (err != -ENOTSUP)
		return err;
	log_error("this kernel has no BTF (no /sys/kernel/btf/vmlinux): it needs "
		  "CONFIG_DEBUG_INFO_BTF=y, as the kernels of all large distributions have");
	return -ENOTSUP;
}

/* A step of the wall clock also wakes a wait for the ring. The ring is read by
 * ring_buffer__consume(), which ignores the additional descriptor. */
static void watch_clock(struct live *l)
{
	struct epoll_event on_set = { .events = EPOLLIN };

	l->steps = clock__watch_steps();
	if (l->steps >= 0 &&
	    epoll_ctl(ring_buffer__epoll_fd(l->ring), EPOLL_CTL_ADD, l->steps, &on_set))
		log_debug("a step of the clock wakes nobody: %s", strerror(errno));
}

static void push_preamble(struct live *l)
{
	uint64_t now = clock__mono_ns();

	push_meta(l, now);
	push_clock(l, now);
	push_reset_reasons(l, now);
}

struct snapshot *live__snapshot(const struct live *live, unsigned int *hz)
{
	*hz = live->hz;
	return live->snapshot;
}

int live__describe(struct live *l)
{
	int err;

	push_preamble(l);
	err = walks__make_whole(&l->walks, true);
	if (!err)
		push_start(l);
	return err ? err : l->stream_error;
}

static int begin(struct live *l)
{
	uint64_t now;
	int err;

	push_preamble(l);
	err = programs__attach(l->bpf, false);
	if (!err && l->identities)	/* known names, before the sockets of the first pass */
		err = identity_feed__read(l->identities, true, on_identity, l);
	if (!err)
		err = walks__make_whole(&l->walks, false);
	if (!err)
		err = programs__attach(l->bpf, true);
	if (err)
		return err;
	push_start(l);
	now = clock__mono_ns();
	l->last_check_ns = l->pumped_ns = now;
	l->next_tick_ns = now + TICK_NS;
	l->next_check_ns = now + CHECK_NS;
	l->next_new_netns_ns = now + NEW_NETNS_NS;	/* the walk has entered those of its time */
	l->started_ns = now;
	walks__begin(&l->walks, now);
	return l->stream_error;
}

int live__open(const struct live_config *config, struct live **out)
{
	const char *missing = capability__missing_for_bpf();
	struct programs_config programs;
	struct live *l;
	int err;

	if (missing) {
		log_error("not permitted: watching needs %s (run it as root)", missing);
		return -EPERM;
	}
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->config = *config;
	l->steps = -1;
	l->names = netns__watch_names();
	l->own_netns = netns__own_inode();
	l->realtime_offset_ns = clock__realtime_offset_ns();
	err = 0;
	if (config->identities && identity_feed__open(config->identities, &l->identities))
		err = -EBADMSG;
	if (!err)
		err = open_kernel_btf(&l->btf);
	if (!err)
		err = snapshot__open(l->btf, &l->snapshot);
	if (!err)
		err = snapshot__learn(l->snapshot, &l->learned, &l->hz);
	if (err)
		goto fail;
	l->walks.config = (struct walks_config){
		.snapshot = l->snapshot, .hz = l->hz,
		.push = push, .keep_up = keep_up, .begin = begin_namespaces, .entered = on_netns,
		.context = l, .is_over = config->is_over, .watch = config->context };
	l->walks.held.push = push;
	l->walks.held.context = l;
	programs = (struct programs_config){ .btf = l->btf, .learned = l->learned, .hz = l->hz,
					     .ring_bytes = config->ring_bytes,
					     .idle_gap_ms = config->idle_gap_ms,
					     .all_states = config->all_states };
	if (!programs.ring_bytes)
		programs.ring_bytes = l->ring_wanted =
			programs__ring_bytes(snapshot__count_sockets());
	err = programs__load(&programs, &l->bpf);
	if (err)
		goto fail;
	l->ring = ring_buffer__new(bpf_map__fd(l->bpf->maps.events), on_ring, l, NULL);
	if (!l->ring) {
		err = -errno;
		log_error("cannot map the ring buffer: %s", reason__of(err));
		goto fail;
	}
	err = ring_positions__map(&l->positions, bpf_map__fd(l->bpf->maps.events));
	if (err) {
		log_error("cannot map the positions of the ring buffer: %s", strerror(-err));
		goto fail;
	}
	watch_clock(l);
	err = begin(l);
	if (err)
		goto fail;
	*out = l;
	return 0;

fail:
	live__close(l);
	return err;
}

int live__fd(const struct live *l)
{
	return ring_buffer__epoll_fd(l->ring);
}

void live__tick_soon(struct live *l)
{
	l->next_tick_ns = 0;
}

int live__pump(struct live *l)
{
	uint64_t now = clock__mono_ns();
	bool all;
	int err;

	if (l->steps >= 0 && clock__was_set(l->steps))
		check_clock(l, CLOCK_SET_NS);
	notice_gone_names(l);
	l->pumped_ns = now;
	err = read_ring(l, &all);
	if (err < 0)
		return l->stream_error ? l->stream_error : err;
	if (l->identities)
		identity_feed__read(l->identities, false, on_identity, l);
	err = enter_new_netns(l, now);
	if (err < 0)
		return err;
	if (now >= l->next_check_ns) {
		check_losses(l, now);
		check_clock(l, CLOCK_STEP_NS);
		check_ring(l);
		err = walks__make_due(&l->walks, now);
		if (err < 0)
			return err;
		l->next_check_ns = now + CHECK_NS;
	}
	if (now >= l->next_tick_ns) {
		/* later than rows of passes meanwhile */
		push(l, &(struct record){ .type = RECORD_TICK, .mono_ns = clock__mono_ns() });
		l->next_tick_ns = now + TICK_NS;
	}
	if (!all)	/* the awaited record leaves the ring readable, for epoll */
		usleep(WAIT_PAUSE_US);
	return release(l, horizon(l, all));
}

/* Reads the rest of the ring, also what is reserved and not submitted yet. */
static void drain_ring(struct live *l)
{
	uint64_t end_ns = clock__mono_ns() + REORDER_WAIT_MAX_NS;
	bool all;

	while (!read_ring(l, &all) && !all && clock__mono_ns() < end_ns)
		usleep(WAIT_PAUSE_US);
}

int live__stop(struct live *l)
{
	uint64_t now;
	int err;

	drain_ring(l);
	check_losses(l, clock__mono_ns());
	err = walks__make_last(&l->walks);
	if (err && !l->stream_error)
		log_warning("what is told of open sockets is older than the end of the watch: %s",
			    strerror(-err));
	drain_ring(l);
	now = clock__mono_ns();
	check_losses(l, now);
	push(l, &(struct record){ .type = RECORD_STOP, .mono_ns = now });
	if (l->reorder.late)
		log_debug("%llu records were passed on out of order",
			  (unsigned long long)l->reorder.late);
	return release(l, UINT64_MAX);
}

void live__close(struct live *l)
{
	if (!l)
		return;
	if (l->steps >= 0)
		close(l->steps);
	ring_positions__unmap(&l->positions);
	ring_buffer__free(l->ring);
	watch_bpf__destroy(l->bpf);
	snapshot__close(l->snapshot);
	kernel_btf__close(l->btf);
	reorder__free(&l->reorder);
	walks__free(&l->walks);
	inodes__free(&l->namespaces);
	inodes__free(&l->unknown);
	netns__free(&l->named);
	if (l->names >= 0)
		close(l->names);
	identity_feed__close(l->identities);
	free(l);
}
