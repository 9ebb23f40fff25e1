// SPDX-License-Identifier: GPL-2.0
/* halfopen reach: can these peers hear a command now? */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/arguments.h"
#include "cmd/cmd.h"
#include "cmd/filter_argument.h"
#include "cmd/groups_argument.h"
#include "cmd/history_argument.h"
#include "cmd/verbosity.h"
#include "file/exit_code.h"
#include "file/output.h"
#include "kernel/support.h"
#include "pipeline/filter_names.h"
#include "pipeline/look_nothing.h"
#include "pipeline/reaching.h"
#include "sys/demands.h"
#include "sys/log.h"
#include "sys/reason.h"
#include "sys/terminal.h"
#include "text/reach_text.h"
#include "timeline/timeline_json.h"
#include "value/quantity.h"

#define FRESH_NS 1000000000ULL
#define WITHIN_NS 2000000000ULL
#define ASKS 2

struct options {
	bool json;
	uint64_t fresh_ns, within_ns, asks;
	const char *gateway, *identities, *groups, *filter_text;
	struct reach_target *targets;
	unsigned int target_count;
	const char **histories;
	unsigned int history_count;
	struct named_network *networks;
	unsigned int network_count;
	struct filter *filter;
};

enum { OPT_JSON = 256, OPT_GATEWAY, OPT_IDENTITIES, OPT_HISTORY, OPT_GROUPS, OPT_FRESH, OPT_WITHIN,
       OPT_ASKS, OPT_FILTER };

static const struct argp_option argp_options[] = {
	{ "within", OPT_WITHIN, "DURATION", 0, "wait so long for an answer (2s)", 1 },
	{ "fresh", OPT_FRESH, "DURATION", 0,
	  "a peer that was heard within this time is not asked (1s; 0s: all are asked)", 1 },
	{ "asks", OPT_ASKS, "N", 0,
	  "ask up to N times, evenly within --within, until there is an answer (2): one lost "
	  "segment alone makes a living peer look silent", 1 },
	{ "filter", OPT_FILTER, "FILTER", 0,
	  "connections that pass it alone ('sport = :1883'), as in 'halfopen sockets'", 1 },
	{ "identities", OPT_IDENTITIES, "FILE", 0,
	  "who is behind an address, as for 'halfopen watch': DEVICE is a name of these", 1 },
	{ "history", OPT_HISTORY, "FILE", 0,
	  "how likely each is there: from timelines ('watch --json --all') or a recording; can be "
	  "given several times", 2 },
	{ "groups", OPT_GROUPS, "FILE", 0,
	  "names of carriers' networks, a line each: CIDR NAME; one name is one group of "
	  "--history", 2 },
	{ "json", OPT_JSON, NULL, 0, "a line of JSON (halfopen.reach/1) for each", 3 },
	{ "gateway", OPT_GATEWAY, "NAME", 0, "name of this host in the output", 3 },
	{ 0 },
};

static const char argp_doc[] =
	"Says whether each peer can hear a command now: it was heard a moment ago, or is asked by "
	"one empty segment that a living peer acknowledges. PEER is ADDRESS, ADDRESS:PORT or "
	"[IPV6]:PORT (a link-local one also with its link: fe80::1%eth0); DEVICE a name of --identities. Prints a line for each connection of theirs, "
	"whichever was heard last first.\v"
	"Examples:\n"
	"  halfopen reach 203.0.113.7:46786\n"
	"  halfopen reach scooter-17 --identities devices.jsonl && send-unlock\n"
	"  halfopen reach 203.0.113.7 --filter 'sport = :1883' --within 10s --asks 3\n"
	"  halfopen reach --json scooter-17 scooter-18 --identities devices.jsonl \\\n"
	"      --history today.jsonl --groups carriers.txt | jq .probability\n"
	"\nNothing stays changed: the kernel is made to send a window probe, as 'halfopen probe "
	"--help' explains. A peer that has forgotten its connection resets it.\n"
	"\nExit codes: 0 reachable; 3 silent: asked, and no answer within --within; 5 unknown: no "
	"such connection, or it could not be asked. Of one peer with several connections: 0 if one "
	"of them is reachable, else 5 if one is unknown, else 3. Of several peers: 0 if all are "
	"reachable, else 3 if one is silent, else 5. 1 failed while running, 2 usage or bad input, "
	"77 not permitted.\n";

/* ---- arguments ---- */

static bool read_fresh(const char *text, void *at)
{
	return quantity__duration(text, at);
}

#define AT(member) .offset = offsetof(struct options, member)

static const struct argument arguments[] = {
	{ OPT_JSON, ARGUMENT_FLAG, AT(json) },
	{ OPT_GATEWAY, ARGUMENT_TEXT, AT(gateway) },
	{ OPT_IDENTITIES, ARGUMENT_TEXT, AT(identities) },
	{ OPT_GROUPS, ARGUMENT_TEXT, AT(groups) },
	{ OPT_FILTER, ARGUMENT_TEXT, AT(filter_text) },
	{ OPT_WITHIN, ARGUMENT_DURATION, AT(within_ns), 1000000, 86400000000000ULL,
	  "duration from 1ms to 1d (2s, 1m)" },
	{ OPT_FRESH, ARGUMENT_OTHER, AT(fresh_ns), 0, 0,
	  "duration up to " QUANTITY_DURATION_MAX " (1s, 500ms, 0s)", read_fresh },
	{ OPT_ASKS, ARGUMENT_NUMBER, AT(asks), 1, 10, "number from 1 to 10" },
	{ 0 },
};

static void add_target(const struct argp_state *state, struct options *o, const char *text)
{
	struct reach_target t = { .text = text }, *bigger;

	t.is_device = !endpoint__read_with_link(text, &t.peer, t.link);
	bigger = realloc(o->targets, (o->target_count + 1) * sizeof(*bigger));
	if (!bigger) {
		argp_failure(state, EXIT_FAILED, ENOMEM, "PEER");
		return;
	}
	o->targets = bigger;
	bigger[o->target_count++] = t;
}

static void check_arguments(const struct argp_state *state, struct options *o)
{
	unsigned int i;

	if (!o->target_count)
		arguments__refuse(state, "PEER is missing: expected ADDRESS, ADDRESS:PORT, "
				  "[IPV6]:PORT, or a device's name and --identities");
	for (i = 0; i < o->target_count; i++)
		if (o->targets[i].is_device && !o->identities)
			arguments__refuse(state, "'%s' is no ADDRESS, ADDRESS:PORT or [IPV6]:PORT, "
					  "and names of devices are known with --identities alone",
					  o->targets[i].text);
	if (o->groups && !o->history_count)
		arguments__refuse(state, "--groups is for --history, which is missing");
	if (o->groups)
		groups_argument__read(state, o->groups, &o->networks, &o->network_count);
	o->filter = filter_argument__parse(state, o->filter_text);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		add_target(state, o, arg);
		return 0;
	case OPT_HISTORY:
		history_argument__add(state, &o->histories, &o->history_count, arg);
		return 0;
	case ARGP_KEY_END:
		check_arguments(state, o);
		return 0;
	default:
		return argument__take(arguments, key, arg, state);
	}
}

/* ---- the whole ---- */

/* What is known besides the sockets; an exit code. */
static int read_files(const struct options *o, struct identities *devices, struct history *h)
{
	int err = o->identities ? look_devices__read(o->identities, devices) : 0;

	if (!err)
		err = history__read_all(h, o->histories, o->history_count, o->networks,
					o->network_count);
	return err ? exit_code__of_input(err) : EXIT_DONE;
}

static int write_results(const struct options *o, const struct reaching *r, struct output *output)
{
	struct words w = { 0 };
	struct json j = { 0 };
	struct host host;
	size_t i;
	int err;

	host__read(&host);
	for (i = 0; i < r->count; i++) {
		struct reach_result result = r->rows[i].result;

		result.origin = (struct timeline_origin){ o->gateway ? o->gateway : host.name,
							  host.boot_id, host.run_id };
		if (o->json)
			timeline_json__write_reach_result(&j, i, &result);
		else
			reach_text__write(&w, &result, (int)terminal__columns(output->fd));
	}
	err = j.failed || w.failed ? -ENOMEM
	      : output__write(output, o->json ? j.text : w.text, o->json ? j.length : w.length);
	words__free(&w);
	json__free(&j);
	return err;
}

static int exit_code_of(const struct reaching *r)
{
	static const int codes[] = { [REACH_REACHABLE] = EXIT_DONE, [REACH_SILENT] = EXIT_FOUND,
				     [REACH_UNKNOWN] = EXIT_NOT_KNOWN };

	return codes[reaching__answer(r)];
}

/* Of the first; without --history, or where it says nothing of them, it may be missed. */
static void say_why_not_likely(const struct options *o, const struct reaching *r)
{
	size_t i;

	for (i = 0; o->history_count && !o->json && i < r->count; i++) {
		const struct reach_result *result = &r->rows[i].result;

		if (!result->has_socket || !*result->probability_why)
			continue;
		log_info("%s: how likely it is there is not known: %s", result->target,
			 result->probability_why);
		return;
	}
}

static int reach(const struct options *o, const struct reaching_config *config)
{
	struct reaching r;
	struct output output;
	int err = reaching__run(&r, config), code = EXIT_FAILED;

	if (err == -EPERM || err == -EACCES) {
		code = EXIT_NOT_PERMITTED;
	} else if (!err) {
		if (!r.look.complete)
			log_warning("not every network namespace could be entered: sockets there "
				    "that no process holds may be missing");
		look_nothing__explain(&r.look);
		say_why_not_likely(o, &r);
		output__standard(&output);
		err = write_results(o, &r, &output);
		code = exit_code__of_output(&output, err, exit_code_of(&r));
	}
	reaching__free(&r);
	return code;
}

static int run(const struct options *o)
{
	struct identities devices = { 0 };
	struct history history = { .presence.of_scope = NULL };
	struct reaching_config config = {
		.targets = o->targets, .target_count = o->target_count, .filter = o->filter,
		.devices = o->identities ? &devices : NULL,
		.history = o->history_count ? &history : NULL, .fresh_ns = o->fresh_ns,
		.within_ns = o->within_ns, .asks = o->asks };
	struct demands demands;
	int code = read_files(o, &devices, &history);

	if (code == EXIT_DONE && demands__open(&demands)) {
		log_error("cannot wait for signals");
		code = EXIT_FAILED;
	} else if (code == EXIT_DONE) {
		config.end = demands.end;
		code = reach(o, &config);
		demands__close(&demands);
	}
	history__free(&history);
	identities__free(&devices);
	return code;
}

static void free_options(struct options *o)
{
	unsigned int i;

	for (i = 0; i < o->network_count; i++)
		free(o->networks[i].name);
	free(o->networks);
	free(o->targets);
	free(o->histories);
	filter__free(o->filter);
}

int cmd_reach(int argc, char **argv)
{
	static const struct argp argp = { argp_options, parse, "PEER|DEVICE...", argp_doc,
					  verbosity,	NULL,  NULL };
	struct options options = { .fresh_ns = FRESH_NS, .within_ns = WITHIN_NS, .asks = ASKS };
	int code = EXIT_NOT_PERMITTED;

	arguments__parse(&argp, argc, argv, &options);
	support__hush_libbpf();
	if (filter_names__may_be_looked_for(options.filter))
		code = run(&options);
	free_options(&options);
	return code;
}
