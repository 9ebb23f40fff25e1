/* SPDX-License-Identifier: GPL-2.0 */
/* A file that is read from its beginning to its end, decompressed if its content is zstd, whatever
 * its name. */
#ifndef HALFOPEN_FILE_INPUT_H
#define HALFOPEN_FILE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ZSTD_DCtx_s;

struct input {
	int fd;
	int ending;	/* readable once reading is to end; -1: never */
	uint8_t *buffer;	/* raw bytes */
	size_t used, size;	/* of the buffer: handed out, and read */
	uint64_t taken;	/* bytes of the file so far */
	struct ZSTD_DCtx_s *zstd;	/* NULL: not compressed */
	bool begun;
	bool within_frame;	/* the frame is not complete: its writer did not end it */
	bool within_piece;	/* ... nor is the block: the file was cut off */
	bool damaged;		/* the rest is no zstd, or was altered */
};

/* The descriptor stays the caller's. Returns 0 or -ENOMEM. */
int input__open(struct input *i, int fd);

/* Reads up to `size` bytes; 0 at the end, also where compressed data are damaged, -errno of a read
 * that failed, -ECANCELED where `ending` is readable. */
ssize_t input__read(struct input *i, void *data, size_t size);

void input__close(struct input *i);

#endif
