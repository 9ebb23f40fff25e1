/* SPDX-License-Identifier: GPL-2.0 */
/* Writes the stream of records into a recording (source/recording.h reads it). */
#ifndef HALFOPEN_STREAM_RECORDER_H
#define HALFOPEN_STREAM_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "file/output.h"
#include "timeline/privacy.h"

struct record;

struct recorder_config {
	const char *path;
	const struct privacy *privacy;	/* lives as long */
	/* Limits of what is kept, 0: none. Half of it is kept in a file of its own,
	 * NAME.old.SUFFIXES, which the next half replaces. */
	uint64_t max_bytes, max_age_ns;
};

struct recorder {
	struct recorder_config config;
	struct output output;
	struct output next;	/* open already, after a rename; begins at RECORD_META */
	bool is_next_open, reopen_again;
	uint8_t *buffer;
	size_t used;
	uint64_t begun_ns;	/* when the file began, by the records' clock; 0: it is empty */
	uint64_t last_ns;	/* of the last record */
	uint64_t retry_ns;	/* next try to change files; 0: none failed */
};

/* Creates the file. Returns 0 or -errno. */
int recorder__open(struct recorder *r, const struct recorder_config *config);

/*
 * Is another file due? Then a stream that describes itself again, from RECORD_META on, goes into
 * one. `now_ns` is the time of the last record.
 */
bool recorder__is_due(const struct recorder *r, uint64_t now_ns);

/* If the file was renamed, opens another one under its name, which is then due. Returns 0, or
 * -errno where it cannot be: then the former one is continued. */
int recorder__reopen(struct recorder *r);

/* Why the file in the place of the older half is not to be replaced: it is no recording. NULL: it
 * is one, or empty, or there is none. */
const char *recorder__refused_old(const char *path);

/* The name of the older half; the caller frees it. NULL: there are no bounds. */
char *recorder__old_name(const struct recorder_config *config);

/*
 * Called when the stream has described itself (at RECORD_START): the least `max_bytes` with which a
 * file has as much room for events as that took; 0 if it has. Returns 0 or -errno.
 */
int recorder__bytes_needed(struct recorder *r, uint64_t *needed);

/* Takes one record. Returns 0, or -errno of a write that failed. If another file is due and cannot
 * be opened, that is reported once, and the former one is continued. */
int recorder__add(struct recorder *r, const struct record *record);

/* Returns 0 or -errno. */
int recorder__flush(struct recorder *r);
int recorder__close(struct recorder *r);

#endif
