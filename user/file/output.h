/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file, pipe or terminal that takes whole pieces (lines, records): a piece is written whole, or
 * cut off again where the file allows it. What is named *.zst is compressed on the way.
 */
#ifndef HALFOPEN_FILE_OUTPUT_H
#define HALFOPEN_FILE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So long a reader may stand still once the end is asked for. */
#define OUTPUT_STALLED_MS 5000

struct ZSTD_CCtx_s;

struct output {
	int fd;
	const char *name;	/* for messages */
	const char *refused;	/* by output__open(), in words; NULL: errno says why */
	bool is_file;		/* ours: emptied at the first write, cut back on failure */
	bool is_socket;
	bool begun;
	int ending;		/* readable once the end is asked for: output__heed(); -1: never */
	int error;		/* the first errno; nothing is written after it */
	uint64_t written;	/* bytes, as they lie there */
	uint64_t unwritten_lines;	/* line ends that came after the error, or fell to it */

	struct ZSTD_CCtx_s *zstd;	/* NULL: not compressed */
	void *packed;
	size_t packed_size;
	unsigned int unsettled;	/* calls of output__settle() since the last that did something */
};

/* Standard output. */
void output__standard(struct output *o);

/* Opens `path` for writing with mode 0600 (sys/private_file.h says what is refused); "-" is standard
 * output. What it held stays until the first write. One program at a time writes a file. Returns 0
 * or -errno. */
int output__open(struct output *o, const char *path);

/*
 * A reader that stands still (a pipe, a FIFO, a terminal, a socket) is waited for; from now on no
 * longer than OUTPUT_STALLED_MS once `ending` is readable: then the error is ETIMEDOUT. The
 * descriptor stays the caller's.
 */
void output__heed(struct output *o, int ending);

/* A file that was renamed or removed meanwhile is made anew under its name, anything else is left
 * alone. Returns 0, or -errno where it cannot be: then the former is written on. Where the former
 * could not be written to its end, that is the new one's error. */
int output__reopen(struct output *o);

/* Is the file no longer there under its name? */
bool output__was_moved(const struct output *o);

/* Returns 0, or -errno of the first failure for good. */
int output__write(struct output *o, const void *data, size_t size);

/* What was written so far should be there even if we are killed: to be called now and then.
 * Compressed, it waits for a few calls, because each costs some bytes. Returns 0 or -errno. */
int output__settle(struct output *o);

/* The same at once. */
int output__settle_now(struct output *o);

/* Returns 0 or -errno: some file systems tell of a failed write only now. */
int output__close(struct output *o);

#endif
