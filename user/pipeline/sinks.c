// SPDX-License-Identifier: GPL-2.0
/* Where a watch goes to: lines or text (-o), and the recording (-w). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "log.h"
#include "reason.h"
#include "watch.h"

bool watch__is_same_file(int one, int other)
{
	struct stat a, b;

	return !fstat(one, &a) && !fstat(other, &b) && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino && (S_ISREG(a.st_mode) || S_ISFIFO(a.st_mode));
}

/* https://no-color.org: whatever it is set to, unless it is empty. */
static void prepare_text(struct watch *w)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	bool terminal = isatty(w->output.fd) && term && strcmp(term, "dumb");

	w->text.utc = w->options.utc;
	w->text.all = w->options.core.all || w->options.core.every_ns;
	w->text.brief = log__level() == LOG_ERROR;
	w->text.status = terminal && !w->options.replay;
	w->text.colours = w->options.colour == COLOUR_ALWAYS ||
			  (w->options.colour == COLOUR_AUTO && terminal &&
			   !(no_color && *no_color));
}

/* Opening a FIFO waits for whoever is to read it: not without a word. */
static void say_if_it_waits(const char *name)
{
	struct stat st;
	int fd;

	if (stat(name, &st) || !S_ISFIFO(st.st_mode))
		return;
	fd = open(name, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	else if (errno == ENXIO)
		log_info("waiting for a reader of %s", name);
}

static int refuse_output(const char *name, int err)
{
	struct stat st;

	log_error("%s: cannot be written: %s", name, err == -ENXIO && !stat(name, &st) &&
		  S_ISSOCK(st.st_mode) ? "it is a socket" : reason__of(err));
	return exit_code__of_input(err);
}

int watch__open_sinks(struct watch *w)
{
	const struct watch_options *o = &w->options;
	struct core_sink sink;
	int err;

	output__standard(&w->output);
	if (o->output)
		say_if_it_waits(o->output);
	if (o->output && (err = output__open(&w->output, o->output)))
		return refuse_output(o->output, err);
	if (o->record) {
		struct recorder_config config = { .path = o->record, .disguise = &o->disguise,
						  .max_bytes = o->record_max,
						  .max_age_ns = o->record_age_ns };

		say_if_it_waits(o->record);
		err = recorder__open(&w->recorder, &config);
		if (err)
			return refuse_output(o->record, err);
		w->recording = true;
		if (watch__is_same_file(w->output.fd, w->recorder.output.fd)) {
			log_error("%s: cannot be both the recording and the lines", o->record);
			return EXIT_USAGE;
		}
		if ((o->record_max || o->record_age_ns) && !w->recorder.output.is_file) {
			log_error("%s: --record-max and --record-age need a file, which can be "
				  "renamed", o->record);
			return EXIT_USAGE;
		}
		w->options.core.taken = watch__record_taken;
		w->options.core.taken_context = w;
	}
	w->lines.output = w->text.output = &w->output;
	w->lines.disguise = w->text.disguise = &o->disguise;
	prepare_text(w);
	sink = o->json ? lines__sink(&w->lines) : text__sink(&w->text);
	w->core = w->lines.core = w->text.core = core__new(&o->core, &sink);
	if (w->core)
		return EXIT_DONE;
	log_error("%s", reason__of(ENOMEM));
	return EXIT_FAILED;
}

/* Whether that is a failure of the watch: a reader of lines that goes away is none. */
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
	if (!w->options.json && code == EXIT_DONE)
		text__summary(&w->text, w->now_ns);
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
