// SPDX-License-Identifier: GPL-2.0
/* halfopen watch: a source (the kernel, or a recording), the core, and a sink. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capability.h"
#include "clock.h"
#include "cmd.h"
#include "core.h"
#include "demands.h"
#include "input_file.h"
#include "lines.h"
#include "live.h"
#include "log.h"
#include "netns.h"
#include "quantity.h"
#include "reason.h"
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
	bool recording, started, stopped;
	int record_error;	/* the recorder's first */
	uint64_t now_ns;	/* as far as the stream has come */
	uint64_t names_forgotten, names_said_ns;	/* as last said */
	uint64_t described_ns;	/* when it was last made to describe itself, ... */
	uint64_t describing_ns;	/* ... and how long that took */
	const struct demands *demands;	/* of a live watch */
	bool bad_bound;	/* --record-max is too small, and that was said */
	const char *problem;	/* what made the stream end, if the core said so */
	uint64_t place;		/* of the present record in a recording, in bytes */
	uint64_t skipped;	/* records that make no sense */
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
	  "record everything that is seen; compressed if it is named *.zst; - is standard output",
	  2 },
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
	"\nSIGHUP opens -o and -w anew where somebody renamed them; it ends a watch without, and one "
	"whose terminal is gone.\n"
	"\nExit codes: 0 done, 1 failed while running, 2 usage or bad input (of a recording that is "
	"cut off, what comes before is told), 4 events lost under --strict, 77 not permitted.\n";

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

static bool is_standard(const char *name)
{
	return name && !strcmp(name, "-");
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
		if (is_standard(o->record) && (!o->output || is_standard(o->output)))
			argp_error(state, "-w - records to standard output: then the lines need "
				   "another place, -o FILE");
		if (is_standard(o->replay) && is_standard(o->peers_key))
			argp_error(state, "'-' is standard input, which can be read once only");
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

/* Of records that make no sense so many are named, each with its place; of more, how many. */
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

static void say_how_many_more(const struct watch *w)
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

/* The stream has described itself: is there room for what happens, too? Otherwise files would be
 * changed for ever. Returns 0 or -errno. */
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
	/* It may be by what happened meanwhile, which is in there, too. */
	if (needed < w->recorder.config.max_bytes / 2 * 3)
		return 0;
	/* twice, so that it is not said again soon */
	w->recorder.config.max_bytes = 2 * needed;
	log_warning("%s: there are more open sockets than --record-max has room for: from now on "
		    "the recording takes up to %s instead of %s", w->options.record,
		    size_text(2 * needed, least, sizeof(least)), given);
	return 0;
}

/* What the lines' output makes of the stream. Where its reader is gone, a recording goes on; where
 * it stands still at the end, what it missed is counted. */
static int output_error(const struct watch *w)
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

/* What the core has taken is recorded, in the same order. */
static void on_taken(void *context, const struct record *r)
{
	struct watch *w = context;

	if (!w->record_error)
		w->record_error = recorder__add(&w->recorder, r);
}

static int pass_on(struct watch *w, const struct record *r)
{
	int err = w->recording && r->type == RECORD_START ? check_bound(w) : 0;

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
	w->started |= r->type == RECORD_START;
	w->stopped = r->type == RECORD_STOP;
	if (r->type != RECORD_TICK)
		return output_error(w);
	say_forgotten_names(w);
	if (w->recording)
		err = recorder__flush(&w->recorder);
	return err ? err : output_error(w);
}

/* Every record comes in here. One that makes no sense costs itself alone: a loss replaces it. */
static int take_record(void *context, const void *bytes, size_t size)
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

/* ---- sources ---- */

/* Devices may be written by several: what is written to a file twice is lost. */
static bool is_same_file(int one, int other)
{
	struct stat a, b;

	return !fstat(one, &a) && !fstat(other, &b) && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino && (S_ISREG(a.st_mode) || S_ISFIFO(a.st_mode));
}

/* What the loop waits for. */
static int open_epoll(const struct watch *w, const struct demands *demands, int source)
{
	const int fds[] = { demands->end, demands->hangup, source };
	struct epoll_event on_gone = { .data.fd = w->output.fd };	/* its reader */
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	unsigned int i;

	if (epoll < 0)
		return -errno;
	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.fd = fds[i] };

		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event)) {
			close(epoll);
			return -errno;
		}
	}
	epoll_ctl(epoll, EPOLL_CTL_ADD, w->output.fd, &on_gone);	/* no file has one */
	return epoll;
}

/* The recording is due for another file, which begins as soon as the stream describes itself: that
 * has a second to arrive, and takes no more than half of our time. */
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

/* Does SIGHUP end the watch? Else it opens its files anew, where somebody renamed them. */
static bool hang_up(struct watch *w, struct demands *demands)
{
	enum hangup why = demands__take_hangup(demands);
	int err = 0;

	if (why == HANGUP_NONE)
		return false;
	if (why == HANGUP_OF_TERMINAL)
		return true;
	if (!w->options.output && !w->recording)
		return !demands->ignores_hangup;
	if (w->options.json)
		lines__flush(&w->lines);
	if (w->options.output)
		err = output__reopen(&w->output);
	if (err)
		log_error("%s: cannot be opened anew: %s", w->options.output, reason__of(err));
	if (w->recording)
		recorder__reopen(&w->recorder);
	return false;
}

/* True where the watch is to end. */
static bool take_event(struct watch *w, struct demands *demands, int epoll, int fd)
{
	if (fd == demands->end)
		return true;
	if (fd == demands->hangup)
		return hang_up(w, demands);
	if (fd == w->output.fd) {
		epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
		if (!w->output.error && !isatty(fd))
			w->output.error = EPIPE;
		return output_error(w);
	}
	return false;
}

static int follow(struct watch *w, struct live *live, struct demands *demands)
{
	int err = w->options.for_ns ? demands__end_after(demands, w->options.for_ns) : 0;
	int epoll = err ? err : open_epoll(w, demands, live__fd(live));
	bool stop = false;

	if (epoll < 0)
		return epoll;
	while (!err && !stop) {
		struct epoll_event events[4];
		int n = epoll_wait(epoll, events, 4, LIVE_TICK_MS), i;

		for (i = 0; i < n; i++)
			stop |= take_event(w, demands, epoll, events[i].data.fd);
		err = live__pump(live);
		if (!err && !stop && needs_description(w, clock__mono_ns()))
			err = describe(w, live);
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

/* Named by a word that is not our own namespace's: to know whose it is, the others are entered. */
static bool is_name_of_another(const char *word)
{
	struct netns_list list;
	bool is_own;

	if (strspn(word, "0123456789") == strlen(word))
		return false;
	is_own = !netns__list_named(&list) && !strcmp(list.all[0].name, word);
	netns__free(&list);
	return !is_own;
}

static bool may_look_for_names(const struct filter *filter)
{
	const char *name = filter ? filter__find_netns(filter, is_name_of_another) : NULL;

	if (!name || capability__has(CAPABILITY_SYS_ADMIN))
		return true;
	log_error("not permitted: 'netns = %s' needs CAP_SYS_ADMIN, to enter network namespaces "
		  "and learn their names; without, give its inode", name);
	return false;
}

/* An exit code. */
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

	return demands__are_to_end(w->demands);
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
		.is_over = is_over,
		.context = w,
	};
	struct demands demands;
	struct live *live = NULL;
	int err;

	if (!may_look_for_names(w->options.filter))
		return EXIT_NOT_PERMITTED;
	err = demands__open(&demands);
	if (err) {
		log_error("cannot wait for signals: %s", reason__of(err));
		return EXIT_FAILED;
	}
	output__heed(&w->output, demands.end);
	if (w->recording)
		output__heed(&w->recorder.output, demands.end);
	w->demands = &demands;
	err = live__open(&config, &live);
	if (err) {
		demands__close(&demands);
		return err == -ECANCELED ? EXIT_DONE
		       : err == -EPERM || err == -EACCES ? EXIT_NOT_PERMITTED
		       : err == -EBADMSG ? EXIT_USAGE : EXIT_FAILED;
	}
	err = follow(w, live, &demands);
	live__close(live);
	demands__close(&demands);
	return judge_watch(w, err);
}

/* A watch that was killed left no stop: its open sockets are told all the same. */
static void stop_in_its_stead(struct watch *w)
{
	struct record stop = { .type = RECORD_STOP };
	const char *why;

	core__feed(w->core, &stop, &why);
}

/* An exit code. What could be read has been told. */
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

static int watch_recording(struct watch *w)
{
	int fd = input_file__open(w->options.replay, "a recording of 'watch -w'"), err;
	struct recording_problem problem;

	if (fd < 0)
		return exit_code__of_input(fd);
	if (is_same_file(fd, w->output.fd)) {
		log_error("%s: cannot be both read and written", w->options.replay);
		close(fd);
		return EXIT_USAGE;
	}
	w->place = sizeof(struct recording_header);
	err = recording__read(fd, take_record, w, &problem);
	close(fd);
	if (w->started && !w->stopped && (!err || err == -EBADMSG))
		stop_in_its_stead(w);
	return judge_recording(w, err, &problem);
}

/* ---- the whole ---- */

static int prepare_disguise(struct options *o)
{
	int fd = -1, err;

	if (o->peers_key)
		fd = input_file__open(o->peers_key, "a key of at least 16 bytes");
	if (o->peers_key && fd < 0)
		return exit_code__of_input(fd);
	err = fd < 0 ? disguise__make_key(&o->disguise) : disguise__read_key(&o->disguise, fd);
	if (fd >= 0)
		close(fd);
	if (!err)
		return EXIT_DONE;
	log_error("%s: %s", o->peers_key ? o->peers_key : "a key of pseudonyms",
		  err == -EINVAL ? "expected a key of at least 16 bytes" : reason__of(err));
	return exit_code__of_input(err);
}

/* Whoever chooses addresses must not know where they lie in our tables. */
static int prepare_hash(struct options *o)
{
	struct keyed_hash *hash = &o->core.hash;

	if (getrandom(hash->key, sizeof(hash->key), 0) == sizeof(hash->key))
		return EXIT_DONE;
	log_error("a key for the tables: %s", strerror(errno));
	return EXIT_FAILED;
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

static int open_sinks(struct watch *w)
{
	const struct options *o = &w->options;
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
		if (is_same_file(w->output.fd, w->recorder.output.fd)) {
			log_error("%s: cannot be both the recording and the lines", o->record);
			return EXIT_USAGE;
		}
		if ((o->record_max || o->record_age_ns) && !w->recorder.output.is_file) {
			log_error("%s: --record-max and --record-age need a file, which can be "
				  "renamed", o->record);
			return EXIT_USAGE;
		}
		w->options.core.taken = on_taken;
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

static int close_sinks(struct watch *w, int code)
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
	code = prepare_disguise(&w.options);
	if (code == EXIT_DONE)
		code = prepare_hash(&w.options);
	if (code == EXIT_DONE)
		code = open_sinks(&w);
	if (code == EXIT_DONE)
		code = w.options.replay ? watch_recording(&w) : watch_kernel(&w);
	say_how_many_more(&w);
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
