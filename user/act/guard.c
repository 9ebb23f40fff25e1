// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "act/change.h"
#include "act/guard.h"
#include "act/lock.h"
#include "sys/netns_life.h"
#include "sys/session.h"
#include "sys/system_log.h"

#define TICK_S 1
#define PAUSE_MAX_S 60
#define GIVE_UP_PAUSE_S 16	/* told to end: half a minute, less than systemd waits */
/* A change is done in milliseconds; a process that stands still with the lock does not delay the
 * end of a trial further. */
#define LOCK_WAIT_S 30
/* systemd starts the next one long before; if it does not, the service was stopped. */
#define SUCCESSOR_WAIT_S 20
/* The trial may have been kept since it was last read. */
#define FAILED_READS_MAX 4

struct guarding {
	const struct guard_task *task;
	char directory[64];	/* by its descriptor, independent of later mounts */
	int directory_fd, lock;
	struct applied trial;	/* as it was last read */
	int life;		/* netns_life__begin() */
	bool has_twin;
	const char *notify;	/* systemd's socket; NULL: it did not start us */
	pid_t parent, child;	/* the older and the younger twin; 0: none */
	bool told_to_end;
	bool is_back;		/* every value to be restored was restored */
	unsigned int reads_left;	/* failed reads of the saved state before it is ignored */
};

/* ---- systemd ---- */

/* sd_notify(3); nothing where systemd did not start us. */
static void notify_systemd(const struct guarding *g, const char *message)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t length = g->notify ? strlen(g->notify) : 0;
	int s;

	if (!length || length >= sizeof(to.sun_path))
		return;
	s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return;
	memcpy(to.sun_path, g->notify, length);
	if (*g->notify == '@')
		to.sun_path[0] = '\0';
	(void)!sendto(s, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT,
		      (struct sockaddr *)&to, offsetof(struct sockaddr_un, sun_path) + length);
	close(s);
}

/* The watchdog: a guard that stands still sends nothing, and is replaced. */
static void feed_watchdog(const struct guarding *g)
{
	notify_systemd(g, "WATCHDOG=1");
}

/* ---- the twin: replaces a guard that was killed ---- */

static void take_guard_lock(const struct guarding *g)
{
	lock__try(g->lock, g->trial.inode, LOCK_GUARD);
}

static void keep_twin(struct guarding *g)
{
	pid_t us = getpid(), child;

	if (g->parent && getppid() != g->parent)
		g->parent = 0;	/* it was killed: we take its place */
	if (g->child && waitpid(g->child, NULL, WNOHANG) == g->child)
		g->child = 0;
	if (!g->has_twin || g->parent || g->child)
		return;
	child = fork();
	if (child > 0) {
		g->child = child;
	} else if (!child) {
		g->parent = us;
		take_guard_lock(g);	/* a child of fork(2) does not inherit the lock */
	}
}

/* Told to end, and nothing left to do: the twin need not wait. */
static void end_twin(const struct guarding *g)
{
	if (g->child)
		kill(g->child, SIGTERM);
	else if (g->parent && getppid() == g->parent)
		kill(g->parent, SIGTERM);
}

/* ---- the saved state ---- */

enum standing {
	STANDS,
	KEPT,		/* no trial any more, or another change is saved */
	REMOVED,	/* nothing is saved any more */
	UNREADABLE,	/* it cannot be read now, whatever it says */
};

static bool is_removed(const struct guarding *g)
{
	char name[APPLIED_FILE_SIZE];
	struct stat st;

	return !fstat(g->directory_fd, &st) && st.st_nlink &&
	       fstatat(g->directory_fd, applied__file(g->task->netns, name), &st,
		       AT_SYMLINK_NOFOLLOW) && errno == ENOENT;
}

static enum standing look(struct guarding *g)
{
	struct applied a;

	if (applied__load(g->directory, g->task->netns, &a))
		return UNREADABLE;
	if (!a.netns)
		return is_removed(g) ? REMOVED : UNREADABLE;
	if (a.id != g->task->id || !a.trial_until_s)
		return KEPT;
	g->trial = a;
	return STANDS;
}

/* ---- the namespace ---- */

/* Enters it; returns a descriptor for netns__leave(), -ESTALE if it no longer exists, or -errno. A
 * path that leads nowhere, or no visible process in it, does not prove that it no longer exists. */
static int enter(const struct guarding *g)
{
	struct netns ns;

	if (g->life >= 0 && netns_life__is_over(g->life))
		return -ESTALE;
	return applied__enter(&g->trial, &ns);
}

static void tell(const struct applied *a, unsigned int i, enum taken_back result, int32_t found)
{
	const char *name = tunable__name(i);

	if (result == TAKEN_BACK)
		system_log__write(LOG_NOTICE, "trial over: %s put back: %d -> %d", name, found,
				  a->before[i]);
	else if (result == CHANGED_BY_OTHERS)
		system_log__write(LOG_NOTICE, "trial over: %s left at %d: somebody else changed it "
				  "since (we wrote %d, before us it was %d)", name, found,
				  a->after[i], a->before[i]);
	else
		system_log__write(LOG_NOTICE, "trial over: %s %s", name, result == WAS_BACK
				  ? "was back already" : "was not ours");
}

static int put_back(struct guarding *g, enum standing standing)
{
	struct applied a = g->trial;
	enum taken_back results[TUNABLES];
	int32_t found[TUNABLES];
	int back = enter(g), err;
	unsigned int i;

	if (back < 0)
		return back;
	/* Removed by revert, as a rule: each value may be as it was before all changes. */
	for (i = 0; i < TUNABLES; i++)
		a.written[i] &= standing != REMOVED || a.before[i] != a.after[i];
	memcpy(a.before, a.before_trial, sizeof(a.before));
	err = applied__take_back(&a, results, found);
	netns__leave(back);
	for (i = 0; !err && !g->is_back && i < TUNABLES; i++)
		tell(&a, i, results[i], found[i]);
	g->is_back = !err;
	return err;
}

/* Checks that everything that the end needs can be done. */
static int rehearse(const struct guarding *g)
{
	int back = enter(g), err;

	if (back < 0)
		return back;
	err = tunables__check_writable();
	netns__leave(back);
	return err;
}

/* ---- the end ---- */

/* Returns a descriptor; *waited is false where the holder stands still, who is not waited for
 * again. Closing it releases the guard's lock, too. */
static int take_lock(const struct guarding *g, bool *waited)
{
	int file = lock__open(g->directory);
	unsigned int tries;

	*waited = true;
	if (file < 0)
		return file;
	for (tries = 0; tries < LOCK_WAIT_S * 10; tries++) {
		if (tries % 10 == 0)
			feed_watchdog(g);
		if (lock__try(file, g->trial.inode, LOCK_CHANGE) != -EWOULDBLOCK)
			return file;
		usleep(100000);
	}
	*waited = false;
	return file;
}

/* The saved state without the trial. Where the disk has no room, the copy from before it. */
static int settle(const struct guarding *g)
{
	struct applied a = g->trial;
	uint32_t key = g->task->netns;
	int err = change__end_keeping(&a);

	if (err)
		return err;
	if (!applied__end_trial(&a))
		return applied__forget(g->directory, key);
	err = applied__save(g->directory, &a);
	return err && applied__restore(g->directory, key) ? err : 0;
}

/* Restores the values, and saves that all is as before the trial. Returns 0 or -errno. */
static int take_back(struct guarding *g, enum standing standing)
{
	int err;

	if (standing == UNREADABLE && g->reads_left) {
		g->reads_left--;
		return -EAGAIN;
	}
	/* once: later writes by somebody else stand */
	err = g->is_back ? 0 : put_back(g, standing);
	if (err == -ESTALE)
		return standing == STANDS ? applied__forget(g->directory, g->task->netns) : 0;
	if (standing == REMOVED)
		return err == -ENOENT ? 0 : err;	/* gone, and so is its saved state */
	if (err)
		return err;
	return standing == STANDS ? settle(g) : -EAGAIN;
}

/* One try. Returns 0 if nothing is left to do, 1 if the trial was prolonged, or -errno. */
static int try_to_end(struct guarding *g)
{
	bool waited;
	int lock = take_lock(g, &waited), err = 0;
	enum standing standing = look(g);

	if (standing == STANDS && !g->told_to_end && applied__now_s() < g->trial.trial_until_s)
		err = 1;
	else if (standing != KEPT)
		err = take_back(g, standing);
	if (lock >= 0)
		close(lock);
	take_guard_lock(g);
	if (!waited)
		system_log__write(LOG_WARNING, "another change of this namespace stands still: the "
				  "trial's end did not wait for it");
	return err;
}

/* Sleeps; true if it was told to end, before or meanwhile. */
static bool wait_s(struct guarding *g, unsigned int seconds)
{
	struct timespec tick = { .tv_sec = TICK_S };
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	for (; seconds; seconds -= TICK_S) {
		feed_watchdog(g);
		if (sigtimedwait(&ends, NULL, &tick) > 0) {
			g->told_to_end = true;
			break;
		}
	}
	return g->told_to_end;
}

/* Told to end: the values are restored, or the namespace cannot be found; what is saved stays. */
static bool may_leave(const struct guarding *g, int err, unsigned int pause)
{
	return g->told_to_end && (g->is_back || (err == -ENOENT && pause >= GIVE_UP_PAUSE_S));
}

/* Tries until it succeeds, or is told to end. False if the trial goes on. */
static bool end(struct guarding *g)
{
	unsigned int pause = TICK_S;
	int err;

	while ((err = try_to_end(g)) < 0 && !may_leave(g, err, pause)) {
		if (!g->told_to_end)
			keep_twin(g);
		system_log__write(LOG_ERR, "%s: %s: next try in %u s", g->is_back
				  ? "the trial is over, but its file in the state directory stays"
				  : "the trial cannot be taken back yet", strerror(-err), pause);
		wait_s(g, pause);
		pause = pause * 2 < PAUSE_MAX_S ? pause * 2 : PAUSE_MAX_S;
	}
	return err <= 0;
}

static void guard(struct guarding *g)
{
	enum standing standing = STANDS;

	do {
		while (standing != REMOVED && !g->told_to_end &&
		       applied__now_s() < g->trial.trial_until_s) {
			keep_twin(g);
			wait_s(g, TICK_S);
			standing = look(g);
			if (standing == KEPT)
				return;
		}
		g->reads_left = FAILED_READS_MAX;
	} while (!end(g));
}

/* ---- the beginning ---- */

/* False where the process that started us is gone: then nothing was begun. */
static bool answer(const struct guarding *g, int err)
{
	struct guard_answer a = { .err = err, .pid = getpid(), .twin = g->child,
				  .in_container = session__is_in_container() };
	ssize_t n;

	if (g->task->answer < 0)
		return true;
	session__cgroup(a.cgroup, sizeof(a.cgroup));
	n = write(g->task->answer, &a, sizeof(a));
	close(g->task->answer);
	return n == sizeof(a);
}

static bool is_same_file(int fd, const char *path)
{
	struct stat a, b;

	return !fstat(fd, &a) && !stat(path, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Not for our own namespace, which does not end before us. */
static void note_life(struct guarding *g)
{
	int back = enter(g), here;

	if (back < 0)
		return;
	if (is_same_file(back, "/proc/thread-self/ns/net")) {
		netns__leave(back);
		return;
	}
	here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	netns__leave(back);
	if (here < 0)
		return;
	g->life = netns_life__begin(here);
	close(here);
}

/* Returns 0, or -errno: then the guard is useless, or too early. */
static int begin(struct guarding *g)
{
	const struct guard_task *task = g->task;

	g->directory_fd = open(task->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (g->directory_fd < 0)
		return -errno;
	snprintf(g->directory, sizeof(g->directory), "/proc/self/fd/%d", g->directory_fd);
	g->lock = lock__open_for_reading(g->directory);
	if (g->lock < 0)
		return g->lock;
	switch (look(g)) {
	case UNREADABLE:
		return -EIO;
	case KEPT:
	case REMOVED:
		return -ESRCH;
	case STANDS:
		break;
	}
	/* Once begun, a trial is guarded even where its namespace cannot be entered now. */
	return g->trial.guarded ? 0 : rehearse(g);
}

static void take_signals(void)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	/* signals that our parent ignored would never arrive, nor children be waited for */
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGHUP, SIG_IGN);
}

/* Started after a process of the service was killed, beside the next one that systemd starts: if
 * the service is stopped meanwhile, no next one comes, and no signal is sent. Then this process
 * takes the trial back. It holds no guard's lock until then, so that two such processes do not take
 * each other for the next. */
static int succeed(struct guarding *g)
{
	unsigned int seconds = SUCCESSOR_WAIT_S;
	struct lock_holder next;
	pid_t child = fork();

	if (child)
		return child < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	setsid();
	if (begin(g))
		return EXIT_FAILURE;
	note_life(g);
	do {
		if (lock__find_holder(g->lock, g->trial.inode, LOCK_GUARD, &next) ||
		    look(g) == KEPT)
			return EXIT_SUCCESS;
	} while (seconds-- && !wait_s(g, TICK_S));
	system_log__write(LOG_WARNING, "the trial's service was killed and did not begin anew: "
				       "the trial is taken back");
	g->told_to_end = true;
	take_guard_lock(g);
	guard(g);
	return EXIT_SUCCESS;
}

int guard__run(const struct guard_task *task)
{
	const char *systemd = getenv("NOTIFY_SOCKET"), *result = getenv("SERVICE_RESULT");
	struct guarding g = { .task = task, .life = -1, .has_twin = !systemd, .notify = systemd };
	int err;

	prctl(PR_SET_NAME, "halfopen");
	take_signals();
	if (result)	/* ExecStopPost= */
		return strcmp(result, "success") ? succeed(&g) : EXIT_SUCCESS;
	err = begin(&g);
	if (err) {
		answer(&g, err);
		return err == -ESRCH ? GUARD_USELESS : EXIT_FAILURE;
	}
	note_life(&g);
	take_guard_lock(&g);
	keep_twin(&g);
	if (!g.parent && !answer(&g, 0))
		return EXIT_FAILURE;
	if (g.parent && task->answer >= 0)	/* the twin */
		close(task->answer);
	notify_systemd(&g, "READY=1");
	guard(&g);
	if (g.told_to_end)
		end_twin(&g);
	return EXIT_SUCCESS;
}
