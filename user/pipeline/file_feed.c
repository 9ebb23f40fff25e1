// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "fanout.h"
#include "file_feed.h"
#include "foreign.h"
#include "input.h"
#include "input_file.h"
#include "log.h"
#include "reason.h"
#include "timelines.h"
#include "watch.h"

static int read_timelines(int fd, const char *name, const struct sink *sink)
{
	struct timelines_problem problem;
	int err = timelines__read(fd, sink, &problem);

	if (err || problem.is_cut)
		log_error("%s: %s", name, *problem.text ? problem.text : reason__of(err));
	return err ? err : problem.is_cut;
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

static int count(void *context, const struct timeline *t)
{
	size_t *timelines = context;

	(void)t;
	(*timelines)++;
	return 0;
}

/* As a quiet watch of it: what ends it is said, and no more. */
static int replay(int fd, const char *shown, const struct sink *sink)
{
	size_t timelines = 0;
	const struct sink counter = { .size = sizeof(counter), .context = &timelines,
				      .timeline = count };
	enum log_level level = log__level();
	struct fanout both = { .count = 0 };
	struct sink all;
	int code;

	fanout__add(&both, sink);
	fanout__add(&both, &counter);
	all = fanout__sink(&both);
	log__set_level(LEVEL_ERROR);
	code = watch__replay(fd, shown, &all);
	log__set_level(level);
	if (both.branches[0].error)
		return both.branches[0].error;
	if (code == EXIT_DONE || timelines)	/* read up to where it was said that the end is */
		return code != EXIT_DONE;
	log_error("%s: the recording could not be replayed", shown);
	return -EBADMSG;
}

int file_feed__read(const char *name, const struct sink *sink)
{
	const char *shown = strcmp(name, "-") ? name : "standard input";
	int fd = open_seekable(name, shown), kind, err;

	if (fd < 0)
		return fd;
	kind = is_recording(fd, shown);
	err = kind < 0 ? kind : kind ? replay(fd, shown, sink) : read_timelines(fd, shown, sink);
	close(fd);
	return err;
}
