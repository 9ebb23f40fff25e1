// SPDX-License-Identifier: GPL-2.0
/* Records into the core: invalid ones are skipped, those that were taken are recorded. */
#include <errno.h>
#include <stdio.h>

#include "pipeline/watch.h"
#include "stream/record.h"
#include "sys/log.h"
#include "sys/progress.h"
#include "sys/terminal.h"
#include "value/words.h"

/* A recording may have its peers disguised already: then they stay so. */
static void adopt_disguise(struct watch *w)
{
	enum privacy_kind recorded;

	if (!privacy__named(core__peers(w->core), &recorded) || recorded == PRIVACY_NONE)
		return;
	w->options.privacy.kind = recorded;
	w->options.privacy.done = true;
}

/* So many invalid records are reported each with its place; of more, only the number. */
#define SKIPS_NAMED 10

static void say_what_is_skipped(struct watch *w, const char *why)
{
	if (++w->skipped > SKIPS_NAMED)
		return;
	if (w->options.replay)
		log_warning("%s: byte %llu: %s: skipped", w->options.replay,
			    (unsigned long long)w->place, why);
	else
		log_warning("the kernel told %s: skipped", why);
}

void watch__say_skipped(const struct watch *w)
{
	if (w->skipped > SKIPS_NAMED)
		log_warning("%llu more records that make no sense were skipped",
			    (unsigned long long)(w->skipped - SKIPS_NAMED));
}

static const char *size_text(uint64_t bytes, char *text, size_t size)
{
	snprintf(text, size, "%lluKiB", (unsigned long long)(bytes + 1023) / 1024);
	return text;
}

/* The stream has described itself: is there room for events, too? Otherwise files would be changed
 * without end. Returns 0 or -errno. */
static int check_bound(struct watch *w)
{
	char given[32], least[32];
	uint64_t needed;
	int err = recorder__bytes_needed(&w->recorder, &needed);

	if (err || !needed)
		return err;
	size_text(w->recorder.config.max_bytes, given, sizeof(given));
	if (!w->started) {
		log_error("--record-max: %s would hold little more than who is open now: expected "
			  "at least %s", given, size_text(needed, least, sizeof(least)));
		w->bad_bound = true;
		return -EINVAL;
	}
	/* Events that came meanwhile count, too. */
	if (needed < w->recorder.config.max_bytes / 2 * 3)
		return 0;
	/* twice, so that it is not reported again soon */
	w->recorder.config.max_bytes = 2 * needed;
	log_warning("%s: there are more open sockets than --record-max has room for: from now on "
		    "the recording takes up to %s instead of %s", w->options.record,
		    size_text(2 * needed, least, sizeof(least)), given);
	return 0;
}

int watch__output_error(const struct watch *w)
{
	int error = w->output.error;

	return error == ETIMEDOUT || (error == EPIPE && w->recording) ? 0 : -error;
}

/* Once a minute at most, with their number so far. */
static void say_forgotten_names(struct watch *w)
{
	uint64_t forgotten = core__names_forgotten(w->core);

	if (forgotten == w->names_forgotten ||
	    (w->names_forgotten && w->now_ns - w->names_said_ns < 60000000000ULL))
		return;
	log_warning("identities: %llu names were forgotten so far, those of peers without an open "
		    "socket first: more were told than are kept", (unsigned long long)forgotten);
	w->names_forgotten = forgotten;
	w->names_said_ns = w->now_ns;
}

void watch__record_taken(void *context, const struct record *r)
{
	struct watch *w = context;

	if (!w->record_error)
		w->record_error = recorder__add(&w->recorder, r);
}

/* All that is open is read in first: of a million that takes a while. */
static void show_progress(struct watch *w)
{
	struct words n = { 0 };

	w->read_in++;
	if (w->options.replay || !progress__is_due())
		return;
	words__add_counted(&n, w->read_in, "record");
	if (!n.failed)
		progress__show("reading in what is open: %s so far", n.text);
	words__free(&n);
}

static int pass_on(struct watch *w, const struct record *r)
{
	int err = w->recording && r->type == RECORD_START ? check_bound(w) : 0;

	if (r->type == RECORD_TICK)	/* it may have been resized */
		w->text.layout.columns = terminal__columns(w->output.fd);
	if (!err)
		err = core__feed(w->core, r, &w->problem);
	if (!err && r->type == RECORD_META)
		adopt_disguise(w);
	if (!err)
		err = w->record_error;
	if (err)
		return err;
	w->problem = NULL;
	if (r->mono_ns > w->now_ns)
		w->now_ns = r->mono_ns;
	if (!w->started)
		show_progress(w);
	w->started |= r->type == RECORD_START;
	w->stopped = r->type == RECORD_STOP;
	if (r->type != RECORD_TICK)
		return watch__output_error(w);
	say_forgotten_names(w);
	if (w->recording)
		err = recorder__flush(&w->recorder);
	return err ? err : watch__output_error(w);
}

int watch__take_record(void *context, const void *bytes, size_t size)
{
	struct watch *w = context;
	const char *why;
	struct record r;
	int err;

	if (record__decode(bytes, size, &r, &why)) {
		say_what_is_skipped(w, why);
		r = record__senseless(w->now_ns);
	}
	err = pass_on(w, &r);
	w->place += size;
	return err;
}
