/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file, pipe or terminal that takes whole pieces (lines, records): a piece is written whole, or
 * cut off again where the file allows it. A file named *.zst is compressed on the way.
 */
#ifndef HALFOPEN_FILE_OUTPUT_H
#define HALFOPEN_FILE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A reader may stand still for this long once the end is asked for. */
#define OUTPUT_STALLED_MS 5000

struct ZSTD_CCtx_s;

struct output {
	int fd;
	const char *name;	/* for messages */
	const char *refused;	/* reason why output__open() refused it; NULL: see errno */
	bool is_file;		/* ours: emptied at the first write, cut back on failure */
	bool is_socket;
	bool begun;
	int ending;		/* readable once the end is asked for: output__heed(); -1: never */
	int error;		/* the first errno; nothing is written after it */
	uint64_t written;	/* raw bytes */
	uint64_t unwritten_lines;	/* lines that came after the error, or were lost to it */

	struct ZSTD_CCtx_s *zstd;	/* NULL: not compressed */
	void *packed;
	size_t packed_size;
	unsigned int unsettled;	/* calls of output__settle() since the last flush */
};

/* Opens standard output. */
void output__standard(struct output *o);

/* Opens `path` for writing with mode 0600 (file/private_file.h says what is refused); "-" is
 * standard output. Its former content stays until the first write. One program at a time writes a
 * file. Returns 0 or -errno. */
int output__open(struct output *o, const char *path);

/*
 * Limits the wait for a reader that stands still (a pipe, a FIFO, a terminal, a socket) to
 * OUTPUT_STALLED_MS once `ending` is readable: then the error is ETIMEDOUT. The descriptor stays
 * the caller's.
 */
void output__heed(struct output *o, int ending);

/* Opens a file anew under its name if it was renamed or removed; leaves anything else alone.
 * Returns 0, or -errno where it cannot be: then the former file is written on. If the former file
 * could not be completed, that error is the new one's. */
int output__reopen(struct output *o);

/* Is the file no longer there under its name? */
bool output__was_moved(const struct output *o);

/* Returns 0, or -errno of the first failure for good. */
int output__write(struct output *o, const void *data, size_t size);

/* Makes what was written so far durable against our death: to be called now and then. Compressed,
 * only every few calls, because each flush costs some bytes. Returns 0 or -errno. */
int output__settle(struct output *o);

/* The same at once. */
int output__settle_now(struct output *o);

/* Returns 0 or -errno: some file systems report a failed write only now. */
int output__close(struct output *o);

#endif
