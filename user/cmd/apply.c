// SPDX-License-Identifier: GPL-2.0
/* halfopen apply: net.ipv4.tcp_keepalive_* of one namespace, with a way back. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "act/affected.h"
#include "act/applied.h"
#include "act/carrying_out.h"
#include "act/change.h"
#include "act/changing.h"
#include "act/persistent.h"
#include "act/rearming.h"
#include "cmd/arguments.h"
#include "cmd/cmd.h"
#include "cmd/verbosity.h"
#include "file/input_file.h"
#include "source/advice_file.h"
#include "sys/host.h"
#include "sys/log.h"
#include "sys/reason.h"
#include "sys/say.h"
#include "value/quantity.h"

struct options {
	const char *netns, *state, *file, *gateway;
	struct tunable_values values;
	uint64_t trial_ns;
	bool yes, dry_run, persist, keep, rearm, has_rearming;
	struct rearming_config rearming;
};

#define SPREAD_NS (300 * 1000000000ULL)
#define SPREAD_NS_MAX (86400 * 1000000000ULL)
#define STOP_AT_DEATHS 0.01

/* ---- arguments ---- */

enum {
	OPT_IDLE = 256, OPT_INTERVAL, OPT_PROBES, OPT_NETNS, OPT_YES, OPT_DRY_RUN, OPT_PERSIST,
	OPT_TRIAL, OPT_KEEP, OPT_STATE, OPT_GATEWAY, OPT_REARM, OPT_SPREAD, OPT_STOP,
};

static const struct argp_option argp_options[] = {
	{ "idle", OPT_IDLE, "SECONDS", 0, "tcp_keepalive_time", 1 },
	{ "interval", OPT_INTERVAL, "SECONDS", 0, "tcp_keepalive_intvl", 1 },
	{ "probes", OPT_PROBES, "N", 0, "tcp_keepalive_probes", 1 },
	{ "netns", OPT_NETNS, "ADDRESS", 0, "this namespace instead of our own", 1 },
	{ "yes", OPT_YES, NULL, 0, "do not ask", 2 },
	{ "dry-run", OPT_DRY_RUN, NULL, 0, "say what would be done, and do nothing", 2 },
	{ "trial", OPT_TRIAL, "DURATION", 0, "take it back after this time, unless --keep comes",
	  2 },
	{ "keep", OPT_KEEP, NULL, 0, "the trial that is on was good: keep what it applied", 2 },
	{ "persist", OPT_PERSIST, NULL, 0, "also over a reboot: " PERSISTENT_FILE, 2 },
	{ "rearm", OPT_REARM, NULL, 0, "sockets that are idle already take the values now", 3 },
	{ "spread", OPT_SPREAD, "DURATION", 0, "... evenly within this time (default 5m)", 3 },
	{ "stop-at-deaths", OPT_STOP, "SHARE", 0,
	  "... and stop and revert when as many of those that were alive died (default 1%)", 3 },
	{ "gateway", OPT_GATEWAY, "NAME", 0, "name of this host in FILE", 3 },
	{ "state", OPT_STATE, "DIRECTORY", 0,
	  "where what was there before is kept (default " STATE_DIRECTORY ")", 3 },
	{ 0 },
};

static const char argp_doc[] =
	"Writes net.ipv4.tcp_keepalive_* of one network namespace: the values given, or those that "
	"FILE ('halfopen advise --json') advises for it. Says first what differs and whom it "
	"changes, and asks. What was there before is saved first: 'halfopen revert' puts it back.\v"
	"A socket takes new values when its timer next runs out: one that is armed for two hours "
	"waits for two hours, unless --rearm arms it anew (SO_KEEPALIVE off and on; no option is "
	"pinned by that). Sockets that set an idle time themselves keep it.\n"
	"\n"
	"--rearm arms only where that brings the next probe forward, and waits until all have "
	"answered, died, or had the time to. Deaths that stop it are of sockets that were alive: "
	"heard within 5 minutes before, or since. Where most were not, 1 % is armed and waited "
	"for first. SIGINT and SIGTERM stop it and step back, SIGHUP does not.\n"
	"\n"
	"A trial is taken back when its time is over, or its guard is told to end, whatever "
	"becomes of this process: by a service where systemd runs, else by two processes. Only "
	"--keep confirms it. Meanwhile every other 'apply' there is refused, but for --trial with "
	"the same values, which sets the end anew. A reboot ends it, too. --keep --dry-run says "
	"what would be kept.\n"
	"\n"
	"A namespace's ADDRESS is its name of 'ip netns', a process id, a path, or "
	"inode:N,cookie:N as 'watch' and 'advise' tell them.\n"
	"\n"
	"Examples:\n"
	"  halfopen apply --idle 240 --interval 20 --probes 5 --trial 1h\n"
	"  halfopen apply --keep\n"
	"  halfopen apply --idle 240 --rearm --spread 10m --stop-at-deaths 0.5%\n"
	"  halfopen advise --json day.jsonl > advice.json; halfopen apply advice.json\n"
	"  halfopen apply --idle 240 --netns pod-7 --dry-run\n"
	"\n"
	"Exit codes: 0 done, or nothing to do; 1 failed while running (then nothing of ours "
	"stays); 2 usage or bad input, or nobody to ask; 77 not permitted (it names the "
	"capability).\n";

static bool read_tunable(const char *text, unsigned int i, struct tunable_values *values)
{
	static const uint32_t most[TUNABLES] = TUNABLE_MOST;
	uint64_t number;

	if (!quantity__number(text, 1, most[i], &number))
		return false;
	values->has[i] = true;
	values->value[i] = number;
	return true;
}

static bool read_idle(const char *text, void *at)
{
	return read_tunable(text, 0, at);
}

static bool read_interval(const char *text, void *at)
{
	return read_tunable(text, 1, at);
}

static bool read_probes(const char *text, void *at)
{
	return read_tunable(text, 2, at);
}

/* "1%", "0.5%" */
static bool read_share(const char *text, void *at)
{
	double *share = at;
	size_t digits = strspn(text, "0123456789.");
	char *end;

	*share = strtod(text, &end) / 100;
	return digits && end == text + digits && !strcmp(end, "%") && *share > 0 && *share <= 1;
}

static void check_arguments(struct argp_state *state, const struct options *o)
{
	bool explicit = tunable_values__any(&o->values);

	if (o->keep && (explicit || o->file || o->trial_ns || o->rearm))
		arguments__refuse(state, "--keep takes no values, and neither --trial nor "
				  "--rearm: it keeps what the trial applied");
	if (!o->keep && !explicit && !o->file)
		arguments__refuse(state,
				  "nothing to apply: expected --idle, --interval, --probes or a "
				  "FILE of 'advise --json'");
	if (explicit && o->file)
		arguments__refuse(state, "values and FILE exclude each other");
	if (!o->rearm && o->has_rearming)
		arguments__refuse(state, "--spread and --stop-at-deaths belong to --rearm");
	if (o->trial_ns && o->persist)
		arguments__refuse(state, "--trial and --persist exclude each other: persist with "
					 "--keep");
}

#define AT(member) .offset = offsetof(struct options, member)
#define A_SECOND 1000000000ULL

static const struct argument arguments[] = {
	{ OPT_IDLE, ARGUMENT_OTHER, AT(values), 0, 0, "whole number from 1 to 32767 (seconds)",
	  read_idle },
	{ OPT_INTERVAL, ARGUMENT_OTHER, AT(values), 0, 0,
	  "whole number from 1 to 32767 (seconds)", read_interval },
	{ OPT_PROBES, ARGUMENT_OTHER, AT(values), 0, 0, "whole number from 1 to 127",
	  read_probes },
	{ OPT_NETNS, ARGUMENT_TEXT, AT(netns) },
	{ OPT_YES, ARGUMENT_FLAG, AT(yes) },
	{ OPT_DRY_RUN, ARGUMENT_FLAG, AT(dry_run) },
	{ OPT_PERSIST, ARGUMENT_FLAG, AT(persist) },
	{ OPT_KEEP, ARGUMENT_FLAG, AT(keep) },
	{ OPT_TRIAL, ARGUMENT_DURATION, AT(trial_ns), A_SECOND, 0,
	  "duration from 1s to " QUANTITY_DURATION_MAX " (10m, 1h)" },
	{ OPT_REARM, ARGUMENT_FLAG, AT(rearm) },
	{ OPT_SPREAD, ARGUMENT_DURATION, AT(rearming.spread_ns), A_SECOND, SPREAD_NS_MAX,
	  "duration from 1s to 1d (10m)" },
	{ OPT_STOP, ARGUMENT_OTHER, AT(rearming.stop_at_deaths), 0, 0,
	  "share of more than 0% and at most 100% (1%, 0.5%)", read_share },
	{ OPT_STATE, ARGUMENT_TEXT, AT(state) },
	{ OPT_GATEWAY, ARGUMENT_TEXT, AT(gateway) },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (o->file)
			arguments__refuse(state, "one FILE only: '%s' is too much", arg);
		o->file = arg;
		return 0;
	case ARGP_KEY_END:
		check_arguments(state, o);
		return 0;
	default:
		o->has_rearming |= key == OPT_SPREAD || key == OPT_STOP;
		return argument__take(arguments, key, arg, state);
	}
}

/* ---- what is going to be done ---- */

/* Is everything there that will be needed? Opening a file for writing changes nothing. */
static int check_writable(void)
{
	int err = tunables__check_writable();

	if (!err)
		return EXIT_DONE;
	if (changing__exit_code(err) == EXIT_NOT_PERMITTED)
		log_error("not permitted: writing net.ipv4.tcp_keepalive_* needs CAP_NET_ADMIN "
			  "(run it as root)");
	else
		log_error("/proc/sys/net/ipv4/tcp_keepalive_* cannot be written: %s (in a "
			  "container, /proc/sys is often read-only)", strerror(-err));
	return changing__exit_code(err);
}

static int find_values(const struct options *o, const struct netns *ns, struct change *c)
{
	static const char what[] = "advice of 'advise --json'";
	struct tunable_values asked = o->values;
	struct advised advised;
	struct host host;
	char why[640];
	unsigned int i;
	int fd, err;

	if (o->file) {
		host__read(&host);
		fd = input_file__open(o->file, what);
		if (fd < 0)
			return exit_code__of_input(fd);
		if (input_file__is_endless(fd, o->file, what)) {
			close(fd);
			return EXIT_USAGE;
		}
		err = advice_file__read(fd, o->file, o->gateway ? o->gateway : host.name, ns,
					&advised, why, sizeof(why));
		if (err) {
			log_error("%s", why);
			return exit_code__of_input(err);
		}
		log_info("advice %s", advised.id);
		for (i = 0; i < TUNABLES; i++) {
			asked.has[i] = true;
			asked.value[i] = advised.values[i];
		}
	}
	change__aim(c, ns, &asked, o->persist);
	return EXIT_DONE;
}

/* The kernel may hold values that it treats in its own way. */
static void report_prediction(const int32_t after[TUNABLES], size_t sockets)
{
	int64_t period = after[0] > after[1] ? after[0] : after[1];
	double rate = (double)sockets / period;

	if (after[0] < 1 || after[1] < 1 || after[2] < 1) {
		say("what %d/%d/%d does is not predicted: one of them is below 1\n", after[0],
		    after[1], after[2]);
		return;
	}
	if (sockets)
		say("at most %.*f probes a second once all timers have run out; ",
		    rate < 0.1 ? 4 : rate < 10 ? 2 : 0, rate);
	say("a peer's death is noticed within %lld s\n",
	    (long long)(period + (int64_t)after[1] * after[2]));
}

static void report_affected(const struct change *c)
{
	struct affected t;
	unsigned int i;
	int err = affected__find(c->next.inode, &t);

	if (err) {
		say("which sockets it changes is not known: %s\n", err == -EPERM
		    ? "that needs CAP_BPF and CAP_PERFMON" : reason__of(err));
		return;
	}
	if (t.following)
		say("changes %zu socket%s", t.following, t.following == 1 ? "" : "s");
	else
		say("changes no open socket");
	for (i = 0; i < t.program_count && i < 8; i++)
		say("%s%s: %zu", i ? ", " : " (", t.programs[i].comm, t.programs[i].sockets);
	say(t.program_count ? ")" : "");
	if (t.without)
		say("; unchanged: %zu without keepalive", t.without);
	if (t.own)
		say("%s %zu with their own options", t.without ? "," : "; unchanged:", t.own);
	say("\n");
	report_prediction(c->next.after, t.following);
	affected__free(&t);
}

static uint64_t trial_s(const struct options *o)
{
	return (o->trial_ns + 999999999) / 1000000000;
}

/* Returns 0, or the -errno with which it could not be printed. */
static int report_change(const struct options *o, const struct order *order, const struct change *c)
{
	char keep[CHANGING_COMMAND_SIZE];
	unsigned int i;

	for (i = 0; i < TUNABLES; i++)
		if (c->now[i] != c->next.after[i])
			say("%s: %d -> %d\n", tunable__name(i), c->now[i], c->next.after[i]);
	report_affected(c);
	if (o->trial_ns)
		say("%sit is taken back after %llu s, unless '%s' comes before\n",
		    change__in_trial(c) ? "the trial that is on ends anew: from now on, " : "",
		    (unsigned long long)trial_s(o),
		    changing__command("apply --keep", order->ns, o->state, keep));
	for (i = 0; o->persist && i < TUNABLES; i++)
		if (c->next.persisting.has[i])
			say("%s = %d is in " PERSISTENT_FILE "\n", tunable__name(i),
			    c->next.persisting.value[i]);
	return fflush(stdout) ? -errno : 0;
}

/* Asks for confirmation. Returns an exit code; EXIT_DONE is yes. */
static int ask(const struct options *o)
{
	char answer[16] = "";

	if (o->yes)
		return EXIT_DONE;
	if (!isatty(STDIN_FILENO)) {
		log_error("there is no terminal to ask on: --yes is needed; nothing is changed");
		return EXIT_USAGE;
	}
	say("apply? [y/N] ");
	say_at_once();
	if (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
		return EXIT_DONE;
	say("nothing is changed\n");
	return EXIT_FAILED;
}

/* ---- doing it ---- */

static int refuse_in_trial(const struct order *o, const struct change *c)
{
	char keep[CHANGING_COMMAND_SIZE], revert[CHANGING_COMMAND_SIZE];
	long long left_s = c->known.trial_until_s - applied__now_s();

	if (left_s > 0)
		log_error("a trial is on here, of %d/%d/%d, for %lld s more; nothing is changed",
			  c->known.after[0], c->known.after[1], c->known.after[2], left_s);
	else
		log_error("a trial was over %lld s ago, and is not taken back yet; nothing is "
			  "changed",
			  -left_s);
	log_error("'%s' keeps it, '%s' takes it back; --trial with the same values sets its end "
		  "anew",
		  changing__command("apply --keep", o->ns, o->state, keep),
		  changing__command("revert", o->ns, o->state, revert));
	return EXIT_FAILED;
}

static int keep(const struct options *o, const struct order *order, struct change *c)
{
	if (!o->dry_run)
		return carrying_out__keep(order, c);
	if (!change__in_trial(c)) {
		log_error("no trial is on here");
		return EXIT_FAILED;
	}
	say("%d/%d/%d would be kept: the trial ends in %lld s otherwise\n", c->known.after[0],
	    c->known.after[1], c->known.after[2],
	    (long long)(c->known.trial_until_s - applied__now_s()));
	return EXIT_DONE;
}

/* Reports requests that are dropped as nothing changes. */
static void report_nothing_to_change(const struct options *o, const struct change *c)
{
	say("nothing to change: %d/%d/%d is what there is%s\n", c->now[0], c->now[1], c->now[2],
	    o->persist ? ", and " PERSISTENT_FILE " says so" : "");
	if (o->trial_ns)
		log_warning("no trial begins: there is nothing to take back");
}

static int report_and_ask(const struct options *o, const struct order *order,
			  const struct change *c)
{
	int err = report_change(o, order, c), code;

	if (err && err != -EPIPE) {
		clearerr(stdout);	/* it was reported just now */
		log_error("standard output: %s; nothing is changed", reason__of(err));
		return EXIT_FAILED;
	}
	if (o->dry_run)
		return EXIT_DONE;
	code = check_writable();
	return code ? code : ask(o);
}

static int apply_values(const struct options *o, const struct order *order, struct change *c)
{
	bool in_trial = change__in_trial(c);
	int code, err;

	if (change__check_others(c))
		return EXIT_FAILED;
	code = find_values(o, order->ns, c);
	if (code)
		return code;
	if (in_trial && (c->differs || !o->trial_ns || c->known.trial_until_s <= applied__now_s()))
		return refuse_in_trial(order, c);
	if (!c->differs && !in_trial) {
		report_nothing_to_change(o, c);
		if (!o->rearm)
			return EXIT_DONE;
	}
	if ((err = change__check_file(c)))
		return changing__exit_code(err);
	code = report_and_ask(o, order, c);
	return code || o->dry_run ? code : carrying_out__change(order, c);
}

static int apply_here(const struct options *o, const struct order *order)
{
	char undo[CHANGING_COMMAND_SIZE];
	struct change change = {
		.undo = changing__command("revert", order->ns, o->state, undo),
	}, *c = &change;
	int code, err;

	err = change__begin(c, o->state, order->ns);
	if (err && o->dry_run && changing__exit_code(err) == EXIT_NOT_PERMITTED)
		log_warning("this is as if nothing had been applied before");
	else if (err)
		return changing__exit_code(err);
	if (change__in_trial(c) && !c->known.guarded && !o->dry_run) {
		code = carrying_out__clear(order, c);
		if (code)
			return code;
	}
	return o->keep ? keep(o, order, c) : apply_values(o, order, c);
}

int cmd_apply(int argc, char **argv)
{
	static const struct argp argp = { argp_options, parse, "[FILE]", argp_doc,
					  verbosity,	NULL,  NULL };
	struct options options = { .state = STATE_DIRECTORY,
				   .rearming = { .spread_ns = SPREAD_NS,
						 .stop_at_deaths = STOP_AT_DEATHS } };
	char state[PATH_MAX];
	struct netns ns;
	int back, code;

	arguments__parse(&argp, argc, argv, &options);
	code = changing__take_state(&options.state, state)
		?: changing__enter(options.state, options.netns, &ns, &back);
	if (!code) {
		struct order order = { .state = options.state, .ns = &ns,
				       .address = options.netns, .home = back,
				       .trial_s = trial_s(&options), .persist = options.persist,
				       .rearm = options.rearm, .rearming = options.rearming };

		code = apply_here(&options, &order);
		netns__leave(back);
	}
	return code;
}
