// SPDX-License-Identifier: GPL-2.0
/* halfopen sockets: the open sockets, once. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/arguments.h"
#include "cmd/cmd.h"
#include "cmd/filter_argument.h"
#include "cmd/groups_argument.h"
#include "cmd/history_argument.h"
#include "cmd/path_argument.h"
#include "cmd/verbosity.h"
#include "file/atomic_file.h"
#include "file/input_file.h"
#include "file/output.h"
#include "kernel/support.h"
#include "pipeline/filter_names.h"
#include "pipeline/history.h"
#include "pipeline/look_check.h"
#include "pipeline/look_value.h"
#include "pipeline/look_devices.h"
#include "pipeline/look_list.h"
#include "pipeline/look_nothing.h"
#include "pipeline/look_summary.h"
#include "sys/capability.h"
#include "sys/host.h"
#include "sys/log.h"
#include "sys/reason.h"
#include "sys/service_port.h"
#include "sink/metrics.h"
#include "sys/terminal.h"
#include "tcp/tcp_states.h"
#include "text/summary_table.h"
#include "timeline/timeline_json.h"
#include "value/quantity.h"

struct options {
	bool json, summary, all;
	const char *prom;
	struct look_check check;
	struct {
		enum look_key key;
		bool is_told;
	} order;
	uint64_t limit;		/* 0: all */
	uint64_t silent_ns, path_ns;	/* 0: not told */
	const char *gateway, *groups, *identities;
	struct identities devices;
	const char *probed_path;
	struct probed probed;
	struct filter *probed_filter;	/* of that probe */
	const char **histories;
	unsigned int history_count;
	struct history history;
	struct named_network *carriers;
	unsigned int carrier_count;
	char *filter_text;
	struct filter *filter;
};

enum { OPT_JSON = 256, OPT_GATEWAY, OPT_SUMMARY, OPT_SILENT, OPT_PATH, OPT_GROUPS, OPT_CHECK,
       OPT_PROM, OPT_IDENTITIES, OPT_PROBED, OPT_HISTORY };

/* Carriers drop idle connections after 10 to 15 minutes. */
#define SILENT_NS 900000000000ULL

static const struct argp_option argp_options[] = {
	{ "json", OPT_JSON, NULL, 0, "a line of JSON (halfopen.socket/1) for each", 1 },
	{ "sort", 's', "KEY", 0,
	  "suspect (suspects first, before all those that a program holds, then the longest silent: "
	  "the default), silent, unanswered, dies, next, notices, peer, local, owner, state, dead (by --history)",
	  1 },
	{ "all", 'a', NULL, 0,
	  "also sockets that the kernel has ended and a program still holds (as FILTER "
	  "'state closed' does)",
	  1 },
	{ "limit", 'n', "N", 0, "the first N alone", 1 },
	{ "identities", OPT_IDENTITIES, "FILE", 0,
	  "who is behind an address, as for 'halfopen watch': JSON Lines {\"peer\", \"device\", "
	  "\"local\"}; gives the column DEVICE, and names for FILTER (device = NAME)",
	  1 },
	{ "summary", OPT_SUMMARY, NULL, 0, "counts by program, port, namespace and carrier instead", 2 },
	{ "groups", OPT_GROUPS, "FILE", 0, "names of carriers' networks, a line each: CIDR NAME", 2 },
	{ "silent", OPT_SILENT, "DURATION", 0, "how many are silent for longer than this (15m)", 2 },
	{ "path-forgets", OPT_PATH, PATH_ARGUMENT_NAME, 0, PATH_ARGUMENT_HELP, 2 },
	{ "probed", OPT_PROBED, "FILE", 0,
	  "what 'halfopen probe --json' wrote: how many are dead by its answers, with --summary or "
	  "--prom",
	  2 },
	{ "history", OPT_HISTORY, "FILE", 0,
	  "how likely each peer is dead, and how many are: from timelines ('watch --json --all') or a "
	  "recording of what was watched before; can be given several times",
	  2 },
	{ "check", OPT_CHECK, "LIMIT", 0,
	  "exit with 3, and a list of the sockets that are counted, if one of these holds: NAME>N,... (or "
	  ">=, <, <=) with NAME one of sockets, suspect, never, silent, dead, close_wait, window_closed, "
	  "probes_off, address_gone, conntrack, ended",
	  3 },
	{ "prom", OPT_PROM, "FILE", 0,
	  "write gauges for the textfile collector of node_exporter, whole or not at all", 3 },
	{ "gateway", OPT_GATEWAY, "NAME", 0, "name of this host in the output", 1 },
	{ 0 },
};

static const char argp_doc[] =
	"Lists the TCP connections of all network namespaces of this host as they are now: keepalive "
	"options in force (those in parentheses come from a sysctl), how long the peer was silent, "
	"asks that it left unanswered (ASKS), when the kernel asks next (NEXT), when it gives up a peer that "
	"stays silent (DIES), and within what time it notices a dead peer of an idle connection "
	"(NOTICES; local: the peer is of this host). DEAD is how likely the peer is dead, where that is "
	"known (--history, --path-forgets). PAIR, where there is one, is the peer on the "
	"other side of a proxy here; FAULT what is wrong on this host. Changes nothing, and sends nothing.\v"
	"Examples:\n"
	"  halfopen sockets                        suspects first, then by silence\n"
	"  halfopen sockets 'sport = :1883 and comm = mosquitto' --sort notices\n"
	"  halfopen sockets -n 20 --sort silent\n"
	"  halfopen sockets --identities devices.jsonl 'device = scooter-17'\n"
	"  halfopen sockets --json | jq 'select(.dies_in_s == null and .exposed)'\n"
	"  halfopen sockets --summary --path-forgets 15m\n"
	"  halfopen probe --json --sample 1% >asked\n"
	"  halfopen sockets --summary --probed asked\n"
	"  halfopen sockets --summary --history 1.jsonl.zst --history 2.jsonl\n"
	"  halfopen sockets --history today.jsonl --sort dead -n 20\n"
	"  halfopen sockets --json --history today.jsonl |\n"
	"      jq 'select(.dead_probability > 0.9)'\n"
	"  halfopen sockets --check 'suspect>0,never>1000'\n"
	"  halfopen sockets --prom /var/lib/node_exporter/halfopen.prom\n"
	"  halfopen sockets --summary --groups carriers.txt --json | jq .total\n"
	"\nFILTER is the language of ss(8), as in 'halfopen watch --help'; where nothing passes it now, "
	"standard error says which of its tests nothing passes.\n"
	"\nExit codes: 0 done, 1 failed while running, or --check or --prom found nothing that FILTER can "
	"match (no such namespace or process), or it cannot be known "
	"whether a limit of --check holds, 2 usage, 3 a limit of --check holds, 77 not permitted.\n";

static bool read_check(const char *text, void *at)
{
	return look_check__parse(text, at);
}

static bool read_key(const char *text, void *at)
{
	struct options *o = at;

	return (o->order.is_told = look_key__named(text, &o->order.key));
}

#define AT(member) .offset = offsetof(struct options, member)

static const struct argument arguments[] = {
	{ OPT_JSON, ARGUMENT_FLAG, AT(json) },
	{ OPT_GATEWAY, ARGUMENT_TEXT, AT(gateway) },
	{ OPT_SUMMARY, ARGUMENT_FLAG, AT(summary) },
	{ 'a', ARGUMENT_FLAG, AT(all) },
	{ OPT_GROUPS, ARGUMENT_TEXT, AT(groups) },
	{ OPT_PROBED, ARGUMENT_TEXT, AT(probed_path) },
	{ OPT_IDENTITIES, ARGUMENT_TEXT, AT(identities) },
	{ OPT_SILENT, ARGUMENT_DURATION, AT(silent_ns), 1, 0,
	  "duration up to " QUANTITY_DURATION_MAX " (90s, 15m, 2h)" },
	{ OPT_PATH, ARGUMENT_OTHER, AT(path_ns), 0, 0,
	  "duration (905s, 15m), nor the documented timer of something on a path",
	  path_argument__read },
	{ 'n', ARGUMENT_NUMBER, AT(limit), 1, UINT32_MAX, "number from 1 to 4294967295" },
	{ OPT_PROM, ARGUMENT_TEXT, AT(prom) },
	{ OPT_CHECK, ARGUMENT_OTHER, AT(check), 0, 0,
	  "list of limits (suspect>0,never<=1000) of sockets, suspect, never, silent, dead, close_wait, "
	  "window_closed, probes_off, address_gone, conntrack, ended", read_check },
	{ 's', ARGUMENT_OTHER, .offset = 0, 0, 0,
	  "key: suspect, silent, unanswered, dies, next, notices, peer, local, owner, state, dead",
	  read_key },
	{ 0 },
};

static bool is_one_file(const char *one, const char *other)
{
	struct stat a, b;

	return !stat(one, &a) && !stat(other, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* FILE is told apart from what it could be meant for. */
static void check_prom(const struct argp_state *state, const struct options *o)
{
	const char *refused = atomic_file__refused(o->prom), *ignored = NULL;

	if (refused)
		arguments__refuse(state, "--prom: '%s' %s: expected the name of a plain file, to be "
				  "written or replaced (/var/lib/node_exporter/halfopen.prom)",
				  o->prom, refused);
	if (o->identities && is_one_file(o->prom, o->identities))
		arguments__refuse(state, "--prom: '%s' is the file of --identities, and would be "
				  "replaced", o->prom);
	if (o->summary)
		return;
	if (o->json)
		ignored = "--json";
	else if (o->limit)
		ignored = "--limit";
	else if (o->gateway)
		ignored = "--gateway";
	if (ignored)
		arguments__refuse(state, "%s: --prom writes gauges alone, and prints nothing: leave "
				  "%s away, or add --summary", ignored, ignored);
}

static void read_probed(const struct argp_state *state, struct options *o)
{
	static const char what[] = "what 'halfopen probe --json' writes (--probed)";
	int fd = input_file__open(o->probed_path, what);
	struct filter_error error;
	struct host host;
	char why[1024];
	int err;

	if (fd < 0)
		exit(exit_code__of_input(fd));
	if (input_file__is_endless(fd, o->probed_path, what))
		exit(EXIT_USAGE);
	host__read(&host);
	err = probe_file__read(fd, o->probed_path, host.boot_id, &o->probed, why, sizeof(why));
	if (err == -EBADMSG)
		arguments__refuse(state, "--probed: %s", why);
	if (err) {
		log_error("--probed: %s", why);
		exit(exit_code__of_input(err));
	}
	if (!o->probed.filter)
		return;
	o->probed_filter = filter__parse(o->probed.filter, service_port__find, &error);
	if (!o->probed_filter)
		arguments__refuse(state, "--probed: %s:%u: filter, column %u: %s", o->probed_path,
				  o->probed.filter_line, error.column, error.text);
}

static void check_arguments(const struct argp_state *state, struct options *o)
{
	bool counts = o->summary || o->prom;

	if (o->prom)
		check_prom(state, o);
	if (o->order.is_told && counts)
		arguments__refuse(state, "--sort is for lists: --summary and --prom write counts");
	if (o->order.is_told && o->order.key == LOOK_BY_DEAD && !o->path_ns && !o->history_count)
		arguments__refuse(state, "--sort dead: how likely a peer is dead is known with "
				  "--path-forgets or --history alone");
	if (o->groups && !counts && !o->history_count)
		arguments__refuse(state, "--groups is for counts and --history: --summary is missing");
	if (o->probed_path && !counts)
		arguments__refuse(state, "--probed is for counts: --summary or --prom is missing");
	if (o->probed_path && o->history_count)
		arguments__refuse(state, "--probed and --history: each says how many are dead: leave one "
				  "away");
	if (o->probed_path)
		read_probed(state, o);
	if (o->silent_ns && !counts && !o->check.count)
		arguments__refuse(state, "--silent is for counts: --summary or --check is missing");
	if (o->check.count && counts)
		arguments__refuse(state, "--check lists sockets: --summary and --prom are runs of their "
				  "own");
	if (look_check__asks_for(&o->check, LOOK_DEAD) && !o->path_ns && !o->history_count)
		arguments__refuse(state, "--check: how many are surely dead is known with --path-forgets "
				  "or --history alone");
	if (o->groups)
		groups_argument__read(state, o->groups, &o->carriers, &o->carrier_count);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		filter_argument__add(state, &o->filter_text, arg);
		return 0;
	case OPT_HISTORY:
		history_argument__add(state, &o->histories, &o->history_count, arg);
		return 0;
	case ARGP_KEY_END:
		o->filter = filter_argument__parse(state, o->filter_text);
		check_arguments(state, o);
		return 0;
	default:
		return argument__take(arguments, key, arg, state);
	}
}

/* ---- lists ---- */

static struct timeline_origin origin_of(const struct options *o, const struct host *host)
{
	return (struct timeline_origin){ o->gateway ? o->gateway : host->name, host->boot_id,
					 host->run_id };
}

/* Counts tell them apart; a list has them on demand. */
static bool wants_ended(const struct options *o)
{
	return o->all || o->summary || o->prom || look_check__asks_for(&o->check, LOOK_ENDED) ||
	       (o->filter && filter__asks_for_state(o->filter, TCP_CLOSE));
}

/* What list, check and counts have in common. */
static struct look_config config_of(struct options *o)
{
	return (struct look_config){ .filter = o->filter,
				     .devices = o->identities ? &o->devices : NULL,
				     .history = o->history_count ? &o->history : NULL,
				     .with_pairs = true, .with_readers = true,
				     .with_ended = wants_ended(o),
				     .rules = { .long_ns = o->silent_ns ?: SILENT_NS,
						.path_ns = o->path_ns } };
}

static struct look_list list_of(const struct options *o, struct host *host)
{
	struct look_list list = { .key = o->order.key, .limit = o->limit, .json = o->json };

	if (o->json) {
		host__read(host);
		list.origin = origin_of(o, host);
	}
	return list;
}

static int list(struct look *l, struct options *o, struct output *output)
{
	struct look_config config = config_of(o);
	struct host host;
	struct look_list how = list_of(o, &host);

	return look_list__of_look(l, &config, &how, output);
}

/* Says why nothing was found. -ENOENT, logged: FILTER can match nothing now, and monitoring shall not
 * take a mistake in it for good news. */
static int explain_nothing(const struct look *l, const char *not_done)
{
	look_nothing__explain(l);
	if (!look_nothing__is_impossible(l))
		return 0;
	log_error("%s, as nothing can match FILTER now: is there a mistake in it, or is the "
		  "program not running?", not_done);
	return -ENOENT;
}

/* ---- a check ---- */

/* Leaves in the look whom the terms that hold count. */
static void keep_concerned(struct look *l, const struct look_check *check, unsigned int held)
{
	size_t i, kept = 0;

	for (i = 0; i < l->count; i++) {
		struct exposure x = look__exposure(l, &l->sockets[i]);

		if (look_check__concerns(check, held, &x))
			l->sockets[kept++] = l->sockets[i];
	}
	l->count = kept;
}

/* Data where the list is text, and messages beside JSON. */
static int report_terms(const struct options *o, const struct words *w, struct output *output)
{
	const char *line;
	size_t length;

	if (w->failed)
		return -ENOMEM;
	if (!o->json)
		return output__write(output, w->text, w->length);
	for (line = w->text; *line; line += length + 1) {
		length = strcspn(line, "\n");
		log_info("%.*s", (int)length, line);
	}
	return 0;
}

static bool add_to_counts(void *context, struct look *l, const struct look_socket *s)
{
	struct exposure x = look__exposure(l, s);

	exposure_counts__add(context, &x);
	return true;
}

/* Counts alone, which is quicker. */
static int count_for_check(struct look *l, struct options *o, struct exposure_counts *counts)
{
	struct look_config config = config_of(o);

	config.take = add_to_counts;
	config.context = counts;
	return look__take(l, &config);
}

/* Looks again, and keeps the sockets: what is told is of this look alone. */
static int look_for_check(struct look *l, struct options *o, struct exposure_counts *counts)
{
	struct look_config config = config_of(o);
	size_t i;
	int err;

	look__free(l);
	*counts = (struct exposure_counts){ 0 };
	err = look__take(l, &config);
	for (i = 0; !err && i < l->count; i++)
		add_to_counts(counts, l, &l->sockets[i]);
	return err;
}

/* The list is of those who are counted for certain. */
static int find_held(struct look *l, struct options *o, struct words *w,
		     struct look_check_result *r)
{
	struct exposure_counts counts = { 0 };
	int err = count_for_check(l, o, &counts);

	if (err)
		return err;
	*r = look_check__result(&o->check, &counts, w);
	if (!r->held)
		return 0;
	words__free(w);
	err = look_for_check(l, o, &counts);
	*r = look_check__result(&o->check, &counts, w);
	return err;
}

static int check(struct look *l, struct options *o, struct output *output, int *code)
{
	struct words w = { 0 };
	struct host host;
	struct look_list how = list_of(o, &host);
	struct look_check_result r = { .held = 0 };
	int err = find_held(l, o, &w, &r);

	if (!err && r.held)
		look_nothing__explain(l);
	if (!err && !r.held)
		err = explain_nothing(l, "--check: not checked");
	*code = r.held ? EXIT_FOUND : r.unknown ? EXIT_FAILED : EXIT_DONE;
	if (!err)
		err = report_terms(o, &w, output);
	words__free(&w);
	if (err || !r.held)
		return err;
	keep_concerned(l, &o->check, r.held);
	return look_list__of_kept(l, &how, output);
}

/* ---- counts ---- */

static int write_summary(const struct options *o, struct sockets_summary *s, struct output *output)
{
	struct words w = { 0 };
	struct json j = { 0 };
	struct host host;
	int err;

	if (o->json) {
		host__read(&host);
		s->origin = origin_of(o, &host);
		timeline_json__write_sockets_summary(&j, 0, s);
		err = j.failed ? -ENOMEM : output__write(output, j.text, j.length);
	} else {
		summary_table__text(&w, s, o->limit, terminal__columns(output->fd));
		err = w.failed ? -ENOMEM : output__write(output, w.text, w.length);
	}
	words__free(&w);
	json__free(&j);
	return err;
}

/* In the place of what stands there, in one step. */
static int write_metrics(const struct options *o, const struct sockets_summary *s)
{
	const char *slash = strrchr(o->prom, '/'), *refused = atomic_file__refused(o->prom);
	char directory[ATOMIC_FILE_PATH_MAX];
	struct words w = { 0 };
	int err;

	if (refused) {	/* since the command line was read */
		log_error("%s %s: it is left as it is", o->prom, refused);
		return -EEXIST;
	}
	snprintf(directory, sizeof(directory), "%.*s",
		 !slash ? 1 : slash == o->prom ? 1 : (int)(slash - o->prom),
		 slash ? o->prom : ".");
	err = metrics__sockets(&w, s)
		      ? atomic_file__replace(directory, slash ? slash + 1 : o->prom, w.text, 0644)
		      : -ENOMEM;
	if (err)
		log_error("%s: cannot be written: %s", o->prom, reason__of(err));
	words__free(&w);
	return err;
}

static int count(struct look *l, struct options *o, struct output *output)
{
	struct look_summary m = { .carriers = o->carriers, .carrier_count = o->carrier_count,
				  .probed = { o->probed_path ? &o->probed : NULL, o->probed_filter },
				  .folds = !o->json };
	struct look_config config = config_of(o);
	struct sockets_summary s;
	int err;

	config.take = look_summary__add;
	config.context = &m;
	err = look__take(l, &config);
	if (!err && o->prom)
		err = explain_nothing(l, "--prom: not written");
	if (!err && !look_summary__value(&m, l, &s))
		err = -ENOMEM;
	if (!err && o->prom)
		err = write_metrics(o, &s);
	if (!err && o->summary)
		err = write_summary(o, &s, output);
	look_summary__free(&m);
	return err;
}

/* ---- the whole ---- */

static const char *permission_to_know(void)
{
	if (!capability__has(CAPABILITY_SYS_ADMIN))
		return ", which needs CAP_SYS_ADMIN to enter their network namespaces (run it as root)";
	if (!capability__has(CAPABILITY_SYS_PTRACE))
		return ", which needs CAP_SYS_PTRACE to find their network namespaces (run it as root)";
	if (!capability__has(CAPABILITY_NET_ADMIN))
		return ", which needs CAP_NET_ADMIN (run it as root)";
	return "";
}

static void warn_of(size_t count, const char *what, const char *fault)
{
	if (count)
		log_warning("whether %s (fault %s) is not known of %zu connection%s%s", what, fault,
			    count, count > 1 ? "s" : "", permission_to_know());
}

static void warn_of_unknown(const struct look *l)
{
	warn_of(l->address_unknown, "this host still has the local address", "address_gone");
	if (!l->conntrack_unasked)
		warn_of(l->forgotten_unknown,
			"connection tracking forgets it before the next probe", "conntrack");
}

static int look_and_tell(struct options *o)
{
	struct look look = { 0 };
	struct output output;
	int code = EXIT_DONE;
	int err = o->identities ? look_devices__read(o->identities, &o->devices) : 0;

	if (err)
		return err == -ENOMEM ? EXIT_FAILED : EXIT_USAGE;
	err = history__read_all(&o->history, o->histories, o->history_count, o->carriers,
				o->carrier_count);
	if (err)
		return exit_code__of_input(err);
	output__standard(&output);
	if (o->check.count)
		err = check(&look, o, &output, &code);
	else
		err = o->summary || o->prom ? count(&look, o, &output) : list(&look, o, &output);
	if (err == -EPERM || err == -EACCES)
		return EXIT_NOT_PERMITTED;	/* nothing was written */
	if (!err && !look.complete)
		log_warning("not every network namespace could be entered: sockets there that no "
			    "process holds may be missing");
	if (!err)
		warn_of_unknown(&look);
	if (!err && look.conntrack_unasked)
		log_warning("connection tracking was asked %u times, the most for one look: of the other "
			    "connections it is not known whether it forgets them (fault conntrack); a "
			    "FILTER that fewer match tells", look.conntrack_asks);
	if (!err && !o->check.count && !o->prom)
		look_nothing__explain(&look);
	if (err == -ENOMEM)
		log_error("%s", reason__of(err));
	look__free(&look);
	if (err && !output.error)
		return EXIT_FAILED;	/* that was logged */
	return exit_code__of_output(&output, err, code);
}

static void free_options(struct options *o)
{
	unsigned int i;

	identities__free(&o->devices);
	history__free(&o->history);
	free(o->histories);
	filter__free(o->filter);
	probed__free(&o->probed);
	filter__free(o->probed_filter);
	free(o->filter_text);
	for (i = 0; i < o->carrier_count; i++)
		free(o->carriers[i].name);
	free(o->carriers);
}

int cmd_sockets(int argc, char **argv)
{
	static const struct argp argp = { argp_options, parse, "[FILTER]", argp_doc,
					  verbosity,	NULL,  NULL };
	struct options options = { .order = { LOOK_BY_SUSPICION, false } };
	int code = EXIT_NOT_PERMITTED;

	arguments__parse(&argp, argc, argv, &options);
	support__hush_libbpf();
	if (filter_names__may_be_looked_for(options.filter))
		code = look_and_tell(&options);
	free_options(&options);
	return code;
}
