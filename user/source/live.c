// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "capability.h"
#include "clock.h"
#include "halfopen.skel.h"
#include "live.h"
#include "log.h"
#include "owners_wanted.h"
#include "process.h"
#include "snapshot.h"

#define NS_PER_S 1000000000ULL
/* The core learns of the passing of time this often, ... */
#define TICK_NS (NS_PER_S / 4)
/* ... losses and the wall clock are looked at this often ... */
#define CHECK_NS NS_PER_S
/* ... passes over all sockets take no more than this share of our time, ... */
#define PASS_DUTY 50
/* ... and one that tells who is still there is made this often, whatever happens. */
#define PRESENCE_NS (60 * NS_PER_S)
/* Measuring the offset of two clocks is exact to microseconds; a step is larger than this. */
#define CLOCK_STEP_NS 5000000LL

/* Segments after less silence than this are never looked at (gate.bpf.h). */
#define GATE_QUIET_MS 100
#define GATE_UNHEARD_MS 1000
#define GATE_IDLE_MS 10000

#define RING_BYTES_MIN (4ULL << 20)
#define RING_BYTES_MAX (256ULL << 20)

struct live {
	struct live_config config;
	struct snapshot *snapshot;
	struct halfopen_bpf *bpf;
	struct ring_buffer *ring;
	struct reorder reorder;
	struct owners_wanted owners_wanted;
	struct ho_learned learned;
	unsigned int hz;

	int64_t realtime_offset_ns;
	uint64_t next_tick_ns, next_check_ns, last_check_ns, next_pass_ns, next_presence_ns;
	uint64_t ring_full_before, recursion_before;
	unsigned int passes_after_loss;	/* still to be made */
	uint64_t present[RECORD_PRESENT_MAX];	/* found by the present pass, not yet told */
	uint32_t present_count;
	struct process_place place;	/* of the last owner: rows come process by process */
	uint32_t place_pid;
	unsigned int rows;
	int stream_error;
};

/* ---- records ---- */

static int push(struct live *l, const struct record *r)
{
	int err = reorder__push(&l->reorder, r);

	if (err && !l->stream_error)
		l->stream_error = err;
	return err;
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

	r.small = size < sizeof(r.event);
	memcpy(&r.event, data, size < sizeof(r.event) ? size : sizeof(r.event));
	r.mono_ns = r.event.mono_ns;
	if (r.event.kind == HO_STATE && r.event.state == 1 /* TCP_ESTABLISHED */)
		owners_wanted__add(&l->owners_wanted, r.event.cookie);
	return push(l, &r);
}

static void push_owner(struct live *l, const struct ho_row *row)
{
	struct record r = { .type = RECORD_OWNER, .mono_ns = row->event.mono_ns };

	if (row->pid != l->place_pid) {
		process__find_place(row->pid, &l->place);
		l->place_pid = row->pid;
	}
	r.owner.cookie = row->event.cookie;
	r.owner.pid = row->pid;
	r.owner.comm = row->comm;
	r.owner.cgroup = l->place.cgroup;
	r.owner.container_id = l->place.container_id;
	push(l, &r);
}

static int on_row(void *context, const struct ho_row *row)
{
	struct live *l = context;
	struct record r = { .type = RECORD_EVENT, .mono_ns = row->event.mono_ns };

	r.event = row->event;
	push(l, &r);
	if (row->pid)
		push_owner(l, row);
	/* A million rows take a while: let nothing pile up meanwhile, here or in the ring. */
	if (++l->rows % 4096 == 0 && l->ring) {
		ring_buffer__consume(l->ring);
		release(l, clock__mono_ns() - REORDER_WINDOW_NS);
	}
	return l->stream_error;
}

static int on_owner_row(void *context, const struct ho_row *row)
{
	struct live *l = context;

	if (row->pid && owners_wanted__take(&l->owners_wanted, row->event.cookie))
		push_owner(l, row);
	return l->stream_error;
}

static void on_netns(void *context, const struct netns *ns, const struct keepalive_sysctl *s)
{
	struct record r = { .type = RECORD_SYSCTL, .mono_ns = clock__mono_ns() };

	r.sysctl.netns = ns->inode;
	r.sysctl.idle_s = s->idle_s;
	r.sysctl.interval_s = s->interval_s;
	r.sysctl.probes = s->probes;
	r.sysctl.name = ns->name;
	push(context, &r);
}

static void read_line(const char *path, char *line, size_t size)
{
	FILE *f = fopen(path, "re");

	line[0] = '\0';
	if (!f)
		return;
	if (fgets(line, size, f))
		line[strcspn(line, "\n")] = '\0';
	fclose(f);
}

static void push_meta(struct live *l, uint64_t now)
{
	struct record r = { .type = RECORD_META, .mono_ns = now };
	char boot_id[64], run_id[64];
	struct utsname uts;

	uname(&uts);
	read_line("/proc/sys/kernel/random/boot_id", boot_id, sizeof(boot_id));
	read_line("/proc/sys/kernel/random/uuid", run_id, sizeof(run_id));
	r.meta.hz = l->hz;
	r.meta.version = l->config.version;
	r.meta.gateway = l->config.gateway ? l->config.gateway : uts.nodename;
	r.meta.boot_id = boot_id;
	r.meta.run_id = run_id;
	r.meta.kernel = uts.release;
	push(l, &r);
}

static void push_clock(struct live *l, uint64_t now)
{
	struct record r = { .type = RECORD_CLOCK, .mono_ns = now };

	r.clock.realtime_offset_ns = l->realtime_offset_ns;
	push(l, &r);
}

/* Numbers of reset reasons differ from kernel to kernel: their names come from its BTF. */
static void push_reset_reasons(struct live *l, const struct btf *btf, uint64_t now)
{
	static const char prefix[] = "SK_RST_REASON_";
	int id = btf__find_by_name_kind(btf, "sk_rst_reason", BTF_KIND_ENUM);
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

/* ---- loading ---- */

/* One event for each socket at once, as when a region goes dark; never more than 1/32 of the
 * memory. */
static size_t ring_bytes(void)
{
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
	uint64_t wanted = snapshot__count_sockets() * HO_EVENT_MAX, bytes = RING_BYTES_MIN;

	while (bytes < wanted && bytes < RING_BYTES_MAX && bytes * 2 <= memory / 32)
		bytes *= 2;
	return bytes;
}

static bool has_function(const struct btf *btf, const char *name)
{
	return btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
}

/* How many arguments a tracepoint has, -1 if this kernel lacks it. */
static int tracepoint_arguments(const struct btf *btf, const char *name)
{
	char type_name[128];
	const struct btf_type *t;
	int id;

	snprintf(type_name, sizeof(type_name), "btf_trace_%s", name);
	id = btf__find_by_name_kind(btf, type_name, BTF_KIND_TYPEDEF);
	if (id < 0)
		return -1;
	t = btf__type_by_id(btf, btf__type_by_id(btf, id)->type);	/* a pointer ... */
	t = t ? btf__type_by_id(btf, t->type) : NULL;	/* ... to the prototype, ... */
	return t ? (int)btf_vlen(t) - 1 : -1;	/* ... whose first argument is the hook's own */
}

static const char *tracepoint_of(const struct bpf_program *prog)
{
	const char *section = bpf_program__section_name(prog), *slash = strchr(section, '/');

	return slash ? slash + 1 : section;
}

/* What the watch is worth without a tracepoint. Without those that are not named here it is
 * worth nothing. */
static int check_hooks(const struct btf *btf, const struct halfopen_bpf *bpf)
{
	static const struct {
		const char *name, *loss;
	} optional[] = {
		{ "tcp_retransmit_skb", "retransmissions to silent peers stay unseen" },
		{ "tcp_send_reset", "resets that we send, and their reasons, stay unseen" },
		{ "tcp_receive_reset", "resets are known by their errno only" },
		{ "inet_sk_error_report", "errors are known from the last state change only" },
		{ "tcp_destroy_sock", "endings have one witness instead of two" },
	};
	struct bpf_program *prog;
	unsigned int i;

	bpf_object__for_each_program(prog, bpf->obj) {
		const char *hook = tracepoint_of(prog), *loss = NULL;

		if (tracepoint_arguments(btf, hook) >= 0)
			continue;
		for (i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
			if (!strcmp(optional[i].name, hook))
				loss = optional[i].loss;
		if (!loss) {
			log_error("this kernel has no tracepoint %s, without which keepalive "
				  "cannot be followed", hook);
			return -ENOTSUP;
		}
		log_warning("this kernel has no tracepoint %s: %s", hook, loss);
	}
	return 0;
}

static struct halfopen_bpf *open_programs(struct live *l, const struct btf *btf, bool cast)
{
	size_t bytes = l->config.ring_bytes ? l->config.ring_bytes : ring_bytes();
	struct halfopen_bpf *bpf = halfopen_bpf__open();
	struct bpf_program *prog;

	if (!bpf)
		return NULL;
	bpf->rodata->keepalive_function = l->learned.keepalive_function;
	bpf->rodata->keepalive_offset = l->learned.keepalive_offset;
	bpf->rodata->hz = l->hz;
	bpf->rodata->gate_quiet_jiffies = GATE_QUIET_MS * l->hz / 1000;
	bpf->rodata->gate_unheard_jiffies = GATE_UNHEARD_MS * l->hz / 1000;
	bpf->rodata->gate_idle_jiffies = GATE_IDLE_MS * l->hz / 1000;
	bpf->rodata->gate_all_states = l->config.all_states;
	bpf->rodata->have_reset_reason = tracepoint_arguments(btf, "tcp_send_reset") > 2;
	bpf->rodata->ring_wake_bytes = bytes / 8;
	bpf_map__set_max_entries(bpf->maps.events, bytes);
	bpf_program__set_autoload(bpf->progs.tcp_probe_cast, cast);
	bpf_program__set_autoload(bpf->progs.tcp_probe_skc, !cast);
	bpf_object__for_each_program(prog, bpf->obj)
		if (tracepoint_arguments(btf, tracepoint_of(prog)) < 0)
			bpf_program__set_autoload(prog, false);
	return bpf;
}

/* Loads what this kernel takes: the receive program in its cheaper form where it can. */
static int load_programs(struct live *l, const struct btf *btf)
{
	bool cast = has_function(btf, "bpf_rdonly_cast");
	int err;

	for (;; cast = false) {
		l->bpf = open_programs(l, btf, cast);
		if (!l->bpf)
			return -errno;
		err = check_hooks(btf, l->bpf);
		if (err)
			return err;
		err = halfopen_bpf__load(l->bpf);
		if (err && (!cast || err == -EPERM))
			log_error("this kernel does not take our programs: %s%s", strerror(-err),
				  log__level() < LOG_DEBUG ? " (-v shows what the verifier said)"
							   : "");
		if (!err || !cast || err == -EPERM)
			return err;
		log_debug("the kernel refused the receive program with bpf_rdonly_cast (%s); "
			  "trying the other form", strerror(-err));
		halfopen_bpf__destroy(l->bpf);
		l->bpf = NULL;
	}
}

/* The destination of the skeleton's link of `prog`. */
static int attach_one(struct live *l, struct bpf_program *prog)
{
	unsigned int i;

	for (i = 0; i < (unsigned int)l->bpf->skeleton->prog_cnt; i++) {
		struct bpf_prog_skeleton *p = &l->bpf->skeleton->progs[i];

		if (*p->prog != prog || *p->link)
			continue;
		*p->link = bpf_program__attach(prog);
		return *p->link ? 0 : -errno;
	}
	return 0;
}

static bool is_timer(const struct bpf_program *prog)
{
	return !strncmp(tracepoint_of(prog), "timer_", 6);
}

static int attach(struct live *l, bool timers)
{
	struct bpf_program *prog;
	int err;

	bpf_object__for_each_program(prog, l->bpf->obj) {
		if (!bpf_program__autoload(prog) || is_timer(prog) != timers)
			continue;
		err = attach_one(l, prog);
		if (err) {
			log_error("cannot attach to the tracepoint %s: %s", tracepoint_of(prog),
				  strerror(-err));
			return err;
		}
	}
	return 0;
}

static void push_start(struct live *l)
{
	struct record r = { .type = RECORD_START, .mono_ns = clock__mono_ns() };
	struct bpf_program *prog;
	char names[1024] = "";
	size_t used = 0;

	bpf_object__for_each_program(prog, l->bpf->obj)
		if (bpf_program__autoload(prog))
			used += snprintf(names + used, sizeof(names) - used, "%s ",
					 bpf_program__name(prog));
	r.start.attached = names;
	push(l, &r);
}

/* ---- losses ---- */

static uint64_t ring_full_now(const struct live *l)
{
	int cpus = libbpf_num_possible_cpus(), i;
	struct ho_losses *each = calloc(cpus, sizeof(*each));
	uint64_t sum = 0;
	uint32_t zero = 0;

	if (each && !bpf_map_lookup_elem(bpf_map__fd(l->bpf->maps.losses), &zero, each))
		for (i = 0; i < cpus; i++)
			sum += each[i].ring_full + each[i].no_cookie;
	free(each);
	return sum;
}

static uint64_t recursion_now(const struct live *l)
{
	struct bpf_program *prog;
	uint64_t sum = 0;

	bpf_object__for_each_program(prog, l->bpf->obj) {
		struct bpf_prog_info info = { 0 };
		uint32_t size = sizeof(info);

		if (bpf_program__fd(prog) >= 0 &&
		    !bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &size))
			sum += info.recursion_misses;
	}
	return sum;
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
	l->passes_after_loss = 2;	/* it takes two to tell who is gone */
}

/* Whose events did not fit into the ring. */
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
	uint64_t ring_full = ring_full_now(l), recursion = recursion_now(l);

	push_loss(l, now, LOSS_RING_FULL, ring_full - l->ring_full_before);
	push_loss(l, now, LOSS_RECURSION, recursion - l->recursion_before);
	if (ring_full != l->ring_full_before)
		push_losers(l, now);
	l->ring_full_before = ring_full;
	l->recursion_before = recursion;
	l->last_check_ns = now;
}

static void check_clock(struct live *l, uint64_t now)
{
	int64_t offset = clock__realtime_offset_ns();

	if (llabs(offset - l->realtime_offset_ns) < CLOCK_STEP_NS)
		return;
	l->realtime_offset_ns = offset;
	push_clock(l, now);
}

/* ---- passes ---- */

/* Everything that is open, and by that what is no longer. */
static int take_snapshot(struct live *l)
{
	struct record r = { .type = RECORD_SNAPSHOT };
	int err;

	l->place_pid = 0;
	r.snapshot.begun_ns = clock__mono_ns();
	err = snapshot__held(l->snapshot, on_row, l);
	if (!err)
		err = snapshot__by_netns(l->snapshot, true, on_row, on_netns, l,
					 &r.snapshot.complete);
	if (err)
		return err;
	if (!r.snapshot.complete)
		log_debug("not every namespace could be entered");
	r.mono_ns = clock__mono_ns();
	return push(l, &r);
}

static int push_present(struct live *l)
{
	struct record r = { .type = RECORD_PRESENT, .mono_ns = clock__mono_ns() };

	r.present.count = l->present_count;
	r.present.cookies = l->present;
	l->present_count = 0;
	return push(l, &r);
}

static int on_present(void *context, const struct ho_row *row)
{
	struct live *l = context;

	l->present[l->present_count++] = row->event.cookie;
	return l->present_count == RECORD_PRESENT_MAX ? push_present(l) : 0;
}

/* Only who is there: an ending that no program was run for shows in no count of losses. */
static int take_presence(struct live *l)
{
	struct record r = { .type = RECORD_SNAPSHOT };
	int err;

	l->present_count = 0;
	r.snapshot.begun_ns = clock__mono_ns();
	err = snapshot__by_netns(l->snapshot, false, on_present, NULL, l, &r.snapshot.complete);
	if (!err)
		err = push_present(l);
	r.mono_ns = clock__mono_ns();
	return err ? err : push(l, &r);
}

/* The pass whose turn has come, if any: after a loss over everything, now and then over who is
 * there, else for the owners of new sockets. */
static int pass(struct live *l, uint64_t now)
{
	int err = 0;

	if (now < l->next_pass_ns)
		return 0;
	if (l->passes_after_loss) {
		l->passes_after_loss--;
		err = take_snapshot(l);
	} else if (now >= l->next_presence_ns) {
		err = take_presence(l);
	} else if (owners_wanted__any(&l->owners_wanted)) {
		l->place_pid = 0;
		owners_wanted__begin(&l->owners_wanted);
		err = snapshot__held(l->snapshot, on_owner_row, l);
		owners_wanted__end(&l->owners_wanted);
	} else {
		return 0;
	}
	if (now >= l->next_presence_ns)
		l->next_presence_ns = now + PRESENCE_NS;
	l->next_pass_ns = clock__mono_ns() + (clock__mono_ns() - now) * PASS_DUTY + NS_PER_S;
	return err;
}

/* ---- the source ---- */

static int open_kernel_btf(struct btf **btf)
{
	*btf = btf__load_vmlinux_btf();
	if (*btf)
		return 0;
	log_error("this kernel tells nothing of its types (no /sys/kernel/btf/vmlinux): it needs "
		  "CONFIG_DEBUG_INFO_BTF=y, as the kernels of all large distributions have");
	return -ENOTSUP;
}

static int begin(struct live *l, const struct btf *btf)
{
	uint64_t now = clock__mono_ns();
	int err;

	push_meta(l, now);
	push_clock(l, now);
	push_reset_reasons(l, btf, now);
	err = attach(l, false);
	if (!err)
		err = take_snapshot(l);
	if (!err)
		err = attach(l, true);
	if (err)
		return err;
	push_start(l);
	now = clock__mono_ns();
	l->last_check_ns = now;
	l->next_tick_ns = now + TICK_NS;
	l->next_check_ns = now + CHECK_NS;
	l->next_pass_ns = now + NS_PER_S;
	l->next_presence_ns = now + PRESENCE_NS;
	return l->stream_error;
}

int live__open(const struct live_config *config, struct live **out)
{
	const char *missing = capability__missing_for_bpf();
	struct live *l;
	struct btf *btf = NULL;
	int err;

	if (missing) {
		log_error("not permitted: watching needs %s (run it as root)", missing);
		return -EPERM;
	}
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->config = *config;
	l->realtime_offset_ns = clock__realtime_offset_ns();
	err = open_kernel_btf(&btf);
	if (!err)
		err = snapshot__open(&l->snapshot);
	if (!err)
		err = snapshot__learn(l->snapshot, &l->learned, &l->hz);
	if (err)
		goto fail;
	err = load_programs(l, btf);
	if (err)
		goto fail;
	l->ring = ring_buffer__new(bpf_map__fd(l->bpf->maps.events), on_ring, l, NULL);
	if (!l->ring) {
		err = -errno;
		log_error("cannot map the ring buffer: %s", strerror(-err));
		goto fail;
	}
	err = begin(l, btf);
	if (err)
		goto fail;
	btf__free(btf);
	*out = l;
	return 0;

fail:
	btf__free(btf);
	live__close(l);
	return err;
}

int live__fd(const struct live *l)
{
	return ring_buffer__epoll_fd(l->ring);
}

int live__pump(struct live *l)
{
	/* The ring is empty up to here once it has been consumed. */
	uint64_t now = clock__mono_ns();
	int err;

	err = ring_buffer__consume(l->ring);
	if (err < 0)
		return l->stream_error ? l->stream_error : err;
	if (now >= l->next_check_ns) {
		check_losses(l, now);
		check_clock(l, now);
		err = pass(l, now);
		if (err < 0)
			return err;
		l->next_check_ns = now + CHECK_NS;
	}
	if (now >= l->next_tick_ns) {
		push(l, &(struct record){ .type = RECORD_TICK, .mono_ns = now });
		l->next_tick_ns = now + TICK_NS;
	}
	return release(l, now - REORDER_WINDOW_NS);
}

int live__stop(struct live *l)
{
	uint64_t now;

	ring_buffer__consume(l->ring);
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
	ring_buffer__free(l->ring);
	halfopen_bpf__destroy(l->bpf);
	snapshot__close(l->snapshot);
	reorder__free(&l->reorder);
	owners_wanted__free(&l->owners_wanted);
	free(l);
}
