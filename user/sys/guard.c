// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "applied.h"
#include "change.h"
#include "guard.h"

#define ARGUMENT_SIZE 32

/* The program itself, under its own name wherever it lies by then. */
static int own_path(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);

	if (n < 0)
		return -errno;
	path[n] = '\0';
	return 0;
}

static int run(char *const arguments[])
{
	int status, nothing;
	pid_t child = fork();

	if (child < 0)
		return -errno;
	if (!child) {
		nothing = open("/dev/null", O_RDWR);
		dup2(nothing, STDOUT_FILENO);
		dup2(nothing, STDERR_FILENO);
		execvp(arguments[0], arguments);
		_exit(127);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -ECHILD;
}

/* A grandchild, so that nobody waits for it, in a session of its own, so that no terminal ends it.
 */
static int start_process(char *const arguments[])
{
	int ends[2], err = 0, nothing;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	child = fork();
	if (child < 0) {
		err = -errno;
	} else if (!child) {
		signal(SIGHUP, SIG_IGN);
		setsid();
		if (fork())
			_exit(0);
		nothing = open("/dev/null", O_RDWR);
		dup2(nothing, STDIN_FILENO);
		dup2(nothing, STDOUT_FILENO);
		dup2(nothing, STDERR_FILENO);
		if (chdir("/"))
			_exit(1);
		execv(arguments[0], arguments);
		err = errno;	/* says so through the pipe, which a successful exec closes */
		if (write(ends[1], &err, sizeof(err)) < 0)
			_exit(2);
		_exit(1);
	}
	close(ends[1]);
	if (child > 0) {
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
		if (read(ends[0], &err, sizeof(err)) == sizeof(err))
			err = -err;
	}
	close(ends[0]);
	return err;
}

int guard__start(const char *directory, uint32_t netns, int64_t until_s)
{
	char path[512], inode[ARGUMENT_SIZE], until[ARGUMENT_SIZE], unit[64];
	char *const process[] = { path, "revert", "--state", (char *)directory, "--guard", inode,
				  "--until", until, NULL };
	char *const service[] = { "systemd-run", "--quiet",
				  "--collect",	 "--property=Restart=on-failure",
				  "--unit",	 unit,
				  path,		 "revert",
				  "--state",	 (char *)directory,
				  "--guard",	 inode,
				  "--until",	 until,
				  NULL };
	int err = own_path(path, sizeof(path));

	if (err)
		return err;
	snprintf(inode, sizeof(inode), "%u", netns);
	snprintf(until, sizeof(until), "%" PRId64, until_s);
	snprintf(unit, sizeof(unit), "halfopen-trial-%u-%" PRId64, netns, until_s);
	if (!access("/run/systemd/system", F_OK) && !run(service))
		return 0;
	return start_process(process);
}

/* Two keep the time, and each other: who is killed is replaced. */
struct watch_mates {
	pid_t parent;	/* 0: we are the first */
	pid_t child;	/* 0: none */
};

static void keep_mate(struct watch_mates *m)
{
	pid_t us = getpid(), child;

	if (m->parent && getppid() != m->parent)
		m->parent = 0;	/* it was killed: we take its place */
	if (m->child && waitpid(m->child, NULL, WNOHANG) == m->child)
		m->child = 0;
	if (m->parent || m->child)
		return;
	child = fork();
	if (child > 0)
		m->child = child;
	else if (!child)
		m->parent = us;
}

/* Is it still this trial? It begins a moment after its guard. */
static bool is_on(const char *directory, uint32_t netns, int64_t until_s, struct applied *a)
{
	return !applied__load(directory, netns, a) && a->netns && a->trial_until_s == until_s;
}

static int take_back(const struct applied *trial)
{
	struct applied copy = *trial, *a = &copy;
	enum taken_back results[TUNABLES];
	int32_t found[TUNABLES];
	struct netns ns;
	int err = applied__find(a, &ns), back;
	unsigned int i;

	if (err)
		return err;
	memcpy(a->before, a->before_trial, sizeof(a->before));
	back = netns__enter(&ns);
	if (back < 0)
		return back;
	err = applied__take_back(a, results, found);
	for (i = 0; !err && i < TUNABLES; i++)
		syslog(LOG_DAEMON | LOG_NOTICE, "trial over: %s %s", tunable__name(i),
		       results[i] == TAKEN_BACK ? "put back" : results[i] == WAS_BACK
		       ? "was back already" : results[i] == NOT_OURS ? "was not ours"
		       : "left alone: somebody else changed it");
	netns__leave(back);
	return err;
}

int guard__run(const char *directory, uint32_t netns, int64_t until_s)
{
	int64_t began_s = applied__now_s();
	struct watch_mates mates = { 0 };
	struct applied a;
	int lock, err;

	signal(SIGHUP, SIG_IGN);
	openlog("halfopen", LOG_PID, LOG_DAEMON);
	while (applied__now_s() < until_s) {
		keep_mate(&mates);
		sleep(1);
		if (!is_on(directory, netns, until_s, &a) && applied__now_s() > began_s + 60)
			return 0;
	}
	do {	/* whoever changes something now is soon done; the other of us may be it */
		lock = applied__lock(directory);
		if (lock == -EWOULDBLOCK)
			usleep(100000);
	} while (lock == -EWOULDBLOCK);
	if (!is_on(directory, netns, until_s, &a))
		return 0;
	err = take_back(&a);
	if (err && err != -ENOENT) {
		syslog(LOG_DAEMON | LOG_ERR, "the trial could not be taken back: %s",
		       strerror(-err));
		return 1;
	}
	if (!err && change__end_keeping(&a))
		return 1;
	if (err || !applied__end_trial(&a))
		return applied__forget(directory, netns) ? 1 : 0;
	return applied__save(directory, &a) ? 1 : 0;
}
