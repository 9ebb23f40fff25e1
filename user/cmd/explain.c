// SPDX-License-Identifier: GPL-2.0
/* halfopen explain: when each side of a connection would notice. */
#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "cmd.h"
#include "output.h"
#include "stacks.h"
#include "verbosity.h"
#include "words.h"

#define PARTIES_MAX 8

struct options {
	struct party parties[PARTIES_MAX];
	unsigned int count;
	struct words notes;
};

static const char argp_doc[] =
	"Says when each side of a connection would notice that the other is gone, and what happens "
	"when something in between forgets the connection quietly. The first SPEC is this side, "
	"the server; stacks and PINGs after it are the device's, a nat stands in between. Knows:\n"
	"  linux, lwip, zephyr, windows, bsd, macos, solaris   "
	"[:IDLE/INTERVAL/PROBES[/user_timeout=S]]\n"
	"  wizfi210[:TOTAL[/COUNT]]            its option is the time of all probes together\n"
	"  AT+SETSOCKOPT=CID,TYPE,PARAM,VALUE,LENGTH   as typed into the module; several add up\n"
	"  astra:ping=S,timeout=S              the device's own PING-PONG\n"
	"  nat=S, nat=NAME                     forgets idle connections after S seconds, or as "
	"documented of NAME (nat=? lists them)\n"
	"  platform=NAME, mqtt=S               the server's program, which closes where no data come; "
	"mqtt: after 1.5 times the device's keep alive\v"
	"Examples:\n"
	"  halfopen explain linux:7200/75/9 wizfi210:600 astra:ping=540,timeout=30 nat=900\n"
	"  halfopen explain linux:240/20/5 nat=aws-nlb platform=traccar\n"
	"  halfopen explain linux AT+SETSOCKOPT=0,6,4005,1,4 AT+SETSOCKOPT=0,6,4001,75,4\n"
	"\n"
	"Exit codes: 0 done, 2 usage.\n";

static void add_party(struct argp_state *state, struct options *o, const char *spec)
{
	struct party *previous = o->count ? &o->parties[o->count - 1] : NULL;
	struct party_notes notes;
	char expected[640];
	struct party p;
	unsigned int i;
	bool is_new;

	if (o->count == PARTIES_MAX)
		arguments__refuse(state, "'%s': %u SPECs are too many", spec, PARTIES_MAX + 1);
	if (!party__parse(spec, previous, &p, &is_new, &notes, expected, sizeof(expected)))
		arguments__refuse(state, "'%s': expected %s", spec, expected);
	if (is_new)
		o->parties[o->count++] = p;
	for (i = 0; i < notes.count; i++)
		words__add(&o->notes, "%s: %s\n", spec, notes.text[i]);
}

/* What stands in between may be named before either side; false if there is no side. */
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

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		add_party(state, o, arg);
		break;
	case ARGP_KEY_END:
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

static void add_seconds(struct words *w, double s)
{
	words__add_duration(w, s);
	if (s >= 60)
		words__add(w, " (%.0f s)", s);
}

/* ---- the sides ---- */

static void describe_side(struct words *w, const char *side, const char *other,
			  const struct party *p)
{
	double within = party__notices_within_s(p);

	words__add(w, "%s: ", side);
	switch (p->kind) {
	case PARTY_STACK:
		words__add(w, "%s keepalive: asks after ", p->name);
		words__add_duration(w, party__speaks_every_s(p));
		words__add(w, " of silence, then every ");
		words__add_duration(w, p->interval_s);
		if (p->user_timeout_s) {
			words__add(w, ", gives up by its user timeout of ");
			words__add_duration(w, p->user_timeout_s);
		} else {
			words__add(w, ", gives up after %u unanswered", p->probes);
		}
		break;
	case PARTY_TOTAL:
		if (!p->enabled) {
			words__add(w, "%s keepalive: SO_KEEPALIVE is off", p->name);
			break;
		}
		words__add(w, "%s keepalive: %u probes within ", p->name, p->probes);
		words__add_duration(w, within);
		words__add(w, " in all");
		break;
	case PARTY_PING:
		words__add(w, "%s PING after ", p->name);
		words__add_duration(w, p->ping_s);
		words__add(w, " without traffic, reply awaited for ");
		words__add_duration(w, p->timeout_s);
		break;
	case PARTY_NAT:
	case PARTY_PLATFORM:
		break;
	}
	words__add(w, "\n  notices that the %s is gone ", other);
	if (!within) {
		words__add(w, "never, while it has nothing to send\n");
		return;
	}
	words__add(w, "within ");
	add_seconds(w, within);
	words__add(w, " of its last sign of life\n");
	if (party__dies_of_one_loss(p)) {
		words__add(w, "  a single lost probe ends it, though the %s is there: ", other);
		if (p->user_timeout_s)
			words__add(w, "the user timeout leaves no time for a second one before "
				   "%.0f s\n", party__speaks_every_s(p) + p->interval_s);
		else
			words__add(w, "no second one is sent\n");
	}
	if (p->retransmits_s) {
		words__add(w, "  unacknowledged data end it after ");
		add_seconds(w, p->retransmits_s);
		words__add(w, "\n");
	}
}

/* ---- what is in between ---- */

static const struct party *first_noticing(const struct party *all, unsigned int count)
{
	const struct party *first = NULL;
	unsigned int i;

	for (i = 0; i < count; i++)
		if (party__notices_within_s(&all[i]) > 0 &&
		    (!first || party__notices_within_s(&all[i]) < party__notices_within_s(first)))
			first = &all[i];
	return first;
}

/* Who of all makes something pass most often? */
static const struct party *first_speaking(const struct party *all, unsigned int count)
{
	const struct party *first = NULL;
	unsigned int i;

	for (i = 0; i < count; i++)
		if (party__speaks_every_s(&all[i]) > 0 &&
		    (!first || party__speaks_every_s(&all[i]) < party__speaks_every_s(first)))
			first = &all[i];
	return first;
}

static void add_blindness(struct words *w, const char *side, double within_s, double forgets_s)
{
	words__add(w, "  the %s believes in the connection for up to ", side);
	add_seconds(w, within_s - forgets_s);
	words__add(w, " longer");
}

/* Does the next probe come in time where one is lost? */
static void warn_of_losses(struct words *w, const struct party *speaks, double forgets_s)
{
	double lost;

	if (speaks->kind != PARTY_STACK)
		return;
	lost = ceil((forgets_s - party__speaks_every_s(speaks)) / speaks->interval_s) - 1;
	if (lost >= speaks->probes)
		return;
	if (lost < 1)
		words__add(w, "  a single lost probe and it is forgotten: the next comes %.0f s "
			   "later\n", speaks->interval_s);
	else
		words__add(w, "  as long as no more than %.0f probe%s in a row %s lost\n", lost,
			   lost == 1 ? "" : "s", lost == 1 ? "is" : "are");
}

static void describe_nat(struct words *w, const struct options *o, const struct party *nat)
{
	const struct party *speaks = first_speaking(o->parties, o->count);
	const struct party *server = &o->parties[0];
	const struct party *device = first_noticing(o->parties + 1, o->count - 1);
	double server_s = party__notices_within_s(server);

	if (nat->documented)
		words__add(w, "between: %s (%s), which forgets after ", nat->name,
			   nat->documented->what);
	else
		words__add(w, "between: a NAT that forgets after ");
	add_seconds(w, nat->forgets_s);
	words__add(w, " without traffic\n");
	if (nat->documented && nat->documented->ends_tcp) {
		words__add(w, "  it answers probes itself: keepalive holds nothing open, and shows "
			   "nothing of what lies beyond\n");
		return;
	}
	if (speaks && party__speaks_every_s(speaks) < nat->forgets_s) {
		words__add(w, "  kept open by the %s %s, which makes something pass every ",
			   speaks->name, speaks->kind == PARTY_PING ? "PING" : "keepalive");
		add_seconds(w, party__speaks_every_s(speaks));
		words__add(w, "\n");
		warn_of_losses(w, speaks, nat->forgets_s);
	} else {
		words__add(w, "  nobody keeps it open: a quiet connection is half-open from then "
			   "on\n");
		if (server_s > nat->forgets_s) {
			add_blindness(w, "server", server_s, nat->forgets_s);
			words__add(w, "; what it sends in that time is lost\n");
		} else if (!server_s) {
			words__add(w, "  the server believes in it for ever\n");
		}
		if (device && party__notices_within_s(device) > nat->forgets_s) {
			add_blindness(w, "device", party__notices_within_s(device), nat->forgets_s);
			words__add(w, " (%s)\n", device->name);
		}
	}
	words__add(w, "  if it closes all the same and quietly: the server notices ");
	if (server_s) {
		words__add(w, "within ");
		add_seconds(w, server_s);
	} else {
		words__add(w, "never, while it has nothing to send");
	}
	if (device) {
		words__add(w, ", the device within ");
		add_seconds(w, party__notices_within_s(device));
	}
	words__add(w, "\n");
}

/* Who wants data is not content with probes. */
static void describe_platform(struct words *w, const struct options *o,
			      const struct party *platform)
{
	const struct party *ping = NULL;
	unsigned int i;

	for (i = 1; i < o->count; i++)
		if (o->parties[i].kind == PARTY_PING)
			ping = &o->parties[i];
	words__add(w, "platform: %s", platform->name);
	if (platform->documented)
		words__add(w, " (%s)", platform->documented->what);
	words__add(w, " gives up a device that sent no data for ");
	add_seconds(w, platform->forgets_s);
	words__add(w, "\n  keepalive does not count: its probes and answers carry no data\n");
	if (ping && ping->ping_s < platform->forgets_s)
		words__add(w, "  the %s PING counts\n", ping->name);
}

static bool is_side(const struct party *p)
{
	return p->kind != PARTY_NAT && p->kind != PARTY_PLATFORM;
}

static void explain(struct words *w, const struct options *o)
{
	const struct party *server = &o->parties[0], *device;
	unsigned int i, sides = 0;

	for (i = 0; i < o->count; i++) {
		if (!is_side(&o->parties[i]))
			continue;
		describe_side(w, i ? "device" : "server", i ? "server" : "device", &o->parties[i]);
		sides += i > 0;
	}
	device = first_noticing(o->parties + 1, o->count - 1);
	if (sides > 1 && device)
		words__add(w, "device: its %s %s notices first\n", device->name,
			   device->kind == PARTY_PING ? "PING" : "keepalive");

	for (i = 0; i < o->count; i++)
		if (o->parties[i].kind == PARTY_NAT)
			describe_nat(w, o, &o->parties[i]);
	for (i = 0; i < o->count; i++)
		if (o->parties[i].kind == PARTY_PLATFORM)
			describe_platform(w, o, &o->parties[i]);
	if (server->kind == PARTY_STACK && !strcmp(server->name, "linux")) {
		words__add(w, "data sent into a dead connection suspend keepalive: ");
		if (server->user_timeout_s) {
			words__add(w, "the user timeout ends them after ");
			add_seconds(w, server->user_timeout_s);
		} else {
			words__add(w, "retransmission gives up after ");
			add_seconds(w, LINUX_RETRANSMITS_S);
			words__add(w, " or somewhat more (tcp_retries2 = 15); TCP_USER_TIMEOUT "
				   "shortens that");
		}
		words__add(w, "\n");
	}
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
	explain(&words, &options);
	err = words.failed ? -ENOMEM : output__write(&output, words.text, words.length);
	code = exit_code__of_output(&output, err, EXIT_DONE);
	words__free(&words);
	words__free(&options.notes);
	return code;
}
