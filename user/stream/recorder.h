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
	/* What is kept, 0: all. Half of it is kept in a file of its own, NAME.old.SUFFIXES, which
	 * the next half replaces. */
	uint64_t max_bytes, max_age_ns;
};

struct recorder {
	struct recorder_config config;
	struct output output;
	struct output next;	/* open already, as somebody moved the file; begins at RECORD_META */
	bool is_next_open, reopen_again;
	uint8_t *buffer;
	size_t used;
	uint64_t begun_ns;	/* the file, as records tell the time; 0: it is empty */
	uint64_t last_ns;	/* of the last record */
	uint64_t retry_ns;	/* not before: files could not be changed; 0: they could */
};

/* Creates the file. Returns 0 or -errno. */
int recorder__open(struct recorder *r, const struct recorder_config *config);

/*
 * Is it time for another file? Then a stream that describes itself anew, from RECORD_META on, goes
 * into one. `now_ns` is the time of the last record.
 */
bool recorder__is_due(const struct recorder *r, uint64_t now_ns);

/* Somebody may have renamed the file: if so, another is opened under its name, and it is time for it.
 * Returns 0, or -errno where it cannot be: then the former is written on. */
int recorder__reopen(struct recorder *r);

/* Why what lies where the older half goes is not to be replaced, in words: it is no recording. NULL: it
 * is one, or empty, or nothing is there. */
const char *recorder__refused_old(const char *path);

/* Where the older half goes; the caller frees it. NULL: nowhere, there are no bounds. */
char *recorder__old_name(const struct recorder_config *config);

/*
 * Called when the stream has described itself (at RECORD_START): the least `max_bytes` of which a
 * file has as much room for what happens as that took; 0 where it is so. Returns 0 or -errno.
 */
int recorder__bytes_needed(struct recorder *r, uint64_t *needed);

/* Takes one record. Returns 0, or -errno of a write that failed. Where another file is due and cannot
 * be had, that is said once, and the former written on. */
int recorder__add(struct recorder *r, const struct record *record);

/* Returns 0 or -errno. */
int recorder__flush(struct recorder *r);
int recorder__close(struct recorder *r);

#endif
