/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A recording: the stream of records, as the core took it, behind a header that identifies it.
 * Records are read back through the same decoder, so a replay gives the same lines.
 */
#ifndef HALFOPEN_STREAM_RECORDING_H
#define HALFOPEN_STREAM_RECORDING_H

#include "stream/reorder.h"

/*
 * 1: until it told of interfaces. Still read.
 * 2: events of 192 bytes, RECORD_SILENT instead of RECORD_PRESENT, how peers are disguised. Still
 *    read.
 * 3: events of 232 bytes: what the kernel makes of a segment, what it acknowledges. Still read.
 * 4: cookies of 64 bits in RECORD_SILENT. Still read.
 * 5: events of 240 bytes, with the whole cookie of their namespace (RECORD_EVENT instead of
 *    RECORD_EVENT_3); RECORD_HOLDER instead of RECORD_OWNER; whether probes are seen (RECORD_START).
 */
#define RECORDING_VERSION 5

struct recording_header {
	char magic[8];		/* "HALFOPEN" */
	uint32_t version;
	uint32_t byte_order;	/* 0x01020304, as the writer's CPU stores it */
};

void recording__fill_header(struct recording_header *h);

/* The error of a file, and its position. */
struct recording_problem {
	char text[160];		/* "" = nothing */
	bool is_cut;		/* it ends too early: all before was passed on */
};

/*
 * Passes on every record of the file `fd`, whole; it may be compressed by zstd. Returns 0, -EBADMSG
 * with `*problem` set, the errno of a failed read, what `fn` returned, or -ECANCELED once `ending`
 * (a descriptor, -1: none) is readable. A file that was cut off
 * within a record (or a block of compressed data), or damaged, is read up to there: that is told in
 * `*problem` alone. One that ends where a writer that was killed leaves it, between two writes, has
 * no problem, but no RECORD_STOP either.
 */
int recording__read(int fd, int ending, stream_fn fn, void *context,
		    struct recording_problem *problem);

#endif
