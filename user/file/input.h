/* SPDX-License-Identifier: GPL-2.0 */
/* A file that is read from its beginning to its end, decompressed if it is zstd's, whatever it is
 * called. */
#ifndef HALFOPEN_FILE_INPUT_H
#define HALFOPEN_FILE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ZSTD_DCtx_s;

struct input {
	int fd;
	int ending;	/* once it is readable, nothing is waited for or read any more; -1: never */
	uint8_t *buffer;	/* as it lies there */
	size_t used, size;	/* of the buffer: handed out, and read */
	struct ZSTD_DCtx_s *zstd;	/* NULL: not compressed */
	bool begun;
	bool within_frame;	/* more was promised: its writer has not ended it */
	bool within_piece;	/* ... in the midst of a block: at the end, it was cut off */
	bool damaged;		/* what followed is no zstd, or not as it was written */
};

/* The descriptor stays the caller's. Returns 0 or -ENOMEM. */
int input__open(struct input *i, int fd);

/* As many bytes as there are, up to `size`; 0 at the end, -errno of a read that failed, -ECANCELED where
 * `ending` is readable. Where
 * compressed data are damaged, that is the end. */
ssize_t input__read(struct input *i, void *data, size_t size);

void input__close(struct input *i);

#endif
