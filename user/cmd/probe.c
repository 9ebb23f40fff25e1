// SPDX-License-Identifier: GPL-2.0
/* halfopen probe: asks the peers of idle sockets now. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/arguments.h"
#include "cmd/cmd.h"
#include "cmd/filter_argument.h"
#include "cmd/verbosity.h"
#include "file/output.h"
#include "kernel/support.h"
#include "pipeline/look_devices.h"
#include "pipeline/look_value.h"
#include "pipeline/look_nothing.h"
#include "pipeline/probing.h"
#include "sys/clock.h"
#include "sys/demands.h"
#include "sys/host.h"
#include "sys/log.h"
#include "sys/reason.h"
#include "sys/terminal.h"
#include "text/probe_text.h"
#include "text/sockets_text.h"
#include "timeline/timeline_json.h"
#include "value/array.h"
#include "value/quantity.h"

#define RATE 1000
#define WITHIN_NS 5000000000ULL
#define ASKS 2
#define LIST 20
/* JSON is written in pieces of this size, or after this time. */
#define WRITE_AT_ONCE 16384
#define WRITE_EVERY_NS 500000000ULL

struct options {
	bool json;
	uint64_t rate, within_ns, asks, list;
	double share;
	const char *gateway, *identities;
	struct identities devices;
	char *filter_text;
	struct filter *filter;
};

enum { OPT_JSON = 256, OPT_GATEWAY, OPT_RATE, OPT_SAMPLE, OPT_WITHIN, OPT_ASKS,
       OPT_IDENTITIES };

static const struct argp_option argp_options[] = {
	{ "sample", OPT_SAMPLE, "PERCENT", 0,
	  "ask a random sample (1%), and estimate how many of all are dead", 1 },
	{ "rate", OPT_RATE, "N", 0, "sockets a second (1000)", 1 },
	{ "within", OPT_WITHIN, "DURATION", 0, "wait so long for an answer (5s)", 1 },
	{ "asks", OPT_ASKS, "N", 0,
	  "ask up to N times, evenly within that time, until there is an answer (2): one lost "
	  "segment alone makes a living peer look dead",
	  1 },
	{ "json", OPT_JSON, NULL, 0,
	  "a line of JSON (halfopen.probe/1) for each, and halfopen.probe_summary/1 as the last",
	  2 },
	{ "limit", 'n', "N", 0,
	  "list the N that were silent the longest of those that do not answer (20; 0: all)", 2 },
	{ "identities", OPT_IDENTITIES, "FILE", 0,
	  "who is behind an address, as for 'halfopen sockets': names in the list, in JSON and for "
	  "FILTER (device = NAME)", 2 },
	{ "gateway", OPT_GATEWAY, "NAME", 0, "name of this host in the output", 2 },
	{ 0 },
};

static const char argp_doc[] =
	"Asks the peer of each TCP connection now, by one empty segment that a living peer "
	"acknowledges, and says how many do not answer: how many are dead already?\v"
	"Examples:\n"
	"  halfopen probe                              all, 1,000 a second\n"
	"  halfopen probe 'sport = :1883' --sample 1%  an estimate, by one in a hundred\n"
	"  halfopen probe --within 30s --asks 3        devices that sleep, lossy paths\n"
	"  halfopen probe --json | jq 'select(.result == \"unanswered\").socket.peer'\n"
	"  halfopen probe --json >asked; halfopen sockets --summary --probed asked\n"
	"\nNothing stays changed. The kernel is made to send a window probe, by setsockopt("
	"TCP_REPAIR, off) on a copy of the program's descriptor. That clears SO_REUSEADDR, which "
	"is put back at once, and by a guard process if this one is killed or stopped in between. "
	"No option, "
	"timer or count of keepalive is touched, so no socket dies of an unanswered ask. A peer "
	"that has forgotten its connection resets it, as it would at any other segment.\n"
	"\nNot asked, and unknown: sockets that are closing; that no process visible here has "
	"open; of MPTCP; in TCP_REPAIR; locked by its program (fcntl). Sockets with data under way "
	"are asked like all others: their next retransmission may be minutes away.\n"
	"\nFILTER is the language of ss(8), as in 'halfopen watch --help'.\n"
	"\nExit codes: 0 done, 1 failed while running, or nobody could be asked, 2 usage, 77 not "
	"permitted.\n";

/* "1%", "0.5%", "100%". */
static bool read_share(const char *text, void *at)
{
	double *share = at;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	*share = strtod(text, &end) / 100;
	return !strcmp(end, "%") && text + strspn(text, "0123456789.") == end && *share > 0 &&
	       *share <= 1;
}

#define AT(member) .offset = offsetof(struct options, member)

static const struct argument arguments[] = {
	{ OPT_JSON, ARGUMENT_FLAG, AT(json) },
	{ OPT_GATEWAY, ARGUMENT_TEXT, AT(gateway) },
	{ OPT_IDENTITIES, ARGUMENT_TEXT, AT(identities) },
	{ OPT_RATE, ARGUMENT_NUMBER, AT(rate), 1, 100000, "number from 1 to 100000" },
	{ OPT_WITHIN, ARGUMENT_DURATION, AT(within_ns), 1000000, 86400000000000ULL,
	  "duration from 1ms to 1d (5s, 1m)" },
	{ OPT_ASKS, ARGUMENT_NUMBER, AT(asks), 1, 10, "number from 1 to 10" },
	{ OPT_SAMPLE, ARGUMENT_OTHER, AT(share), 0, 0, "share above 0% and up to 100% (1%, 0.5%)",
	  read_share },
	{ 'n', ARGUMENT_NUMBER, AT(list), 0, UINT32_MAX, "number from 0 to 4294967295" },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		filter_argument__add(state, &o->filter_text, arg);
		return 0;
	case ARGP_KEY_END:
		o->filter = filter_argument__parse(state, o->filter_text);
		return 0;
	default:
		return argument__take(arguments, key, arg, state);
	}
}

/* ---- results ---- */

struct silent {
	bool reset;
	double silent_s;
	const struct look_socket *socket;
};

struct report {
	struct options *options;
	struct output output;
	struct timeline_origin origin;
	uint64_t lines, written_ns;
	struct json json;
	struct probe_text text;
	struct silent *unanswered;
	size_t count, size;
};

static int flush(struct report *r)
{
	int err = r->json.failed ? -ENOMEM
				 : output__write(&r->output, r->json.text, r->json.length);

	r->json.length = 0;
	return err;
}

static int take_as_json(struct report *r, const struct probe_result *result)
{
	struct probe_result p = *result;

	p.origin = r->origin;
	timeline_json__write_probe_result(&r->json, r->lines++, &p);
	if (r->json.length < WRITE_AT_ONCE && clock__mono_ns() - r->written_ns < WRITE_EVERY_NS)
		return 0;
	r->written_ns = clock__mono_ns();
	return flush(r);
}

static bool keep_unanswered(struct report *r, const struct look_socket *s,
			    const struct probe_result *result)
{
	struct silent *bigger = array__with_room(r->unanswered, r->count, &r->size, sizeof(*bigger));

	if (!bigger)
		return false;
	r->unanswered = bigger;
	r->unanswered[r->count++] = (struct silent){ result->reset, result->silent_s, s };
	return true;
}

static int take(void *context, struct look *l, const struct look_socket *s,
		const struct probe_result *result)
{
	struct report *r = context;
	uint16_t port;

	if (r->options->json)
		return take_as_json(r, result);
	port = look__listening_port(l, &s->row.event);
	probe_text__add(&r->text, result, look__knows_listeners(l, s) ? &port : NULL);
	if (result->result == PROBE_UNANSWERED && !keep_unanswered(r, s, result))
		return -ENOMEM;
	return 0;
}

static int finish_json(struct report *r, struct probe_summary *s)
{
	s->origin = r->origin;
	timeline_json__write_probe_summary(&r->json, r->lines++, s);
	return flush(r);
}

/* Those that were reset last. */
static int by_silence(const void *a, const void *b)
{
	const struct silent *x = a, *y = b;

	if (x->reset != y->reset)
		return x->reset ? 1 : -1;
	return x->silent_s < y->silent_s ? 1 : x->silent_s > y->silent_s ? -1 : 0;
}

static int list(struct report *r, const struct look *l, const struct silent *first, size_t count,
		const char *head)
{
	struct sockets_text text = { .width = terminal__columns(r->output.fd),
				     .colours = terminal__shows_colours(r->output.fd) };
	size_t limit = r->options->list && r->options->list < count ? r->options->list : count;
	struct words w = { 0 };
	size_t i;
	int err;

	if (!limit)
		return 0;
	for (i = 0; i < limit; i++) {
		struct socket_now s = look__value(l, first[i].socket);

		sockets_text__add(&text, &s);
	}
	words__add(&w, "\n%s", head);
	if (limit < count) {
		words__add(&w, " (the first ");
		words__add_count(&w, limit);
		words__add(&w, " of ");
		words__add_count(&w, count);
		words__add(&w, ": -n 0 lists all)");
	}
	words__add(&w, ", as they were before:\n");
	err = w.failed ? -ENOMEM : output__write(&r->output, w.text, w.length);
	if (!err)
		err = sockets_text__write(&text, NULL, &r->output);
	words__free(&w);
	sockets_text__free(&text);
	return err;
}

static void leave_out_heard_later(struct report *r, const struct probing *p)
{
	size_t i, kept = 0;

	for (i = 0; i < r->count; i++)
		if (!probing__heard_later(p, r->unanswered[i].socket))
			r->unanswered[kept++] = r->unanswered[i];
	r->count = kept;
}

static int list_unanswered(struct report *r, const struct probing *p)
{
	const struct look *l = &p->look;
	size_t silent = 0;
	int err;

	leave_out_heard_later(r, p);
	if (!r->count)
		return 0;
	qsort(r->unanswered, r->count, sizeof(*r->unanswered), by_silence);
	while (silent < r->count && !r->unanswered[silent].reset)
		silent++;
	err = list(r, l, r->unanswered, silent, "no answer");
	return err ? err : list(r, l, r->unanswered + silent, r->count - silent,
				"reset by the peer, and gone now");
}

static int finish_text(struct report *r, const struct probing *p)
{
	struct words w = { 0 };
	int err;

	probe_text__write(&r->text, &w, &p->summary, (int)terminal__columns(r->output.fd));
	err = w.failed ? -ENOMEM : output__write(&r->output, w.text, w.length);
	words__free(&w);
	return err ? err : list_unanswered(r, p);
}

/* ---- the whole ---- */

/* Where nobody was asked, nothing was found out. */
static int check_asked(const struct probing *p)
{
	const struct probe_summary *s = &p->summary;

	if (look_nothing__is_impossible(&p->look)) {
		log_error("nobody was asked, as nothing can match FILTER now: is there a mistake "
			  "in it, or is the program not running?");
		return -ENOENT;
	}
	if (!s->matched || s->asked || s->interrupted)
		return 0;
	log_error("nobody was asked: %s", s->reason_count ? s->reasons[0].why : "none could be");
	return -ENOENT;
}

static int probe(struct report *r, const struct demands *demands)
{
	struct options *o = r->options;
	const struct probing_config config = {
		.filter = o->filter, .filter_text = o->filter_text,
		.devices = o->identities ? &o->devices : NULL,
		.rate = o->rate, .share = o->share, .within_ns = o->within_ns, .asks = o->asks,
		.end = demands->end, .take = take, .context = r };
	struct probing p;
	int err = probing__run(&p, &config);

	if (!err && !p.look.complete)
		log_warning("not every network namespace could be entered: sockets there that no "
			    "process holds may be missing");
	if (!err)
		look_nothing__explain(&p.look);
	if (!err)
		err = o->json ? finish_json(r, &p.summary) : finish_text(r, &p);
	if (err == -ENOMEM)
		log_error("%s", reason__of(err));
	err = err ?: check_asked(&p);
	probing__free(&p);
	return err;
}

static int run(struct options *o)
{
	struct report r = { .options = o };
	struct demands demands;
	struct host host;
	int err = demands__open(&demands);

	err = err ?: demands__end_on_hangup(&demands);
	if (err) {
		log_error("cannot wait for signals: %s", reason__of(err));
		return EXIT_FAILED;
	}
	output__standard(&r.output);
	output__heed(&r.output, demands.end);
	host__read(&host);
	r.origin = (struct timeline_origin){ o->gateway ? o->gateway : host.name, host.boot_id,
					     host.run_id };
	err = probe(&r, &demands);
	json__free(&r.json);
	probe_text__free(&r.text);
	free(r.unanswered);
	if (err == -EPERM || err == -EACCES)
		err = EXIT_NOT_PERMITTED;	/* nothing was written */
	else if (err && !r.output.error)
		err = EXIT_FAILED;	/* that was logged */
	else
		err = exit_code__of_output(&r.output, err, EXIT_DONE);
	demands__close(&demands);
	return err;
}

int cmd_probe(int argc, char **argv)
{
	static const struct argp argp = { argp_options, parse, "[FILTER]", argp_doc,
					  verbosity,	NULL,  NULL };
	struct options options = { .rate = RATE, .within_ns = WITHIN_NS, .asks = ASKS, .list = LIST,
				   .share = 1 };
	int code;

	arguments__parse(&argp, argc, argv, &options);
	support__hush_libbpf();
	code = options.identities ? look_devices__read(options.identities, &options.devices) : 0;
	if (code)
		code = code == -ENOMEM ? EXIT_FAILED : EXIT_USAGE;
	else
		code = run(&options);
	identities__free(&options.devices);
	filter__free(options.filter);
	free(options.filter_text);
	return code;
}
