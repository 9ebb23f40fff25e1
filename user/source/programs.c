// SPDX-License-Identifier: GPL-2.0
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "programs.h"

/* Segments after less silence than this are never looked at (gate.bpf.h). */
#define GATE_QUIET_MS 100
#define GATE_UNHEARD_MS 1000
#define GATE_IDLE_MS 10000

#define RING_BYTES_MIN (4ULL << 20)
#define RING_BYTES_MAX (256ULL << 20)

/* One event for each socket at once, as when a region goes dark; never more than 1/32 of the
 * memory. */
size_t programs__ring_bytes(size_t sockets)
{
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
	uint64_t wanted = sockets * HO_EVENT_MAX, bytes = RING_BYTES_MIN;

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

static struct halfopen_bpf *open_programs(const struct programs_config *config,
					  const struct btf *btf, bool cast)
{
	struct halfopen_bpf *bpf = halfopen_bpf__open();
	struct bpf_program *prog;

	if (!bpf)
		return NULL;
	bpf->rodata->keepalive_function = config->learned.keepalive_function;
	bpf->rodata->keepalive_offset = config->learned.keepalive_offset;
	bpf->rodata->hz = config->hz;
	bpf->rodata->gate_quiet_jiffies = GATE_QUIET_MS * config->hz / 1000;
	bpf->rodata->gate_unheard_jiffies = GATE_UNHEARD_MS * config->hz / 1000;
	bpf->rodata->gate_idle_jiffies = GATE_IDLE_MS * config->hz / 1000;
	bpf->rodata->gate_all_states = config->all_states;
	bpf->rodata->have_reset_reason = tracepoint_arguments(btf, "tcp_send_reset") > 2;
	bpf->rodata->ring_wake_bytes = config->ring_bytes / 8;
	bpf_map__set_max_entries(bpf->maps.events, config->ring_bytes);
	bpf_program__set_autoload(bpf->progs.tcp_probe_cast, cast);
	bpf_program__set_autoload(bpf->progs.tcp_probe_skc, !cast);
	bpf_object__for_each_program(prog, bpf->obj)
		if (tracepoint_arguments(btf, tracepoint_of(prog)) < 0)
			bpf_program__set_autoload(prog, false);
	return bpf;
}

int programs__load(const struct programs_config *config, const struct btf *btf,
		   struct halfopen_bpf **bpf)
{
	bool cast = has_function(btf, "bpf_rdonly_cast");
	int err;

	for (;; cast = false) {
		*bpf = open_programs(config, btf, cast);
		if (!*bpf)
			return -errno;
		err = check_hooks(btf, *bpf);
		if (err)
			return err;
		err = halfopen_bpf__load(*bpf);
		if (!err)
			return 0;
		if (!cast || err == -EPERM)
			break;
		log_debug("the kernel refused the receive program with bpf_rdonly_cast (%s); "
			  "trying the other form", strerror(-err));
		halfopen_bpf__destroy(*bpf);
	}
	log_error("this kernel does not take our programs: %s%s", strerror(-err),
		  log__level() < LOG_DEBUG ? " (-v shows what the verifier said)" : "");
	return err;
}

/* The destination of the skeleton's link of `prog`. */
static int attach_one(struct halfopen_bpf *bpf, struct bpf_program *prog)
{
	unsigned int i;

	for (i = 0; i < (unsigned int)bpf->skeleton->prog_cnt; i++) {
		struct bpf_prog_skeleton *p = &bpf->skeleton->progs[i];

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

int programs__attach(struct halfopen_bpf *bpf, bool timers)
{
	struct bpf_program *prog;
	int err;

	bpf_object__for_each_program(prog, bpf->obj) {
		if (!bpf_program__autoload(prog) || is_timer(prog) != timers)
			continue;
		err = attach_one(bpf, prog);
		if (err) {
			log_error("cannot attach to the tracepoint %s: %s", tracepoint_of(prog),
				  strerror(-err));
			return err;
		}
	}
	return 0;
}

void programs__list(const struct halfopen_bpf *bpf, char *names, size_t size)
{
	struct bpf_program *prog;
	size_t used = 0;

	names[0] = '\0';
	bpf_object__for_each_program(prog, bpf->obj)
		if (bpf_program__autoload(prog) && used < size)
			used += snprintf(names + used, size - used, "%s ", bpf_program__name(prog));
}
