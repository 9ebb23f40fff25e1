// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "text/advice_commands.h"
#include "text/advice_reasons.h"
#include "text/advice_text.h"
#include "text/keepalive_switches.h"
#include "tuning/documented_timers.h"
#include "value/plain_text.h"

/* ---- scopes ---- */

static void add_network(struct words *w, const uint8_t *address, unsigned int bits)
{
	char text[NETWORK_TEXT_SIZE];

	words__add(w, "%s", network__format(address, bits, text));
}

/* The FILTER that chooses the group's peers; "" for all. */
static void add_peers(struct words *w, const struct scope *s)
{
	const char *before = "(";
	unsigned int i;

	if (s->bits) {
		words__add(w, "dst ");
		add_network(w, s->network, s->bits);
	}
	for (i = 0; s->name && i < s->network_count; i++) {
		if (strcmp(s->networks[i].name, s->name))
			continue;
		words__add(w, "%s dst ", before);
		add_network(w, s->networks[i].network.address,
			    s->networks[i].network.bits);
		before = " or";
	}
	words__add(w, s->name ? " )" : "");
}

/* Its names that are no address: one that no command takes, or that another namespace has now; and
 * its last processes. */
static void add_names(struct words *w, const struct lives *l, const struct scope *s)
{
	char host[4 * 64 + 1];

	if (s->netns_name && s->address != ADDRESS_NAME)
		words__add(w, " (named '%s')", texts__at(&l->texts, s->netns_name));
	if (s->host_name)
		words__add(w, " (host %s)",
			   plain_text__of_host(texts__at(&l->texts, s->host_name), host,
					       sizeof(host)));
}

/* What tells it from the others of its inode, whatever run it was in. */
static void add_first_seen(struct words *w, const struct scope *s)
{
	time_t at = s->first_seen_s;
	char text[32];
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%SZ", &tm);
	words__add(w, ", first seen %s", text);
}

void advice_text__scope(struct words *w, const struct lives *l, const struct scope *s)
{
	if (s->kind == SCOPE_NAMESPACE) {
		words__add(w, "%s, namespace %s", texts__at(&l->texts, s->place.gateway),
			   scope__address(l, s));
		add_names(w, l, s);
		if (s->one_of_several)
			add_first_seen(w, s);
		return;
	}
	if (s->name)
		words__add(w, "%s", s->name);
	else if (s->bits)
		add_network(w, s->network, s->bits);
	else
		words__add(w, "all other peers");
	words__add(w, s->outgoing ? ", our connections to port %u" : " on port %u", s->port);
}

/* ---- the lines ---- */

static void add_count(struct words *w, size_t n, const char *one)
{
	words__add(w, "%zu %s%s", n, one, n == 1 ? "" : "s");
}

static void add_setting(struct words *w, const struct setting *s)
{
	words__add(w, "%.0f/%.0f/%u", s->idle_s, s->interval_s, s->probes);
}

static void add_programs(struct words *w, const struct program_count *programs)
{
	unsigned int k;

	for (k = 0; k < PROGRAMS_TOLD && programs[k].sockets; k++)
		words__add(w, "%s%s %zu", k ? ", " : " (",
			   *programs[k].comm ? programs[k].comm : "?", programs[k].sockets);
	words__add(w, k ? ")" : "");
}

/* `of_whom`: who "all" are, "" for all. */
static void add_detection(struct words *w, const struct detection *d, const char *of_whom)
{
	words__add_duration(w, d->p50_s);
	words__add(w, " (half), ");
	words__add_duration(w, d->p95_s);
	words__add(w, " (95 %%), ");
	words__add_duration(w, d->max_s);
	words__add(w, " (all%s)", of_whom);
}

/* As people write numbers: three significant digits, no exponent. */
static void add_number(struct words *w, double n)
{
	if (n >= 100)
		words__add(w, "%.0f", n);
	else if (n >= 0.001 || !n)
		words__add(w, "%.3g", n);
	else
		words__add(w, "less than 0.001");
}

static void add_bytes(struct words *w, double n)
{
	static const char *const units[] = { "bytes", "kB", "MB", "GB" };
	unsigned int i;

	for (i = 0; i < 3 && n >= 10000; i++)
		n /= 1000;
	words__add(w, n >= 100 || !i ? "%.0f %s" : "%.1f %s", n, units[i]);
}

static size_t without_keepalive(const struct evidence *e)
{
	return e->sockets - e->with_keepalive - e->options_unknown;
}

/* It is of sockets with keepalive: of others nothing is predicted. */
static void add_prediction(struct words *w, const char *name, const struct prediction *p,
			   const struct evidence *e)
{
	char with[60] = "";

	if (e->with_keepalive < e->sockets)
		snprintf(with, sizeof(with), " of the %zu with keepalive", e->with_keepalive);
	words__add(w, "%s: dead peers noticed within ", name);
	add_detection(w, &p->detection, with);
	words__add(w, " of their death; ");
	add_number(w, p->probes_per_s);
	words__add(w, " probes/s, ");
	add_bytes(w, p->bytes_per_socket_day);
	words__add(w, " a socket and day");
}

/* The documented timers within the interval, where that is narrow enough to identify one. */
static void add_documented(struct words *w, const struct idle_timeout *path)
{
	const struct documented_timer *t;
	size_t i = 0;
	unsigned int told = 0;

	if (path->high_s > 1.5 * path->low_s)
		return;
	while ((t = documented_timer__agreeing(path, &i))) {
		words__add(w, "%s%s (", told++ ? ", " : "; as documented of ", t->name);
		words__add_duration(w, t->idle_s);
		words__add(w, ")");
	}
}

/* The witnesses that the estimate rests on. */
static void add_witnesses(struct words *w, const struct idle_timeout *path)
{
	if (path->named)
		words__add(w, "%zu devices", path->devices);
	else if (path->connections == path->devices)
		words__add(w, "%zu connections", path->connections);
	else
		words__add(w, "%zu connections, counted as %zu devices", path->connections,
			   path->devices);
}

/* The longest survived gap, where there is no estimate, and what would show more. */
static void add_unknown_path(struct words *w, const struct idle_timeout *path)
{
	double days = idle_timeout__days_to_tell(path);

	if (path->reason == IDLE_DATA_ONLY || path->reason == IDLE_KNOWN ||
	    (path->low_s <= 0 && path->high_s <= 0))
		return;
	words__add(w, "  path: ");
	if (path->low_s > 0) {
		words__add(w, "idle times up to ");
		words__add_duration(w, path->low_s);
		words__add(w, " were survived");
	}
	if (path->high_s > 0) {
		words__add(w, path->low_s > 0 ? ", none from " : "no idle time from ");
		words__add_duration(w, path->high_s);
		words__add(w, path->low_s > 0 ? " on" : " on was survived");
	}
	if (days > 0) {
		words__add(w, "; first probes at random idle times between ");
		words__add_duration(w, path->ask_from_s);
		words__add(w, " and ");
		words__add_duration(w, path->ask_to_s);
		words__add(w, " would tell more, in %.0f day%s", days, days > 1 ? "s" : "");
	} else {
		words__add(w, "; live peers are hardly ever silent for longer");
	}
	words__add(w, "\n");
}

static void add_path(struct words *w, const struct evidence *e)
{
	const struct idle_timeout *path = &e->path;
	unsigned int k;

	if (path->reason != IDLE_KNOWN) {
		add_unknown_path(w, path);
		return;
	}
	words__add(w, "  path: forgets after ");
	words__add_duration(w, path->estimate_s);
	words__add(w, " (95 %%: ");
	words__add_duration(w, path->low_s);
	words__add(w, " to ");
	words__add_duration(w, path->high_s);
	words__add(w, path->told_by_resets ? "; it sends resets then), from " : "), from ");
	add_witnesses(w, path);
	if (!path->told_by_resets)
		words__add(w, " of which %zu were lost", path->lost);
	for (k = 0; path->steps > 1 && k < path->steps; k++) {
		words__add(w, k ? ", " : "; more than one timer: ");
		words__add_duration(w, path->step[k].at_s);
		words__add(w, " (%.0f %%)", path->step[k].share * 100);
	}
	add_documented(w, path);
	if (path->lost_sooner) {
		words__add(w, "; %zu %s lost sooner, from ", path->lost_sooner,
			   path->lost_sooner == 1 ? "was" : "were");
		words__add_duration(w, path->sooner_from_s);
		words__add(w, " on: dead, or behind a shorter timer");
	}
	if (e->path_was_known) {
		words__add(w, "; beware: most devices' heartbeats (every ");
		words__add_duration(w, e->heartbeat_s);
		words__add(w, ") stay just under it");
	}
	words__add(w, "\n");
}

/* How each of the programs switches keepalive on. */
static void add_switches(struct words *w, const struct program_count *programs)
{
	bool any_other = false;
	const char *how;
	unsigned int k, told = 0;

	for (k = 0; k < PROGRAMS_TOLD && programs[k].sockets; k++) {
		how = keepalive_switch__of(programs[k].comm);
		any_other |= !how;
		if (how)
			words__add(w, "%s%s by %s", told++ ? ", " : ": ", programs[k].comm, how);
	}
	if (any_other)
		words__add(w, "%s%sby " KEEPALIVE_SWITCH_ANY, told ? ", " : ": ",
			   told ? "others " : "");
	words__add(w, "\n");
}

/* First what no sysctl can change. */
static void add_unmendable(struct words *w, const struct advice *a)
{
	const struct evidence *e = a->evidence;
	size_t without = without_keepalive(e);

	if (without) {
		words__add(w, "  no sysctl helps ");
		add_count(w, without, "socket");
		words__add(w, " without keepalive");
		add_programs(w, e->without_keepalive);
		words__add(w, ": their programs must set SO_KEEPALIVE");
		add_switches(w, e->without_keepalive);
	}
	if (e->own_options) {
		words__add(w, "  no sysctl reaches ");
		add_count(w, e->own_options, "socket");
		words__add(w, " with an idle time of their own");
		add_programs(w, e->with_own_options);
		words__add(w, "\n");
	}
	if (a->killed_by_one_loss >= 0.5)
		words__add(w, "  a single lost probe ends %.0f sockets, though their peers are "
			   "there: they send no second one, or their user timeout leaves no time "
			   "for it\n", a->killed_by_one_loss);
}

/* Unacknowledged data: another timer, other values. */
static void add_unacknowledged(struct words *w, const struct advice *a)
{
	const struct data_timeout *d = &a->data;
	const struct evidence *e = a->evidence;

	if (!e->unacknowledged_count)
		return;
	words__add(w, "  unacknowledged data: retransmission, not keepalive, noticed %zu dead "
		   "peers, within ", e->unacknowledged_count);
	add_detection(w, &e->unacknowledged_detection, "");
	words__add(w, " of when they were last heard");
	if (e->retries2 && e->retries2 != RETRIES2_DEFAULT)
		words__add(w, ", as tcp_retries2=%u makes it", e->retries2);
	if (d->user_timeout_s) {
		words__add(w, "; with TCP_USER_TIMEOUT=%.0f ", d->user_timeout_s * 1000);
		words__add_duration(w, d->with_user_timeout.p50_s);
		words__add(w, " to ");
		words__add_duration(w, d->with_user_timeout.max_s);
	}
	if (d->retries) {
		words__add(w, "; with net.ipv4.tcp_retries2=%u ", d->retries);
		words__add_duration(w, d->with_retries.p50_s);
		words__add(w, " to ");
		words__add_duration(w, d->with_retries.max_s);
	}
	words__add(w, "\n");
}

/* Compares devices that speak with silent ones, where there are several kinds: is speaking worth
 * its cost? */
static void add_quiet_deaths(struct words *w, const struct evidence *e)
{
	size_t without = without_keepalive(e);
	const struct {
		const char *name;
		const struct quiet_deaths *q;
	} kinds[] = { { "whose peers probe", &e->with_probes },
		      { "with heartbeats", &e->with_heartbeats },
		      { "with neither", &e->with_neither } };
	unsigned int i, told = 0;

	for (i = 0; i < 3; i++)
		told += kinds[i].q->sockets && kinds[i].q->socket_days > 0;
	if (!told || !e->half_open || (told < 2 && (!without || e->with_neither.sockets)))
		return;
	words__add(w, "  quiet deaths a socket and day: ");
	for (i = 0, told = 0; i < 3; i++) {
		if (!kinds[i].q->sockets || kinds[i].q->socket_days <= 0)
			continue;
		words__add(w, told++ ? ", " : "");
		add_number(w, kinds[i].q->deaths / kinds[i].q->socket_days);
		words__add(w, " of those %s", kinds[i].name);
	}
	if (without)
		words__add(w, "; unknown of the %zu that nobody asks", without);
	words__add(w, "\n");
}

static void add_commands(struct words *w, const struct lives *l, const struct advice *a)
{
	struct advice_commands c;

	advice_commands__make(l, a, &c);
	if (c.missing) {
		words__add(w, "  nothing to paste: %s; 'halfopen apply --netns' takes a name of "
			   "'ip netns', or a process id of who lives there\n", c.missing);
	} else if (c.count) {
		words__add(w, "  do: ");
		words__append(w, c.all[0].text, c.all[0].length);
		words__add(w, "\n  undo: ");
		words__append(w, c.undo.text, c.undo.length);
		words__add(w, "\n");
	}
	w->failed |= advice_commands__failed(&c);
	advice_commands__free(&c);
}

/* Of the wake-ups of a device that is idle all day: who has fewer says something of itself. */
#define MOSTLY_IDLE 0.85

/* Its cost, or saving. */
static void add_price(struct words *w, const struct advice *a)
{
	const struct prediction *p = &a->predicted_proposed;
	double idle = 86400 / setting__period_s(&a->proposed);

	if (a->spared_bytes_day > 0) {
		words__add(w, "  ");
		add_setting(w, &a->cheaper);
		words__add(w, " would meet them, too, and save ");
		add_bytes(w, a->spared_bytes_day);
		words__add(w, " a socket and day");
	}
	if (a->may_forget && (a->spared_bytes_day > 0 || a->verdict == ADVICE_CHANGE))
		words__add(w, "%s nothing shows that the path remembers a connection for so long",
			   a->spared_bytes_day > 0 ? "; but" : "  beware:");
	if (a->spared_bytes_day > 0 || (a->may_forget && a->verdict == ADVICE_CHANGE))
		words__add(w, "\n");
	if (a->below_carriers_floor) {
		words__add(w, "  conflict with the carriers' floor (one automated access in ");
		words__add_duration(w, CARRIERS_FLOOR_S);
		words__add(w, "), where devices are on one");
		if (p->sockets > 0) {
			words__add(w, ": ");
			add_number(w, p->wakeups_per_socket_day);
			words__add(w, " wake-ups and ");
			add_bytes(w, p->bytes_per_socket_day);
			words__add(w, " a socket and day");
		}
		if (p->wakeups_per_socket_day < MOSTLY_IDLE * idle)
			words__add(w, "; %.0f wake-ups of a device that is idle all day", idle);
		words__add(w, "\n");
	}
}

static void add_verdict(struct words *w, const struct lives *l, const struct advice *a)
{
	switch (a->verdict) {
	case ADVICE_NONE:
		words__add(w, "  no advice: ");
		advice_reasons__add(w, a);
		words__add(w, "\n");
		return;
	case ADVICE_CONFLICT:
		words__add(w, "  the goals exclude each other: ");
		advice_reasons__add(w, a);
		words__add(w, "\n");
		return;
	case ADVICE_KEEP:
		words__add(w, "  keep ");
		break;
	case ADVICE_CHANGE:
		words__add(w, "  change ");
		if (a->current_known && setting__is(&a->current, &a->proposed)) {
			words__add(w, "the others of the group to ");
		} else if (a->current_known) {
			add_setting(w, &a->current);
			words__add(w, " to ");
		}
		break;
	}
	add_setting(w, &a->proposed);
	words__add(w, " (idle/interval/probes): ");
	advice_reasons__add(w, a);
	words__add(w, "\n");
	add_price(w, a);
	add_commands(w, l, a);
}

static void add_missed(struct words *w, const struct advice *a)
{
	if (!a->missed_within_s)
		return;
	words__add(w, "; longer than ");
	words__add_duration(w, a->missed_within_s);
	words__add(w, ": ");
	if (a->missed_by_own) {
		words__add(w, "sockets with options of their own");
		add_programs(w, a->evidence->with_own_options);
	}
	if (a->missed_by_data)
		words__add(w, "%swhere our program's own data wait for an acknowledgement "
			   "(TCP_USER_TIMEOUT bounds that)", a->missed_by_own ? ", and " : "");
}

/* Fewer in a socket's year, and less of a rise over today's, are not told. */
#define FALSE_DEATHS_TOLD 0.1
#define FALSE_DEATHS_MORE 2

static bool gives_up_some(const struct false_deaths *n)
{
	return n->low >= FALSE_DEATHS_TOLD;
}

static void add_false_deaths(struct words *w, const struct false_deaths *n)
{
	if (gives_up_some(n)) {
		add_number(w, n->low);
		words__add(w, " to ");
	} else if (n->high > 0) {
		words__add(w, "at most ");
	}
	add_number(w, n->high);
}

/* Where only a bound of them is known, which is worse than today's. */
static void add_possible_false_deaths(struct words *w, const struct advice *a)
{
	const struct false_deaths *now = &a->predicted_current.false_deaths;
	const struct false_deaths *then = &a->predicted_proposed.false_deaths;

	if (gives_up_some(then) || then->high < FALSE_DEATHS_TOLD ||
	    then->high < FALSE_DEATHS_MORE * now->high)
		return;
	words__add(w, "; gives up live peers: not known, ");
	add_false_deaths(w, then);
	words__add(w, " a socket and year (now ");
	add_false_deaths(w, now);
	words__add(w, ")");
}

/* Live peers that the values take for dead, as was seen. */
static void add_sure_false_deaths(struct words *w, const struct advice *a)
{
	if (!a->proposal_known || !gives_up_some(&a->predicted_proposed.false_deaths))
		return;
	words__add(w, "  gives up live peers: ");
	add_false_deaths(w, &a->predicted_proposed.false_deaths);
	words__add(w, " a socket and year");
	if (a->verdict == ADVICE_CHANGE) {
		words__add(w, " (now ");
		add_false_deaths(w, &a->predicted_current.false_deaths);
		words__add(w, ")");
	}
	words__add(w, "\n");
}

void advice_text__write(struct words *w, const struct lives *l, const struct advice *a)
{
	const struct evidence *e = a->evidence;

	advice_text__scope(w, l, a->scope);
	words__add(w, ": ");
	add_count(w, e->sockets, "socket");
	words__add(w, e->socket_hours < 10 ? ", %.2f" : ", %.0f", e->socket_hours);
	words__add(w, " socket-hours, ");
	if (e->half_open)
		words__add(w, "%zu ended half-open", e->half_open);
	else
		words__add(w, "none ended half-open");
	if (a->suspects)
		words__add(w, ", %zu open with asks unanswered", a->suspects);
	words__add(w, " [%s]\n", a->id);
	add_unmendable(w, a);
	add_unacknowledged(w, a);
	add_path(w, e);
	add_quiet_deaths(w, e);
	add_verdict(w, l, a);
	if (a->predicted_current.sockets > 0) {
		add_prediction(w, "  now", &a->predicted_current, e);
		if (without_keepalive(e))
			words__add(w, "; never by the %zu without keepalive, unless our program "
				   "sends", without_keepalive(e));
		words__add(w, "\n");
	}
	if (a->predicted_proposed.sockets > 0 && a->verdict == ADVICE_CHANGE) {
		add_prediction(w, "  then", &a->predicted_proposed, e);
		add_missed(w, a);
		add_possible_false_deaths(w, a);
		words__add(w, "\n");
	}
	add_sure_false_deaths(w, a);
	if (a->heartbeat.proposed && a->scope->kind == SCOPE_GROUP) {
		words__add(w, "  or the device: a byte every ");
		words__add_duration(w, a->heartbeat.period_s);
		words__add(w, ", an answer within ");
		words__add_duration(w, a->heartbeat.timeout_s);
		words__add(w, ": ");
		add_bytes(w, a->heartbeat.bytes_per_day);
		words__add(w, " a day instead of ");
		add_bytes(w, a->heartbeat.probe_bytes_per_day);
		words__add(w, " by our probes");
		if (a->heartbeat.reports_known) {
			words__add(w, ", beside ");
			add_bytes(w, a->heartbeat.report_bytes_per_day);
			words__add(w, " of its reports");
		}
		words__add(w, "; and it can come back\n");
	}
}

void advice_text__policy(struct words *w, const struct lives *l, const struct advice *a)
{
	const struct scope *s = a->scope;

	if (s->kind != SCOPE_GROUP || a->verdict != ADVICE_CHANGE)
		return;
	words__add(w, "# ");
	advice_text__scope(w, l, s);
	words__add(w, ": ");
	advice_reasons__add(w, a);
	words__add(w, "\n");
	words__add(w, s->outgoing ? "dport = :%u" : "sport = :%u", s->port);
	if (s->bits || s->name)
		words__add(w, " and ");
	add_peers(w, s);
	words__add(w, " -> idle=%.0f interval=%.0f probes=%u", a->proposed.idle_s,
		   a->proposed.interval_s, a->proposed.probes);
	if (a->data.user_timeout_s)
		words__add(w, " user_timeout=%.0f", a->data.user_timeout_s);
	words__add(w, "\n");
}
