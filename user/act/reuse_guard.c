// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "act/reuse_guard.h"

/* Shared with the guard. */
struct shared {
	atomic_int under_way;	/* the descriptor whose option is cleared; -1: none */
	atomic_int ready;	/* the guard watches */
};

struct reuse_guard {
	struct shared *shared;
	int us;		/* a descriptor of this process, for the guard */
	int process;	/* of the guard */
	pid_t pid;
};

#define START_WAIT_MS 5000

/* The end of a process makes a descriptor of it readable. */
static bool has_ended(int process, int wait_ms)
{
	struct pollfd pfd = { .fd = process, .events = POLLIN };

	return poll(&pfd, 1, wait_ms) > 0;
}

static _Noreturn void watch_over(const struct reuse_guard *g)
{
	sigset_t all;
	int on = 1, fd;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	prctl(PR_SET_NAME, "halfopen-guard");
	atomic_store(&g->shared->ready, 1);
	while (!has_ended(g->us, -1))
		;
	fd = atomic_load(&g->shared->under_way);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	_exit(0);
}

static void let_go(struct reuse_guard *g)
{
	if (g->pid > 0) {
		kill(g->pid, SIGKILL);
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
		atomic_init(&g->shared->under_way, -1);
		err = begin(g);
	}
	if (!err)
		*out = g;
	else
		reuse_guard__end(g);
	return err;
}

bool reuse_guard__begin(struct reuse_guard *g, int fd)
{
	if (has_ended(g->process, 0)) {
		let_go(g);
		if (begin(g)) {
			let_go(g);
			return false;
		}
	}
	atomic_store(&g->shared->under_way, fd);
	return true;
}

void reuse_guard__done(struct reuse_guard *g)
{
	atomic_store(&g->shared->under_way, -1);
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
