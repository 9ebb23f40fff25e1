// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "act/brief_close.h"
#include "act/reuse_guard.h"

/* Shared with the guard. */
struct shared {
	/* The descriptor that is held, below a number of its own and above what is so of it; 0:
	 * none. */
	_Atomic uint64_t held;
	atomic_int ready;	/* the guard watches */
};

struct reuse_guard {
	struct shared *shared;
	int us;		/* a descriptor of this process, for the guard */
	int process;	/* of the guard */
	pid_t pid;
	uint64_t word;	/* what we wrote to `held` */
	uint32_t number;
};

#define START_WAIT_MS 5000
/* Whoever holds a descriptor over two looks of the guard is stopped, or starves. */
#define LOOK_MS 50
/* The guard closes, which a linger time holds up for less. */
#define TAKEN_WAIT_MS 1000
/* A killed guard that does not end is not waited for. */
#define END_WAIT_MS 1000

#define CLEARED 1ULL	/* its option is to be put back */
#define TAKEN 2ULL	/* the guard puts it back, and closes */
#define FLAG_BITS 2
#define NUMBER_SHIFT 32

static int descriptor_of(uint64_t word)
{
	return (uint32_t)word >> FLAG_BITS;
}

/* The end of a process makes a descriptor of it readable. */
static bool has_ended(int process, int wait_ms)
{
	struct pollfd pfd = { .fd = process, .events = POLLIN };

	return poll(&pfd, 1, wait_ms) > 0;
}

static void put_back(uint64_t word)
{
	int on = 1;

	if (word & CLEARED)
		setsockopt(descriptor_of(word), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
}

/* Unless it was released just now. */
static void take_over(struct shared *s, uint64_t word)
{
	if (!atomic_compare_exchange_strong(&s->held, &word, word | TAKEN))
		return;
	put_back(word);
	brief_close__socket(descriptor_of(word));
	atomic_store(&s->held, 0);
}

static _Noreturn void watch_over(const struct reuse_guard *g)
{
	uint64_t seen = 0, word;
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	prctl(PR_SET_NAME, "halfopen-guard");
	atomic_store(&g->shared->ready, 1);
	while (!has_ended(g->us, LOOK_MS)) {
		word = atomic_load(&g->shared->held);
		if (word && word >> NUMBER_SHIFT == seen >> NUMBER_SHIFT)
			take_over(g->shared, word);
		seen = word;
	}
	put_back(atomic_load(&g->shared->held));
	_exit(0);
}

static void let_go(struct reuse_guard *g)
{
	if (g->pid > 0) {
		kill(g->pid, SIGKILL);
		if (g->process < 0 || has_ended(g->process, END_WAIT_MS))
			waitpid(g->pid, NULL, 0);
	}
	if (g->process >= 0)
		close(g->process);
	g->process = -1;
	g->pid = 0;
}

/* As fork(2), with descriptors in common. */
static int begin(struct reuse_guard *g)
{
	int waited_ms;

	atomic_store(&g->shared->ready, 0);
	g->pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
	if (!g->pid)
		watch_over(g);
	if (g->pid < 0)
		return -errno;
	g->process = syscall(SYS_pidfd_open, g->pid, 0);
	if (g->process < 0)
		return -errno;
	for (waited_ms = 0; !atomic_load(&g->shared->ready); waited_ms++)
		if (has_ended(g->process, 1) || waited_ms > START_WAIT_MS)
			return -ECHILD;
	return 0;
}

int reuse_guard__start(struct reuse_guard **out)
{
	struct reuse_guard *g = calloc(1, sizeof(*g));
	int err = 0;

	if (!g)
		return -ENOMEM;
	g->process = -1;
	g->us = syscall(SYS_pidfd_open, getpid(), 0);
	g->shared = mmap(NULL, sizeof(*g->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (g->us < 0 || g->shared == MAP_FAILED)
		err = -errno;
	if (!err) {
		atomic_init(&g->shared->held, 0);
		err = begin(g);
	}
	if (!err)
		*out = g;
	else
		reuse_guard__end(g);
	return err;
}

bool reuse_guard__is_there(struct reuse_guard *g)
{
	if (g->process >= 0 && !has_ended(g->process, 0))
		return true;
	let_go(g);
	if (!begin(g))
		return true;
	let_go(g);
	return false;
}

void reuse_guard__hold(struct reuse_guard *g, int fd)
{
	g->word = (uint64_t)++g->number << NUMBER_SHIFT | (uint64_t)fd << FLAG_BITS;
	atomic_store(&g->shared->held, g->word);
}

/* As long as the guard has not taken it over. */
static bool change(struct reuse_guard *g, uint64_t to)
{
	uint64_t expected = g->word;

	if (!atomic_compare_exchange_strong(&g->shared->held, &expected, to))
		return false;
	g->word = to;
	return true;
}

bool reuse_guard__clears(struct reuse_guard *g)
{
	return change(g, g->word | CLEARED);
}

bool reuse_guard__release(struct reuse_guard *g)
{
	int fd = descriptor_of(g->word), waited_ms;

	if (change(g, 0))
		return true;
	for (waited_ms = 0; atomic_load(&g->shared->held); waited_ms++) {
		if (!has_ended(g->process, 1) && waited_ms < TAKEN_WAIT_MS)
			continue;
		let_go(g);	/* the next one is started when it is needed */
		put_back(g->word);
		brief_close__socket(fd);
		atomic_store(&g->shared->held, 0);
		break;
	}
	return false;
}

void reuse_guard__end(struct reuse_guard *g)
{
	if (!g)
		return;
	let_go(g);
	if (g->us >= 0)
		close(g->us);
	if (g->shared != MAP_FAILED)
		munmap(g->shared, sizeof(*g->shared));
	free(g);
}
