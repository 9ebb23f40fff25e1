// SPDX-License-Identifier: GPL-2.0
/* The outputs of a watch: lines or text (-o), and the recording (-w). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "file/exit_code.h"
#include "pipeline/watch.h"
#include "sys/log.h"
#include "sys/reason.h"
#include "sys/terminal.h"

static void make_way(void *context)
{
	struct watch *w = context;

	text__make_way(&w->text);
}

static void prepare_text(struct watch *w)
{
	w->text.layout.utc = w->options.utc;
	w->text.all = w->options.core.all || w->options.core.every_ns;
	w->text.every = w->options.core.every_ns;
	w->text.each = log__level() == LEVEL_DEBUG || w->options.core.events;
	w->text.layout.columns = terminal__columns(w->output.fd);
	w->text.brief = log__level() == LEVEL_ERROR;
	w->text.status = terminal__is(w->output.fd) && !w->options.replay;
	w->text.layout.offset_is_shown = w->text.status;
	if (w->text.status)
		log__make_way(make_way, w);
	w->text.layout.colours = w->options.colour == COLOUR_ALWAYS ||
			  (w->options.colour == COLOUR_AUTO &&
			   terminal__shows_colours(w->output.fd));
}

static int refuse_output(const struct output *o, int err)
{
	log_error("%s: cannot be written: %s", o->name, o->refused ? o->refused : reason__of(err));
	return exit_code__of_input(err);
}

static int open_recorder(struct watch *w)
{
	const struct watch_options *o = &w->options;
	struct recorder_config config = { .path = o->record, .privacy = &o->privacy,
					  .max_bytes = o->record_max,
					  .max_age_ns = o->record_age_ns };
	int err;

	err = recorder__open(&w->recorder, &config);
	if (err)
		return refuse_output(&w->recorder.output, err);
	w->recording = true;
	if ((o->record_max || o->record_age_ns) && !w->recorder.output.is_file) {
		log_error("%s: --record-max and --record-age need a file, which can be renamed",
			  o->record);
		return EXIT_USAGE;
	}
	w->options.core.taken = watch__record_taken;
	w->options.core.taken_context = w;
	return EXIT_DONE;
}

/* A random key: peers that choose addresses must not know where those lie in our tables. */
static int make_hash(struct keyed_hash *hash)
{
	if (getrandom(hash->key, sizeof(hash->key), 0) == sizeof(hash->key))
		return EXIT_DONE;
	log_error("a key for the tables: %s", reason__of(errno));
	return EXIT_FAILED;
}

int watch__make_core(struct watch *w, const struct sink *sink)
{
	int code = make_hash(&w->options.core.hash);

	if (code)
		return code;
	w->options.core.privacy = &w->options.privacy;
	w->core = core__new(&w->options.core, sink);
	if (w->core)
		return EXIT_DONE;
	log_error("%s", reason__of(ENOMEM));
	return EXIT_FAILED;
}

static struct sink join_sinks(struct watch *w)
{
	struct sink told;

	w->lines.output = w->text.output = &w->output;
	prepare_text(w);
	told = w->options.json ? lines__sink(&w->lines) : text__sink(&w->text);
	fanout__add(&w->sinks, &told);
	w->sinks.outlives_readers = w->recording;
	return fanout__sink(&w->sinks);
}

int watch__open_sinks(struct watch *w)
{
	const struct watch_options *o = &w->options;
	struct sink all;
	int err, code;

	output__standard(&w->output);
	if (o->output && (err = output__open(&w->output, o->output)))
		return refuse_output(&w->output, err);
	code = watch__check_files(w);
	if (!code && o->record)
		code = open_recorder(w);
	if (code)
		return code;
	all = join_sinks(w);
	return watch__make_core(w, &all);
}

/* Is it a failure of the watch? A reader of lines that goes away is none. */
static bool say_why_writing_failed(const struct output *o, bool is_recording)
{
	if (o->error == EPIPE && !is_recording)
		return false;
	if (o->error == EPIPE)
		log_error("%s: its reader went away", o->name);
	else if (o->error == ETIMEDOUT && !is_recording)
		log_error("%s: its reader stands still: %llu lines were not written", o->name,
			  (unsigned long long)o->unwritten_lines);
	else if (o->error == ETIMEDOUT)
		log_error("%s: its reader stands still: the recording is cut off", o->name);
	else if (o->error)
		log_error("%s: %s", o->name, reason__of(o->error));
	return o->error;
}

static int close_sink(struct output *o)
{
	const char *name = o->name;
	bool failed = o->error;
	int err = output__close(o);

	if (!err || failed)
		return 0;
	log_error("%s: %s", name, reason__of(err));
	return err;
}

int watch__close_sinks(struct watch *w, int code)
{
	bool failed;

	if (w->options.json)
		lines__flush(&w->lines);
	else
		text__flush(&w->text);
	log__make_way(NULL, NULL);
	if (code == EXIT_DONE)
		core__tell_last_summary(w->core);
	if (w->recording)
		recorder__flush(&w->recorder);
	failed = say_why_writing_failed(&w->output, false);
	failed |= w->recording && say_why_writing_failed(&w->recorder.output, true);
	failed |= close_sink(&w->output);
	failed |= w->recording && close_sink(&w->recorder.output);
	if (w->recording)
		recorder__close(&w->recorder);
	return failed && code == EXIT_DONE ? EXIT_FAILED : code;
}
