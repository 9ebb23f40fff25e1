// SPDX-License-Identifier: GPL-2.0
/* halfopen explain: when each side of a connection would notice. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/arguments.h"
#include "cmd/cmd.h"
#include "cmd/verbosity.h"
#include "file/output.h"
#include "text/explanation.h"
#include "text/spec_words.h"
#include "tuning/documented_timers.h"
#include "value/words.h"

#define PARTIES_MAX 8

struct options {
	struct party parties[PARTIES_MAX];
	unsigned int count;
	struct words notes;
	bool lists_path, lists_platforms;	/* documented timers are asked for */
};

static const char argp_doc[] =
	"Says when each side of a connection would notice that the other is gone, and what happens "
	"when something in between forgets the connection quietly. The first SPEC is this side, "
	"the server; stacks and PINGs after it are the device's, a nat stands in between. Knows:\n"
	"  linux, lwip, zephyr, windows, bsd, macos, solaris   "
	"[:IDLE/INTERVAL/PROBES[/user_timeout=S]]\n"
	"    linux, behind these: /retries2=N (net.ipv4.tcp_retries2), /rto_max=S "
	"(net.ipv4.tcp_rto_max_ms, TCP_RTO_MAX_MS)\n"
	"  wizfi210[:TOTAL[/COUNT]]            its option is the time of all probes together\n"
	"  AT+SETSOCKOPT=CID,TYPE,PARAM,VALUE,LENGTH   as typed into the module; several add up\n"
	"  astra:ping=S,timeout=S              the device's own PING-PONG\n"
	"  nat=S, nat=NAME                     forgets idle connections after S seconds, or as "
	"documented of NAME (nat=? lists them)\n"
	"  platform=NAME, mqtt=S               the server's program, which closes where no data "
	"come (platform=? lists them); mqtt: after 1.5 times the device's keep alive\vExamples:\n"
	"  halfopen explain linux:7200/75/9 wizfi210:600 nat=900\n"
	"  halfopen explain linux:7200/75/9 astra:ping=540,timeout=30 nat=900\n"
	"  halfopen explain linux:240/20/5 nat=aws-nlb platform=traccar\n"
	"  halfopen explain 'nat=?'             the names, and when each forgets\n"
	"  halfopen explain linux AT+SETSOCKOPT=0,6,4005,1,4 \\\n"
	"      AT+SETSOCKOPT=0,6,4001,75,4\n"
	"\n"
	"Exit codes: 0 done, 2 usage.\n";

static void refuse_spec(struct argp_state *state, const char *spec,
			enum party_spec_expected expected)
{
	struct words words = { 0 };

	spec_words__add_expected(&words, expected);
	arguments__refuse(state, "'%s': expected %s", spec, words.text ?: "");
	words__free(&words);
}

static void add_party(struct argp_state *state, struct options *o, const char *spec)
{
	struct party *previous = o->count ? &o->parties[o->count - 1] : NULL;
	struct party_spec read;
	unsigned int i;

	if (o->count == PARTIES_MAX)
		arguments__refuse(state, "'%s': %u SPECs are too many", spec, PARTIES_MAX + 1);
	if (!party_spec__read(spec, previous, &read))
		refuse_spec(state, spec, read.expected);
	if (read.is_new)
		o->parties[o->count++] = read.party;
	for (i = 0; i < read.note_count; i++) {
		words__add(&o->notes, "%s: ", spec);
		spec_words__add_note(&o->notes, &read.notes[i]);
		words__add(&o->notes, "\n");
	}
}

/* The path may be named before either side; false if there is no side. */
static bool put_server_first(struct options *o)
{
	unsigned int i = 0;
	struct party server;

	while (i < o->count && o->parties[i].kind == PARTY_NAT)
		i++;
	if (i == o->count)
		return false;
	server = o->parties[i];
	memmove(o->parties + 1, o->parties, i * sizeof(server));
	o->parties[0] = server;
	return true;
}

/* nat=? and platform=? */
static bool asks_for_list(struct options *o, const char *spec)
{
	bool of_path = !strcmp(spec, "nat=?"), of_platforms = !strcmp(spec, "platform=?");

	o->lists_path |= of_path;
	o->lists_platforms |= of_platforms;
	return of_path || of_platforms;
}

/* A line for each: its name as a SPEC, its seconds, and whose it is. */
static void list_timers(struct words *w, bool of_platforms)
{
	const struct documented_timer *t;
	char spec[64];
	size_t i;

	for (i = 0; (t = documented_timer__at(i)); i++) {
		if (t->is_platform != of_platforms)
			continue;
		snprintf(spec, sizeof(spec), "%s=%s", of_platforms ? "platform" : "nat", t->name);
		words__add(w, "%-28s %6.0fs  %s\n", spec, t->idle_s, t->what);
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (!asks_for_list(o, arg))
			add_party(state, o, arg);
		break;
	case ARGP_KEY_END:
		if (o->lists_path || o->lists_platforms) {
			if (o->count)	/* within a connection it is no SPEC */
				add_party(state, o, o->lists_path ? "nat=?" : "platform=?");
			break;
		}
		if (!o->count)
			arguments__refuse(state, "SPEC is missing: linux:7200/75/9, wizfi210:600, "
					  "nat=900, ...");
		if (!put_server_first(o))
			arguments__refuse(state, "a server is missing: '%s' only says what stands "
					  "in between (linux:7200/75/9 nat=900)", state->argv[1]);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

int cmd_explain(int argc, char **argv)
{
	static const struct argp argp = { NULL, parse, "SPEC...", argp_doc, verbosity, NULL, NULL };
	struct options options = { .count = 0 };
	struct words words = { 0 };
	struct output output;
	int err, code;

	arguments__parse(&argp, argc, argv, &options);
	output__standard(&output);
	if (options.notes.length)
		words__append(&words, options.notes.text, options.notes.length);
	if (options.lists_path)
		list_timers(&words, false);
	if (options.lists_platforms)
		list_timers(&words, true);
	if (!options.lists_path && !options.lists_platforms)
		explanation__text(&words, options.parties, options.count);
	err = words.failed ? -ENOMEM : output__write(&output, words.text, words.length);
	code = exit_code__of_output(&output, err, EXIT_DONE);
	words__free(&words);
	words__free(&options.notes);
	return code;
}
