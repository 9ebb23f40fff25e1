/* SPDX-License-Identifier: GPL-2.0 */
/* A file, pipe or terminal that takes whole pieces (lines, records): a piece is written whole,
 * or cut off again where the file allows it. */
#ifndef HALFOPEN_SINK_OUTPUT_H
#define HALFOPEN_SINK_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

struct output {
	int fd;
	const char *name;	/* for messages */
	bool is_file;		/* ours: emptied at the first write, cut back on failure */
	bool begun;
	int error;		/* the first errno; nothing is written after it */
};

/* Standard output. */
void output__standard(struct output *o);

/* Opens `path` for writing with mode 0600. What it held stays until the first write. Returns 0
 * or -errno. */
int output__open(struct output *o, const char *path);

/* Returns 0, or -errno of the first failure for good. */
int output__write(struct output *o, const void *data, size_t size);

/* Returns 0 or -errno: some file systems tell of a failed write only now. */
int output__close(struct output *o);

#endif
