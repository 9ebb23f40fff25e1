// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "file/output.h"
#include "file/private_file.h"
#include "sys/progress.h"

/* Level 3, zstd's own choice: a tenth of the size at 300 MB/s and more. */
#define LEVEL 3
/* A block of compressed data is ended at every eighth call of output__settle(). */
#define SETTLES_A_BLOCK 8

void output__standard(struct output *o)
{
	*o = (struct output){ .fd = STDOUT_FILENO, .name = "standard output", .ending = -1 };
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n > m && !strcmp(name + n - m, suffix);
}

static int start_compressing(struct output *o)
{
	o->packed_size = ZSTD_CStreamOutSize();
	o->packed = malloc(o->packed_size);
	o->zstd = ZSTD_createCCtx();
	if (!o->packed || !o->zstd)
		return -ENOMEM;
	ZSTD_CCtx_setParameter(o->zstd, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(o->zstd, ZSTD_c_checksumFlag, 1);
	return 0;
}

/* Locks the file: two writers would leave nothing whole. A file that is cut off by another program
 * (logrotate's copytruncate) continues at its new end. */
static int claim_file(struct output *o)
{
	if (!flock(o->fd, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK) {
		fcntl(o->fd, F_SETFL, O_APPEND);
		return 0;
	}
	o->refused = "another program is writing it";
	o->error = EWOULDBLOCK;
	close(o->fd);
	return -EWOULDBLOCK;
}

int output__open(struct output *o, const char *path)
{
	struct stat st;
	int err = 0;

	if (!strcmp(path, "-")) {
		output__standard(o);
		return 0;
	}
	*o = (struct output){ .name = path, .ending = -1 };
	o->fd = private_file__open(path, &o->refused);
	if (o->fd < 0) {
		o->error = -o->fd;
		return o->fd;
	}
	/* a descriptor that we were started with is not ours to empty */
	o->is_file = private_file__descriptor(path) < 0 && !fstat(o->fd, &st) &&
		     S_ISREG(st.st_mode);
	if (o->is_file)
		err = claim_file(o);
	return !err && has_suffix(path, ".zst") ? start_compressing(o) : err;
}

/* Opens the same pipe or terminal again, without blocking: the mode of the descriptor that we were
 * given is shared with other processes. */
static int open_again(int fd)
{
	char path[32];

	if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
		return -1;	/* it was closed (main.c), or is not open for writing */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

void output__heed(struct output *o, int ending)
{
	struct stat st;
	int again = -1;

	if (fstat(o->fd, &st))
		return;
	o->ending = ending;
	o->is_socket = S_ISSOCK(st.st_mode);
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
		again = open_again(o->fd);
	if (again < 0)
		return;
	if (o->fd > STDERR_FILENO)
		close(o->fd);
	o->fd = again;
}

bool output__was_moved(const struct output *o)
{
	struct stat ours, there;

	return o->is_file && !fstat(o->fd, &ours) &&
	       (stat(o->name, &there) || ours.st_dev != there.st_dev ||
		ours.st_ino != there.st_ino);
}

int output__reopen(struct output *o)
{
	struct output anew;
	int err;

	if (!output__was_moved(o))
		return 0;
	err = output__open(&anew, o->name);
	if (err) {
		o->refused = anew.refused;
		return err;
	}
	anew.ending = o->ending;
	anew.error = -output__close(o);
	*o = anew;
	return 0;
}

static uint64_t count_lines(const char *data, size_t size)
{
	const char *end = data + size;
	uint64_t count = 0;

	while ((data = memchr(data, '\n', end - data))) {
		data++;
		count++;
	}
	return count;
}

/* Waits for room. Returns 0, or -ETIMEDOUT where the end is asked for and the reader takes
 * nothing. */
static int await_reader(const struct output *o)
{
	struct pollfd fds[2] = { { .fd = o->fd, .events = POLLOUT },
				 { .fd = o->ending, .events = POLLIN } };

	if (poll(fds, 2, -1) < 0)
		return errno == EINTR ? 0 : -errno;
	if (!fds[0].revents && poll(fds, 1, OUTPUT_STALLED_MS) == 0)
		return -ETIMEDOUT;
	return 0;
}

static ssize_t write_some(const struct output *o, const char *data, size_t size)
{
	return o->is_socket ? send(o->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL)
			    : write(o->fd, data, size);
}

static int fail(struct output *o, off_t start)
{
	o->error = errno;
	if (o->is_file && start >= 0)
		(void)!ftruncate(o->fd, start);
	return -o->error;
}

/* Writes raw bytes. */
static int put(struct output *o, const void *data, size_t size)
{
	const char *p = data;
	off_t start = -1;

	if (o->is_file) {
		if (!o->begun && ftruncate(o->fd, 0))
			return fail(o, -1);
		start = lseek(o->fd, 0, SEEK_END);
	}
	o->begun = true;
	o->written += size;
	progress__clear();	/* it may be on the same terminal */
	while (size) {
		ssize_t n = write_some(o, p, size);
		int err = 0;

		if (n < 0 && errno == EAGAIN && !(err = await_reader(o)))
			continue;
		if (n < 0 && !err && errno == EINTR)
			continue;
		if (n < 0) {
			errno = err ? -err : errno;
			o->unwritten_lines += o->zstd ? 0 : count_lines(p, size);
			return fail(o, start);
		}
		p += n;
		size -= n;
	}
	return 0;
}

/* Compresses until all of `in` is taken, and for a flush or an end all of it is written. */
static int compress(struct output *o, const void *data, size_t size, ZSTD_EndDirective how)
{
	ZSTD_inBuffer in = { data, size, 0 };
	size_t left;

	do {
		ZSTD_outBuffer out = { o->packed, o->packed_size, 0 };

		left = ZSTD_compressStream2(o->zstd, &out, &in, how);
		if (ZSTD_isError(left)) {
			o->error = EIO;
			return -EIO;
		}
		if (out.pos && put(o, out.dst, out.pos))
			return -o->error;
	} while (how == ZSTD_e_continue ? in.pos < in.size : left > 0);
	return 0;
}

int output__write(struct output *o, const void *data, size_t size)
{
	if (o->error) {
		o->unwritten_lines += count_lines(data, size);
		return -o->error;
	}
	return o->zstd ? compress(o, data, size, ZSTD_e_continue) : put(o, data, size);
}

int output__settle(struct output *o)
{
	return ++o->unsettled < SETTLES_A_BLOCK ? -o->error : output__settle_now(o);
}

int output__settle_now(struct output *o)
{
	o->unsettled = 0;
	return o->error || !o->zstd ? -o->error : compress(o, NULL, 0, ZSTD_e_flush);
}

int output__close(struct output *o)
{
	int fd = o->fd, err = 0;

	if (o->zstd && !o->error)
		err = compress(o, NULL, 0, ZSTD_e_end);
	ZSTD_freeCCtx(o->zstd);
	free(o->packed);
	o->zstd = NULL;
	o->packed = NULL;
	o->fd = -1;
	if (fd > STDERR_FILENO && close(fd) && !err)
		err = -errno;
	return err;
}
