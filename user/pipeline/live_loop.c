// SPDX-License-Identifier: GPL-2.0
/* Watching the kernel: the loop over its ring, signals, and time. */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "file/exit_code.h"
#include "kernel/live.h"
#include "kernel/support.h"
#include "pipeline/filter_names.h"
#include "pipeline/look_nothing.h"
#include "pipeline/watch.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/progress.h"
#include "sys/reason.h"
#include "value/version.h"

/* The descriptors that the loop waits for. */
static int open_epoll(const struct watch *w, int source)
{
	const int fds[] = { w->demands.end, w->demands.hangup, source,
			    w->beside ? w->beside->fd : -1 };
	struct epoll_event on_gone = { .data.fd = w->output.fd };	/* its reader */
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	unsigned int i;

	if (epoll < 0)
		return -errno;
	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.fd = fds[i] };

		if (fds[i] >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event)) {
			close(epoll);
			return -errno;
		}
	}
	epoll_ctl(epoll, EPOLL_CTL_ADD, w->output.fd, &on_gone);	/* a file has no reader */
	return epoll;
}

/* The recording is due for another file, which begins as soon as the stream describes itself:
 * requested a second before, and taking no more than half of our time. */
static bool needs_description(const struct watch *w, uint64_t now_ns)
{
	uint64_t pause_ns = 2 * w->describing_ns;

	return w->recording && recorder__is_due(&w->recorder, w->now_ns) &&
	       now_ns - w->described_ns >= (pause_ns > 1000000000 ? pause_ns : 1000000000);
}

static int describe(struct watch *w, struct live *live)
{
	int err;

	w->described_ns = clock__mono_ns();
	err = live__describe(live);
	w->describing_ns = clock__mono_ns() - w->described_ns;
	return err;
}

/* True if the watch is to end. */
static bool take_event(struct watch *w, int epoll, int fd)
{
	if (fd == w->demands.end)
		return true;
	if (fd == w->demands.hangup)
		return watch__hang_up(w);
	if (fd == w->output.fd) {
		epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
		if (!w->output.error && !isatty(fd))
			w->output.error = EPIPE;
		return watch__output_error(w);
	}
	return false;
}

static bool attend(struct watch *w, bool in_walk)
{
	return w->beside && w->beside->attend(w->beside->context, in_walk);
}

/* A FILTER that nothing can match now is mistyped, or its program is not running: a watch that stays
 * silent all night would not show it. */
static void explain_nothing(const struct watch *w, const struct live *live)
{
	struct look_iterators iterators = { .snapshot = NULL };
	const struct look_config config = { .filter = w->options.filter, .iterators = &iterators };
	struct look look;

	if (!w->options.filter || w->options.identities || w->beside || core__summary(w->core).open)
		return;
	iterators.snapshot = live__snapshot(live, &iterators.hz);
	if (!look__take(&look, &config) && look_nothing__is_impossible(&look))
		look_nothing__explain(&look);
	look__free(&look);
}

static int follow(struct watch *w, struct live *live)
{
	int err = w->options.for_ns ? demands__end_after(&w->demands, w->options.for_ns) : 0;
	int epoll = err ? err : open_epoll(w, live__fd(live));
	bool stop = false, begun = false;

	if (epoll < 0)
		return epoll;
	while (!err && !stop) {
		bool more = core__has_more_to_tell(w->core);
		struct epoll_event events[4];
		int n = epoll_wait(epoll, events, 4, more || !w->started ? 0 : LIVE_TICK_MS), i;

		if (more)
			live__tick_soon(live);
		for (i = 0; i < n; i++)
			stop |= take_event(w, epoll, events[i].data.fd);
		err = live__pump(live);
		if (!err && w->started && !begun)
			explain_nothing(w, live);
		begun |= w->started;
		stop |= !err && !stop && attend(w, false);
		if (!err && !stop && needs_description(w, clock__mono_ns()))
			err = describe(w, live);
	}
	/* a file that was opened as the next one must not stay empty */
	if (!err && w->recording && w->recorder.is_next_open)
		err = describe(w, live);
	if (!err && !w->beside)		/* nobody looks any more */
		err = live__stop(live);
	close(epoll);
	return err;
}

/* Returns an exit code. */
static int judge_watch(const struct watch *w, int err)
{
	if (!err || (w->output.error == EPIPE && !w->recorder.output.error))
		return EXIT_DONE;
	if (w->bad_bound)
		return EXIT_USAGE;
	if (!w->output.error && !w->recorder.output.error)
		log_error("the watch ended: %s", w->problem ? w->problem : reason__of(err));
	return EXIT_FAILED;
}

static bool is_over(void *context)
{
	struct watch *w = context;

	return demands__are_to_end(&w->demands) || attend(w, true);
}

int watch__kernel(struct watch *w)
{
	struct live_config config = {
		.version = HALFOPEN_VERSION,
		.gateway = w->options.gateway,
		.in_part = w->options.filter != NULL,
		.ring_bytes = w->options.ring_bytes,
		.identities = w->options.identities,
		.idle_gap_ms = w->options.idle_gap_ns / 1000000,
		.all_states = w->options.core.events,
		.fn = watch__take_record,
		.is_over = is_over,
		.context = w,
	};
	struct live *live = NULL;
	int err;

	if (!filter_names__may_be_looked_for(w->options.filter))
		return EXIT_NOT_PERMITTED;
	err = watch__hold_signals(w);
	if (err)
		return EXIT_FAILED;
	progress__begin("the start");
	err = live__open(&config, &live);
	progress__end();
	if (err)
		return err == -ECANCELED ? EXIT_DONE
		       : err == -EPERM || err == -EACCES ? EXIT_NOT_PERMITTED
		       : err == -EBADMSG ? EXIT_USAGE : EXIT_FAILED;
	watch__drop_privileges(&w->options);
	err = follow(w, live);
	live__close(live);
	return judge_watch(w, err);
}

int watch__live(uint64_t for_ns, const struct sink *sink)
{
	struct watch w = { .options = { .for_ns = for_ns, .idle_gap_ns = WATCH_IDLE_GAP_NS,
					.core = { .all = true,
						  .suspect_after = WATCH_SUSPECT_AFTER } },
			   .output.fd = -1 };
	int code = watch__make_core(&w, sink);

	support__hush_libbpf();
	if (code == EXIT_DONE)
		code = watch__kernel(&w);
	core__free(w.core);
	if (w.holds_signals)
		demands__let_go(&w.demands);
	return code;
}
