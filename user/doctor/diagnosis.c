// SPDX-License-Identifier: GPL-2.0
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "act/applied.h"
#include "act/sysctl_files.h"
#include "doctor/diagnosis.h"
#include "exposure/census.h"
#include "kernel/cookie_set.h"
#include "kernel/every_netns.h"
#include "kernel/kernel_btf.h"
#include "kernel/memlock.h"
#include "kernel/programs.h"
#include "sys/capability.h"
#include "sys/clock.h"
#include "sys/lockdown.h"
#include "sys/mounts.h"
#include "sys/reason.h"
#include "sys/tunables.h"
#include "tcp/retransmission.h"
#include "value/plain_text.h"
#include "value/words.h"

_Static_assert(PROGRAMS_PARTS + SNAPSHOT_PARTS <= DIAGNOSIS_PROGRAMS, "room for every program");

/* The initial pid namespace has this inode (PROC_PID_INIT_INO of linux/proc_ns.h). */
#define HOST_PID_NAMESPACE 0xEFFFFFFCU
#define MIB (1 << 20)

/* One examination under way. */
struct examination {
	struct diagnosis *d;
	struct findings *f;
	struct kernel_btf *btf;
	struct snapshot *snapshot;
	struct census census;
	struct cookie_set met;	/* a walk may report a socket twice */
	struct ho_learned learned;
};

/* ---- the kernel ---- */

static void examine_kernel(struct examination *x)
{
	const struct host *host = &x->d->host;

	findings__add(x->f, "kernel", FINDING_OK, NULL, NULL, "Linux %s on %s", host->kernel,
		      host->machine);
}

static void examine_btf(struct examination *x)
{
	int err = kernel_btf__open(&x->btf);
	const struct btf *types = err ? NULL : kernel_btf__types(x->btf);

	if (types) {
		findings__add(x->f, "btf", FINDING_OK, NULL, NULL,
			      "BTF of this kernel: %u types", btf__type_cnt(types));
		return;
	}
	if (err && err != -ENOTSUP) {
		findings__add(x->f, "btf", FINDING_PROBLEM, "nothing can be watched", NULL,
			      "the kernel's types cannot be read: %s", reason__of(err));
		return;
	}
	findings__add(x->f, "btf", FINDING_PROBLEM, "nothing can be watched",
		      "boot a kernel with CONFIG_DEBUG_INFO_BTF=y, as those of all large "
		      "distributions are",
		      "the kernel has no BTF (no /sys/kernel/btf/vmlinux)");
}

static void examine_lockdown(struct examination *x)
{
	switch (lockdown__read()) {
	case LOCKDOWN_UNKNOWN:
		findings__add(x->f, "lockdown", FINDING_NOTE, NULL, NULL,
			      "lockdown mode unknown: no securityfs, or a kernel without it; the "
			      "programs below were tried all the same");
		break;
	case LOCKDOWN_NONE:
		findings__add(x->f, "lockdown", FINDING_OK, NULL, NULL, "no lockdown");
		break;
	case LOCKDOWN_INTEGRITY:
		findings__add(x->f, "lockdown", FINDING_OK, NULL, NULL,
			      "lockdown=integrity: no kprobes; none is needed");
		break;
	case LOCKDOWN_CONFIDENTIALITY:
		findings__add(x->f, "lockdown", FINDING_NOTE, NULL, NULL,
			      "lockdown=confidentiality: BPF reads typed memory only, which "
			      "suffices from Linux 6.2 on");
	}
}

/* ---- capabilities ---- */

/* Can programs be tried at all? */
static bool examine_capabilities(struct examination *x)
{
	const char *missing = capability__missing_for_bpf();

	if (missing) {
		findings__add(x->f, "capabilities", FINDING_PROBLEM,
			      "nothing can be watched; what the kernel takes was not tried",
			      "run it as root, or give it that", "not permitted: %s is missing",
			      missing);
		return false;
	}
	if (!capability__has(CAPABILITY_SYS_ADMIN))
		findings__add(x->f, "capabilities", FINDING_WARNING,
			      "other namespaces' sysctls, and their sockets that no process holds",
			      "give it CAP_SYS_ADMIN",
			      "CAP_BPF and CAP_PERFMON, but not CAP_SYS_ADMIN");
	else
		findings__add(x->f, "capabilities", FINDING_OK, NULL, NULL,
			      "CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN");
	return true;
}

static void examine_memlock(struct examination *x)
{
	unsigned long long kib;

	if (!memlock__counts(x->btf))
		findings__add(x->f, "memlock", FINDING_OK, NULL, NULL,
			      "BPF memory counts for the cgroup; RLIMIT_MEMLOCK does not matter");
	else if (!memlock__is_limit(x->btf, &kib))
		findings__add(x->f, "memlock", FINDING_OK, NULL, NULL,
			      "BPF memory counts for RLIMIT_MEMLOCK, which can be raised");
	else
		findings__add(x->f, "memlock", FINDING_WARNING,
			      "maps beyond the limit cannot be made, and then nothing is watched",
			      MEMLOCK_ADVICE,
			      "BPF memory counts for RLIMIT_MEMLOCK, which is %llu KiB", kib);
}

static void examine_open_files(struct examination *x)
{
	struct rlimit limit = { 0 };

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur >= REASON_FILES_NEEDED)
		findings__add(x->f, "open_files", FINDING_OK, NULL, NULL,
			      "the limit of open files is %llu; %u are needed",
			      (unsigned long long)limit.rlim_cur, REASON_FILES_NEEDED);
	else
		findings__add(x->f, "open_files", FINDING_PROBLEM, "nothing can be watched",
			      "ulimit -n 1024, or LimitNOFILE=1024",
			      "the limit of open files is %llu, and %u are needed",
			      (unsigned long long)limit.rlim_cur, REASON_FILES_NEEDED);
}

static void examine_pid_namespace(struct examination *x)
{
	struct stat st;

	if (!stat("/proc/self/ns/pid", &st) && st.st_ino == HOST_PID_NAMESPACE)
		findings__add(x->f, "pid_namespace", FINDING_OK, NULL, NULL,
			      "in the host's pid namespace");
	else
		findings__add(x->f, "pid_namespace", FINDING_WARNING,
			      "whose the sockets of other pid namespaces are (owner), and network "
			      "namespaces that only their processes show",
			      "run it in the host's pid namespace (hostPID: true)",
			      "in a pid namespace of its own");
}

/* ---- programs ---- */

static void add_program_findings(struct examination *x, const struct support_result *results,
				 unsigned int count)
{
	unsigned int i;
	char text[512];

	for (i = 0; i < count; i++) {
		const struct support_result *r = &results[i];

		if (r->needless)
			continue;
		x->d->programs[x->d->program_count++] = *r;
		if (support__usable(r))
			continue;
		support__explain(r, text, sizeof(text));
		findings__add(
			x->f, "program", r->part->vital ? FINDING_PROBLEM : FINDING_WARNING,
			r->part->without ? r->part->without : "nothing can be watched",
			reason__is_limit(r->load_error ? r->load_error : r->attach_error)
				? "raise the limit"
				: "a newer kernel takes it; 'halfopen watch -v' shows what the "
				  "verifier said",
			"%s", text);
	}
}

static void count_programs(struct examination *x)
{
	unsigned int i, usable = 0;

	for (i = 0; i < x->d->program_count; i++)
		usable += support__usable(&x->d->programs[i]);
	findings__add(x->f, "programs", FINDING_OK, NULL, NULL,
		      "%u of %u programs loaded and attached", usable, x->d->program_count);
}

static int on_row(void *context, const struct ho_row *row)
{
	struct examination *x = context;

	if (!cookie_set__add(&x->met, row->event.cookie))
		return 0;
	census__add(&x->census, &row->event, x->d->hz);
	x->f->failed |= x->census.failed;
	return 0;
}

static int on_netns(void *context, const struct netns *ns, const struct keepalive_sysctl *s)
{
	struct examination *x = context;
	struct diagnosis *d = x->d;
	struct diagnosed_netns *bigger =
		realloc(d->namespaces, (d->namespace_count + 1) * sizeof(*bigger));

	if (!bigger) {
		x->f->failed = true;
		return 0;
	}
	d->namespaces = bigger;
	bigger[d->namespace_count] = (struct diagnosed_netns){ *ns, *s };
	bigger[d->namespace_count++].netns.cookie = netns__cookie();	/* our own */
	return 0;
}

static void examine_iterators(struct examination *x)
{
	struct snapshot_config config = { .btf = x->btf, .own_cookie = 1 };
	struct support_result results[SNAPSHOT_PARTS];
	struct every_netns every;
	bool complete = false;

	if (support__examine(&snapshot_trial, &config, x->btf, results))
		return;
	add_program_findings(x, results, SNAPSHOT_PARTS);
	if (snapshot__open(x->btf, &x->snapshot) ||
	    snapshot__learn(x->snapshot, &x->learned, &x->d->hz)) {
		findings__add(x->f, "snapshot", FINDING_PROBLEM, "nothing can be watched", NULL,
			      "the sockets that are open now cannot be read");
		return;
	}
	findings__add(x->f, "keepalive_timer", FINDING_OK, NULL, NULL,
		      "learned from a socket of our own: HZ %u, the keepalive timer at offset %u",
		      x->d->hz, x->learned.keepalive_offset);
	every = (struct every_netns){ .snapshot = x->snapshot, .row = on_row,
				      .entered = on_netns, .context = x };
	if (every_netns__sockets(&every, EVERY_OPEN, &complete) || !complete)
		findings__add(x->f, "namespaces", FINDING_WARNING,
			      "their sysctls, and their sockets that no process holds",
			      "run it as root, on the host",
			      "not every network namespace could be entered");
}

static void examine_programs(struct examination *x)
{
	struct programs_config config = { .btf = x->btf, .learned = x->learned,
					  .hz = x->d->hz, .ring_bytes = MIB };
	struct support_result results[PROGRAMS_PARTS];

	if (support__examine(&programs_trial, &config, x->btf, results))
		return;
	add_program_findings(x, results, PROGRAMS_PARTS);
	count_programs(x);
}

/* bpf_prog_info.recursion_misses, since 5.12. */
static void examine_recursion(struct examination *x)
{
	const struct btf *btf = kernel_btf__types(x->btf);
	int id = btf ? btf__find_by_name_kind(btf, "bpf_prog_info", BTF_KIND_STRUCT) : 0;
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, id) : NULL;
	int i;

	for (i = 0; t && i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, btf_members(t)[i].name_off),
			    "recursion_misses")) {
			findings__add(x->f, "recursion_misses", FINDING_OK, NULL, NULL,
				      "the kernel counts programs that it skipped as re-entered");
			return;
		}
	findings__add(x->f, "recursion_misses", FINDING_NOTE,
		      "nothing on kernels that skip none (before 5.12)", NULL,
		      "the kernel has no count of programs that it skipped as re-entered");
}

/* Reads the table from its first bucket to its last and reports nothing. */
static bool can_read_table(struct examination *x)
{
	const struct snapshot_wanted nothing = { 0 };
	bool whole = false;

	if (snapshot__has_table(x->snapshot))
		snapshot__table(x->snapshot, &nothing, on_row, NULL, x, &whole);
	return whole;
}

static void examine_walks(struct examination *x)
{
	if (!x->snapshot)
		return;
	if (can_read_table(x))
		findings__add(x->f, "walks", FINDING_OK, NULL, NULL,
			      "one walk over the kernel's table of connections finds each, in all "
			      "network namespaces, while others come and go");
	else if (snapshot__is_exact(x->snapshot))
		findings__add(x->f, "walks", FINDING_NOTE,
			      "time, where many network namespaces have sockets", NULL,
			      "the table of connections cannot be read: a walk over a namespace's "
			      "sockets finds each, and takes as long as one over all namespaces'");
	else
		findings__add(x->f, "walks", FINDING_NOTE,
			      "time: who was not found is looked for once more", NULL,
			      "a walk over a namespace's sockets may miss one while others come "
			      "and go (this kernel is without f5080f612a1c), and takes as long as "
			      "one over all namespaces'");
}

static void examine_ring(struct examination *x)
{
	size_t sockets = snapshot__count_sockets(), ring = programs__ring_bytes(sockets);

	if (ring >= sockets * HO_EVENT_MAX)
		findings__add(x->f, "ring", FINDING_OK, NULL, NULL,
			      "ring buffer of %zu MiB, one event for each of %zu TCP sockets at "
			      "once", ring / MIB, sockets);
	else
		findings__add(
			x->f, "ring", FINDING_WARNING,
			"events (counted), should all of them die in the same second",
			"more memory, or watch with a larger --ring",
			"ring buffer of %zu MiB for %zu TCP sockets: fewer than one event each",
			ring / MIB, sockets);
}

/* ---- the host ---- */

static void examine_mounts(struct examination *x)
{
	static const char *const types[] = { "tracefs", "bpf" };
	bool needed = !kernel_btf__has(x->btf, COOKIE_HELPER);
	char path[256];
	unsigned int i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (mounts__find(types[i], path, sizeof(path)))
			findings__add(x->f, types[i], FINDING_OK, NULL, NULL,
				      "%s is mounted at %s; watching does not need it", types[i],
				      path);
		else
			findings__add(x->f, types[i], FINDING_OK, NULL, NULL,
				      "%s is not mounted; watching does not need it", types[i]);
	if (mounts__find("cgroup2", path, sizeof(path)))
		findings__add(x->f, "cgroup2", FINDING_OK, NULL, NULL,
			      needed ? "cgroup2 is mounted at %s; this kernel gives cookies there"
				     : "cgroup2 is mounted at %s; watching does not need it", path);
	else if (needed)
		findings__add(x->f, "cgroup2", FINDING_PROBLEM,
			      "the beginning of connections, and short ones as a whole",
			      "mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified",
			      "cgroup2 is not mounted, and this kernel gives cookies only there");
	else
		findings__add(x->f, "cgroup2", FINDING_OK, NULL, NULL,
			      "cgroup2 is not mounted; watching does not need it");
}

static void examine_clocks(struct examination *x)
{
	uint64_t suspended_s = clock__suspended_ns() / 1000000000;
	char name[64] = "";
	FILE *f = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");

	if (clock__is_synchronised())
		findings__add(x->f, "clock", FINDING_OK, NULL, NULL,
			      "the wall clock is synchronised");
	else
		findings__add(x->f, "clock", FINDING_NOTE,
			      "times as seen from other hosts; durations are not affected",
			      "run chrony or systemd-timesyncd",
			      "the wall clock is not synchronised (no NTP)");
	if (f) {
		if (!fgets(name, sizeof(name), f))
			name[0] = '\0';
		name[strcspn(name, "\n")] = '\0';
		fclose(f);
	}
	if (!strcmp(name, "hpet") || !strcmp(name, "acpi_pm") || !strcmp(name, "jiffies"))
		findings__add(x->f, "clocksource", FINDING_WARNING,
			      "nothing, but each event costs microseconds",
			      "see dmesg for why the tsc was not trusted",
			      "the kernel's clock is %s, which is slow to read", name);
	if (suspended_s)
		findings__add(x->f, "suspend", FINDING_NOTE, NULL, NULL,
			      "this host slept for %llu s since it booted: its timers stood still",
			      (unsigned long long)suspended_s);
}

/* ---- sysctls ---- */

/* Compares what a sysctl.d file sets with the present value in the host's namespace. */
static void examine_setting(struct examination *x, const char *name, int32_t value,
			    int32_t kernel_default)
{
	struct sysctl_setting setting;
	char key[64], *end;

	snprintf(key, sizeof(key), "net.ipv4.%s", name);
	if (!sysctl_files__find("", key, &setting)) {
		if (value != kernel_default)
			findings__add(
				x->f, "sysctl", FINDING_NOTE, NULL,
				"write it into /etc/sysctl.d if it is to stay",
				"%s = %d was set by hand: no sysctl.d file says so, and it is "
				"lost at the next boot",
				key, value);
		return;
	}
	if (strtol(setting.value, &end, 10) == value && !*end)
		findings__add(x->f, "sysctl", FINDING_OK, NULL, NULL, "%s = %d is set by %s:%u",
			      key, value, setting.file, setting.line);
	else
		findings__add(x->f, "sysctl", FINDING_NOTE, NULL,
			      "sysctl --system makes it so again, or correct the file",
			      "%s = %d, but %s:%u says %s: it was changed since, or never applied",
			      key, value, setting.file, setting.line, setting.value);
}

/* A namespace's address, and its processes. */
#define PLACE_SIZE (NETNS_ADDRESS_SIZE + 280)

static const char *place_of(const struct netns *ns, char place[PLACE_SIZE])
{
	char address[NETNS_ADDRESS_SIZE], host[4 * sizeof(ns->host_name)];

	snprintf(place, PLACE_SIZE, *ns->host_name ? "%s (host %s)" : "%s",
		 netns__address(ns, address),
		 plain_text__of_host(ns->host_name, host, sizeof(host)));
	return place;
}

static struct netns netns_of_applied(const struct applied *a)
{
	struct netns ns = { .inode = a->inode, .cookie = a->cookie };

	if (netns__is_name(a->name))
		snprintf(ns.name, sizeof(ns.name), "%s", a->name);
	return ns;
}

static const char *place_of_applied(const struct applied *a, char place[PLACE_SIZE])
{
	struct netns ns = netns_of_applied(a);

	return place_of(&ns, place);
}

#define WAY_BACK_SIZE (2 * NETNS_ADDRESS_SIZE + 128)

/* Whole commands; a name and a cookie need no quotes. Before 5.14 a namespace without a name may be
 * reached by --all only. */
static const char *way_back(const struct applied *a, bool may_keep, char text[WAY_BACK_SIZE])
{
	char address[NETNS_ADDRESS_SIZE];
	struct netns ns = netns_of_applied(a);

	if (!*ns.name && !ns.cookie)
		return "'halfopen revert --all' takes it back";
	netns__address(&ns, address);
	if (may_keep)
		snprintf(text, WAY_BACK_SIZE, "'halfopen revert --netns %s' takes it back, "
			 "'halfopen apply --keep --netns %s' keeps it", address, address);
	else
		snprintf(text, WAY_BACK_SIZE, "'halfopen revert --netns %s' takes it back",
			 address);
	return text;
}

#define APPLIED_MAX 64
/* A guard checks once a second. */
#define TRIAL_GRACE_S 5

/* Changes that we made, and trials past their end: their guard was killed. */
static void examine_applied(struct examination *x)
{
	uint32_t inodes[APPLIED_MAX];
	unsigned int count = applied__list(STATE_DIRECTORY, inodes, APPLIED_MAX), i;

	for (i = 0; i < count; i++) {
		char place[PLACE_SIZE], back[WAY_BACK_SIZE];
		struct applied a;
		int64_t over_s;

		if (applied__load(STATE_DIRECTORY, inodes[i], &a) || !a.netns)
			continue;
		over_s = a.trial_until_s ? applied__now_s() - a.trial_until_s : 0;
		if (over_s > TRIAL_GRACE_S)
			findings__add(x->f, "applied", FINDING_WARNING, NULL,
				      way_back(&a, true, back),
				      "a trial of 'halfopen apply' in namespace %s was over "
				      "%lld s ago, and nobody took it back",
				      place_of_applied(&a, place), (long long)over_s);
		else
			findings__add(x->f, "applied", FINDING_NOTE, NULL,
				      way_back(&a, false, back), "%d/%d/%d in namespace %s "
				      "was written by 'halfopen apply'%s", a.after[0],
				      a.after[1], a.after[2], place_of_applied(&a, place),
				      a.trial_until_s ? ", for a trial" : "");
	}
}

static bool same(const struct keepalive_sysctl *a, const struct keepalive_sysctl *b)
{
	return a->idle_s == b->idle_s && a->interval_s == b->interval_s && a->probes == b->probes;
}

static void examine_namespaces(struct examination *x)
{
	const struct diagnosis *d = x->d;
	const struct keepalive_sysctl *own = &d->namespaces[0].sysctl;
	unsigned int i, differ = 0;
	char place[PLACE_SIZE];

	if (own->idle_s < 1 || own->interval_s < 1 || own->probes < 1)
		findings__add(x->f, "sysctl", FINDING_NOTE, "when sockets with keepalive and no "
			      "values of their own notice a dead idle peer",
			      "sysctl -w net.ipv4.tcp_keepalive_time=7200 (and its siblings, 75 "
			      "and 9)",
			      "tcp_keepalive_time/intvl/probes = %d/%d/%d here: one of them is "
			      "below 1", own->idle_s, own->interval_s, own->probes);
	else
		findings__add(x->f, "sysctl", FINDING_OK, NULL, NULL,
			      "tcp_keepalive_time/intvl/probes = %d/%d/%d here: a socket with "
			      "keepalive and no values of its own notices a dead idle peer after "
			      "%lld s", own->idle_s, own->interval_s, own->probes,
			      (own->idle_s > own->interval_s ? own->idle_s : own->interval_s) +
			      (long long)own->interval_s * own->probes);
	examine_setting(x, "tcp_keepalive_time", own->idle_s, 7200);
	examine_setting(x, "tcp_keepalive_intvl", own->interval_s, 75);
	examine_setting(x, "tcp_keepalive_probes", own->probes, 9);
	for (i = 1; i < d->namespace_count; i++) {
		const struct diagnosed_netns *ns = &d->namespaces[i];

		if (same(&ns->sysctl, own))
			continue;
		if (++differ <= 8)
			findings__add(x->f, "sysctl", FINDING_OK, NULL, NULL,
				      "%d/%d/%d in network namespace %s", ns->sysctl.idle_s,
				      ns->sysctl.interval_s, ns->sysctl.probes,
				      place_of(&ns->netns, place));
	}
	if (d->namespace_count > 1)
		findings__add(x->f, "sysctl", FINDING_OK, NULL, NULL,
			      "%u other network namespace%s: %u with values of %s own",
			      d->namespace_count - 1, d->namespace_count > 2 ? "s" : "", differ,
			      differ == 1 ? "its" : "their");
}

/* The timeout of unacknowledged data in the host's own namespace, in which keepalive has no
 * part. */
static void examine_retransmission(struct examination *x)
{
	struct retransmission_sysctl r;
	char longest[48] = "";
	double ends_s;

	if (tunables__read_retransmission(&r))
		return;
	ends_s = retransmission__model_s(r.retries2 > 0 ? r.retries2 : 0, r.rto_max_ms / 1000.0);
	if (r.rto_max_ms)
		snprintf(longest, sizeof(longest), " and tcp_rto_max_ms = %d", r.rto_max_ms);
	findings__add(x->f, "sysctl", FINDING_OK, NULL, NULL,
		      "tcp_retries2 = %d%s here: data that nobody acknowledges end a socket after "
		      "%.0f s or somewhat more, if it has no TCP_USER_TIMEOUT%s",
		      r.retries2, longest,
		      ends_s, r.rto_max_ms ? " or TCP_RTO_MAX_MS of its own" : "");
	examine_setting(x, "tcp_retries2", r.retries2, RETRIES2_DEFAULT);
	if (r.rto_max_ms)
		examine_setting(x, "tcp_rto_max_ms", r.rto_max_ms, RTO_MAX_DEFAULT_S * 1000);
}

/* ---- the sockets ---- */

static const char *netns_name(const struct diagnosis *d, uint32_t inode, char *text, size_t size)
{
	char place[PLACE_SIZE];
	unsigned int i;

	text[0] = '\0';
	if (d->namespace_count && d->namespaces[0].netns.inode != inode)
		snprintf(text, size, " in the network namespace with inode %u", inode);
	for (i = 1; i < d->namespace_count; i++)
		if (d->namespaces[i].netns.inode == inode)
			snprintf(text, size, " in network namespace %s",
				 place_of(&d->namespaces[i].netns, place));
	return text;
}

static void examine_sockets(struct examination *x)
{
	const struct exposure_counts *c = &x->census.counts;
	struct census_port ports[8];
	uint32_t count = census__crowded_ports(&x->census, ports, 8), i;
	char where[PLACE_SIZE + 32];
	struct words w = { 0 };

	words__add_counted(&w, c->sockets, "TCP connection");
	words__add(&w, " in ");
	words__add_counted(&w, census__namespaces(&x->census), "network namespace");
	words__add(&w, "; ");
	words__add_count(&w, c->never_notice);
	words__add(&w, " would never notice a dead peer");
	x->f->failed |= w.failed;
	findings__add(x->f, "sockets", c->never_notice ? FINDING_NOTE : FINDING_OK, NULL,
		      c->never_notice ? "'halfopen sockets --summary' says whose they are: their "
					"programs must set SO_KEEPALIVE" : NULL,
		      "%s", w.text ? w.text : "");
	words__free(&w);
	if (c->die_of_one_loss)
		findings__add(x->f, "single_loss", FINDING_NOTE, NULL,
			      "a second probe (TCP_KEEPCNT), and a TCP_USER_TIMEOUT that leaves it "
			      "its interval",
			      "a single lost probe ends %u of them, though their peers are there",
			      c->die_of_one_loss);
	for (i = 0; i < count; i++)
		findings__add(
			x->f, "proxy", FINDING_WARNING,
			"the devices behind: only the proxy's own life is seen here",
			"watch on the proxy, too; if these are carriers' shared addresses, "
			"nothing is amiss",
			"%u sockets from %u peer%s on port %u%s: a proxy or load balancer; you "
			"see its life, not the devices'",
			ports[i].sockets, ports[i].peers, ports[i].peers == 1 ? "" : "s",
			ports[i].port, netns_name(x->d, ports[i].netns, where, sizeof(where)));
}

/* ---- the whole ---- */

static void examine_with_bpf(struct examination *x)
{
	examine_open_files(x);
	examine_memlock(x);
	examine_iterators(x);
	if (x->d->hz)
		examine_programs(x);
	examine_recursion(x);
	examine_walks(x);
	examine_mounts(x);
	if (x->d->namespace_count) {
		examine_namespaces(x);
		examine_retransmission(x);
		examine_sockets(x);
	}
}

void diagnosis__make(struct diagnosis *d)
{
	struct examination x = { .d = d, .f = &d->findings };

	*d = (struct diagnosis){ 0 };
	host__read(&d->host);
	examine_kernel(&x);
	examine_btf(&x);
	examine_lockdown(&x);
	examine_pid_namespace(&x);
	if (examine_capabilities(&x) && x.btf)
		examine_with_bpf(&x);
	examine_ring(&x);
	examine_clocks(&x);
	examine_applied(&x);
	snapshot__close(x.snapshot);
	census__free(&x.census);
	cookie_set__free(&x.met);
	kernel_btf__close(x.btf);
}

void diagnosis__free(struct diagnosis *d)
{
	findings__free(&d->findings);
	free(d->namespaces);
}
