// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/cookies.h"
#include "kernel/kernel_btf.h"
#include "kernel/snapshot.h"
#include "pass.skel.h"
#include "sys/clock.h"
#include "sys/lockdown.h"
#include "sys/log.h"
#include "sys/reason.h"
#include "tcp/jiffies.h"

/* Missing from the headers of some libcs that we build with. */
#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif

/* HZ follows from the kernel's value for this many seconds. */
#define LEARNED_IDLE_S 100

struct snapshot {
	struct pass_bpf *bpf;
	struct bpf_link *held, *in_netns, *learn, *table, *owners;
	bool cookies_are_made;	/* by the iterators; else by an inet_diag dump */
	bool exact;		/* iter/tcp is: snapshot__is_exact() */
	uint64_t socket_operations;	/* address of those of files, as learned */
	unsigned int hz;
	int own_socket;
};

enum { PART_LEARN, PART_IN_NETNS, PART_HELD, PART_TABLE, PART_OWNERS };

static const struct support_part parts[SNAPSHOT_PARTS] = {
	[PART_LEARN] = { .program = "learn", .instead = "learn_from_listener", .vital = true,
			 .needs = "bpf_sock_from_file" },
	[PART_IN_NETNS] = { .program = "sockets_in_netns", .vital = true },
	[PART_HELD] = { .program = "held_sockets", .instead = "held_sockets_by_inode",
			.needs = "bpf_sock_from_file",
			.without = "whose the sockets are (owner) stays unknown" },
	[PART_TABLE] = { .program = "connections_cast", .instead = "connections_read",
			 .needs = "bpf_rdonly_cast", .only_with = "bpf_loop",
			 .without = "nothing, but walks over all sockets take longer where many "
				    "network namespaces have some" },
	[PART_OWNERS] = { .program = "owners", .only_with = "bpf_rdonly_cast",
			  .without = "nothing, but finding owners of sockets takes longer" },
};

static void *open_iterators(const void *context, struct bpf_object **object)
{
	const struct snapshot_config *config = context;
	struct pass_bpf *bpf = pass_bpf__open();

	if (!bpf)
		return NULL;
	bpf->rodata->own_cookie = config->own_cookie;
	bpf->rodata->have_cookie_helper =
		kernel_btf__has(config->btf, COOKIE_HELPER);
	bpf->rodata->have_snprintf_helper = kernel_btf__has(config->btf, "bpf_snprintf");
	bpf->rodata->can_read_memory = lockdown__read() != LOCKDOWN_CONFIDENTIALITY;
	*object = bpf->obj;
	return bpf;
}

static int load_iterators(void *bpf)
{
	return pass_bpf__load(bpf);
}

static void close_iterators(void *bpf)
{
	pass_bpf__destroy(bpf);
}

const struct support_object snapshot_trial = {
	.parts = parts, .count = SNAPSHOT_PARTS,
	.open = open_iterators, .load = load_iterators, .close = close_iterators,
};

static int own_socket(uint64_t *cookie)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int idle = LEARNED_IDLE_S, err;
	socklen_t size = sizeof(*cookie);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle)) ||
	    getsockopt(fd, SOL_SOCKET, SO_COOKIE, cookie, &size)) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* It can be reached only from this host, and no connection is accepted. */
static int listen_on_loopback(int fd)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 1) ? -errno : 0;
}

static struct bpf_link *attach_to(const struct snapshot *s, const struct support_result *r,
				  const struct bpf_iter_attach_opts *options)
{
	errno = ENOTSUP;
	if (!support__usable(r))
		return NULL;
	return bpf_program__attach_iter(
		bpf_object__find_program_by_name(s->bpf->obj, r->program), options);
}

/* The link of a part's program, NULL (with errno) if it cannot be had or was not loaded. */
static struct bpf_link *attach(const struct snapshot *s, const struct support_result *r)
{
	return attach_to(s, r, NULL);
}

/* Through our own files alone, where the kernel's iterator can be told so (f0d74c4da1f0, 6.1);
 * through all processes' on older ones, which overlook that or refuse it. */
static struct bpf_link *attach_to_ourselves(const struct snapshot *s,
					    const struct support_result *r)
{
	union bpf_iter_link_info info = { .task.pid = getpid() };
	LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &info,
		    .link_info_len = sizeof(info));

	return attach_to(s, r, r->program == r->part->program ? &options : NULL) ?: attach(s, r);
}

static int attach_all(struct snapshot *s, const struct support_result *results)
{
	int err = 0;

	if (results[PART_LEARN].program == results[PART_LEARN].part->instead)
		err = listen_on_loopback(s->own_socket);
	if (err) {
		log_error("cannot listen on 127.0.0.1, which this kernel needs for a moment to "
			  "show us a socket of our own: %s", strerror(-err));
		return err;
	}
	s->learn = attach_to_ourselves(s, &results[PART_LEARN]);
	s->in_netns = attach(s, &results[PART_IN_NETNS]);
	if (!s->learn || !s->in_netns) {
		err = -errno;
		log_error("cannot attach the iterators over open sockets: %s", reason__of(err));
		return err;
	}
	s->held = attach(s, &results[PART_HELD]);
	if (s->bpf->rodata->can_read_memory ||
	    results[PART_TABLE].program == results[PART_TABLE].part->program)
		s->table = attach(s, &results[PART_TABLE]);
	if (s->held)
		s->owners = attach(s, &results[PART_OWNERS]);
	return 0;
}

int snapshot__open(struct kernel_btf *btf, struct snapshot **out)
{
	struct snapshot *s = calloc(1, sizeof(*s));
	struct snapshot_config config = { .btf = btf };
	struct support_result results[SNAPSHOT_PARTS];
	int err = -ENOMEM;

	if (!s)
		return err;
	s->cookies_are_made = kernel_btf__has(btf, COOKIE_HELPER);
	s->exact = kernel_btf__has(btf, "bpf_tcp_iter_batch_item");
	s->own_socket = own_socket(&config.own_cookie);
	if (s->own_socket < 0) {
		err = s->own_socket;
		log_error("cannot make a TCP socket of our own to learn from: %s", reason__of(err));
		goto fail;
	}
	s->bpf = support__load(&snapshot_trial, &config, btf, results, &err);
	if (s->bpf)
		err = attach_all(s, results);
	if (err)
		goto fail;
	*out = s;
	return 0;

fail:
	snapshot__close(s);
	return err;
}

void snapshot__close(struct snapshot *s)
{
	if (!s)
		return;
	bpf_link__destroy(s->learn);
	bpf_link__destroy(s->held);
	bpf_link__destroy(s->table);
	bpf_link__destroy(s->owners);
	bpf_link__destroy(s->in_netns);
	pass_bpf__destroy(s->bpf);
	if (s->own_socket >= 0)
		close(s->own_socket);
	free(s);
}

/* Reads one pass of an iterator whose rows are `size` bytes each. */
static int read_rows(struct bpf_link *link, size_t size, row_fn fn, void *context)
{
	/* seq_file gives whole rows only while they fit: keep what a read left unfinished. */
	uint8_t *buf = malloc(1 << 16);
	size_t have = 0, at;
	int fd, err = 0;
	ssize_t n;

	if (!buf)
		return -ENOMEM;
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0) {
		free(buf);
		return -errno;
	}
	for (;;) {
		n = read(fd, buf + have, (1 << 16) - have);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0) {
			err = n < 0 ? -errno : 0;
			break;
		}
		have += n;
		for (at = 0; !err && have - at >= size; at += size)
			err = fn(context, (const void *)(buf + at));
		if (err)
			break;
		have -= at;
		memmove(buf, buf + at, have);
	}
	close(fd);
	free(buf);
	return err;
}

static int take_learned(void *context, const struct ho_row *row)
{
	memcpy(context, row, sizeof(struct ho_learned));
	return 0;
}

/* The address as kallsyms has it, 0 if it is hidden or not there. */
static uint64_t symbol_address(const char *name)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	unsigned long long address, found = 0;
	char line[256], symbol[128];

	if (!f)
		return 0;
	while (!found && fgets(line, sizeof(line), f))
		if (sscanf(line, "%llx %*c %127s", &address, symbol) == 2 && !strcmp(symbol, name))
			found = address;
	fclose(f);
	return found;
}

static int read_learned(struct snapshot *s, struct ho_learned *learned)
{
	int err;

	memset(learned, 0, sizeof(*learned));
	err = read_rows(s->learn, sizeof(*learned), take_learned, learned);
	if (!err && (!learned->keepalive_function || !learned->keepalive_time_jiffies))
		err = -ENOENT;
	if (err) {
		log_error("cannot learn where this kernel keeps its keepalive timer: %s",
			  reason__of(err));
		return err;
	}
	s->socket_operations = learned->socket_operations;
	s->hz = learned->keepalive_time_jiffies / LEARNED_IDLE_S;
	return 0;
}

/* The socket has told all it knows, and may be listening. */
static void close_own_socket(struct snapshot *s)
{
	close(s->own_socket);
	s->own_socket = -1;
}

int snapshot__find_table(struct snapshot *s, unsigned int *hz)
{
	struct ho_learned learned;
	int err = read_learned(s, &learned);

	if (err)
		return err;
	close_own_socket(s);
	*hz = s->hz;
	return 0;
}

/* Reading all of kallsyms takes as long as reading 100,000 sockets. */
static uint64_t address_of_keepalive_timer(const struct ho_learned *learned)
{
	static const char name[] = "tcp_keepalive_timer";

	return strcmp(learned->keepalive_name, name) ? symbol_address(name)
						     : learned->keepalive_function;
}

int snapshot__learn(struct snapshot *s, struct ho_learned *learned, unsigned int *hz)
{
	int err = read_learned(s, learned);
	uint64_t symbol;

	if (err)
		return err;
	symbol = address_of_keepalive_timer(learned);
	if (symbol && symbol != learned->keepalive_function) {
		log_error("the keepalive timer of our own socket runs %#llx, but kallsyms has "
			  "tcp_keepalive_timer at %#llx: this kernel's sockets are laid out in a "
			  "way that we do not know",
			  (unsigned long long)learned->keepalive_function,
			  (unsigned long long)symbol);
		return -ENOTSUP;
	}
	close_own_socket(s);
	*hz = s->hz;
	log_debug("learned: keepalive timer at offset %u, function %s, HZ %u",
		  learned->keepalive_offset, symbol ? "confirmed by kallsyms" : "not in kallsyms",
		  *hz);
	return 0;
}

int snapshot__held(struct snapshot *s, bool dead, row_fn fn, void *context)
{
	s->bpf->bss->emit_dead = dead;
	s->bpf->bss->emit_held = fn;
	return s->held ? read_rows(s->held, sizeof(struct ho_row), fn, context) : 0;
}

int snapshot__dead(struct snapshot *s, row_fn fn, void *context)
{
	int err;

	s->bpf->bss->emit_only_dead = true;
	err = snapshot__held(s, true, fn, context);
	s->bpf->bss->emit_only_dead = false;
	return err;
}

struct owners_pass {
	holder_fn fn;
	void *context;
};

static int take_owner(void *context, const struct ho_row *row)
{
	const struct owners_pass *p = context;

	return p->fn(p->context, (const void *)row);
}

/* By a walk over all files. */
static int read_owners_of_files(struct snapshot *s, holder_fn fn, void *context)
{
	struct owners_pass pass = { fn, context };
	int err;

	s->bpf->bss->emit_dead = s->bpf->bss->emit_held = false;
	s->bpf->bss->emit_owners = true;
	err = read_rows(s->held, sizeof(struct ho_holder), take_owner, &pass);
	s->bpf->bss->emit_owners = false;
	return err;
}

static int take_held(const struct ho_held *held, holder_fn fn, void *context)
{
	struct ho_holder holder = { .pid = held->pid };
	uint32_t i;
	int err = 0;

	memcpy(holder.comm, held->comm, sizeof(holder.comm));
	for (i = 0; !err && i < held->count; i++) {
		holder.cookie = held->cookies[i];
		err = fn(context, &holder);
	}
	return err;
}

/* By a walk over the descriptors of processes. EAGAIN: one is to be continued. */
static int read_owners_of_processes(struct snapshot *s, holder_fn fn, void *context)
{
	struct ho_held *held = &s->bpf->bss->held;
	int fd = bpf_iter_create(bpf_link__fd(s->owners)), err = 0;
	uint8_t done;
	ssize_t n;

	if (fd < 0)
		return -errno;
	held->socket_operations = s->socket_operations;
	held->thread = held->without_cookie = held->dead = 0;
	do {
		held->count = 0;
		n = read(fd, &done, sizeof(done));
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			err = -errno;
		else
			err = take_held(held, fn, context);
	} while (n && !err);
	close(fd);
	return err;
}

bool snapshot__has_owners(const struct snapshot *s)
{
	return s->owners && s->socket_operations;
}

int snapshot__owners(struct snapshot *s, holder_fn fn, void *context)
{
	int err;

	if (!s->held)
		return 0;
	if (!snapshot__has_owners(s))
		return read_owners_of_files(s, fn, context);
	err = read_owners_of_processes(s, fn, context);
	if (err || !s->bpf->bss->held.without_cookie)
		return err;
	err = snapshot__held(s, false, NULL, NULL);	/* gives them one */
	return err ? err : read_owners_of_processes(s, fn, context);
}

bool snapshot__met_dead(const struct snapshot *s)
{
	return s->bpf->bss->held.dead;
}

bool snapshot__is_exact(const struct snapshot *s)
{
	return s->exact;
}

bool snapshot__has_table(const struct snapshot *s)
{
	return s->table;
}

/* A read of one byte ends after the first task, in whose context the program has run. */
static int run(struct bpf_link *link)
{
	int fd = bpf_iter_create(bpf_link__fd(link)), err = 0;
	uint8_t done;
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		n = read(fd, &done, sizeof(done));
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	if (n != sizeof(done))
		err = n < 0 ? -errno : -EIO;
	close(fd);
	return err;
}

bool snapshot__is_in_table(struct snapshot *s)
{
	struct ho_batch *b = &s->bpf->bss->batch;

	b->bucket = UINT32_MAX;		/* none is read */
	b->buckets = 0;
	return !run(s->table) && b->buckets;
}

/* A run that ends no bucket was led into other chains, or a chain is longer than a batch. */
static int read_batch(struct snapshot *s, struct ho_batch *b)
{
	uint32_t begun_at = b->bucket;
	int err = run(s->table);

	if (err)
		return err;
	if (!b->buckets)
		return -ENOTSUP;
	return b->bucket > begun_at ? 0 : -ELOOP;
}

/* From their jiffies. */
static void set_time(struct ho_batch *b, uint32_t hz)
{
	uint32_t i;

	for (i = 0; i < b->count; i++)
		b->rows[i].event.mono_ns =
			b->begun_ns +
			jiffies__to_ns(b->rows[i].event.jiffies - b->begun_jiffies, hz);
}

/* So many rows are read while memory answers. */
#define ROWS_AHEAD 8

static int take_batch(const struct ho_batch *b, row_fn fn, soon_fn soon, void *context)
{
	uint32_t i;
	int err = 0;

	for (i = 0; !err && i < b->count; i++) {
		if (soon && i + ROWS_AHEAD < b->count)
			soon(context, &b->rows[i + ROWS_AHEAD]);
		err = fn(context, &b->rows[i]);
	}
	return err;
}

int snapshot__table(struct snapshot *s, const struct snapshot_wanted *wanted, row_fn fn,
		    between_fn between, void *context, bool *whole)
{
	struct ho_batch *b = &s->bpf->bss->batch;
	int err = 0, failed = 0;

	b->bucket = b->buckets = 0;
	b->known = wanted->known;
	b->unknown = wanted->unknown;
	b->waiting = wanted->waiting;
	b->lean = wanted->lean;
	b->untimed = wanted->untimed;
	b->old_stamps = clock__mono_ns() > jiffies__to_ns(1ULL << 32, s->hz);
	do {
		failed = read_batch(s, b);
		if (!failed && b->untimed)
			set_time(b, s->hz);
		if (!failed)
			err = take_batch(b, fn, wanted->soon, context);
		if (!failed && !err && between)
			err = between(context);
	} while (!failed && !err && b->bucket < b->buckets);
	if (failed)
		log_debug("the table of connections cannot be read (bucket %u of %u): %s",
			  b->bucket, b->buckets, strerror(-failed));
	*whole = !failed;
	return err;
}

int snapshot__in_netns(struct snapshot *s, bool waiting, row_fn fn, void *context, bool *complete)
{
	int err = s->cookies_are_made ? 0 : cookies__make();

	if (err) {
		log_debug("cannot give cookies to the sockets of a namespace: %s", strerror(-err));
		*complete = false;
	}
	s->bpf->bss->emit_waiting = waiting;
	return read_rows(s->in_netns, sizeof(struct ho_row), fn, context);
}

size_t snapshot__count_sockets(void)
{
	FILE *f = fopen("/proc/net/sockstat", "re");
	size_t sockets = 0;
	char line[256];

	if (!f)
		return 0;
	/* "inuse" is of this namespace, "alloc" of all of them */
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "TCP: inuse %*u orphan %*u tw %*u alloc %zu", &sockets) == 1)
			break;
	fclose(f);
	return sockets;
}
