/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file, pipe or terminal that takes whole pieces (lines, records): a piece is written whole, or
 * cut off again where the file allows it. What is named *.zst is compressed on the way.
 */
#ifndef HALFOPEN_SINK_OUTPUT_H
#define HALFOPEN_SINK_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ZSTD_CCtx_s;

struct output {
	int fd;
	const char *name;	/* for messages */
	bool is_file;		/* ours: emptied at the first write, cut back on failure */
	bool begun;
	int error;		/* the first errno; nothing is written after it */
	uint64_t written;	/* bytes, as they lie there */

	struct ZSTD_CCtx_s *zstd;	/* NULL: not compressed */
	void *packed;
	size_t packed_size;
	unsigned int unsettled;	/* calls of output__settle() since the last that did something */
};

/* Standard output. */
void output__standard(struct output *o);

/* Opens `path` for writing with mode 0600. What it held stays until the first write. Returns 0
 * or -errno. */
int output__open(struct output *o, const char *path);

/* Returns 0, or -errno of the first failure for good. */
int output__write(struct output *o, const void *data, size_t size);

/* What was written so far should be there even if we are killed: to be called now and then.
 * Compressed, it waits for a few calls, because each costs some bytes. Returns 0 or -errno. */
int output__settle(struct output *o);

/* Returns 0 or -errno: some file systems tell of a failed write only now. */
int output__close(struct output *o);

#endif
