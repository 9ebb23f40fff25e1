/* SPDX-License-Identifier: GPL-2.0 */
/* Writes the stream of records into a recording (source/recording.h reads it). */
#ifndef HALFOPEN_SINK_RECORDER_H
#define HALFOPEN_SINK_RECORDER_H

#include <stddef.h>
#include <stdint.h>

#include "disguise.h"
#include "output.h"

struct recorder {
	const struct disguise *disguise;
	struct output output;
	uint8_t *buffer;
	size_t used;
};

/* Creates `path`; `disguise` lives as long. Returns 0 or -errno. */
int recorder__open(struct recorder *r, const char *path, const struct disguise *disguise);

/* Takes one record, encoded and decoded. Returns 0, or -errno of a write that failed. */
int recorder__add(struct recorder *r, const void *encoded, size_t size,
		  const struct record *record);

/* Returns 0 or -errno. */
int recorder__flush(struct recorder *r);
int recorder__close(struct recorder *r);

#endif
