// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "input.h"
#include "life_feed.h"
#include "log.h"
#include "timelines.h"

static int read_timelines(int fd, const char *name, struct lives *lives)
{
	struct timelines_problem problem;
	int err = timelines__read(fd, lives, &problem);

	if (problem.is_cut)
		log_warning("%s: %s", name, problem.text);
	else if (err)
		log_error("%s: %s", name, *problem.text ? problem.text : strerror(-err));
	return err;
}

/* Runs ourselves with these arguments and takes the lines it writes. The child's exit code, or
 * -errno. */
static int read_from_child(char *const arguments[], int standard_input, const char *name,
			   struct lives *lives)
{
	int ends[2], status, err;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	child = fork();
	if (child < 0) {
		err = -errno;
		close(ends[0]);
		close(ends[1]);
		return err;
	}
	if (!child) {
		if (dup2(ends[1], STDOUT_FILENO) < 0 ||
		    (standard_input >= 0 && dup2(standard_input, STDIN_FILENO) < 0))
			_exit(1);
		execv("/proc/self/exe", arguments);
		_exit(1);
	}
	close(ends[1]);
	err = read_timelines(ends[0], name, lives);
	close(ends[0]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (err)
		return err;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}

/* Pipes cannot be read twice: what is on one is kept. */
static int open_seekable(const char *name)
{
	int fd = strcmp(name, "-") ? open(name, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO), copy;
	char buffer[1 << 16];
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (lseek(fd, 0, SEEK_CUR) >= 0)
		return fd;
	copy = memfd_create("halfopen", MFD_CLOEXEC);
	if (copy < 0) {
		close(fd);
		return -errno;
	}
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		if (write(copy, buffer, n) != n) {
			n = -1;
			break;
		}
	close(fd);
	if (n < 0 || lseek(copy, 0, SEEK_SET)) {
		close(copy);
		return -EIO;
	}
	return copy;
}

static int is_recording(int fd)
{
	struct input input;
	char magic[8];
	ssize_t n = 0, used = 0;
	int err = input__open(&input, fd);

	while (!err && used < (ssize_t)sizeof(magic) &&
	       (n = input__read(&input, magic + used, sizeof(magic) - used)) > 0)
		used += n;
	input__close(&input);
	if (err || n < 0)
		return err ? err : n;
	if (lseek(fd, 0, SEEK_SET))
		return -errno;
	return used == sizeof(magic) && !memcmp(magic, "HALFOPEN", sizeof(magic));
}

int life_feed__read(const char *name, struct lives *lives)
{
	char *const replay[] = { "halfopen", "watch", "-q", "--json", "--all", "-r", "-", NULL };
	const char *shown = strcmp(name, "-") ? name : "standard input";
	int fd = open_seekable(name), kind = fd < 0 ? fd : is_recording(fd), err;

	if (kind < 0) {
		log_error("%s: %s", shown, strerror(-kind));
		err = kind;
	} else if (kind) {
		err = read_from_child(replay, fd, shown, lives);
		if (err > 0) {	/* it said why */
			log_error("%s: the recording could not be replayed", shown);
			err = -EBADMSG;
		}
	} else {
		err = read_timelines(fd, shown, lives);
	}
	if (fd >= 0)
		close(fd);
	return err;
}

int life_feed__watch(const char *duration, struct lives *lives)
{
	char *const watch[] = { "halfopen", "watch", "-q", "--json", "--all", "--for",
				(char *)duration, NULL };

	return read_from_child(watch, -1, "the watch of this host", lives);
}
