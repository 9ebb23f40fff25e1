// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "foreign.h"
#include "input.h"
#include "input_file.h"
#include "life_feed.h"
#include "log.h"
#include "reason.h"
#include "timelines.h"

static int read_timelines(int fd, const char *name, struct lives *lives)
{
	struct timelines_problem problem;
	int err = timelines__read(fd, lives, &problem);

	if (err || problem.is_cut)
		log_error("%s: %s", name, *problem.text ? problem.text : reason__of(err));
	return err ? err : problem.is_cut;
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

/* All that is on a pipe or device, in memory; -errno. Closes `fd`. */
static int copy_to_memory(int fd)
{
	int copy = memfd_create("halfopen", MFD_CLOEXEC), err = copy < 0 ? -errno : 0;
	char buffer[1 << 16];
	ssize_t n = 0;

	while (!err && (n = read(fd, buffer, sizeof(buffer)))) {
		errno = n < 0 ? errno : ENOSPC;	/* of a short write */
		if (n < 0 || write(copy, buffer, n) != n)
			err = -errno;
	}
	close(fd);
	if (!err && lseek(copy, 0, SEEK_SET))
		err = -errno;
	if (!err)
		return copy;
	if (copy >= 0)
		close(copy);
	return err;
}

static const char expected[] = "timelines of 'watch --json --all' or a recording";

/* Pipes cannot be read twice: what is on one is kept. -errno, after saying why. */
static int open_seekable(const char *name, const char *shown)
{
	int fd = input_file__open(name, expected);
	struct stat st;

	if (fd < 0 || (!fstat(fd, &st) && S_ISREG(st.st_mode)))
		return fd;
	if (input_file__is_endless(fd, shown, expected)) {
		close(fd);
		return -EBADMSG;
	}
	fd = copy_to_memory(fd);
	if (fd < 0)
		log_error("%s: %s", shown, reason__of(fd));
	return fd;
}

/* The first bytes, decompressed; how many there are, or -errno. */
static ssize_t read_head(int fd, char head[FOREIGN_HEAD_SIZE])
{
	struct input input;
	ssize_t n = 0, used = 0;
	int err = input__open(&input, fd);

	while (!err && used < FOREIGN_HEAD_SIZE &&
	       (n = input__read(&input, head + used, FOREIGN_HEAD_SIZE - used)) > 0)
		used += n;
	if (!used && (input.within_piece || input.damaged))
		n = -EBADMSG;
	input__close(&input);
	if (!err && n >= 0 && lseek(fd, 0, SEEK_SET))
		err = -errno;
	return err ? err : n < 0 ? n : used;
}

/* 1: a recording, 0: timelines, as far as its beginning tells; -errno, after saying what it is. */
static int is_recording(int fd, const char *shown)
{
	char head[FOREIGN_HEAD_SIZE];
	ssize_t size = read_head(fd, head);
	const char *words = size < 0 ? NULL : foreign__words(head, size);

	if (size == -EBADMSG)
		words = "it is cut off or damaged where it begins";
	else if (size < 0)
		words = reason__of(size);
	else if (size >= 8 && !memcmp(head, "HALFOPEN", 8))
		return 1;
	else if (!words || strstr(words, "timelines"))
		return 0;
	log_error("%s: %s: expected %s", shown, words, expected);
	return size < 0 ? (int)size : -EBADMSG;
}

/* By its name, where it has one, so that what is said of it says of what. */
static int replay(int fd, const char *name, const char *shown, struct lives *lives)
{
	char *const arguments[] = { "halfopen", "watch", "-q", "--json", "--all", "-r",
				    (char *)name, NULL };
	size_t before = lives->count;
	int err = read_from_child(arguments, fd, shown, lives);

	if (err <= 0)
		return err;
	if (lives->count > before)	/* read up to where it said that the end is */
		return 1;
	log_error("%s: the recording could not be replayed", shown);
	return -EBADMSG;
}

int life_feed__read(const char *name, struct lives *lives)
{
	const char *shown = strcmp(name, "-") ? name : "standard input";
	int fd = open_seekable(name, shown), kind, err;
	struct stat st;

	if (fd < 0)
		return fd;
	kind = is_recording(fd, shown);
	if (kind <= 0)
		err = kind ? kind : read_timelines(fd, shown, lives);
	else if (!stat(name, &st) && S_ISREG(st.st_mode))
		err = replay(fd, name, shown, lives);
	else
		err = replay(fd, "-", shown, lives);
	close(fd);
	return err;
}

int life_feed__watch(const char *duration, struct lives *lives)
{
	char *const watch[] = { "halfopen", "watch", "-q", "--json", "--all", "--for",
				(char *)duration, NULL };

	return read_from_child(watch, -1, "the watch of this host", lives);
}
