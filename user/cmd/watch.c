// SPDX-License-Identifier: GPL-2.0
/* halfopen watch: a source (the kernel, or a recording), the core, and a sink. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"
#include "cmd.h"
#include "core.h"
#include "lines.h"
#include "live.h"
#include "log.h"
#include "quantity.h"
#include "recorder.h"
#include "recording.h"
#include "text.h"
#include "trial.h"
#include "verbosity.h"

struct options {
	bool json, strict, utc;
	enum { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER } colour;
	struct core_config core;
	uint64_t for_ns;	/* 0: until a signal */
	uint64_t idle_gap_ns;
	uint64_t ring_bytes;	/* 0: from the number of sockets */
	uint64_t record_max, record_age_ns;	/* 0: unbounded */
	const char *output, *record, *replay, *gateway, *peers_key, *identities;
	struct disguise disguise;
	char *filter_text;	/* the words of FILTER, as written */
	struct filter *filter;
};

struct watch {
	struct options options;
	struct core *core;
	struct output output;
	struct lines lines;
	struct text text;
	struct recorder recorder;
	bool recording, stopped;
	int record_error;	/* the recorder's first */
	uint64_t now_ns;	/* as far as the stream has come */
	uint64_t names_forgotten, names_said_ns;	/* as last said */
	uint64_t described_ns;	/* when it was last made to describe itself */
	const char *problem;	/* what made the stream end, if the core said so */
};

/* ---- arguments ---- */

enum {
	OPT_JSON = 256, OPT_EVENTS, OPT_ALL, OPT_EVERY, OPT_FOR, OPT_SUSPECT_AFTER, OPT_STRICT,
	OPT_GATEWAY, OPT_UTC, OPT_RING, OPT_IDLE_GAP, OPT_PEERS, OPT_PEERS_KEY,
	OPT_IDENTITIES, OPT_COLOR, OPT_RECORD_MAX, OPT_RECORD_AGE,
};

static const struct argp_option argp_options[] = {
	{ "json", OPT_JSON, NULL, 0, "timelines as JSON Lines instead of text", 1 },
	{ "events", OPT_EVENTS, NULL, 0, "tell each event, too, and fold nothing", 1 },
	{ "all", OPT_ALL, NULL, 0, "tell sockets that had nothing to tell, too", 1 },
	{ "every", OPT_EVERY, "DURATION", 0, "timelines of open sockets at this interval", 1 },
	{ "suspect-after", OPT_SUSPECT_AFTER, "N", 0,
	  "asks unanswered that make a socket suspect (default 2)", 1 },
	{ "idle-gap", OPT_IDLE_GAP, "DURATION", 0,
	  "silences and pauses this long count as idle gaps, what ends them as heartbeats "
	  "(default 10s)",
	  1 },
	{ "utc", OPT_UTC, NULL, 0, "text in UTC instead of local time", 1 },
	{ "identities", OPT_IDENTITIES, "FILE|FIFO|unix:PATH", 0,
	  "who is behind an address: JSON Lines {\"peer\", \"device\", \"at\", \"local\"}, also as "
	  "they come",
	  1 },
	{ "peers", OPT_PEERS, "full|prefix|pseudonym", 0,
	  "how much of a peer's address is shown and recorded: its network (/24, /48) or a keyed "
	  "hash (default full)",
	  1 },
	{ "peers-key", OPT_PEERS_KEY, "FILE", 0,
	  "the key of pseudonyms, 16 bytes or more; where it is the same, so are they", 1 },
	{ "color", OPT_COLOR, "WHEN", 0,
	  "colours: auto (on a terminal, unless NO_COLOR is set), always, never", 1 },
	{ "output", 'o', "FILE", 0, "write there instead of standard output (mode 0600)", 2 },
	{ "record", 'w', "FILE", 0,
	  "record everything that is seen; compressed if it is named *.zst", 2 },
	{ "record-max", OPT_RECORD_MAX, "SIZE", 0,
	  "keep at most this much of the recording, the older half as FILE.old", 2 },
	{ "record-age", OPT_RECORD_AGE, "DURATION", 0, "... at most for this long", 2 },
	{ "replay", 'r', "FILE", 0, "take a recording instead of the kernel; needs no root", 2 },
	{ "for", OPT_FOR, "DURATION", 0, "end after this time (90s, 1h30m, 2d)", 3 },
	{ "strict", OPT_STRICT, NULL, 0, "exit with 4 if an event was lost", 3 },
	{ "gateway", OPT_GATEWAY, "NAME", 0, "name of this host in the output", 3 },
	{ "ring", OPT_RING, "SIZE", 0,
	  "size of the kernel's ring buffer (default: 192 bytes for each TCP socket of the host, "
	  "4 MiB to 256 MiB)",
	  3 },
	{ 0 },
};

static const char argp_doc[] =
	"Follows TCP sockets of all network namespaces of this host: what keepalive asked, what "
	"was answered, how each socket ended, and how long this side was blind.\v"
	"Examples:\n"
	"  halfopen watch                          what happens, a line each\n"
	"  halfopen watch --json -o timelines.jsonl --every 1h\n"
	"  halfopen watch --json --events --for 10m | jq .\n"
	"  halfopen watch -w today.ho; halfopen watch -r today.ho --json\n"
	"  halfopen watch 'sport = :1883 and dst 10.0.0.0/8 and comm = mosquitto'\n"
	"\nFILTER is the language of ss(8): sport, dport, src, dst, state, exclude, with = != < >\n"
	"and or not and parentheses; besides netns, pid, comm, cgroup, container and device.\n"
	"\nExit codes: 0 done, 1 failed while running, 2 usage or bad input, 4 events lost under "
	"--strict, 77 not permitted.\n";

static void bad_value(struct argp_state *state, const char *option, const char *value,
		      const char *expected)
{
	argp_error(state, "%s: '%s' is no %s", option, value, expected);
}

static bool read_colour(const char *arg, struct options *o)
{
	if (!strcmp(arg, "auto"))
		o->colour = COLOUR_AUTO;
	else if (!strcmp(arg, "always"))
		o->colour = COLOUR_ALWAYS;
	else if (!strcmp(arg, "never"))
		o->colour = COLOUR_NEVER;
	else
		return false;
	return true;
}

/* The shell cuts FILTER into words; it is one text all the same. */
static void add_filter_word(struct argp_state *state, struct options *o, const char *word)
{
	char *longer = NULL;

	if (asprintf(&longer, "%s%s%s", o->filter_text ? o->filter_text : "",
		     o->filter_text ? " " : "", word) < 0)
		argp_failure(state, EXIT_FAILED, ENOMEM, "FILTER");
	free(o->filter_text);
	o->filter_text = longer;
}

static void read_filter(struct argp_state *state, struct options *o)
{
	struct filter_error error;

	if (!o->filter_text)
		return;
	o->core.filter = o->filter = filter__parse(o->filter_text, &error);
	if (!o->filter)
		argp_error(state, "FILTER, column %u: %s\n    %s\n    %*s", error.column,
			   error.text, o->filter_text, (int)error.column, "^");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	uint64_t number;

	switch (key) {
	case OPT_JSON:
		o->json = true;
		break;
	case OPT_EVENTS:
		o->core.events = true;
		break;
	case OPT_ALL:
		o->core.all = true;
		break;
	case OPT_EVERY:
		if (!quantity__duration(arg, &o->core.every_ns) || o->core.every_ns < 1000000000)
			bad_value(state, "--every", arg,
				  "duration of at least 1s (90s, 1h30m, 2d)");
		break;
	case OPT_FOR:
		if (!quantity__duration(arg, &o->for_ns) || !o->for_ns)
			bad_value(state, "--for", arg, "duration (90s, 1h30m, 2d)");
		break;
	case OPT_IDLE_GAP:
		if (!quantity__duration(arg, &o->idle_gap_ns) || o->idle_gap_ns < 1000000000 ||
		    o->idle_gap_ns > 86400ULL * 1000000000)
			bad_value(state, "--idle-gap", arg, "duration from 1s to 1d (10s, 2m)");
		break;
	case OPT_SUSPECT_AFTER:
		if (!quantity__number(arg, 1, 255, &number))
			bad_value(state, "--suspect-after", arg, "number from 1 to 255");
		o->core.suspect_after = number;
		break;
	case OPT_RING:
		if (!quantity__size(arg, &o->ring_bytes) || o->ring_bytes < 4096 ||
		    o->ring_bytes > 1ULL << 30 || o->ring_bytes & (o->ring_bytes - 1))
			bad_value(state, "--ring", arg,
				  "power of two from 4KiB to 1GiB (4MiB, 64MiB)");
		break;
	case OPT_IDENTITIES:
		o->identities = arg;
		break;
	case OPT_COLOR:
		if (!read_colour(arg, o))
			bad_value(state, "--color", arg, "choice: auto, always, never");
		break;
	case OPT_PEERS:
		if (!disguise__named(arg, &o->disguise.kind))
			bad_value(state, "--peers", arg,
				  "way to show peers: full, prefix, pseudonym");
		break;
	case OPT_PEERS_KEY:
		o->peers_key = arg;
		break;
	case OPT_RECORD_MAX:
		if (!quantity__size(arg, &o->record_max) || o->record_max < 1 << 16)
			bad_value(state, "--record-max", arg,
				  "size of at least 64KiB (64MiB, 2GiB)");
		break;
	case OPT_RECORD_AGE:
		if (!quantity__duration(arg, &o->record_age_ns) || o->record_age_ns < 2000000000)
			bad_value(state, "--record-age", arg, "duration of at least 2s (12h, 7d)");
		break;
	case OPT_STRICT:
		o->strict = true;
		break;
	case OPT_UTC:
		o->utc = true;
		break;
	case OPT_GATEWAY:
		o->gateway = arg;
		break;
	case 'o':
		o->output = arg;
		break;
	case 'w':
		o->record = arg;
		break;
	case 'r':
		o->replay = arg;
		break;
	case ARGP_KEY_ARG:
		add_filter_word(state, o, arg);
		break;
	case ARGP_KEY_END:
		read_filter(state, o);
		if (!o->record && (o->record_max || o->record_age_ns))
			argp_error(state,
				   "--record-max and --record-age bound a recording: -w FILE "
				   "is missing");
		if (o->replay && (o->record || o->for_ns || o->ring_bytes || o->gateway ||
				  o->identities))
			argp_error(state, "-r takes a recording as it is: -w, --for, --ring, "
				   "--identities and --gateway belong to a live watch");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* ---- the door ---- */

/* A recording may have its peers disguised already: then they stay so. */
static void adopt_disguise(struct watch *w)
{
	enum disguise_kind recorded;

	if (!disguise__named(core__run(w->core)->peers, &recorded) || recorded == DISGUISE_NONE)
		return;
	w->options.disguise.kind = recorded;
	w->options.disguise.done = true;
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

/* What the core has taken is recorded, in the same order. */
static void on_taken(void *context, const struct record *r)
{
	struct watch *w = context;

	if (!w->record_error)
		w->record_error = recorder__add(&w->recorder, r);
}

/* Every record passes here. */
static int take_record(void *context, const void *bytes, size_t size)
{
	struct watch *w = context;
	struct record r;
	int err;

	err = record__decode(bytes, size, &r, &w->problem);
	if (!err)
		err = core__feed(w->core, &r, &w->problem);
	if (!err && r.type == RECORD_META)
		adopt_disguise(w);
	if (!err)
		err = w->record_error;
	if (err)
		return err;
	w->problem = NULL;
	if (r.mono_ns > w->now_ns)
		w->now_ns = r.mono_ns;
	w->stopped = r.type == RECORD_STOP;
	if (r.type != RECORD_TICK)
		return -w->output.error;
	say_forgotten_names(w);
	if (w->recording)
		err = recorder__flush(&w->recorder);
	return err ? err : -w->output.error;
}

/* ---- sources ---- */

static int open_epoll(int signals, int source)
{
	struct epoll_event on_signal = { .events = EPOLLIN, .data.fd = signals };
	struct epoll_event on_source = { .events = EPOLLIN, .data.fd = source };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, signals, &on_signal) ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, source, &on_source))
		return -errno;
	return epoll;
}

/* The recording is due for another file, which begins as soon as the stream describes itself: that
 * has a second to arrive. */
static bool needs_description(struct watch *w, uint64_t now_ns)
{
	if (!w->recording || !recorder__is_due(&w->recorder, w->now_ns) ||
	    now_ns - w->described_ns < 1000000000)
		return false;
	w->described_ns = now_ns;
	return true;
}

static int follow(struct watch *w, struct live *live, int signals)
{
	uint64_t end_ns = w->options.for_ns ? clock__mono_ns() + w->options.for_ns : UINT64_MAX;
	int epoll = open_epoll(signals, live__fd(live)), err = 0;
	bool stop = false;

	if (epoll < 0)
		return epoll;
	while (!err && !stop && clock__mono_ns() < end_ns) {
		struct epoll_event events[2];
		int n = epoll_wait(epoll, events, 2, LIVE_TICK_MS), i;

		for (i = 0; i < n; i++)
			stop |= events[i].data.fd == signals;
		err = live__pump(live);
		if (!err && needs_description(w, clock__mono_ns()))
			err = live__describe(live);
	}
	if (!err)
		err = live__stop(live);
	close(epoll);
	return err;
}

static void begin_holders(void *context)
{
	struct watch *w = context;

	core__begin_holders(w->core);
}

static enum holder found_holder(void *context, uint64_t cookie, uint32_t pid, const char *comm)
{
	struct watch *w = context;

	return core__found_holder(w->core, cookie, pid, comm);
}

static int watch_kernel(struct watch *w)
{
	struct live_config config = {
		.version = HALFOPEN_VERSION,
		.gateway = w->options.gateway,
		.ring_bytes = w->options.ring_bytes,
		.identities = w->options.identities,
		.idle_gap_ms = w->options.idle_gap_ns / 1000000,
		.all_states = w->options.core.events,
		.fn = take_record,
		.begin_holders = begin_holders,
		.found_holder = found_holder,
		.context = w,
	};
	struct live *live = NULL;
	sigset_t set;
	int signals, err;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0)
		return EXIT_FAILED;
	err = live__open(&config, &live);
	if (err) {
		close(signals);
		return err == -EPERM || err == -EACCES ? EXIT_NOT_PERMITTED
		       : err == -EBADMSG ? EXIT_USAGE : EXIT_FAILED;
	}
	err = follow(w, live, signals);
	live__close(live);
	close(signals);
	if (err && !w->output.error && !w->recorder.output.error)
		log_error("the watch ended: %s", w->problem ? w->problem : strerror(-err));
	return err ? EXIT_FAILED : EXIT_DONE;
}

static int watch_recording(struct watch *w)
{
	const char *name = w->options.replay;
	struct recording_problem problem;
	int fd = strcmp(name, "-") ? open(name, O_RDONLY | O_CLOEXEC) : STDIN_FILENO, err;

	if (fd < 0) {
		log_error("%s: %s", name, strerror(errno));
		return EXIT_USAGE;
	}
	err = recording__read(fd, take_record, w, &problem);
	if (fd != STDIN_FILENO)
		close(fd);
	if (problem.is_cut)
		log_warning("%s: %s", name, problem.text);
	/* A watch that was killed left no stop: its open sockets are told all the same. */
	if (!err && !w->stopped) {
		struct record stop = { .type = RECORD_STOP };
		const char *why;

		core__feed(w->core, &stop, &why);
	}
	if (!err)
		return EXIT_DONE;
	if (w->output.error)
		return EXIT_FAILED;
	log_error("%s: %s", name, *problem.text ? problem.text : w->problem ? w->problem
								 : strerror(-err));
	return err == -EBADMSG ? EXIT_USAGE : EXIT_FAILED;
}

/* ---- the whole ---- */

static int prepare_disguise(struct options *o)
{
	int err;

	if (o->peers_key)
		err = disguise__read_key(&o->disguise, o->peers_key);
	else
		err = disguise__make_key(&o->disguise);
	if (!err)
		return EXIT_DONE;
	log_error("%s: %s", o->peers_key ? o->peers_key : "a key of pseudonyms",
		  err == -EINVAL ? "a key of at least 16 bytes was expected" : strerror(-err));
	return EXIT_USAGE;
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

static int open_sinks(struct watch *w)
{
	const struct options *o = &w->options;
	struct core_sink sink;
	int err;

	output__standard(&w->output);
	if (o->output && (err = output__open(&w->output, o->output))) {
		log_error("%s: cannot be written: %s", o->output, strerror(-err));
		return EXIT_USAGE;
	}
	if (o->record) {
		struct recorder_config config = { .path = o->record, .disguise = &o->disguise,
						  .max_bytes = o->record_max,
						  .max_age_ns = o->record_age_ns };

		err = recorder__open(&w->recorder, &config);
		if (err) {
			log_error("%s: cannot be written: %s", o->record, strerror(-err));
			return EXIT_USAGE;
		}
		w->recording = true;
		w->options.core.taken = on_taken;
		w->options.core.taken_context = w;
	}
	w->lines.output = w->text.output = &w->output;
	w->lines.disguise = w->text.disguise = &o->disguise;
	prepare_text(w);
	sink = o->json ? lines__sink(&w->lines) : text__sink(&w->text);
	w->core = w->lines.core = w->text.core = core__new(&o->core, &sink);
	return w->core ? EXIT_DONE : EXIT_FAILED;
}

static void say_why_writing_failed(const char *name, int error)
{
	if (error == EPIPE)
		log_error("%s: its reader went away", name);
	else if (error)
		log_error("%s: %s", name, strerror(error));
}

static int close_sinks(struct watch *w, int code)
{
	if (w->options.json)
		lines__flush(&w->lines);
	else
		text__flush(&w->text);
	if (!w->options.json && code == EXIT_DONE)
		text__summary(&w->text, w->now_ns);
	if (w->recording)
		recorder__flush(&w->recorder);
	say_why_writing_failed(w->output.name, w->output.error);
	say_why_writing_failed(w->recorder.output.name, w->recorder.output.error);
	if (code == EXIT_DONE && (w->output.error || w->recorder.output.error))
		code = EXIT_FAILED;
	if (output__close(&w->output) && code == EXIT_DONE) {
		log_error("%s: %s", w->output.name, strerror(errno));
		code = EXIT_FAILED;
	}
	if (w->recording && recorder__close(&w->recorder) && code == EXIT_DONE)
		code = EXIT_FAILED;
	return code;
}

int cmd_watch(int argc, char **argv)
{
	static const struct argp argp = { argp_options, parse, "[FILTER]", argp_doc,
					  verbosity,	NULL,  NULL };
	struct watch w = { .options.core.suspect_after = 2,
			   .options.idle_gap_ns = 10000000000ULL };
	struct core_totals totals;
	int code;

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &w.options);
	trial__hush_libbpf();
	signal(SIGPIPE, SIG_IGN);
	code = prepare_disguise(&w.options);
	if (code == EXIT_DONE)
		code = open_sinks(&w);
	if (code == EXIT_DONE)
		code = w.options.replay ? watch_recording(&w) : watch_kernel(&w);
	if (w.core) {
		totals = core__totals(w.core);
		code = close_sinks(&w, code);
		if (code == EXIT_DONE && w.options.strict && totals.events_lost)
			code = EXIT_LOST;
	}
	core__free(w.core);
	lines__free(&w.lines);
	filter__free(w.options.filter);
	free(w.options.filter_text);
	return code;
}
