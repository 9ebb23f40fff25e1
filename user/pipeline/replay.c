// SPDX-License-Identifier: GPL-2.0
/* Watching a recording: the same stream again, without a kernel. */
#include <errno.h>
#include <unistd.h>

#include "file/exit_code.h"
#include "file/input_file.h"
#include "pipeline/watch.h"
#include "stream/recording.h"
#include "sys/log.h"
#include "sys/progress.h"
#include "sys/reason.h"

/* A watch that was killed left no stop record: its open sockets are reported all the same. */
static void stop_in_its_stead(struct watch *w)
{
	struct record stop = { .type = RECORD_STOP };
	const char *why;

	core__feed(w->core, &stop, &why);
}

/* Returns an exit code. What could be read has been emitted. */
static int judge_recording(struct watch *w, int err, const struct recording_problem *problem)
{
	const char *name = w->options.replay;

	if (w->output.error)
		return w->output.error == EPIPE ? EXIT_DONE : EXIT_FAILED;
	if (err || problem->is_cut) {
		log_error("%s: %s", name, *problem->text ? problem->text : w->problem ? w->problem
									   : reason__of(err));
		return err == -EBADMSG || !err ? EXIT_USAGE : exit_code__of_input(err);
	}
	if (!w->started) {
		log_error("%s: it ends before the watch began: expected a recording up to where "
			  "all that was open is known", name);
		return EXIT_USAGE;
	}
	if (!w->stopped)
		log_warning("%s: cut off where its writer stood: the watch was killed, or is still "
			    "at work", name);
	return EXIT_DONE;
}

/* Reports that the rest was not read. */
static int judge_interrupted(const struct watch *w)
{
	if (w->output.error && w->output.error != EPIPE)
		return EXIT_FAILED;
	log_warning("%s: interrupted at byte %llu: what comes after it is not told",
		    w->options.replay,
		    (unsigned long long)w->place);
	return EXIT_DONE;
}

/* Until `ending` is readable (-1: never). Returns an exit code. */
static int read_recording(struct watch *w, int fd, int ending)
{
	struct recording_problem problem;
	int err;

	w->place = sizeof(struct recording_header);
	err = recording__read(fd, ending, watch__take_record, w, &problem);
	if (w->started && !w->stopped && (!err || err == -EBADMSG || err == -ECANCELED))
		stop_in_its_stead(w);
	return err == -ECANCELED ? judge_interrupted(w) : judge_recording(w, err, &problem);
}

int watch__recording(struct watch *w)
{
	int fd = input_file__open(w->options.replay, "a recording of 'watch -w'"), err, code;

	if (fd < 0)
		return exit_code__of_input(fd);
	err = watch__hold_signals(w);
	if (err) {
		close(fd);
		return EXIT_FAILED;
	}
	progress__begin(w->options.replay);
	code = read_recording(w, fd, w->demands.end);
	progress__end();
	close(fd);
	return code;
}

int watch__replay(int fd, const char *name, const struct sink *sink)
{
	struct watch w = {
		.options = { .replay = name,
			     .core = { .all = true, .suspect_after = WATCH_SUSPECT_AFTER } },
		.output.fd = -1,
	};
	int code = watch__make_core(&w, sink);

	if (code == EXIT_DONE)
		code = read_recording(&w, fd, -1);
	watch__say_skipped(&w);
	core__free(w.core);
	return code;
}
