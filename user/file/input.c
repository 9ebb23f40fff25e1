// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "file/input.h"
#include "sys/progress.h"

#define BUFFER_SIZE (1 << 18)
/* A decoder asks for this many bytes where a block has ended and its frame has not (RFC 8878,
 * 3.1.1.2). */
#define BLOCK_HEADER_SIZE 3

int input__open(struct input *i, int fd)
{
	*i = (struct input){ .fd = fd, .ending = -1, .buffer = malloc(BUFFER_SIZE) };
	return i->buffer ? 0 : -ENOMEM;
}

/* Waits until there is something to read; returns at once for files. */
static int await_writer(const struct input *i)
{
	struct pollfd fds[2] = { { .fd = i->ending, .events = POLLIN },
				 { .fd = i->fd, .events = POLLIN } };

	if (i->ending < 0)
		return 0;
	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return -errno;
	return fds[0].revents ? -ECANCELED : 0;
}

static void show_progress(const struct input *i)
{
	struct stat st;

	if (progress__is_due())
		progress__show_bytes(i->taken, fstat(i->fd, &st) ? 0 : st.st_size);
}

/* Reads more bytes behind those that are buffered; returns how many. */
static ssize_t refill(struct input *i)
{
	ssize_t n = await_writer(i);

	if (n)
		return n;
	memmove(i->buffer, i->buffer + i->used, i->size - i->used);
	i->size -= i->used;
	i->used = 0;
	do {
		n = read(i->fd, i->buffer + i->size, BUFFER_SIZE - i->size);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	i->size += n;
	i->taken += n;
	show_progress(i);
	return n;
}

/* Detects zstd: its frames begin with four known bytes (RFC 8878). */
static int begin(struct input *i)
{
	static const uint8_t magic[4] = { 0x28, 0xb5, 0x2f, 0xfd };
	ssize_t n;

	do {
		n = refill(i);
		if (n < 0)
			return n;
	} while (n && i->size < sizeof(magic));
	i->begun = true;
	if (i->size < sizeof(magic) || memcmp(i->buffer, magic, sizeof(magic)))
		return 0;
	i->zstd = ZSTD_createDCtx();
	return i->zstd ? 0 : -ENOMEM;
}

static ssize_t decompress(struct input *i, void *data, size_t size)
{
	ZSTD_outBuffer out = { data, size, 0 };

	while (!out.pos && !i->damaged) {
		ZSTD_inBuffer in = { i->buffer, i->size, i->used };
		size_t left = ZSTD_decompressStream(i->zstd, &out, &in);
		bool moved = in.pos != i->used || out.pos;
		ssize_t n;

		i->used = in.pos;
		i->damaged = ZSTD_isError(left);
		if (!i->damaged && moved) {
			i->within_frame = left > 0;
			i->within_piece = left > 0 && left != BLOCK_HEADER_SIZE;
		}
		if (out.pos || moved)
			continue;
		n = refill(i);
		if (n <= 0)
			return n;
	}
	return out.pos;
}

ssize_t input__read(struct input *i, void *data, size_t size)
{
	size_t have;
	int err;

	if (!i->begun && (err = begin(i)))
		return err;
	if (i->zstd)
		return decompress(i, data, size);
	if (i->used == i->size) {
		ssize_t n = refill(i);

		if (n <= 0)
			return n;
	}
	have = i->size - i->used < size ? i->size - i->used : size;
	memcpy(data, i->buffer + i->used, have);
	i->used += have;
	return have;
}

void input__close(struct input *i)
{
	ZSTD_freeDCtx(i->zstd);
	free(i->buffer);
	*i = (struct input){ .fd = -1 };
}
