// SPDX-License-Identifier: GPL-2.0
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel/kernel_btf.h"
#include "kernel/programs.h"
#include "sys/lockdown.h"
#include "sys/log.h"
#include "sys/mounts.h"
#include "sys/reason.h"

/*
 * What the gate lets through (gate.bpf.h).
 *
 * Segments after less silence than GATE_QUIET_MS are never looked at. The kernel probes only after
 * at least 1 s of silence and an RTO is at least 200 ms, so 100 ms hides no answer; a peer's own
 * probe within 100 ms of something else moves "last heard" by no more than that.
 */
#define GATE_QUIET_MS 100
#define GATE_UNHEARD_MS 1000
#define GATE_REPEATED_MS 500

#define RING_BYTES_MIN (4ULL << 20)
#define RING_BYTES_MAX (256ULL << 20)

/* One event for each socket at once, as when a region loses power; never more than 1/32 of the
 * memory. */
size_t programs__ring_bytes(size_t sockets)
{
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
	uint64_t wanted = sockets * HO_EVENT_MAX, bytes = RING_BYTES_MIN;

	while (bytes < wanted && bytes < RING_BYTES_MAX && bytes * 2 <= memory / 32)
		bytes *= 2;
	return bytes;
}

/* A job that no program does leaves this unknown. */
static const struct support_part parts[PROGRAMS_PARTS] = {
	{ .program = "inet_sock_set_state", .vital = true },
	{ .program = "inet_sock_set_state_twin",
	  .without = "openings and endings of a moment in which an interrupt enters the program "
		     "again are lost" },
	{ .program = "tcp_probe_cast", .instead = "tcp_probe_skc", .needs = "bpf_rdonly_cast",
	  .vital = true },
	{ .program = "timer_expire_entry_cast", .instead = "timer_expire_entry_read",
	  .needs = "bpf_rdonly_cast", .vital = true,
	  .without = "a probe is known by its answer or by the end it led to only" },
	{ .program = "timer_expire_exit_cast", .instead = "timer_expire_exit_read",
	  .needs = "bpf_rdonly_cast", .vital = true,
	  .without = "a probe is known by its answer or by the end it led to only" },
	{ .program = "tcp_retransmit_skb",
	  .without = "retransmissions to silent peers stay unseen" },
	{ .program = "tcp_send_reset",
	  .without = "resets that we send, and their reasons, stay unseen" },
	{ .program = "tcp_receive_reset", .without = "resets are known by their errno only" },
	{ .program = "inet_sk_error_report",
	  .without = "errors are known from the last state change only" },
	{ .program = "tcp_destroy_sock", .without = "endings have one witness instead of two" },
	{ .program = "kfree_skb_cast", .instead = "kfree_skb_skc", .needs = "bpf_rdonly_cast",
	  .without = "what this host itself dropped, probes or data, counts as sent" },
	{ .program = "give_cookie", .unless = COOKIE_HELPER, .vital = true,
	  .without = "connections are known from the next pass over all sockets on, not from "
		     "their beginning" },
};

static void *open_programs(const void *context, struct bpf_object **object)
{
	const struct programs_config *config = context;
	struct watch_bpf *bpf = watch_bpf__open();

	if (!bpf)
		return NULL;
	bpf->rodata->keepalive_function = config->learned.keepalive_function;
	bpf->rodata->keepalive_offset = config->learned.keepalive_offset;
	bpf->rodata->write_function = config->learned.write_function;
	bpf->rodata->write_offset = config->learned.write_offset;
	bpf->rodata->hz = config->hz;
	bpf->rodata->gate_quiet_jiffies = GATE_QUIET_MS * config->hz / 1000;
	bpf->rodata->gate_unheard_jiffies = GATE_UNHEARD_MS * config->hz / 1000;
	bpf->rodata->gate_idle_jiffies = config->idle_gap_ms * config->hz / 1000;
	bpf->rodata->gate_repeated_jiffies = GATE_REPEATED_MS * config->hz / 1000;
	bpf->rodata->gate_all_states = config->all_states;
	bpf->rodata->have_reset_reason =
		support__tracepoint_arguments(config->btf, "tcp_send_reset") > 2;
	bpf->rodata->have_retransmit_error =
		support__tracepoint_arguments(config->btf, "tcp_retransmit_skb") > 2;
	bpf->rodata->have_drop_reason =
		support__tracepoint_arguments(config->btf, "kfree_skb") > 2;
	bpf->rodata->can_read_memory = lockdown__read() != LOCKDOWN_CONFIDENTIALITY;
	bpf->rodata->have_cookie_helper =
		kernel_btf__has(config->btf, COOKIE_HELPER);
	bpf->rodata->ring_wake_bytes = config->ring_bytes / 8;
	bpf_map__set_max_entries(bpf->maps.events, config->ring_bytes);
	*object = bpf->obj;
	return bpf;
}

static int load_programs(void *bpf)
{
	return watch_bpf__load(bpf);
}

static void close_programs(void *bpf)
{
	watch_bpf__destroy(bpf);
}

const struct support_object programs_trial = {
	.parts = parts, .count = PROGRAMS_PARTS,
	.open = open_programs, .load = load_programs, .close = close_programs,
};

int programs__load(const struct programs_config *config, struct watch_bpf **bpf)
{
	struct support_result results[PROGRAMS_PARTS];
	int err;

	*bpf = support__load(&programs_trial, config, config->btf, results, &err);
	return err;
}

/* For all of the host's sockets: the root of the cgroup v2 hierarchy, wherever it is mounted. */
static struct bpf_link *attach_to_root_cgroup(struct bpf_program *prog)
{
	char path[256];
	struct bpf_link *link;
	int fd, err;

	if (!mounts__find("cgroup2", path, sizeof(path))) {
		log_warning("no cgroup v2 hierarchy is mounted: new connections are known from the "
			    "next pass over all sockets on, not from their beginning");
		errno = 0;
		return NULL;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	link = bpf_program__attach_cgroup(prog, fd);
	err = errno;
	close(fd);
	errno = err;
	return link;
}

/* The destination of the skeleton's link of `prog`. */
static int attach_one(struct watch_bpf *bpf, struct bpf_program *prog)
{
	unsigned int i;

	for (i = 0; i < (unsigned int)bpf->skeleton->prog_cnt; i++) {
		struct bpf_prog_skeleton *p = &bpf->skeleton->progs[i];

		if (*p->prog != prog || *p->link)
			continue;
		if (bpf_program__type(prog) == BPF_PROG_TYPE_SOCK_OPS)
			*p->link = attach_to_root_cgroup(prog);
		else
			*p->link = bpf_program__attach(prog);
		return *p->link ? 0 : -errno;
	}
	return 0;
}

static bool is_timer(const struct bpf_program *prog)
{
	return !strncmp(support__hook(prog), "timer_", 6);
}

int programs__attach(struct watch_bpf *bpf, bool timers)
{
	struct bpf_program *prog;
	int err = 0;

	bpf->bss->timers_watched = timers &&
				   (bpf_program__autoload(bpf->progs.timer_expire_exit_cast) ||
				    bpf_program__autoload(bpf->progs.timer_expire_exit_read));
	/* Attach give_cookie first: the others need cookies. */
	if (!timers && bpf_program__autoload(bpf->progs.give_cookie))
		err = attach_one(bpf, bpf->progs.give_cookie);
	if (err)
		log_warning("cannot attach to the root of the cgroup v2 hierarchy: %s",
			    strerror(-err));
	bpf_object__for_each_program(prog, bpf->obj) {
		if (!bpf_program__autoload(prog) || is_timer(prog) != timers ||
		    prog == bpf->progs.give_cookie)
			continue;
		err = attach_one(bpf, prog);
		if (err) {
			log_error("cannot attach to %s: %s", support__hook(prog), reason__of(err));
			return err;
		}
	}
	return 0;
}

bool programs__see_probes(const struct watch_bpf *bpf)
{
	return bpf->bss->timers_watched;
}

void programs__list(const struct watch_bpf *bpf, char *names, size_t size)
{
	struct bpf_program *prog;
	size_t used = 0;

	names[0] = '\0';
	bpf_object__for_each_program(prog, bpf->obj)
		if (bpf_program__autoload(prog) && used < size)
			used += snprintf(names + used, size - used, "%s ", bpf_program__name(prog));
}
