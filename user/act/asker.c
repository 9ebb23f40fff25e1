// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "act/asker.h"
#include "act/descriptors.h"
#include "act/net_class.h"
#include "act/remote_socket.h"
#include "act/reuse_guard.h"
#include "ask.skel.h"
#include "kernel/kernel_btf.h"
#include "kernel/support.h"
#include "sys/capability.h"
#include "sys/clock.h"
#include "sys/lockdown.h"
#include "sys/log.h"
#include "sys/reason.h"
#include "tcp/tcp_states.h"

/* Programs pass sockets on and close them: who has what is read anew at most this often. */
#define DESCRIPTORS_AGE_NS 1000000000ULL
/* Another that asks a socket holds it for less than a tenth of these together. */
#define HOLD_PAUSE_NS 50000
#define HOLD_TRIES 6
/* Two stamps of the kernel's jiffies that differ by more are two (HZ=100: 10 ms each). */
#define STAMPS_DIFFER_NS 25000000ULL

/* A socket that was asked. */
struct slot {
	struct asker_result result;
	uint64_t first_ns;	/* asked first */
	uint64_t asked_ns;	/* last */
	uint64_t heard_ns;	/* before it was asked, by the kernel's clocks */
	uint64_t bytes_acked;	/* before it was asked */
	struct remote_facts facts;	/* when its time was over */
	uint32_t generation;
	unsigned int tries;	/* to ask it, from the first that left on */
	bool outstanding;	/* no result yet */
	bool heard_otherwise;	/* life that is no answer */
	bool was_left;		/* ESTABLISHED: closed at one end */
	bool was_sought_again;	/* its descriptor, when its time was over */
	/* SO_REUSEADDR, at the last ask: */
	bool was_cleared, is_put_back;
};

/* When a slot is to be looked at next. */
struct due {
	uint64_t at_ns;
	uint32_t slot, generation;
};

/* Slots, as many as there are at most. */
struct numbers {
	uint32_t *list;
	size_t count;
};

struct asker {
	struct asker_config config;
	struct ask_bpf *bpf;
	struct bpf_link *links[3], *iterator;
	struct ring_buffer *ring;
	struct reuse_guard *guard;
	struct descriptors descriptors;
	uint64_t descriptors_ns;	/* when they were read; 0: not yet */
	struct slot *slots;
	size_t slot_count;
	struct numbers unused, finished;
	struct due *due;	/* circular: each follows the one before it in time */
	size_t due_first, due_count, due_size;
	unsigned int outstanding;
};

enum { PART_HEARD, PART_ENDED, PART_DROPPED, PART_DESCRIPTORS, PARTS };

static const struct support_part parts[PARTS] = {
	[PART_HEARD] = { .program = "heard_cast", .instead = "heard_read",
			 .needs = "bpf_rdonly_cast",
			 .without = "answers are found by the kernel's clocks: when is not known" },
	[PART_ENDED] = { .program = "ended",
			 .without = "a reset that answers counts as an end by the program" },
	[PART_DROPPED] = { .program = "dropped",
			   .without = "asks and answers that this host itself drops count as unanswered" },
	[PART_DESCRIPTORS] = { .program = "descriptors", .instead = "descriptors_by_inode",
			       .needs = "bpf_sock_from_file", .vital = true,
			       .without = "nobody can be asked, as no descriptor is found" },
};

/* ---- loading ---- */

/* The initial PID namespace has this inode (PROC_PID_INIT_INO of linux/proc_ns.h). */
#define HOST_PID_NAMESPACE 0xEFFFFFFCU

static bool is_in_host_pid_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) || st.st_ino == HOST_PID_NAMESPACE;
}

static void *open_programs(const void *context, struct bpf_object **object)
{
	struct kernel_btf *const *btf = context;
	struct ask_bpf *bpf = ask_bpf__open();

	if (!bpf)
		return NULL;
	bpf->rodata->in_host_pid_namespace = is_in_host_pid_namespace();
	bpf->rodata->hz = clock__hz();
	bpf->rodata->have_drop_reason = support__tracepoint_arguments(*btf, "kfree_skb") >= 3;
	bpf->rodata->can_read_memory = lockdown__read() != LOCKDOWN_CONFIDENTIALITY;
	*object = bpf->obj;
	return bpf;
}

static int load_programs(void *bpf)
{
	return ask_bpf__load(bpf);
}

static void close_programs(void *bpf)
{
	ask_bpf__destroy(bpf);
}

static const struct support_object programs = {
	.parts = parts, .count = PARTS,
	.open = open_programs, .load = load_programs, .close = close_programs,
};

static int attach(struct asker *a, const struct support_result *results)
{
	struct bpf_program *program;
	unsigned int i;

	if (!support__usable(&results[PART_DESCRIPTORS]))
		return -ENOTSUP;	/* that was logged */
	for (i = 0; i < PARTS; i++) {
		if (!support__usable(&results[i]))
			continue;
		program = bpf_object__find_program_by_name(a->bpf->obj, results[i].program);
		if (i == PART_DESCRIPTORS)
			a->iterator = bpf_program__attach_iter(program, NULL);
		else
			a->links[i] = bpf_program__attach(program);
		if (i == PART_DESCRIPTORS ? !a->iterator : !a->links[i])
			return -errno;
	}
	return 0;
}

static int on_answer(void *context, void *data, size_t size);

static int load(struct asker *a)
{
	struct support_result results[PARTS];
	struct kernel_btf *btf = NULL;
	int err = kernel_btf__open(&btf);

	if (err) {
		log_error("the kernel's types (BTF) cannot be read: %s", reason__of(err));
		return err;
	}
	a->bpf = support__load(&programs, &btf, btf, results, &err);
	kernel_btf__close(btf);
	if (!a->bpf)
		return err;
	err = attach(a, results);
	if (!err) {
		a->ring = ring_buffer__new(bpf_map__fd(a->bpf->maps.answers), on_answer, a, NULL);
		err = a->ring ? 0 : -errno;
	}
	if (err && err != -ENOTSUP)
		log_error("the programs that follow answers cannot be attached: %s",
			  reason__of(err));
	return err;
}

static int read_descriptors(struct asker *a)
{
	int err = descriptors__read(&a->descriptors, a->iterator);

	a->descriptors_ns = clock__mono_ns();
	if (err)
		log_error("which process has which socket open cannot be read: %s",
			  reason__of(err));
	return err;
}

static const char *missing_capability(void)
{
	if (!capability__has(CAPABILITY_NET_ADMIN))
		return "CAP_NET_ADMIN";
	if (!capability__has(CAPABILITY_SYS_PTRACE))
		return "CAP_SYS_PTRACE";
	return capability__missing_for_bpf();
}

int asker__open(const struct asker_config *config, struct asker **out)
{
	const char *missing = missing_capability();
	struct asker *a;
	int err;

	if (missing) {
		log_error("not permitted: asking peers needs %s (run it as root)", missing);
		return -EPERM;
	}
	support__hush_libbpf();
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->config = *config;
	err = reuse_guard__start(&a->guard);
	if (err)
		log_error("the guard that puts SO_REUSEADDR back cannot be started: %s",
			  reason__of(err));
	if (!err)
		err = load(a);
	if (!err)
		*out = a;
	else
		asker__close(a);
	return err;
}

void asker__close(struct asker *a)
{
	unsigned int i;

	if (!a)
		return;
	for (i = 0; i < sizeof(a->links) / sizeof(a->links[0]); i++)
		bpf_link__destroy(a->links[i]);
	bpf_link__destroy(a->iterator);
	ring_buffer__free(a->ring);
	ask_bpf__destroy(a->bpf);
	reuse_guard__end(a->guard);
	descriptors__free(&a->descriptors);
	free(a->slots);
	free(a->unused.list);
	free(a->finished.list);
	free(a->due);
	free(a);
}

/* ---- lists ---- */

static bool make_room(struct numbers *n, size_t size)
{
	uint32_t *bigger = realloc(n->list, size * sizeof(*bigger));

	if (bigger)
		n->list = bigger;
	return bigger;
}

static void append(struct numbers *n, uint32_t number)
{
	n->list[n->count++] = number;
}

/* With room for each in both lists. */
static bool add_slots(struct asker *a)
{
	size_t count = a->slot_count ? 2 * a->slot_count : 256;
	struct slot *bigger = realloc(a->slots, count * sizeof(*bigger));

	if (bigger)
		a->slots = bigger;
	if (!bigger || !make_room(&a->unused, count) || !make_room(&a->finished, count))
		return false;
	for (; a->slot_count < count; a->slot_count++) {
		bigger[a->slot_count] = (struct slot){ 0 };
		append(&a->unused, a->slot_count);
	}
	return true;
}

static bool make_due(struct asker *a, const struct due *d)
{
	size_t size = a->due_size ? 2 * a->due_size : 1024, i;
	struct due *bigger;

	if (a->due_count >= a->due_size) {
		bigger = malloc(size * sizeof(*bigger));
		if (!bigger)
			return false;
		for (i = 0; a->due_size && i < a->due_count; i++)
			bigger[i] = a->due[(a->due_first + i) % a->due_size];
		free(a->due);
		a->due = bigger;
		a->due_first = 0;
		a->due_size = size;
	}
	a->due[(a->due_first + a->due_count++) % a->due_size] = *d;
	return true;
}

/* The first that is due and whose slot still waits; NULL: none is outstanding. */
static const struct due *next_due(struct asker *a)
{
	while (a->due_count) {
		const struct due *d = &a->due[a->due_first % a->due_size];
		const struct slot *s = &a->slots[d->slot];

		if (s->outstanding && s->generation == d->generation)
			return d;
		a->due_first = (a->due_first + 1) % a->due_size;
		a->due_count--;
	}
	return NULL;
}

static void finish(struct asker *a, struct slot *s, enum asker_outcome outcome, enum askable why)
{
	s->result.outcome = outcome;
	s->result.why = why;
	s->outstanding = false;
	s->generation++;
	bpf_map_delete_elem(bpf_map__fd(a->bpf->maps.asked), &s->result.cookie);
	append(&a->finished, s - a->slots);
}

/* ---- one socket ---- */

static int try_descriptors(const struct asker *a, uint64_t cookie, int *fd)
{
	const struct ho_descriptor *d = descriptors__find(&a->descriptors, cookie);
	int refused = ASKABLE_NO_DESCRIPTOR;

	for (; d; d = descriptors__next(&a->descriptors, d)) {
		if (!net_class__is_ours(d->pid)) {
			refused = ASKABLE_NET_CLASS;
			continue;
		}
		refused = remote_socket__open(d, a->guard, fd);
		if (refused <= 0)
			break;
	}
	return refused;
}

/* A descriptor of the socket, as remote_socket__open() has it. They are read when the first is
 * wanted: by then each socket that is to be asked has a cookie. */
static int open_socket(struct asker *a, uint64_t cookie, int *fd)
{
	int refused = try_descriptors(a, cookie, fd);

	if ((refused == ASKABLE_MOVED || refused == ASKABLE_NO_DESCRIPTOR) &&
	    clock__mono_ns() - a->descriptors_ns > DESCRIPTORS_AGE_NS) {
		refused = read_descriptors(a);
		if (!refused)
			refused = try_descriptors(a, cookie, fd);
	}
	return refused;
}

/* The two calls. A stop by the terminal (Ctrl-Z) does not come in between. */
static int leave_repair(struct slot *s, int fd, bool reuse)
{
	int off = 0, on = 1, err;
	sigset_t stop, before;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	sigprocmask(SIG_BLOCK, &stop, &before);
	err = setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &off, sizeof(off));
	if (reuse)
		s->is_put_back = !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	sigprocmask(SIG_SETMASK, &before, NULL);
	return err;
}

static bool is_its_program(const struct asker *a, uint64_t cookie, pid_t pid)
{
	const struct ho_descriptor *d = descriptors__find(&a->descriptors, cookie);

	while (d && d->pid != (uint32_t)pid)
		d = descriptors__next(&a->descriptors, d);
	return d;
}

/* SO_REUSEADDR is cleared meanwhile, where it was set: another process that asks must not find
 * it so. Returns an enum askable. */
static int send_probe(struct asker *a, struct slot *s, int fd)
{
	socklen_t size = sizeof(int);
	pid_t holder = remote_socket__lock(fd);
	int reuse = 0, err;

	if (holder)
		return is_its_program(a, s->result.cookie, holder) ? ASKABLE_LOCKED
								   : ASKABLE_ASKED_BY_OTHER;
	if (getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, &size))
		return ASKABLE_NOT_PERMITTED;
	if (reuse && !reuse_guard__clears(a->guard))
		return ASKABLE_MOVED;
	a->bpf->bss->ask_was_dropped = false;
	a->bpf->bss->asking = s->result.cookie;
	s->asked_ns = clock__mono_ns();
	s->was_cleared = reuse;
	err = leave_repair(s, fd, reuse);
	a->bpf->bss->asking = 0;
	if (err)
		return ASKABLE_NOT_PERMITTED;
	return *(volatile bool *)&a->bpf->bss->ask_was_dropped ? ASKABLE_NOT_SENT : ASKABLE;
}

/* Asks through this descriptor. Data under way ask, too, but a path that was cut for a while has
 * made their next retransmission a matter of minutes. Returns as send_probe(). */
static int ask_through(struct asker *a, struct slot *s, int fd)
{
	struct remote_facts facts;
	int refused;

	if (remote_socket__read(fd, &facts))
		return ASKABLE_MOVED;
	if (facts.in_repair)
		return ASKABLE_IN_REPAIR;
	if (facts.state != TCP_ESTABLISHED)
		return ASKABLE_NOT_ESTABLISHED;
	if (!s->result.asks) {
		s->heard_ns = facts.heard_ns;
		s->bytes_acked = facts.bytes_acked;
	}
	refused = send_probe(a, s, fd);
	if (refused)
		return refused;
	s->result.asks++;
	s->result.bytes += facts.probe_bytes;
	return ASKABLE;
}

/* The guard put it back as we were stopped; one of our calls may have come after that. */
static void put_back_again(struct asker *a, struct slot *s)
{
	int fd, on = 1;

	if (open_socket(a, s->result.cookie, &fd))
		return;		/* its program has closed it */
	s->is_put_back = !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	remote_socket__close(fd, a->guard);
}

/* What is done with a socket while it is held. Returns an enum askable. */
typedef int (*through)(struct asker *a, struct slot *s, int fd);

/* Returns what `act` did, or an enum askable or -errno where it cannot be had. */
static int try_through(struct asker *a, struct slot *s, through act, bool *was_taken)
{
	int fd, refused = open_socket(a, s->result.cookie, &fd);

	*was_taken = false;
	if (refused)
		return refused;
	s->was_cleared = s->is_put_back = false;
	refused = act(a, s, fd);
	*was_taken = !remote_socket__close(fd, a->guard);
	if (*was_taken && s->was_cleared) {
		s->is_put_back = true;	/* by the guard */
		put_back_again(a, s);
	}
	s->result.lost_reuseaddr |= s->was_cleared && !s->is_put_back;
	return refused;
}

/* Again where we were stopped with it, or another asks it: not held meanwhile. */
static int do_through(struct asker *a, struct slot *s, through act)
{
	const struct timespec pause = { .tv_nsec = HOLD_PAUSE_NS };
	bool was_taken;
	int refused, tries;

	for (tries = 1;; tries++) {
		refused = try_through(a, s, act, &was_taken);
		if (!refused || tries == HOLD_TRIES ||
		    !(was_taken || refused == ASKABLE_ASKED_BY_OTHER))
			return refused;
		nanosleep(&pause, NULL);
	}
}

static int ask_once(struct asker *a, struct slot *s)
{
	int asked = bpf_map__fd(a->bpf->maps.asked);
	uint32_t number = s - a->slots;

	if (bpf_map_update_elem(asked, &s->result.cookie, &number, BPF_ANY))
		return -errno;
	return do_through(a, s, ask_through);
}

static int look_at(struct asker *a, struct slot *s, uint64_t at_ns)
{
	const struct due d = { .slot = s - a->slots, .generation = s->generation, .at_ns = at_ns };

	return make_due(a, &d) ? 0 : -ENOMEM;
}

/* Asks, and notes when to look at it next, also where it cannot be asked once more. Returns 0 or
 * -errno. */
static int ask(struct asker *a, struct slot *s)
{
	int refused = ask_once(a, s);

	if (refused < 0)
		return refused;
	if (refused && !s->result.asks) {
		finish(a, s, ASKER_NOT_ASKED, refused);
		return 0;
	}
	if (!s->first_ns)
		s->first_ns = s->asked_ns;
	s->tries++;
	return look_at(a, s, s->first_ns + a->config.within_ns * s->tries / a->config.asks);
}

int asker__ask(struct asker *a, uint64_t cookie, uint64_t tag)
{
	struct slot *s;
	int err;

	if (!a->unused.count && !add_slots(a)) {
		log_error("%s", reason__of(ENOMEM));
		return -ENOMEM;
	}
	s = &a->slots[a->unused.list[--a->unused.count]];
	*s = (struct slot){ .result = { .cookie = cookie, .tag = tag },
			    .generation = s->generation, .outstanding = true };
	a->outstanding++;
	err = ask(a, s);
	if (err)
		log_error("sockets cannot be asked: %s", reason__of(err));
	return err;
}

/* ---- results ---- */

/* Of an end: the kernel's own timers (ETIMEDOUT, or what ICMP said of the path) found it dead. */
static enum asker_outcome outcome_of(const struct ho_answer *h)
{
	if (h->kind == HO_ANSWER_LIFE)
		return ASKER_ANSWERED;
	if (h->kind == HO_ANSWER_RESET || h->error == ECONNRESET)
		return ASKER_RESET;
	return h->error && h->error != ECONNABORTED && h->error != EPIPE ? ASKER_UNANSWERED
									 : ASKER_ENDED;
}

static int on_answer(void *context, void *data, size_t size)
{
	const struct ho_answer *h = data;
	struct asker *a = context;
	struct slot *s = h->slot < a->slot_count ? &a->slots[h->slot] : NULL;

	(void)size;
	if (!s || !s->outstanding || s->result.cookie != h->cookie)
		return 0;	/* of one that has its result */
	if (h->kind == HO_ANSWER_NONE || h->kind == HO_ANSWER_LEFT || h->kind == HO_ANSWER_FILTERED) {
		s->heard_otherwise |= h->kind == HO_ANSWER_NONE;
		s->was_left |= h->kind == HO_ANSWER_LEFT;
		s->result.answer_dropped |= h->kind == HO_ANSWER_FILTERED;
		return 0;
	}
	s->result.bytes += h->bytes;
	if (s->result.asks == 1)	/* of which of several it is the answer is not known */
		s->result.rtt_us = (h->mono_ns - s->asked_ns) / 1000;
	finish(a, s, outcome_of(h), ASKABLE);
	return 0;
}

/* The kernel's own clocks, where no program ran, or its record found no room. */
static bool was_heard(const struct slot *s, const struct remote_facts *facts)
{
	if (facts->bytes_acked > s->bytes_acked)	/* data that were under way */
		return true;
	return !s->heard_otherwise && facts->heard_ns > s->heard_ns + STAMPS_DIFFER_NS;
}

static int read_through(struct asker *a, struct slot *s, int fd)
{
	(void)a;
	return remote_socket__read(fd, &s->facts) ? ASKABLE_MOVED : ASKABLE;
}

/* Nobody has its descriptor any more, that we see, or may use it: it says nothing. */
static int miss(struct asker *a, struct slot *s, enum askable why)
{
	bool is_gone = why == ASKABLE_MOVED || why == ASKABLE_NO_DESCRIPTOR;

	if (is_gone && s->was_left) {
		finish(a, s, ASKER_ENDED, ASKABLE);
	} else if (is_gone && !s->was_sought_again) {
		s->was_sought_again = true;	/* as soon as they are read anew */
		return look_at(a, s, clock__mono_ns() + DESCRIPTORS_AGE_NS);
	} else {
		/* without the program that tells of it, it may as well have been closed */
		finish(a, s, ASKER_NOT_SEEN,
		       is_gone && a->links[PART_ENDED] ? ASKABLE_PASSED_ON : why);
	}
	return 0;
}

/* Its time is over: what does the socket itself say? */
static int look_again(struct asker *a, struct slot *s)
{
	int refused = do_through(a, s, read_through);

	if (refused < 0)
		return refused;
	if (refused)
		return miss(a, s, refused);
	if (s->facts.state != TCP_ESTABLISHED)
		finish(a, s, ASKER_ENDED, ASKABLE);
	else if (was_heard(s, &s->facts))
		finish(a, s, ASKER_ANSWERED, ASKABLE);
	else if (s->tries < a->config.asks)
		return ask(a, s);
	else
		finish(a, s, ASKER_UNANSWERED, ASKABLE);
	return 0;
}

/* Looks at whose time is over; answers that have arrived come first. */
static void look_at_due(struct asker *a)
{
	const struct due *d = next_due(a);
	struct slot *s;

	for (; d && d->at_ns <= clock__mono_ns() && !a->finished.count; d = next_due(a)) {
		s = &a->slots[d->slot];
		a->due_first = (a->due_first + 1) % a->due_size;
		a->due_count--;
		if (look_again(a, s))
			finish(a, s, ASKER_NOT_SEEN, ASKABLE_NOT_PERMITTED);
	}
}

bool asker__take(struct asker *a, struct asker_result *result)
{
	uint32_t number;

	if (!a->finished.count)
		ring_buffer__consume(a->ring);
	if (!a->finished.count)
		look_at_due(a);
	if (!a->finished.count)
		return false;
	number = a->finished.list[--a->finished.count];
	*result = a->slots[number].result;
	append(&a->unused, number);
	a->outstanding--;
	return true;
}

int asker__fd(const struct asker *a)
{
	return ring_buffer__epoll_fd(a->ring);
}

uint64_t asker__due_ns(const struct asker *a)
{
	const struct due *d = next_due((struct asker *)a);

	if (a->finished.count)
		return 0;
	return d ? d->at_ns : UINT64_MAX;
}

unsigned int asker__outstanding(const struct asker *a)
{
	return a->outstanding;
}

void asker__give_up(struct asker *a)
{
	size_t i;

	ring_buffer__consume(a->ring);
	for (i = 0; i < a->slot_count; i++)
		if (a->slots[i].outstanding)
			finish(a, &a->slots[i], ASKER_INTERRUPTED, ASKABLE);
}
