// SPDX-License-Identifier: GPL-2.0
/* Signals of a watch: its end, or files opened anew. */
#include "pipeline/watch.h"
#include "sys/log.h"
#include "sys/reason.h"

int watch__hold_signals(struct watch *w)
{
	int err = demands__open(&w->demands);

	w->holds_signals = !err;
	/* where it has no files to open anew */
	if (!err && (w->options.replay || (!w->options.output && !w->recording)))
		err = demands__end_on_hangup(&w->demands);
	if (err) {
		log_error("cannot wait for signals: %s", reason__of(err));
		return err;
	}
	output__heed(&w->output, w->demands.end);
	if (w->recording)
		output__heed(&w->recorder.output, w->demands.end);
	return 0;
}

static void say_not_reopened(const char *name, const char *refused, int err)
{
	log_error("%s: cannot be opened anew: %s; what is written goes on to where it was moved",
		  name,
		  refused ? refused : reason__of(err));
}

/* Lines so far belong to the former file. */
static void reopen_lines(struct watch *w)
{
	int err;

	if (!w->options.output || !output__was_moved(&w->output))
		return;
	if (w->options.json)
		lines__flush(&w->lines);
	err = output__reopen(&w->output);
	if (err)
		say_not_reopened(w->options.output, w->output.refused, err);
	else
		core__tell_meta(w->core);
}

static void reopen_recording(struct watch *w)
{
	int err = w->recording ? recorder__reopen(&w->recorder) : 0;

	if (err)
		say_not_reopened(w->options.record, w->recorder.next.refused, err);
	else if (w->recording && w->recorder.is_next_open)
		w->described_ns = 0;	/* at once */
}

bool watch__hang_up(struct watch *w)
{
	enum hangup why = demands__take_hangup(&w->demands);

	if (why == HANGUP_NONE)
		return false;
	if (why == HANGUP_OF_TERMINAL)
		return true;
	if (!w->options.output && !w->recording)
		return !w->demands.ignores_hangup;
	reopen_lines(w);
	reopen_recording(w);
	return false;
}
