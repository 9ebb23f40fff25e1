/* SPDX-License-Identifier: GPL-2.0 */
/* Writes the stream of records into a recording (source/recording.h reads it). */
#ifndef HALFOPEN_SINK_RECORDER_H
#define HALFOPEN_SINK_RECORDER_H

#include <stddef.h>
#include <stdint.h>

#include "output.h"

struct recorder {
	struct output output;
	uint8_t *buffer;
	size_t used;
};

/* Creates `path`. Returns 0 or -errno. */
int recorder__open(struct recorder *r, const char *path);

/* Takes one encoded record. Returns 0, or -errno of a write that failed. */
int recorder__add(struct recorder *r, const void *record, size_t size);

/* Returns 0 or -errno. */
int recorder__flush(struct recorder *r);
int recorder__close(struct recorder *r);

#endif
