/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One watch: records from the kernel or from a recording go through the core; what it takes goes into
 * the recorder, and what it tells, by the fan-out, to sinks (lines, text). Each file here has one part
 * of it; struct watch is what they share.
 */
#ifndef HALFOPEN_PIPELINE_WATCH_H
#define HALFOPEN_PIPELINE_WATCH_H

#include "core/core.h"
#include "exposure/exposure.h"
#include "file/output.h"
#include "pipeline/fanout.h"
#include "sink/lines.h"
#include "stream/recorder.h"
#include "sys/demands.h"
#include "text/text.h"
#include "timeline/privacy.h"

enum colour { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

/* Asks unanswered that make a socket suspect, unless --suspect-after says otherwise. */
#define WATCH_SUSPECT_AFTER EXPOSURE_SUSPECT_AFTER
/* Silences and pauses that count as idle gaps, unless --idle-gap says otherwise. */
#define WATCH_IDLE_GAP_NS 10000000000ULL

struct watch_options {
	bool json, strict, utc;
	enum colour colour;
	struct core_config core;
	uint64_t for_ns;	/* 0: until a signal */
	uint64_t idle_gap_ns;
	uint64_t ring_bytes;	/* 0: from the number of sockets */
	uint64_t record_max, record_age_ns;	/* 0: unbounded */
	const char *output, *record, *replay, *gateway, *peers_key, *identities;
	struct privacy privacy;
	char *filter_text;	/* the words of FILTER, as written */
	struct filter *filter;
};

struct watch {
	struct watch_options options;
	struct core *core;
	struct output output;
	struct lines lines;	/* the sinks that there may be ... */
	struct text text;
	struct fanout sinks;	/* ... and those that are given what is told */
	struct recorder recorder;
	bool recording, started, stopped;
	int record_error;	/* the recorder's first */
	uint64_t now_ns;	/* as far as the stream has come */
	uint64_t names_forgotten, names_said_ns;	/* as last said */
	uint64_t described_ns;	/* when it was last made to describe itself, ... */
	uint64_t describing_ns;	/* ... and how long that took */
	struct demands demands;
	bool holds_signals;	/* by watch__hold_signals() */
	bool bad_bound;	/* --record-max is too small, and that was said */
	const char *problem;	/* what made the stream end, if the core said so */
	uint64_t place;		/* of the present record in a recording, in bytes */
	uint64_t skipped;	/* records that make no sense */
};

/* ---- stream.c ---- */

/* Every record comes in here, encoded: a stream_fn, `context` is the watch. One that makes no sense
 * costs itself alone: a loss replaces it. */
int watch__take_record(void *context, const void *bytes, size_t size);

/* What the core has taken is recorded, in the same order: core_config's `taken`. */
void watch__record_taken(void *context, const struct record *r);

/* After the end: of records that were skipped, those that were not named one by one. */
void watch__say_skipped(const struct watch *w);

/* What the lines' output makes of the stream: 0, or -errno that ends it. Where its reader is gone, a
 * recording goes on; where it stands still at the end, what it missed is counted. */
int watch__output_error(const struct watch *w);

/* ---- sinks.c ---- */

/* The core that tells the sink, by the options. An exit code; what failed was logged. */
int watch__make_core(struct watch *w, const struct sink *sink);

/* Opens what is written (-o, -w) and makes the core. An exit code; what failed was logged. */
int watch__open_sinks(struct watch *w);

/* Writes what is left, says what could not be written, and closes. `code` is the watch's so far;
 * returns the one that comes of it. */
int watch__close_sinks(struct watch *w, int code);

/* ---- files.c ---- */

/* An exit code: is no file, under whatever names, both read and written, or written twice? Else that
 * was logged. */
int watch__check_files(const struct watch *w);

/* ---- signals.c ---- */

/* From now on, for good, signals are waited for, also where a reader stands still. Once what is written
 * is open. Returns 0 or -errno; logged. */
int watch__hold_signals(struct watch *w);

/* SIGHUP came: does it end the watch? Else files that somebody renamed were opened anew. */
bool watch__hang_up(struct watch *w);

/* ---- privileges.c ---- */

/* For good: what is left is what a watch that is on needs; no_new_privs is set. */
void watch__drop_privileges(const struct watch_options *o);

/* ---- live_loop.c, replay.c: the two sources. Exit codes; what failed was logged ---- */

int watch__kernel(struct watch *w);
int watch__recording(struct watch *w);

/* A recording, open at its beginning, into this sink alone, as `--all` tells it; `name` is for
 * messages. */
int watch__replay(int fd, const char *name, const struct sink *sink);

/* This host for so long, into this sink alone, as `--all` tells it. Signals do afterwards what they do
 * by default, also one that came meanwhile. */
int watch__live(uint64_t for_ns, const struct sink *sink);

#endif
