// SPDX-License-Identifier: GPL-2.0
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "act/brief_close.h"

/* A signal ends the wait for a linger time, however often it has to come. */
#define INTERRUPT_US 20000
/* Closing takes some microseconds. */
#define CLOSER_WAIT_MS 100
/* Left behind at most; then files stay open until this process ends. */
#define CLOSERS_MAX 16

static void do_nothing(int signal)
{
	(void)signal;
}

void brief_close__socket(int fd)
{
	const struct itimerval often = { { 0, INTERRUPT_US }, { 0, INTERRUPT_US } };
	const struct itimerval never = { 0 };
	const struct sigaction interrupt = { .sa_handler = do_nothing };
	struct sigaction handled;
	sigset_t alarm, before;

	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	sigaction(SIGALRM, &interrupt, &handled);
	sigprocmask(SIG_UNBLOCK, &alarm, &before);
	setitimer(ITIMER_REAL, &often, NULL);
	close(fd);
	setitimer(ITIMER_REAL, &never, NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	sigaction(SIGALRM, &handled, NULL);
}

static pid_t closers[CLOSERS_MAX];
static unsigned int closer_count;

static void reap(void)
{
	unsigned int i, left = 0;

	for (i = 0; i < closer_count; i++)
		if (!waitpid(closers[i], NULL, WNOHANG))
			closers[left++] = closers[i];
	closer_count = left;
}

/* Whoever is left behind must not keep a pipe of ours open: its reader waits for the end. After
 * all that atexit(3) does. */
static void __attribute__((destructor)) close_standard_files(void)
{
	int fd;

	reap();
	if (!closer_count)
		return;
	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		close(fd);
}

static _Noreturn void close_and_end(int fd)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	close(fd);
	_exit(0);
}

void brief_close__file(int fd)
{
	struct pollfd ended = { .events = POLLIN };
	pid_t pid;

	reap();
	if (closer_count == CLOSERS_MAX)
		return;
	pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
	if (!pid)
		close_and_end(fd);
	if (pid < 0)
		return;
	ended.fd = syscall(SYS_pidfd_open, pid, 0);
	if (ended.fd >= 0) {
		poll(&ended, 1, CLOSER_WAIT_MS);
		close(ended.fd);
	}
	closers[closer_count++] = pid;
	reap();
}
