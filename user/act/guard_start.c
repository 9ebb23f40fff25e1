// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "act/guard.h"
#include "sys/netns.h"
#include "sys/session.h"

#define NUMBER_SIZE 24
#define PATH_SIZE 4096
#define ANSWER_FD 3
#define ANSWER_WITHIN_MS 20000
#define SERVICE_WITHIN_S 30

static const char *const clean_environment[] = {
	"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL,
};

/* Path of this program, even if it was moved or replaced since. */
static int own_path(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);

	if (n < 0)
		return -errno;
	path[n] = '\0';
	return 0;
}

static void close_all_from(unsigned int first)
{
	unsigned int fd;

	if (!syscall(SYS_close_range, first, ~0U, 0))
		return;
	for (fd = first; fd < 65536; fd++)	/* before Linux 5.9 */
		close(fd);
}

/* Cleans what exec(3) would hand on: descriptors, blocked signals. */
static void come_clean(unsigned int first_to_close)
{
	int nothing = open("/dev/null", O_RDWR), fd;
	sigset_t none;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		dup2(nothing, fd);
	close_all_from(first_to_close);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
}

/* ---- a service of systemd's ---- */

/* Returns 0 if the program succeeded, -ECHILD if it failed, -ETIMEDOUT if it had to be killed, or
 * -errno. */
static int run(const char *const arguments[], unsigned int within_s)
{
	struct timespec moment = { .tv_nsec = 20000000 };
	unsigned int tries = within_s * 50;
	pid_t child = fork(), ended;
	int status = 0;

	if (child < 0)
		return -errno;
	if (!child) {
		come_clean(STDERR_FILENO + 1);
		execve(arguments[0], (char **)arguments, (char **)clean_environment);
		_exit(127);
	}
	while (!(ended = waitpid(child, &status, WNOHANG)) && tries--)
		nanosleep(&moment, NULL);
	if (ended == child)
		return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -ECHILD;
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	return -ETIMEDOUT;
}

static void stop_service(const char *unit)
{
	const char *const stop[] = { "/usr/bin/systemctl", "stop", "--no-block", unit, NULL };

	run(stop, SERVICE_WITHIN_S);
}

/* Quotes one word for a systemd command line, which expands variables in arguments. */
static char *quote(char *to, const char *word, bool is_argument)
{
	*to++ = ' ';
	*to++ = '"';
	for (; *word; word++) {
		if (*word == '"' || *word == '\\')
			*to++ = '\\';
		else if (*word == '$' && is_argument)
			*to++ = '$';
		*to++ = *word;
	}
	*to++ = '"';
	*to = '\0';
	return to;
}

#define PROPERTY "--property="
#define AFTERWARDS PROPERTY "ExecStopPost="

/* The command that runs after each process of the service, however it ended. */
static void format_afterwards(char *to, const char *const command[])
{
	unsigned int i;

	to = stpcpy(to, AFTERWARDS);
	for (i = 0; command[i]; i++)
		to = quote(to, command[i], i > 0);
}

/* Told to end, the service takes the trial back; if it cannot for a minute, systemd goes on without
 * killing it. It needs nothing that a boot brings up. A process that stands still is aborted,
 * without a core file, and continues then (SIGCONT follows each signal of systemd), to be replaced.
 * The successor of a killed process (ExecStopPost=) stays beside the next one: so only the main
 * process is told to end. */
static int start_service(const char *path, const char *directory, const char *netns,
			 const char *id, struct guard *guard)
{
	const char *const command[] = {
		path, "revert", "--state", directory, "--guard", netns, "--trial", id, NULL
	};
	char afterwards[sizeof(AFTERWARDS) + 4 * PATH_SIZE + 256];
	const char *const service[] = {
		"/usr/bin/systemd-run", "--quiet", "--collect", "--no-ask-password",
		"--service-type=notify", "--unit", guard->unit,
		"--description=takes back a trial of 'halfopen apply'",
		PROPERTY "StartLimitIntervalSec=0", PROPERTY "Restart=on-failure",
		PROPERTY "RestartSec=1", PROPERTY "RestartPreventExitStatus=2",
		PROPERTY "TimeoutStartSec=20", PROPERTY "TimeoutStopSec=60",
		PROPERTY "SendSIGKILL=no", PROPERTY "DefaultDependencies=no",
		PROPERTY "Conflicts=shutdown.target", PROPERTY "Before=shutdown.target",
		PROPERTY "OOMScoreAdjust=-900", PROPERTY "WatchdogSec=30",
		PROPERTY "LimitCORE=0", PROPERTY "KillMode=process", afterwards,
		path, "revert", "--state", directory, "--guard", netns, "--trial", id, NULL
	};
	int err;

	if (strlen(directory) >= PATH_SIZE)
		return -ENAMETOOLONG;
	format_afterwards(afterwards, command);
	if (access("/run/systemd/system", F_OK)) {
		snprintf(guard->no_unit, sizeof(guard->no_unit), "systemd does not run here");
		guard->unit[0] = '\0';
		return -ENOENT;
	}
	err = run(service, SERVICE_WITHIN_S);
	if (!err)
		return 0;
	/* it may start later all the same */
	stop_service(guard->unit);
	snprintf(guard->no_unit, sizeof(guard->no_unit), "systemd could not start %s (%s)",
		 guard->unit, err == -ECHILD ? "'journalctl -u' may tell why" : strerror(-err));
	guard->unit[0] = '\0';
	return err;
}

/* ---- a process of our own ---- */

/* Moves to the namespace of process 1, or to our own, so as not to keep alive a namespace that the
 * guard has to change. Without permission it stays. */
static void leave_namespace(int home)
{
	struct netns host;

	if (netns__of_host(&host) || netns__enter(&host) < 0)
		(void)!setns(home, CLONE_NEWNET);
}

static void fail(int err)
{
	struct guard_answer answer = { .err = -err };

	_exit(write(ANSWER_FD, &answer, sizeof(answer)) < 0 ? 2 : 1);
}

/* A grandchild, so that nobody has to wait for it, in a session of its own, so that no terminal
 * ends it. */
static void become_guard(char *const arguments[], int answer, int home)
{
	pid_t child;

	signal(SIGHUP, SIG_IGN);
	setsid();
	leave_namespace(home);
	if (answer != ANSWER_FD) {
		dup2(answer, ANSWER_FD);
	} else {
		fcntl(answer, F_SETFD, 0);
	}
	child = fork();
	if (child < 0)
		fail(errno);
	if (child)
		_exit(0);
	come_clean(ANSWER_FD + 1);
	session__leave();
	if (chdir("/"))
		fail(errno);
	execve(arguments[0], arguments, (char **)clean_environment);
	/* the program's file was replaced meanwhile */
	execve("/proc/self/exe", arguments, (char **)clean_environment);
	fail(errno);
}

static int read_answer(int fd, struct guard *guard)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct guard_answer answer;
	int ready;

	while ((ready = poll(&pfd, 1, ANSWER_WITHIN_MS)) < 0 && errno == EINTR)
		;
	if (ready <= 0)
		return ready ? -errno : -ETIMEDOUT;
	if (read(fd, &answer, sizeof(answer)) != sizeof(answer))
		return -ECHILD;
	guard->pid = answer.pid;
	guard->twin = answer.twin;
	guard->in_container = answer.in_container;
	snprintf(guard->cgroup, sizeof(guard->cgroup), "%s", answer.cgroup);
	return answer.err;
}

static int start_process(char *const arguments[], int home, struct guard *guard)
{
	int ends[2], err;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	child = fork();
	err = child < 0 ? -errno : 0;
	if (!child)
		become_guard(arguments, ends[1], home);
	close(ends[1]);
	if (child > 0) {
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
		err = read_answer(ends[0], guard);
	}
	close(ends[0]);
	return err;
}

int guard__start(const char *directory, const struct applied *trial, int home, struct guard *guard)
{
	char path[PATH_SIZE], netns[NUMBER_SIZE], id[NUMBER_SIZE], answer[NUMBER_SIZE];
	char *const process[] = { path, "revert", "--state", (char *)directory, "--guard", netns,
				  "--trial", id, "--answer", answer, NULL };
	int err = own_path(path, sizeof(path));

	if (err)
		return err;
	*guard = (struct guard){ 0 };
	signal(SIGCHLD, SIG_DFL);	/* ignored, it would hide the ends of children */
	snprintf(netns, sizeof(netns), "%u", trial->netns);
	snprintf(id, sizeof(id), "%" PRIu64, trial->id);
	snprintf(answer, sizeof(answer), "%d", ANSWER_FD);
	snprintf(guard->unit, sizeof(guard->unit), "halfopen-trial-%s-%s", netns, id);
	if (!start_service(path, directory, netns, id, guard))
		return 0;
	return start_process(process, home, guard);
}
