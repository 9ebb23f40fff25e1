// SPDX-License-Identifier: GPL-2.0
/* halfopen watch: reads the command line, runs the pipeline. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/arguments.h"
#include "cmd/cmd.h"
#include "cmd/colour_argument.h"
#include "cmd/filter_argument.h"
#include "cmd/verbosity.h"
#include "file/input_file.h"
#include "filter/filter.h"
#include "kernel/support.h"
#include "pipeline/watch.h"
#include "sys/log.h"
#include "sys/reason.h"
#include "value/quantity.h"

/* ---- arguments ---- */

enum {
	OPT_JSON = 256, OPT_EVENTS, OPT_ALL, OPT_EVERY, OPT_FOR, OPT_SUSPECT_AFTER, OPT_STRICT,
	OPT_GATEWAY, OPT_UTC, OPT_RING, OPT_IDLE_GAP, OPT_PEERS, OPT_PEERS_KEY,
	OPT_IDENTITIES, OPT_COLOR, OPT_RECORD_MAX, OPT_RECORD_AGE,
};

static const struct argp_option argp_options[] = {
	{ "json", OPT_JSON, NULL, 0, "timelines as JSON Lines instead of text", 1 },
	{ "events", OPT_EVENTS, NULL, 0, "each event, too, and nothing folded", 1 },
	{ "all", OPT_ALL, NULL, 0, "timelines of uneventful sockets, too", 1 },
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
	{ "output", 'o', "FILE", 0, "write there (mode 0600), not to standard output", 2 },
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
	  "size of the kernel's ring buffer (default: 240 bytes for each TCP socket of the host, "
	  "4 MiB to 256 MiB)",
	  3 },
	{ 0 },
};

static const char argp_doc[] =
	"Follows TCP sockets of all network namespaces of this host: what keepalive asked, what "
	"was answered, how each socket ended, and for how long a dead peer went unnoticed.\v"
	"Examples:\n"
	"  halfopen watch                          what happens, a line each story\n"
	"  halfopen watch -v                       ... and each socket\n"
	"  halfopen watch --json -o timelines.jsonl --every 1h\n"
	"  halfopen watch --json --events --for 10m | jq .\n"
	"  halfopen watch -w today.ho; halfopen watch -r today.ho --json\n"
	"  halfopen watch 'sport = :1883 and dst 10.0.0.0/8 and comm = mosquitto'\n"
	"\nFILTER is the language of ss(8): tests of sport, dport, src, dst, state and exclude, and "
	"besides of netns, pid, comm, cgroup, container and device, with =, !=, <, >, <= and >=, joined "
	"by and, or, not and parentheses.\n"
	"\nSIGHUP opens -o and -w anew where somebody renamed them; it ends a watch without, and "
	"one whose terminal is gone.\n"
	"\nExit codes: 0 done, 1 failed while running, 2 usage or bad input (of a recording that "
	"is cut off, what comes before is told), 4 events lost under --strict, 77 not permitted.\n";

static bool is_standard(const char *name)
{
	return name && !strcmp(name, "-");
}

static bool read_suspect_after(const char *text, void *at)
{
	uint64_t number;
	bool ok = quantity__number(text, 1, 255, &number);

	*(uint32_t *)at = ok ? number : 0;
	return ok;
}

static bool read_peers(const char *text, void *at)
{
	return privacy__named(text, at);
}

static bool read_ring(const char *text, void *at)
{
	uint64_t *bytes = at;

	return quantity__size(text, bytes) && *bytes >= 4096 && *bytes <= 1ULL << 30 &&
	       !(*bytes & (*bytes - 1));
}

#define AT(member) .offset = offsetof(struct watch_options, member)
#define A_SECOND 1000000000ULL
#define DURATION_EXAMPLES QUANTITY_DURATION_MAX " (90s, 1h30m, 2d)"

static const struct argument arguments[] = {
	{ OPT_JSON, ARGUMENT_FLAG, AT(json) },
	{ OPT_EVENTS, ARGUMENT_FLAG, AT(core.events) },
	{ OPT_ALL, ARGUMENT_FLAG, AT(core.all) },
	{ OPT_STRICT, ARGUMENT_FLAG, AT(strict) },
	{ OPT_UTC, ARGUMENT_FLAG, AT(utc) },
	{ OPT_IDENTITIES, ARGUMENT_TEXT, AT(identities) },
	{ OPT_PEERS_KEY, ARGUMENT_TEXT, AT(peers_key) },
	{ OPT_GATEWAY, ARGUMENT_TEXT, AT(gateway) },
	{ 'o', ARGUMENT_TEXT, AT(output) },
	{ 'w', ARGUMENT_TEXT, AT(record) },
	{ 'r', ARGUMENT_TEXT, AT(replay) },
	{ OPT_EVERY, ARGUMENT_DURATION, AT(core.every_ns), A_SECOND, 0,
	  "duration from 1s to " DURATION_EXAMPLES },
	{ OPT_FOR, ARGUMENT_DURATION, AT(for_ns), 1, 0, "duration up to " DURATION_EXAMPLES },
	{ OPT_IDLE_GAP, ARGUMENT_DURATION, AT(idle_gap_ns), A_SECOND, 86400 * A_SECOND,
	  "duration from 1s to 1d (10s, 2m)" },
	{ OPT_RECORD_AGE, ARGUMENT_DURATION, AT(record_age_ns), 2 * A_SECOND, 0,
	  "duration from 2s to " QUANTITY_DURATION_MAX " (12h, 7d)" },
	{ OPT_RECORD_MAX, ARGUMENT_SIZE, AT(record_max), 1 << 16, 0,
	  "size of at least 64KiB (64MiB, 2GiB)" },
	{ OPT_RING, ARGUMENT_OTHER, AT(ring_bytes), 0, 0,
	  "power of two from 4KiB to 1GiB (4MiB, 64MiB)", read_ring },
	{ OPT_SUSPECT_AFTER, ARGUMENT_OTHER, AT(core.suspect_after), 0, 0,
	  "number from 1 to 255", read_suspect_after },
	{ OPT_COLOR, ARGUMENT_OTHER, AT(colour), 0, 0, "choice: auto, always, never",
	  colour_argument__read },
	{ OPT_PEERS, ARGUMENT_OTHER, AT(privacy.kind), 0, 0,
	  "way to show peers: full, prefix, pseudonym", read_peers },
	{ 0 },
};

static void check_arguments(const struct argp_state *state, const struct watch_options *o)
{
	if (!o->record && (o->record_max || o->record_age_ns))
		arguments__refuse(state, "--record-max and --record-age bound a recording: -w FILE "
				  "is missing");
	if (o->replay &&
	    (o->record || o->for_ns || o->ring_bytes || o->gateway || o->identities))
		arguments__refuse(state, "-r takes a recording as it is: -w, --for, --ring, "
				  "--identities and --gateway belong to a live watch");
	if (is_standard(o->record) && (!o->output || is_standard(o->output)))
		arguments__refuse(state, "-w - records to standard output: then the lines need "
				  "another place, -o FILE");
	if (is_standard(o->replay) && is_standard(o->peers_key))
		arguments__refuse(state, "'-' is standard input, which can be read once only");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct watch_options *o = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		filter_argument__add(state, &o->filter_text, arg);
		return 0;
	case ARGP_KEY_END:
		o->core.filter = o->filter = filter_argument__parse(state, o->filter_text);
		check_arguments(state, o);
		return 0;
	default:
		return argument__take(arguments, key, arg, state);
	}
}

/* ---- the whole ---- */

static int prepare_disguise(struct watch_options *o)
{
	int fd = -1, err;

	if (o->peers_key)
		fd = input_file__open(o->peers_key, "a key of at least 16 bytes");
	if (o->peers_key && fd < 0)
		return exit_code__of_input(fd);
	err = fd < 0 ? privacy__make_key(&o->privacy) : privacy__read_key(&o->privacy, fd);
	if (fd >= 0)
		close(fd);
	if (!err)
		return EXIT_DONE;
	log_error("%s: %s", o->peers_key ? o->peers_key : "a key of pseudonyms",
		  err == -EINVAL ? "expected a key of at least 16 bytes" : reason__of(err));
	return exit_code__of_input(err);
}

int cmd_watch(int argc, char **argv)
{
	static const struct argp argp = { argp_options, parse, "[FILTER]", argp_doc,
					  verbosity,	NULL,  NULL };
	struct watch w = { .options.core.suspect_after = WATCH_SUSPECT_AFTER,
			   .options.idle_gap_ns = WATCH_IDLE_GAP_NS };
	uint64_t events_lost;
	int code;

	arguments__parse(&argp, argc, argv, &w.options);
	support__hush_libbpf();
	code = prepare_disguise(&w.options);
	if (code == EXIT_DONE)
		code = watch__open_sinks(&w);
	if (code == EXIT_DONE)
		code = w.options.replay ? watch__recording(&w) : watch__kernel(&w);
	watch__say_skipped(&w);
	if (w.core) {
		events_lost = core__summary(w.core).events_lost;
		code = watch__close_sinks(&w, code);
		if (code == EXIT_DONE && w.options.strict && events_lost)
			code = EXIT_LOST;
	}
	if (w.holds_signals)
		demands__close(&w.demands);
	core__free(w.core);
	lines__free(&w.lines);
	text__free(&w.text);
	filter__free(w.options.filter);
	free(w.options.filter_text);
	return code;
}
