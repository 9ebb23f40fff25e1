// SPDX-License-Identifier: GPL-2.0
/* halfopen top: the open sockets on a full screen, as they change. */
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/arguments.h"
#include "cmd/cmd.h"
#include "cmd/colour_argument.h"
#include "cmd/filter_argument.h"
#include "cmd/history_argument.h"
#include "cmd/path_argument.h"
#include "cmd/verbosity.h"
#include "file/exit_code.h"
#include "kernel/support.h"
#include "pipeline/history.h"
#include "pipeline/look_order.h"
#include "pipeline/top.h"
#include "sys/full_screen.h"
#include "sys/log.h"
#include "value/quantity.h"

enum { OPT_SILENT = 256, OPT_PATH, OPT_COLOR, OPT_SUSPECT_AFTER, OPT_FOR, OPT_IDENTITIES,
       OPT_HISTORY };

struct options {
	struct top_options top;		/* at first: what `arguments` has offsets of */
	const char **histories;
	unsigned int history_count;
	struct history history;
};

/* Carriers drop idle connections after 10 to 15 minutes. */
#define SILENT_NS 900000000000ULL
#define DELAY_NS 2000000000ULL
#define A_SECOND 1000000000ULL

static const struct argp_option argp_options[] = {
	{ "sort", 's', "KEY", 0,
	  "suspect (the default: suspects first, then by silence), silent, unanswered, dies, "
	  "next, notices, peer, local, owner, state, dead",
	  1 },
	{ "delay", 'd', "DURATION", 0,
	  "the list is read again after this time (2s), later where that takes long", 1 },
	{ "color", OPT_COLOR, "WHEN", 0, "colours: auto (unless NO_COLOR is set), always, never",
	  1 },
	{ "silent", OPT_SILENT, "DURATION", 0, "how many are silent for longer than this (15m)",
	  2 },
	{ "path-forgets", OPT_PATH, PATH_ARGUMENT_NAME, 0, PATH_ARGUMENT_HELP, 2 },
	{ "history", OPT_HISTORY, "FILE", 0,
	  "how many are dead, from what was watched before, as in 'halfopen sockets --help'", 2 },
	{ "suspect-after", OPT_SUSPECT_AFTER, "N", 0,
	  "asks unanswered that make a socket suspect (default 2)", 2 },
	{ "identities", OPT_IDENTITIES, "FILE|FIFO|unix:PATH", 0,
	  "who is behind an address, as in 'halfopen watch --help'", 2 },
	{ "for", OPT_FOR, "DURATION", 0, "end after this time (90s, 1h30m, 2d)", 3 },
	{ 0 },
};

static const char argp_doc[] =
	"Shows the TCP connections of all network namespaces of this host on a full screen: "
	"suspects first, then the longest silent, in the columns of 'halfopen sockets'; above them "
	"how many there are, how many peers were found dead since the start, and for how long that "
	"went unnoticed. Changes nothing, and sends nothing.\v"
	"Keys: up and down choose a socket, Enter shows its whole timeline, / filters as you type, "
	"< and > change the order, x lists peers that were found dead, p pauses, h helps, q quits.\n"
	"\nExamples:\n"
	"  halfopen top                            suspects first, then by silence\n"
	"  halfopen top 'sport = :1883 and comm = mosquitto' --sort dies\n"
	"  halfopen top --path-forgets 15m         and how many are surely dead\n"
	"  NO_COLOR=1 halfopen top -d 10s          on a slow line\n"
	"\nFILTER is the language of ss(8), as in 'halfopen watch --help'. Without a terminal: 'halfopen "
	"sockets' lists the same once, 'halfopen watch' writes what happens.\n"
	"\nExit codes: 0 done, 1 failed while running, 2 usage or no terminal that can show it, 77 not "
	"permitted.\n";

static bool read_key(const char *text, void *at)
{
	enum look_key key;

	*(const char **)at = text;
	return look_key__named(text, &key);
}

static bool read_suspect_after(const char *text, void *at)
{
	uint64_t number;
	bool ok = quantity__number(text, 1, 255, &number);

	*(uint32_t *)at = ok ? number : 0;
	return ok;
}

#define AT(member) .offset = offsetof(struct top_options, member)
#define DURATION_EXAMPLES QUANTITY_DURATION_MAX " (90s, 15m, 2h)"

static const struct argument arguments[] = {
	{ OPT_SILENT, ARGUMENT_DURATION, AT(rules.long_ns), 1, 0,
	  "duration up to " DURATION_EXAMPLES },
	{ OPT_PATH, ARGUMENT_OTHER, AT(rules.path_ns), 0, 0,
	  "duration (905s, 15m), nor the documented timer of something on a path",
	  path_argument__read },
	{ 'd', ARGUMENT_DURATION, AT(delay_ns), A_SECOND / 10, 3600 * A_SECOND,
	  "duration from 100ms to 1h (2s, 10s)" },
	{ OPT_FOR, ARGUMENT_DURATION, AT(for_ns), 1, 0, "duration up to " DURATION_EXAMPLES },
	{ OPT_IDENTITIES, ARGUMENT_TEXT, AT(identities) },
	{ OPT_SUSPECT_AFTER, ARGUMENT_OTHER, AT(rules.suspect_after), 0, 0, "number from 1 to 255",
	  read_suspect_after },
	{ OPT_COLOR, ARGUMENT_OTHER, AT(colour), 0, 0, "choice: auto, always, never",
	  colour_argument__read },
	{ 's', ARGUMENT_OTHER, AT(order), 0, 0,
	  "key: suspect, silent, unanswered, dies, next, notices, peer, local, owner, state, dead",
	  read_key },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case OPT_HISTORY:
		history_argument__add(state, &o->histories, &o->history_count, arg);
		return 0;
	case ARGP_KEY_ARG:
		filter_argument__add(state, &o->top.filter_text, arg);
		return 0;
	case ARGP_KEY_END:
		o->top.filter = filter_argument__parse(state, o->top.filter_text);
		if (!strcmp(o->top.order, "dead") && !o->top.rules.path_ns && !o->history_count)
			arguments__refuse(state, "--sort dead: how likely a peer is dead is known "
					  "with --path-forgets or --history alone");
		return 0;
	default:
		return argument__take(arguments, key, arg, state);
	}
}

static int run(struct options *o)
{
	int err = history__read_all(&o->history, o->histories, o->history_count, NULL, 0);

	if (err)
		return exit_code__of_input(err);
	o->top.history = o->history_count ? &o->history : NULL;
	return top__run(&o->top);
}

int cmd_top(int argc, char **argv)
{
	static const struct argp argp = { argp_options, parse, "[FILTER]", argp_doc,
					  verbosity,	NULL,  NULL };
	struct options options = {
		.top = { .delay_ns = DELAY_NS, .order = "suspect",
			 .rules = { .long_ns = SILENT_NS,
				    .suspect_after = WATCH_SUSPECT_AFTER } } };
	const char *refused;
	int code = EXIT_USAGE;

	arguments__parse(&argp, argc, argv, &options);
	support__hush_libbpf();
	refused = full_screen__refused();
	if (refused)
		log_error("%s", refused);
	else
		code = run(&options);
	history__free(&options.history);
	free(options.histories);
	filter__free(options.top.filter);
	free(options.top.filter_text);
	return code;
}
