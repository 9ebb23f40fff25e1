// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "output.h"

/* Level 3, zstd's own choice: a tenth of the size at 300 MB/s and more. */
#define LEVEL 3
/* A block of compressed data is ended at every so many calls of output__settle(). */
#define SETTLES_A_BLOCK 8

void output__standard(struct output *o)
{
	*o = (struct output){ .fd = STDOUT_FILENO, .name = "standard output" };
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

int output__open(struct output *o, const char *path)
{
	struct stat st;

	*o = (struct output){ .name = path };
	o->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	if (o->fd < 0) {
		o->error = errno;
		return -errno;
	}
	o->is_file = !fstat(o->fd, &st) && S_ISREG(st.st_mode);
	return has_suffix(path, ".zst") ? start_compressing(o) : 0;
}

static int fail(struct output *o, off_t start)
{
	o->error = errno;
	if (o->is_file && start >= 0 && !ftruncate(o->fd, start))
		lseek(o->fd, start, SEEK_SET);
	return -o->error;
}

/* Bytes as they are to lie there. */
static int put(struct output *o, const void *data, size_t size)
{
	const char *p = data;
	off_t start = -1;

	if (o->is_file) {
		if (!o->begun && ftruncate(o->fd, 0))
			return fail(o, -1);
		start = lseek(o->fd, 0, SEEK_CUR);
	}
	o->begun = true;
	o->written += size;
	while (size) {
		ssize_t n = write(o->fd, p, size);

		if (n < 0 && errno == EAGAIN) {	/* somebody else's non-blocking pipe */
			struct pollfd pfd = { .fd = o->fd, .events = POLLOUT };

			poll(&pfd, 1, -1);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(o, start);
		p += n;
		size -= n;
	}
	return 0;
}

/* Until all of `in` is taken, and for a flush or an end all of it has come out. */
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
	if (o->error)
		return -o->error;
	return o->zstd ? compress(o, data, size, ZSTD_e_continue) : put(o, data, size);
}

int output__settle(struct output *o)
{
	if (o->error || !o->zstd || ++o->unsettled < SETTLES_A_BLOCK)
		return -o->error;
	o->unsettled = 0;
	return compress(o, NULL, 0, ZSTD_e_flush);
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
