// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <math.h>

#include "sink/advice_json.h"
#include "text/advice_commands.h"
#include "text/advice_reasons.h"
#include "text/advice_text.h"
#include "tuning/documented_timers.h"

static void end_line(struct json *j)
{
	json__end_object(j);
	json__end_line(j);
}

/* ---- the place ---- */

static void write_scope(struct json *j, const struct lives *l, const struct scope *s)
{
	struct words words = { 0 };

	advice_text__scope(&words, l, s);
	json__object(j, "scope");
	json__string(j, "kind", s->kind == SCOPE_NAMESPACE ? "namespace" : "group");
	json__string(j, "text", words.text ? words.text : "");
	if (s->kind == SCOPE_NAMESPACE) {
		json__string(j, "gateway", texts__at(&l->texts, s->place.gateway));
		json__string(j, "netns", scope__address(l, s));
		json__string(j, "boot_id", texts__at(&l->texts, s->place.boot));
		json__u64(j, "inode", s->place.inode);
		if (s->place.cookie)
			json__big(j, "cookie", s->place.cookie);
		if (s->host_name)
			json__string(j, "host_name", texts__at(&l->texts, s->host_name));
	} else {
		if (s->name)
			json__string(j, "name", s->name);
		if (s->port)
			json__u64(j, "port", s->port);
		json__bool(j, "outgoing", s->outgoing);
	}
	json__end_object(j);
	j->failed |= words.failed;
	words__free(&words);
}

static void write_setting(struct json *j, const char *key, const struct setting *s)
{
	json__object(j, key);
	json__number(j, "idle_s", s->idle_s);
	json__number(j, "interval_s", s->interval_s);
	json__u64(j, "probes", s->probes);
	json__end_object(j);
}

static void write_detection(struct json *j, const struct detection *d)
{
	json__object(j, "detection_s");
	json__number(j, "p50", d->p50_s);
	json__number(j, "p95", d->p95_s);
	json__number(j, "max", d->max_s);
	json__end_object(j);
}

/* Further costs or savings of the values. */
static void write_price(struct json *j, const struct advice *a)
{
	const struct prediction *p = &a->predicted_proposed;

	if (a->spared_bytes_day > 0) {
		json__object(j, "cheaper");
		json__number(j, "idle_s", a->cheaper.idle_s);
		json__number(j, "interval_s", a->cheaper.interval_s);
		json__u64(j, "probes", a->cheaper.probes);
		json__number(j, "saves_bytes_per_socket_day", a->spared_bytes_day);
		json__end_object(j);
	}
	if (a->may_forget && (a->spared_bytes_day > 0 || a->verdict == ADVICE_CHANGE))
		json__bool(j, "may_forget", true);
	json__array(j, "conflicts");
	if (a->below_carriers_floor) {
		json__object(j, NULL);
		json__string(j, "with", "carriers_floor");
		json__number(j, "period_s", CARRIERS_FLOOR_S);
		if (p->sockets > 0) {
			json__number(j, "wakeups_per_socket_day", p->wakeups_per_socket_day);
			json__number(j, "bytes_per_socket_day", p->bytes_per_socket_day);
		} else {
			json__null(j, "wakeups_per_socket_day");
			json__null(j, "bytes_per_socket_day");
		}
		json__number(j, "wakeups_per_idle_day", 86400 / setting__period_s(&a->proposed));
		json__end_object(j);
	}
	json__end_array(j);
}

/* ---- the evidence ---- */

static void write_programs(struct json *j, const char *key, const struct program_count *programs)
{
	unsigned int k;

	json__array(j, key);
	for (k = 0; k < PROGRAMS_TOLD && programs[k].sockets; k++) {
		json__object(j, NULL);
		json__string(j, "comm", programs[k].comm);
		json__u64(j, "sockets", programs[k].sockets);
		json__end_object(j);
	}
	json__end_array(j);
}

static void write_quiet(struct json *j, const char *key, const struct quiet_deaths *q)
{
	json__object(j, key);
	json__number(j, "socket_days", q->socket_days);
	json__u64(j, "deaths", q->deaths);
	if (q->sockets && q->socket_days > 0)
		json__rate(j, "per_socket_day", q->deaths / q->socket_days);
	else
		json__null(j, "per_socket_day");
	json__end_object(j);
}

static void write_evidence(struct json *j, const struct advice *a)
{
	const struct evidence *e = a->evidence;

	json__object(j, "evidence");
	json__u64(j, "sockets", e->sockets);
	json__u64(j, "with_keepalive", e->with_keepalive);
	json__u64(j, "without_keepalive", e->sockets - e->with_keepalive - e->options_unknown);
	write_programs(j, "without_keepalive_of", e->without_keepalive);
	json__u64(j, "own_options", e->own_options);
	write_programs(j, "own_options_of", e->with_own_options);
	json__number(j, "socket_hours", e->socket_hours);
	json__number(j, "hours_watched", e->watched_hours);
	json__u64(j, "gaps_survived", e->gaps_survived);
	json__u64(j, "gaps_lost", e->gaps_lost);
	json__u64(j, "half_open", e->half_open);
	json__u64(j, "suspect", a->suspects);
	json__number(j, "killed_by_one_loss", a->killed_by_one_loss);
	if (e->detection.max_s > 0)
		write_detection(j, &e->detection);
	else	/* none was measured */
		json__null(j, "detection_s");
	json__u64(j, "found_by_retransmission", e->unacknowledged_count);
	json__u64(j, "late_answers", e->late_answers.count);
	json__number(j, "latest_answer_s", e->late_answers.longest_s);
	if (e->late_answers.outliers) {
		json__object(j, "exceptions");
		json__u64(j, "sockets", e->late_answers.outliers);
		json__number(j, "silent_s", e->late_answers.outliers_s);
		json__end_object(j);
	}
	json__rate(j, "probe_loss", late_answers__loss(&e->late_answers));
	json__object(j, "quiet_deaths");
	write_quiet(j, "with_peer_probes", &e->with_probes);
	write_quiet(j, "with_heartbeats", &e->with_heartbeats);
	write_quiet(j, "with_neither", &e->with_neither);
	json__end_object(j);
	json__end_object(j);
}

/* Documented timers that agree with the estimate. */
static void write_documented(struct json *j, const struct idle_timeout *t)
{
	const struct documented_timer *d;
	size_t i = 0;

	json__array(j, "documented");
	while ((d = documented_timer__agreeing(t, &i)))
		json__string(j, NULL, d->name);
	json__end_array(j);
}

/* Asks at random ages in that range; null days: live peers are never silent for so long. */
static void write_what_would_tell(struct json *j, const struct idle_timeout *t)
{
	if (t->ask_to_s <= 0)
		return;
	json__object(j, "would_tell");
	json__number(j, "ask_from_s", t->ask_from_s);
	json__number(j, "ask_to_s", t->ask_to_s);
	if (idle_timeout__days_to_tell(t) > 0)
		json__number(j, "days", idle_timeout__days_to_tell(t));
	else
		json__null(j, "days");
	json__end_object(j);
}

static void write_path(struct json *j, const struct evidence *e)
{
	const struct idle_timeout *t = &e->path;
	unsigned int k;

	json__object(j, "idle_timeout");
	if (t->reason != IDLE_KNOWN) {
		json__null(j, "estimate_s");
		if (t->low_s > 0)
			json__number(j, "low_s", t->low_s);
		else
			json__null(j, "low_s");
		if (t->high_s > 0)
			json__number(j, "high_s", t->high_s);
		else
			json__null(j, "high_s");
		json__string(j, "reason", idle_reason__name(t->reason));
		write_what_would_tell(j, t);
	} else {
		json__number(j, "estimate_s", t->estimate_s);
		json__number(j, "low_s", t->low_s);
		json__number(j, "high_s", t->high_s);
		json__milli(j, "confidence", lround(IDLE_CONFIDENCE * 1000));
		json__array(j, "steps");
		for (k = 0; k < t->steps; k++) {
			json__object(j, NULL);
			json__number(j, "at_s", t->step[k].at_s);
			json__number(j, "share", t->step[k].share);
			json__end_object(j);
		}
		json__end_array(j);
		write_documented(j, t);
		json__rate(j, "vanish_per_hour", t->vanish_per_hour);
		if (t->told_by_resets)
			json__string(j, "told_by", "resets");
		if (t->lost_sooner) {
			json__object(j, "lost_sooner");
			json__u64(j, "devices", t->lost_sooner);
			json__number(j, "from_s", t->sooner_from_s);
			json__end_object(j);
		}
		if (e->path_was_known)
			json__string(j, "beware", "heartbeats_chosen_to_fit");
	}
	json__u64(j, "devices", t->devices);
	json__u64(j, "lost", t->lost);
	json__u64(j, "connections", t->connections);
	json__end_object(j);
}

/* ---- predictions and what to do ---- */

static void write_prediction(struct json *j, const char *key, const struct prediction *p)
{
	json__object(j, key);
	write_detection(j, &p->detection);
	json__rate(j, "probes_per_s", p->probes_per_s);
	json__number(j, "bytes_per_socket_day", p->bytes_per_socket_day);
	json__number(j, "wakeups_per_socket_day", p->wakeups_per_socket_day);
	json__object(j, "false_deaths_per_socket_year");
	json__number(j, "low", p->false_deaths.low);
	json__number(j, "high", p->false_deaths.high);
	json__end_object(j);
	json__end_object(j);
}

static void write_commands(struct json *j, const struct lives *l, const struct advice *a)
{
	struct advice_commands c;
	unsigned int i;

	advice_commands__make(l, a, &c);
	json__array(j, "commands");
	for (i = 0; i < c.count; i++)
		json__string(j, NULL, c.all[i].text ? c.all[i].text : "");
	json__end_array(j);
	if (c.undo.length)
		json__string(j, "undo", c.undo.text);
	if (c.missing)
		json__string(j, "commands_missing", c.missing);
	j->failed |= advice_commands__failed(&c);
	advice_commands__free(&c);
}

static void write_heartbeat(struct json *j, const struct device_heartbeat *h)
{
	if (!h->proposed)
		return;
	json__object(j, "device_heartbeat");
	json__number(j, "period_s", h->period_s);
	json__number(j, "timeout_s", h->timeout_s);
	json__number(j, "bytes_per_day", h->bytes_per_day);
	json__number(j, "probe_bytes_per_day", h->probe_bytes_per_day);
	if (h->reports_known)
		json__number(j, "report_bytes_per_day", h->report_bytes_per_day);
	else
		json__null(j, "report_bytes_per_day");
	json__end_object(j);
}

static void write_unacknowledged(struct json *j, const struct advice *a)
{
	const struct data_timeout *d = &a->data;

	if (!a->evidence->unacknowledged_count)
		return;
	json__object(j, "unacknowledged");
	json__u64(j, "deaths", a->evidence->unacknowledged_count);
	write_detection(j, &a->evidence->unacknowledged_detection);
	if (a->evidence->retries2)
		json__u64(j, "fits_retries2", a->evidence->retries2);
	if (d->user_timeout_s) {
		json__object(j, "user_timeout");
		json__number(j, "ms", d->user_timeout_s * 1000);
		write_detection(j, &d->with_user_timeout);
		json__end_object(j);
	}
	if (d->retries) {
		json__object(j, "retries2");
		json__u64(j, "value", d->retries);
		write_detection(j, &d->with_retries);
		json__end_object(j);
	}
	json__end_object(j);
}

static void write_why(struct json *j, const struct advice *a)
{
	struct words words = { 0 };

	advice_reasons__add(&words, a);
	json__string(j, "why", words.text ? words.text : "");
	j->failed |= words.failed;
	words__free(&words);
}

void advice_json__write(struct json *j, struct line_origin *origin, const struct lives *l,
			const struct advice *a)
{
	line__begin(j, "halfopen.advice/1", origin);
	json__string(j, "id", a->id);
	write_scope(j, l, a->scope);
	json__string(j, "verdict", advice_verdict__name(a->verdict));
	write_why(j, a);
	if (a->current_known)
		write_setting(j, "current", &a->current);
	else
		json__null(j, "current");
	if (a->proposal_known || a->verdict == ADVICE_CHANGE)
		write_setting(j, "proposed", &a->proposed);
	else
		json__null(j, "proposed");
	write_price(j, a);
	write_evidence(j, a);
	write_path(j, a->evidence);
	json__object(j, "predicted");
	if (a->predicted_current.sockets > 0)
		write_prediction(j, "current", &a->predicted_current);
	else
		json__null(j, "current");
	if (a->predicted_proposed.sockets > 0)
		write_prediction(j, "proposed", &a->predicted_proposed);
	else
		json__null(j, "proposed");
	json__end_object(j);
	write_heartbeat(j, &a->heartbeat);
	write_unacknowledged(j, a);
	write_commands(j, l, a);
	end_line(j);
}

static void write_side(struct json *j, const char *key, const struct side_of_comparison *s)
{
	json__object(j, key);
	json__u64(j, "sockets", s->sockets);
	json__u64(j, "own_options", s->unfollowing);
	json__u64(j, "dead_before", s->dead_before);
	json__end_object(j);
}

static void write_change(struct json *j, const struct change_of *of)
{
	json__object(j, NULL);
	json__string(j, "what", of->what);
	json__string(j, "unit", of->unit);
	json__number(j, "before", of->before);
	json__number(j, "after", of->after);
	json__u64(j, "cases_before", of->cases_before);
	json__u64(j, "cases_after", of->cases_after);
	if (of->verdict >= CHANGE_NOISE) {
		json__number(j, "difference", of->after - of->before);
		json__number(j, "low", of->low);
		json__number(j, "high", of->high);
	}
	json__string(j, "verdict", change_verdict__name(of->verdict));
	json__end_object(j);
}

void comparison_json__write(struct json *j, struct line_origin *origin, const struct comparison *c)
{
	unsigned int i;

	line__begin(j, "halfopen.compare/1", origin);
	if (c->group)
		json__string(j, "group", c->group);
	json__u64(j, "sockets_before", c->before.sockets);
	json__u64(j, "sockets_after", c->after.sockets);
	write_side(j, "before", &c->before);
	write_side(j, "after", &c->after);
	json__bool(j, "values_changed", c->values_changed);
	json__bool(j, "wrong_order", c->wrong_order);
	json__array(j, "changes");
	for (i = 0; i < COMPARED; i++)
		write_change(j, &c->changes[i]);
	json__end_array(j);
	end_line(j);
}
