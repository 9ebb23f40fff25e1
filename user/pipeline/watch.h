/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One watch: records from the kernel or from a recording go through the core; the recorder takes
 * what the core has taken, and the fan-out gives what it emits to sinks (lines, text). Each file
 * here has one part of it; struct watch is what they share.
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

/* Unanswered asks that make a socket suspect, unless --suspect-after says otherwise. */
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

/* Somebody who is served beside the stream: who looks at a full screen. */
struct watch_beside {
	int fd;		/* readable where there is something to take */
	/* Called at least every LIVE_TICK_MS; `in_walk`: from within a walk over sockets, where
	 * what takes long has to wait. True: the watch is to end. */
	bool (*attend)(void *context, bool in_walk);
	void *context;
};

struct watch {
	struct watch_options options;
	struct core *core;
	struct output output;
	struct lines lines;	/* the sinks, of which some may be unused ... */
	struct text text;
	struct fanout sinks;	/* ... and those in use */
	struct recorder recorder;
	bool recording, started, stopped;
	int record_error;	/* the recorder's first */
	uint64_t now_ns;	/* time of the stream */
	uint64_t read_in;	/* records before it started */
	uint64_t names_forgotten, names_said_ns;	/* as last reported */
	uint64_t described_ns;	/* when the stream was last asked to describe itself, ... */
	uint64_t describing_ns;	/* ... and how long that took */
	const struct watch_beside *beside;	/* NULL: nobody */
	struct demands demands;
	bool holds_signals;	/* by watch__hold_signals() */
	bool bad_bound;	/* --record-max is too small, which was reported */
	const char *problem;	/* why the stream ended, if the core said so */
	uint64_t place;		/* offset of the present record in a recording, in bytes */
	uint64_t skipped;	/* invalid records */
};

/* ---- stream.c ---- */

/* Takes every record, encoded: a stream_fn, `context` is the watch. An invalid one is replaced by a
 * loss. */
int watch__take_record(void *context, const void *bytes, size_t size);

/* Records what the core has taken, in the same order: core_config's `taken`. */
void watch__record_taken(void *context, const struct record *r);

/* After the end: reports the number of skipped records that were not reported one by one. */
void watch__say_skipped(const struct watch *w);

/* The error of the lines' output: 0, or -errno that ends the stream. Where its reader is gone, a
 * recording continues; where it stands still at the end, the lines that it missed are counted. */
int watch__output_error(const struct watch *w);

/* ---- sinks.c ---- */

/* Makes the core that feeds the sink, by the options. An exit code; failures are logged. */
int watch__make_core(struct watch *w, const struct sink *sink);

/* Opens the outputs (-o, -w) and makes the core. An exit code; failures are logged. */
int watch__open_sinks(struct watch *w);

/* Writes the rest, reports what could not be written, and closes. `code` is the watch's so far;
 * returns the resulting one. */
int watch__close_sinks(struct watch *w, int code);

/* ---- files.c ---- */

/* Checks that no file, under whatever names, is both read and written, or written twice. An exit
 * code; failures are logged. */
int watch__check_files(const struct watch *w);

/* ---- signals.c ---- */

/* From now on, for good, signals are taken here, also while a reader stands still. To be called
 * once the outputs are open. Returns 0 or -errno; logged. */
int watch__hold_signals(struct watch *w);

/* On SIGHUP: does it end the watch? Else renamed files were opened anew. */
bool watch__hang_up(struct watch *w);

/* ---- privileges.c ---- */

/* For good: keeps what a running watch needs; sets no_new_privs. */
void watch__drop_privileges(const struct watch_options *o);

/* ---- live_loop.c, replay.c: the two sources. Exit codes; what failed was logged ---- */

int watch__kernel(struct watch *w);
int watch__recording(struct watch *w);

/* Replays a recording, open at its beginning, into this sink alone, as `--all` does; `name` is for
 * messages. */
int watch__replay(int fd, const char *name, const struct sink *sink);

/* Watches this host for so long, into this sink alone, as `--all` does. Signals have their default
 * action afterwards, also one that came meanwhile. */
int watch__live(uint64_t for_ns, const struct sink *sink);

#endif
