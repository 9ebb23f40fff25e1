// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file/exit_code.h"
#include "file/foreign.h"
#include "file/input.h"
#include "file/input_file.h"
#include "pipeline/fanout.h"
#include "pipeline/file_feed.h"
#include "pipeline/watch.h"
#include "source/timelines.h"
#include "sys/log.h"
#include "sys/progress.h"
#include "sys/reason.h"

static int read_timelines(int fd, const char *name, const struct sink *sink)
{
	struct timelines_problem problem;
	int err = timelines__read(fd, sink, &problem);

	if (err || problem.is_cut)
		log_error("%s: %s", name, *problem.text ? problem.text : reason__of(err));
	return err ? err : problem.is_cut;
}

/* Bytes of a pipe that are read before its kind is known: more than a block of zstd. */
#define BEGINNING_SIZE (256 << 10)

/* An input: a file, or a pipe whose beginning was read already. */
struct feed {
	int fd;		/* positioned at its beginning; for a pipe, once the pump is started */
	int beginning;	/* a copy of the beginning of a pipe; -1: it can be read twice */
	pid_t pump;	/* writes both into the pipe behind `fd`; 0: none */
};

static int write_all(int fd, const char *data, ssize_t size)
{
	ssize_t n, done = 0;

	while (done < size) {
		n = write(fd, data + done, size - done);
		if (n < 0)
			return -errno;
		done += n;
	}
	return 0;
}

/* Copies up to `most` bytes, or to the end. -errno. */
static int copy(int from, int to, size_t most)
{
	char buffer[1 << 16];
	ssize_t n;
	int err;

	while (most) {
		do {
			n = read(from, buffer, most < sizeof(buffer) ? most : sizeof(buffer));
		} while (n < 0 && errno == EINTR);
		if (n <= 0)
			return n ? -errno : 0;
		err = write_all(to, buffer, n);
		if (err)
			return err;
		most -= n;
	}
	return 0;
}

/* A pipe cannot be read twice: a child process writes what was read of it, and the rest, into
 * another pipe. Nothing is kept. */
static int start_pump(struct feed *f)
{
	int ends[2], fd = f->fd;

	if (f->beginning < 0)
		return 0;
	if (lseek(f->beginning, 0, SEEK_SET) || pipe2(ends, O_CLOEXEC))
		return -errno;
	f->pump = fork();
	if (!f->pump) {
		close(ends[0]);
		_exit(copy(f->beginning, ends[1], BEGINNING_SIZE) || copy(fd, ends[1], SIZE_MAX));
	}
	close(ends[1]);
	close(fd);
	f->fd = ends[0];
	return f->pump < 0 ? -errno : 0;
}

static int read_beginning(struct feed *f)
{
	int err;

	f->beginning = memfd_create("halfopen", MFD_CLOEXEC);
	if (f->beginning < 0)
		return -errno;
	err = copy(f->fd, f->beginning, BEGINNING_SIZE);
	if (!err && lseek(f->beginning, 0, SEEK_SET))
		err = -errno;
	return err;
}

/* False if the child could not read all. */
static bool close_feed(struct feed *f)
{
	int status = 0;

	if (f->fd >= 0)
		close(f->fd);
	if (f->beginning >= 0)
		close(f->beginning);
	while (f->pump > 0 && waitpid(f->pump, &status, 0) < 0 && errno == EINTR)
		;
	return !f->pump || !WIFEXITED(status) || !WEXITSTATUS(status);
}

static const char expected[] = "timelines of 'watch --json --all' or a recording";

/* -errno, after reporting it. */
static int open_feed(struct feed *f, const char *name, const char *shown)
{
	int fd = input_file__open(name, expected), err;
	struct stat st;

	*f = (struct feed){ .fd = fd, .beginning = -1 };
	if (fd < 0 || (!fstat(fd, &st) && S_ISREG(st.st_mode)))
		return fd < 0 ? fd : 0;
	if (input_file__is_endless(fd, shown, expected))
		return -EBADMSG;
	err = read_beginning(f);
	if (err)
		log_error("%s: %s", shown, reason__of(err));
	return err;
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

/* 1: a recording, 0: timelines, by its beginning; -errno, after reporting what it is. */
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

/* A quiet watch of it: only what ends it is reported. */
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
	if (code == EXIT_DONE || timelines)	/* read up to the reported end */
		return code != EXIT_DONE;
	log_error("%s: the recording could not be replayed", shown);
	return -EBADMSG;
}

int file_feed__read(const char *name, const struct sink *sink)
{
	const char *shown = strcmp(name, "-") ? name : "standard input";
	struct feed feed;
	int err = open_feed(&feed, name, shown), kind;

	if (!err) {
		kind = is_recording(feed.beginning < 0 ? feed.fd : feed.beginning, shown);
		err = kind < 0 ? kind : start_pump(&feed);
		progress__begin(shown);
		if (!err)
			err = kind ? replay(feed.fd, shown, sink)
				   : read_timelines(feed.fd, shown, sink);
		progress__end();
	}
	if (!close_feed(&feed) && err >= 0) {
		log_error("%s: could not be read to its end", shown);
		err = -EIO;
	}
	return err;
}
