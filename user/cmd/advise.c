// SPDX-License-Identifier: GPL-2.0
/* halfopen advise: timelines, advice, and a sink. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/arguments.h"
#include "cmd/cmd.h"
#include "cmd/groups_argument.h"
#include "cmd/verbosity.h"
#include "file/output.h"
#include "pipeline/impossible_gaps.h"
#include "pipeline/file_feed.h"
#include "pipeline/watch.h"
#include "sink/advice_json.h"
#include "sys/host.h"
#include "sys/log.h"
#include "sys/progress.h"
#include "text/advice_page.h"
#include "text/advice_reasons.h"
#include "text/advice_text.h"
#include "text/comparison_text.h"
#include "tuning/life_of.h"
#include "value/quantity.h"

struct options {
	bool json, policy, compare;
	uint64_t live_ns;	/* 0: FILE... */
	const char *gateway, *groups;
	struct goals goals;
	struct named_network *networks;
	unsigned int network_count;
	char **files;
	unsigned int file_count;
};

/* ---- arguments ---- */

enum {
	OPT_JSON = 256, OPT_DETECT, OPT_HOLD, OPT_BUDGET, OPT_INCREMENT, OPT_MAX_PROBES,
	OPT_EVALUATE, OPT_COMPARE, OPT_POLICY, OPT_LIVE, OPT_GROUPS, OPT_GATEWAY,
};

static const struct argp_option argp_options[] = {
	{ "detect-within", OPT_DETECT, "DURATION", 0,
	  "goal: a dead peer is noticed within this time", 1 },
	{ "hold-open", OPT_HOLD, NULL, 0, "goal: mappings on the path are kept alive", 1 },
	{ "budget", OPT_BUDGET, "BYTES/day", 0, "goal: probes of a socket cost no more a day", 1 },
	{ "billing-increment", OPT_INCREMENT, "BYTES", 0,
	  "each packet is billed as a multiple of this", 1 },
	{ "max-probes-per-s", OPT_MAX_PROBES, "N", 0,
	  "goal: all sockets together ask no more often", 1 },
	{ "evaluate", OPT_EVALUATE, "IDLE/INTERVAL/PROBES", 0,
	  "predict these values instead (seconds)", 2 },
	{ "compare", OPT_COMPARE, NULL, 0, "the two FILEs are before and after a change", 2 },
	{ "live", OPT_LIVE, "DURATION", 0, "watch this host for so long instead of reading (root)",
	  2 },
	{ "groups", OPT_GROUPS, "FILE", 0, "names of networks, a line each: CIDR NAME", 2 },
	{ "json", OPT_JSON, NULL, 0, "JSON Lines (halfopen.advice/1) instead of text", 3 },
	{ "policy", OPT_POLICY, NULL, 0,
	  "a policy, FILTER -> idle=... a line: groups instead of namespaces", 3 },
	{ "gateway", OPT_GATEWAY, "NAME", 0, "name of this host in the output", 3 },
	{ 0 },
};

static const char argp_doc[] =
	"Says what to change in net.ipv4.tcp_keepalive_*, why, and what it would do: for each "
	"namespace and for each group of peers that the input tells of. FILE is what 'watch --json "
	"--all' told or what 'watch -w' recorded, plain or compressed, '-' is standard input; "
	"several are one input. Changes nothing.\v"
	"Without goals, it is --hold-open where the path's idle timeout is known.\n"
	"\n"
	"Examples:\n"
	"  halfopen watch --json --all -o day.jsonl --for 1d; halfopen advise day.jsonl\n"
	"  halfopen advise --detect-within 5m --budget 100kB/day gw-*.jsonl.zst\n"
	"  halfopen advise --evaluate 240/20/5 today.ho\n"
	"  halfopen advise --compare before.jsonl after.jsonl\n"
	"  halfopen advise --live 10m --json | jq .idle_timeout\n"
	"\n"
	"Exit codes: 0 nothing to change, 1 failed while running, 2 usage or bad input (of one "
	"that is cut off, what comes before is advised on), 3 a change is advised, or the goals "
	"exclude each other, 77 not permitted (--live).\n";

static bool read_seconds(const char *text, void *at)
{
	double *s = at;
	uint64_t ns;

	if (!quantity__duration(text, &ns) || !ns)
		return false;
	*s = ns / 1e9;
	return true;
}

/* "100kB/day" */
static bool read_budget(const char *text, void *at)
{
	double *bytes = at;
	const char *slash = strchr(text, '/');
	char *size = strndup(text, slash ? (size_t)(slash - text) : strlen(text));
	uint64_t n;
	bool ok = size && quantity__size(size, &n) && n && (!slash || !strcmp(slash, "/day"));

	free(size);
	if (ok)
		*bytes = n;
	return ok;
}

static bool read_setting(const char *text, void *at)
{
	struct setting *s = at;
	unsigned int idle, interval, probes;
	int end = 0;

	if (sscanf(text, "%5u/%5u/%3u%n", &idle, &interval, &probes, &end) != 3 || text[end] ||
	    !idle || idle > 32767 || !interval || interval > 32767 || !probes || probes > 127)
		return false;
	*s = (struct setting){ .idle_s = idle, .interval_s = interval, .probes = probes };
	return true;
}

static unsigned int count_standard_input(const struct options *o)
{
	unsigned int count = o->groups && !strcmp(o->groups, "-"), i;

	for (i = 0; i < o->file_count; i++)
		count += !strcmp(o->files[i], "-");
	return count;
}

/* One file by two names; what can be read only once, a FIFO, is none. */
static bool is_one_file(const char *a, const char *b)
{
	struct stat x, y;

	return !stat(a, &x) && !stat(b, &y) && S_ISREG(x.st_mode) && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

static void check_arguments(struct argp_state *state, const struct options *o)
{
	if (o->live_ns && o->file_count)
		arguments__refuse(state, "--live takes no FILE");
	if (!o->live_ns && !o->file_count)
		arguments__refuse(state, "FILE is missing: what 'watch --json --all' told, or a "
				  "recording");
	if (o->compare && o->file_count != 2)
		arguments__refuse(state, "--compare takes two FILEs, before and after; there %s %u",
				  o->file_count == 1 ? "is" : "are", o->file_count);
	if (o->compare && is_one_file(o->files[0], o->files[1]))
		arguments__refuse(state, "--compare: '%s' and '%s' are one file; expected what "
				  "was told before a change, and what was told after it",
				  o->files[0], o->files[1]);
	if (count_standard_input(o) > 1)
		arguments__refuse(state, "'-' is standard input, which can be read once only");
	if (o->policy && o->json)
		arguments__refuse(state,
				  "--policy and --json are two forms of output: choose one");
}

static bool read_increment(const char *text, void *at)
{
	uint64_t bytes;
	bool ok = quantity__size(text, &bytes) && bytes;

	*(double *)at = ok ? bytes : 0;
	return ok;
}

static bool read_rate(const char *text, void *at)
{
	uint64_t number;
	bool ok = quantity__number(text, 1, 1000000000, &number);

	*(double *)at = ok ? number : 0;
	return ok;
}

static bool read_evaluated(const char *text, void *at)
{
	struct goals *goals = at;

	goals->evaluate = true;
	return read_setting(text, &goals->fixed);
}

#define AT(member) .offset = offsetof(struct options, member)
#define A_DURATION "duration up to " QUANTITY_DURATION_MAX " (90s, 1h30m)"

static const struct argument arguments[] = {
	{ OPT_JSON, ARGUMENT_FLAG, AT(json) },
	{ OPT_POLICY, ARGUMENT_FLAG, AT(policy) },
	{ OPT_COMPARE, ARGUMENT_FLAG, AT(compare) },
	{ OPT_HOLD, ARGUMENT_FLAG, AT(goals.hold_open) },
	{ OPT_GROUPS, ARGUMENT_TEXT, AT(groups) },
	{ OPT_GATEWAY, ARGUMENT_TEXT, AT(gateway) },
	{ OPT_LIVE, ARGUMENT_DURATION, AT(live_ns), 1, 0, A_DURATION },
	{ OPT_DETECT, ARGUMENT_OTHER, AT(goals.detect_within_s), 0, 0, A_DURATION,
	  read_seconds },
	{ OPT_BUDGET, ARGUMENT_OTHER, AT(goals.budget_bytes_day), 0, 0,
	  "size a day (100kB/day)", read_budget },
	{ OPT_INCREMENT, ARGUMENT_OTHER, AT(goals.tariff.increment_bytes), 0, 0,
	  "size (64B, 1KiB)", read_increment },
	{ OPT_MAX_PROBES, ARGUMENT_OTHER, AT(goals.max_probes_per_s), 0, 0,
	  "number from 1 to 1000000000", read_rate },
	{ OPT_EVALUATE, ARGUMENT_OTHER, AT(goals), 0, 0,
	  "IDLE/INTERVAL/PROBES that the kernel takes (seconds 1 to 32767, probes 1 to 127; "
	  "240/20/5)",
	  read_evaluated },
	{ 0 },
};

static void add_file(const struct argp_state *state, struct options *o, char *name)
{
	char **longer = realloc(o->files, (o->file_count + 1) * sizeof(*longer));

	if (!longer) {
		argp_failure(state, EXIT_FAILED, ENOMEM, "FILE");
		return;
	}
	o->files = longer;
	longer[o->file_count++] = name;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		add_file(state, o, arg);
		return 0;
	case ARGP_KEY_END:
		check_arguments(state, o);
		if (o->groups)
			groups_argument__read(state, o->groups, &o->networks,
					      &o->network_count);
		return 0;
	default:
		return argument__take(arguments, key, arg, state);
	}
}

/* ---- what comes out ---- */

struct writer {
	const struct options *options;
	struct host host;
	struct line_origin origin;
	struct words words;
	struct advice_page page;
	struct json json;
	bool found;	/* a change is advised, or goals exclude each other */
	unsigned int kept, without;	/* groups that need no policy, or get no advice */
	struct words why_without;	/* of the first such */
};

static void write_policy(struct writer *w, const struct lives *l, const struct advice *a)
{
	advice_text__policy(&w->words, l, a);
	if (a->scope->kind != SCOPE_GROUP || a->verdict == ADVICE_CHANGE)
		return;
	if (a->verdict == ADVICE_KEEP) {
		w->kept++;
		return;
	}
	if (!w->without++)
		advice_reasons__add(&w->why_without, a);
}

/* Says why --policy printed nothing. */
static void explain_no_policy(const struct writer *w)
{
	if (!w->options->policy || w->words.length)
		return;
	if (w->kept)
		log_warning("no policy: %u group%s what meets the goals already", w->kept,
			    w->kept == 1 ? " has" : "s have");
	if (w->without)
		log_warning("no policy for %u group%s; of the first: %s", w->without,
			    w->without == 1 ? "" : "s", w->why_without.text ?: "");
	if (!w->kept && !w->without)
		log_warning("no policy: the input tells of no group of peers");
}

static void write_advice(struct writer *w, const struct lives *l, const struct advice *a)
{
	if (w->options->json) {
		advice_json__write(&w->json, &w->origin, l, a);
	} else if (w->options->policy) {
		write_policy(w, l, a);
	} else {
		advice_page__add(&w->page, l, a);
	}
	if (w->options->policy && a->scope->kind != SCOPE_GROUP)
		return;		/* nothing was told of it */
	w->found |= a->verdict == ADVICE_CONFLICT ||
		    (a->verdict == ADVICE_CHANGE && !w->options->goals.evaluate);
}

static bool advise_on(struct writer *w, struct lives *l)
{
	struct scopes scopes;
	bool ok = scopes__make(l, w->options->networks, w->options->network_count, &scopes);
	size_t i;

	for (i = 0; ok && i < scopes.count; i++) {
		struct setting current;
		struct evidence evidence;
		struct advice advice;
		bool known = advice__current(l, &scopes.all[i], &current);

		ok = evidence__gather(l, &scopes.all[i], &evidence) &&
		     advice__make(l, &scopes.all[i], &evidence, known ? &current : NULL,
				  &w->options->goals, &advice);
		if (ok)
			write_advice(w, l, &advice);
		evidence__free(&evidence);
	}
	scopes__free(&scopes);
	advice_page__write(&w->page, &w->words);
	advice_page__free(&w->page);
	explain_no_policy(w);
	return ok;
}

static void write_comparison(struct writer *w, const struct comparison *c)
{
	if (w->options->json)
		comparison_json__write(&w->json, &w->origin, c);
	else
		comparison_text__write(&w->words, c);
	if (c->wrong_order)
		log_warning("the first FILE was watched later than the second: --compare takes "
			    "what was before first");
}

/* The same content in two files is no change. */
static bool are_the_same(const struct options *o, const struct lives *before, struct lives *after)
{
	size_t same = lives__same(before, after);
	size_t fewer = before->count < after->count ? before->count : after->count;

	if (!same || same < fewer)
		return false;
	log_error("--compare: '%s' and '%s' tell of the same watch: all %zu connections of '%s' "
		  "stand in the other, too; expected what was told before a change, and what was "
		  "told after it", o->files[0], o->files[1], fewer,
		  o->files[before->count > after->count]);
	return true;
}

static bool compare(struct writer *w, struct lives *before, struct lives *after)
{
	const struct options *o = w->options;
	struct comparison c;
	unsigned int i, k;

	if (o->policy || o->goals.evaluate || goals__any(&o->goals))
		log_warning("--compare tells what a change has done, and proposes nothing: goals, "
			    "--evaluate and --policy are left aside");
	lives__sort(before);
	lives__sort(after);
	if (!comparison__make(before, after, NULL, 0, NULL, &c))
		return false;
	write_comparison(w, &c);
	for (i = 0; i < o->network_count; i++) {
		for (k = 0; k < i && strcmp(o->networks[k].name, o->networks[i].name); k++)
			;
		if (k < i)
			continue;	/* another network of the same name */
		if (!comparison__make(before, after, o->networks, o->network_count,
				      o->networks[i].name, &c))
			return false;
		write_comparison(w, &c);
	}
	return true;
}

/* Nothing can be said of an input without a connection, not even that nothing is to be changed; a
 * host without one can be watched. What is compared says itself which FILE is empty. */
static bool has_connections(const struct options *o, const struct lives *l)
{
	const char *name = o->file_count ? o->files[0] : "";

	if (l->count || o->compare)
		return true;
	if (o->live_ns) {
		log_warning("no connections were seen in that time");
		return true;
	}
	if (o->file_count == 1)
		log_error("%s: no connections in the input; expected timelines of 'watch --json "
			  "--all' or a recording", strcmp(name, "-") ? name : "standard input");
	else
		log_error("no connections in the input, %u files; expected timelines of 'watch "
			  "--json --all' or a recording", o->file_count);
	return false;
}

/* Gaps of the input are reported once. */
static void warn_of_gaps(const struct lives *l)
{
	unsigned int i;

	impossible_gaps__warn(l);
	for (i = 0; i < l->run_count; i++) {
		if (l->runs[i].started_s && !l->runs[i].all)
			log_warning("%s was watched without --all: sockets that had nothing to "
				    "tell are missing, so losses seem more frequent than they are",
				    texts__at(&l->texts, l->runs[i].gateway));
		if (l->runs[i].events_lost)
			log_warning("%s: %llu events were lost",
				    texts__at(&l->texts, l->runs[i].gateway),
				    (unsigned long long)l->runs[i].events_lost);
	}
}

/* ---- what goes in ---- */

/* A quiet watch: only what ends it is reported. */
static int watch_host(const struct options *o, struct lives *lives)
{
	enum log_level level = log__level();
	struct sink into = lives__sink(lives);
	int code;

	log__set_level(LEVEL_ERROR);
	code = watch__live(o->live_ns, &into);
	log__set_level(level);
	return code;
}

/* Returns an exit code; `*cut` where an input ends too early and was read up to there. */
static int read_all(const struct options *o, struct lives *before, struct lives *after, bool *cut)
{
	struct sink into;
	unsigned int i;
	int err;

	if (o->live_ns)
		return watch_host(o, before);
	for (i = 0; i < o->file_count; i++) {
		into = lives__sink(i && o->compare ? after : before);
		err = file_feed__read(o->files[i], &into);
		if (err < 0)
			return exit_code__of_input(err);
		*cut |= err > 0;
	}
	return EXIT_DONE;
}

/* Of that many connections the estimates take a while. */
#define MANY 20000

static void show_progress(const struct lives *before, const struct lives *after)
{
	struct words w = { 0 };

	if (before->count + after->count < MANY)
		return;
	words__add_counted(&w, before->count + after->count, "connection");
	progress__begin("advise");
	if (!w.failed)
		progress__show("%s read: estimating", w.text);
	words__free(&w);
}

static int write_out(struct writer *w)
{
	struct output output;
	const char *text = w->options->json ? w->json.text : w->words.text;
	size_t length = w->options->json ? w->json.length : w->words.length;
	int err = w->json.failed || w->words.failed ? -ENOMEM : 0;

	output__standard(&output);
	if (!err && length)
		err = output__write(&output, text, length);
	return exit_code__of_output(&output, err, w->found ? EXIT_FOUND : EXIT_DONE);
}

int cmd_advise(int argc, char **argv)
{
	static const struct argp argp = { argp_options, parse, "FILE...", argp_doc,
					  verbosity,	NULL,  NULL };
	struct options options = { 0 };
	struct writer w = { .options = &options };
	struct lives before = { 0 }, after = { 0 };
	bool cut = false;
	unsigned int i;
	int code;

	arguments__parse(&argp, argc, argv, &options);
	host__read(&w.host);
	w.origin = (struct line_origin){ .gateway = options.gateway ? options.gateway : w.host.name,
					 .boot_id = w.host.boot_id, .run_id = w.host.run_id };
	code = read_all(&options, &before, &after, &cut);
	if (code == EXIT_DONE && !has_connections(&options, &before))
		code = EXIT_USAGE;
	if (code == EXIT_DONE && options.compare && are_the_same(&options, &before, &after))
		code = EXIT_USAGE;
	if (code == EXIT_DONE) {
		warn_of_gaps(&before);
		warn_of_gaps(&after);
		show_progress(&before, &after);
		if (options.compare ? compare(&w, &before, &after) : advise_on(&w, &before)) {
			progress__end();
			code = write_out(&w);
		} else {
			log_error("out of memory");
			code = EXIT_FAILED;
		}
	}
	if (cut && code != EXIT_FAILED)
		code = EXIT_USAGE;
	lives__free(&before);
	lives__free(&after);
	words__free(&w.words);
	words__free(&w.why_without);
	json__free(&w.json);
	for (i = 0; i < options.network_count; i++)
		free(options.networks[i].name);
	free(options.networks);
	free(options.files);
	return code;
}
