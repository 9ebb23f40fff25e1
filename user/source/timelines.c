// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "mutes.h"
#include "outcome.h"
#include "quantity.h"
#include "rfc3339.h"
#include "timelines.h"

/* The longest line that we write is far shorter. */
#define LINE_MAX_BYTES (16 << 20)

struct reader {
	struct lives *lives;
	struct timelines_problem *problem;
	unsigned long line;
	bool short_of_memory;
};

/* ---- members ---- */

static bool wrong(struct reader *r, const char *key, const char *expected)
{
	snprintf(r->problem->text, sizeof(r->problem->text), "line %lu: %s: expected %s", r->line,
		 key, expected);
	return false;
}

/* Nothing that is told is negative, or takes a million years. */
static double number(const json_t *object, const char *key)
{
	double value = json_number_value(json_object_get(object, key));

	return value > 0 ? fmin(value, 3e13) : 0;
}

/* What is no such number becomes the nearest one that is. */
static uint32_t whole(const json_t *object, const char *key)
{
	return fmin(number(object, key), UINT32_MAX);
}

/* What the kernel can hold of keepalive: jiffies, or milliseconds, in an int; and a byte. */
#define KERNEL_SECONDS_MAX (INT32_MAX / 1000)
#define KERNEL_PROBES_MAX UINT8_MAX

static double kernel_seconds(const json_t *object, const char *key)
{
	return fmin(number(object, key), KERNEL_SECONDS_MAX);
}

static uint32_t kernel_probes(const json_t *object)
{
	return fmin(number(object, "probes"), KERNEL_PROBES_MAX);
}

static bool truth(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

static uint32_t word(struct reader *r, const json_t *object, const char *key)
{
	return texts__of(&r->lives->texts, text(object, key));
}

bool timelines__time(const char *from, double *seconds)
{
	struct rfc3339_time time;

	if (!rfc3339__parse(from, &time))
		return false;
	*seconds = time.s + time.ns / 1e9;
	return true;
}

/* Absent or null is 0. */
static bool time_at(struct reader *r, const json_t *object, const char *key, double *seconds)
{
	const char *value = text(object, key);

	*seconds = 0;
	return !*value || timelines__time(value, seconds) ||
	       wrong(r, key, "a time like 2026-11-21T03:13:34.945356496Z, from 1970 to 2261");
}

/* ---- parts of a timeline ---- */

static bool read_end(const json_t *object, struct endpoint *e, uint8_t *family)
{
	const char *address = text(object, "address");

	e->port = whole(object, "port");
	if (inet_pton(AF_INET, address, e->address) == 1) {
		*family = AF_INET;
		return true;
	}
	*family = AF_INET6;
	return inet_pton(AF_INET6, address, e->address) == 1;
}

/* Names and host names are left aside: anybody may take any host name, and `ip netns` gives a name
 * to one namespace after another. */
static bool read_place(struct reader *r, const json_t *line, const json_t *netns,
		       struct life_place *place)
{
	const char *cookie = text(netns, "cookie");

	*place = (struct life_place){ .gateway = word(r, line, "gateway"),
				      .boot = word(r, line, "boot_id") };
	place->inode = whole(netns, "inode");
	if (*cookie && !quantity__number(cookie, 0, UINT64_MAX, &place->cookie))
		return wrong(r, "netns.cookie", "a string of digits");
	if (!place->cookie)
		place->run = word(r, line, "run_id");
	return true;
}

static bool read_socket(struct reader *r, const json_t *line, const json_t *socket,
			struct life *life)
{
	const json_t *netns = json_object_get(socket, "netns");
	const char *cookie = text(socket, "cookie");
	char *end;
	uint8_t family;

	life->cookie = strtoull(cookie, &end, 10);
	if (!*cookie || *end)
		return wrong(r, "socket.cookie", "a string of digits");
	life->connection = whole(socket, "connection");
	if (!json_is_integer(json_object_get(netns, "inode")))
		return wrong(r, "socket.netns.inode", "a number");
	if (!read_place(r, line, netns, &life->place))
		return false;
	life->netns_name = word(r, netns, "name");
	life->host_name = word(r, netns, "host_name");
	read_end(json_object_get(socket, "local"), &life->local, &family);
	life->has_peer = read_end(json_object_get(socket, "peer"), &life->peer, &life->family);
	if (!life->has_peer)
		life->disguised_peer = word(r, json_object_get(socket, "peer"), "address");
	life->program = word(r, json_object_get(socket, "owner"), "comm");
	life->in_container = *text(json_object_get(socket, "owner"), "container_id");
	life->in_pod = strstr(text(json_object_get(socket, "owner"), "cgroup"), "kubepods");
	life->device = word(r, socket, "device");
	return true;
}

static void read_keepalive(const json_t *k, struct life *life)
{
	const json_t *from = json_object_get(k, "from");

	life->options_known = json_is_object(k);
	life->keepalive = truth(k, "enabled");
	life->idle_s = kernel_seconds(k, "idle_s");
	life->interval_s = kernel_seconds(k, "interval_s");
	life->probes = kernel_probes(k);
	life->user_timeout_s = fmin(number(k, "user_timeout_ms"), INT32_MAX) / 1000;
	life->rto_max_s = life->unacknowledged.rto_max_s =
		fmin(number(k, "rto_max_ms"), INT32_MAX) / 1000;
	life->idle_from_socket = strcmp(text(from, "idle"), "sysctl");
	life->interval_from_socket = strcmp(text(from, "interval"), "sysctl");
	life->probes_from_socket = strcmp(text(from, "probes"), "sysctl");
}

/* When was the data that nobody acknowledged sent first, and when again by the timer? A loss probe
 * that goes before has the same number as the timer's first. */
static bool read_unacknowledged(struct reader *r, const json_t *line, const json_t *half_open,
				struct life *life)
{
	const json_t *event;
	double heard, first, seen, again[3] = { 0 }, at;
	bool missed_first = false;
	uint32_t n;
	size_t i;

	if (!time_at(r, half_open, "last_heard_at", &heard) ||
	    !time_at(r, line, "first_seen_at", &seen) ||
	    !time_at(r, half_open, "first_unanswered_at", &first))
		return false;
	life->begun_unseen = truth(line, "partial") && first && first < seen;
	json_array_foreach(json_object_get(line, "events"), i, event) {
		n = whole(event, "n");
		if (strcmp(text(event, "event"), "retransmit") || n < 1)
			continue;
		missed_first |= n > 1 && !again[1];
		if (n > 2)
			continue;
		if (!time_at(r, event, "at", &at))
			return false;
		if (first && at >= first)
			again[n] = at;
	}
	/* The watch began in the midst of its retransmissions: nor is known when the first left. */
	life->begun_unseen |= truth(line, "partial") && missed_first;
	life->unacknowledged = (struct unacknowledged){
		.before_s = first > heard ? first - heard : 0,
		.first_s = again[1] > first ? again[1] - first : RTO_ASSUMED_S };
	life->unacknowledged.rto_s = again[2] > again[1] ? (again[2] - again[1]) / 2
						 : life->unacknowledged.first_s;
	return true;
}

static bool read_outcome(struct reader *r, const json_t *line, struct life *life)
{
	const json_t *half_open = json_object_get(line, "half_open");
	const json_t *latency = json_object_get(half_open, "latency_ms");
	const char *name = text(line, "outcome");
	unsigned int i;

	for (i = 0; i <= OUTCOME_UNKNOWN && strcmp(name, outcome__name(i)); i++)
		;
	if (i > OUTCOME_UNKNOWN && strcmp(name, "killed"))
		return wrong(r, "outcome", "one of docs/schema/timeline.json");
	life->outcome = i > OUTCOME_UNKNOWN ? OUTCOME_ABORTED_LOCALLY : i;
	if (!half_open)
		return true;
	name = text(half_open, "found_by");
	for (i = 1; i < FOUND_BY_COUNT; i++)
		if (!strcmp(name, found_by__name(i)))
			life->found_by = i;
	life->latency_max_s = number(latency, "max") / 1000;
	return read_unacknowledged(r, line, half_open, life);
}

/* What the peer sent, without its heartbeats. */
static void read_reports(const json_t *line, struct life *life)
{
	const json_t *traffic = json_object_get(line, "traffic");
	const json_t *heartbeat = json_object_get(line, "heartbeat");
	double beats = life->heartbeats;

	life->reports =
		(struct reports){ .over_s = number(traffic, "over_s"),
				  .bytes = fmax(0, number(traffic, "received_bytes") -
							   beats * number(heartbeat, "bytes")),
				  .segments =
					  fmax(0, number(traffic, "received_segments") - beats) };
}

static void read_gaps(const json_t *gaps, struct life *life)
{
	const json_t *survived = json_object_get(gaps, "survived");
	const json_t *lost = json_object_get(gaps, "lost"), *gap;
	size_t i;

	json_array_foreach(survived, i, gap) {
		if (life->gap_count == GAPS_KEPT)
			break;
		life->gaps[life->gap_count++] = (struct life_gap){
			.from_s = number(gap, "from_s"), .to_s = number(gap, "to_s"),
			.count = whole(gap, "count"),
			.ended_by_us = !strcmp(text(gap, "ended_by"), "us") };
	}
	life->lost = json_is_object(lost) && !life->begun_unseen;
	life->lost_after_s = number(lost, "after_s");
	life->lost_within_s = number(lost, "within_s");
}

/* Since when did nothing but answered probes pass, before the last silence? Where nothing else was
 * told, since it began. */
static bool read_probing(struct reader *r, const json_t *line, struct life *life)
{
	const json_t *event;
	double began = truth(line, "partial") ? 0 : life->seen_s, lost, run;
	size_t i;

	if (!time_at(r, json_object_get(line, "half_open"), "first_unanswered_at", &lost))
		return false;
	json_array_foreach(json_object_get(line, "events"), i, event) {
		if (strcmp(text(event, "event"), "answered_run"))
			continue;
		if (!time_at(r, event, "first_at", &run))
			return false;
		began = run - life->idle_s;
	}
	life->probed_for_s = lost && began && lost > began ? lost - began : 0;
	return true;
}

/* What is known of a silence beside its length: its device was back, an RST came unasked. */
static bool read_causes(struct reader *r, const json_t *line, struct life *life)
{
	const json_t *half_open = json_object_get(line, "half_open");
	double back;

	if (!time_at(r, line, "last_heard_at", &life->heard_s) ||
	    !time_at(r, json_object_get(half_open, "superseded_by"), "at", &back))
		return false;
	if (back && life->heard_s && back > life->heard_s)
		life->back_after_s = back - life->heard_s;
	if (life->outcome == OUTCOME_RESET_BY_PEER && !half_open && life->heard_s &&
	    !*text(line, "half_closed_at") && life->ended_s > life->heard_s)
		life->reset_after_s = life->ended_s - life->heard_s;
	return true;
}

/* The monotonic instant of what happened `at`, if its event was kept; 0: not known. */
static double monotonic_at(const json_t *events, const char *at)
{
	const json_t *event;
	uint64_t ns;
	size_t i;

	json_array_foreach(events, i, event)
		if (!strcmp(text(event, "at"), at) &&
		    quantity__number(text(event, "mono_ns"), 1, UINT64_MAX, &ns))
			return ns / 1e9;
	return 0;
}

/* The clock may have been stepped within one: its events tell. */
static bool read_mute(struct reader *r, const json_t *episode, const json_t *events,
		      const struct life *life, struct life_mute *mute)
{
	double first, end, from = monotonic_at(events, text(episode, "first_unanswered_at")),
			   to = monotonic_at(events, text(episode, "ended_at"));
	bool trusted = from && to;

	if (!time_at(r, episode, "first_unanswered_at", &first) ||
	    !time_at(r, episode, "ended_at", &end))
		return false;
	*mute = mutes__of_episode(text(episode, "kind"), trusted ? to - from : end - first,
				  whole(episode, "asks"), life->interval_s, trusted);
	return true;
}

/* The longest are kept. */
static void keep_mute(struct life *life, const struct life_mute *mute)
{
	unsigned int i, shortest = 0;

	if (life->mute_count < LIFE_MUTES_KEPT) {
		life->mutes[life->mute_count++] = *mute;
		return;
	}
	for (i = 1; i < LIFE_MUTES_KEPT; i++)
		if (life->mutes[i].low_s < life->mutes[shortest].low_s)
			shortest = i;
	if (life->mutes[shortest].low_s < mute->low_s)
		life->mutes[shortest] = *mute;
}

/* What was sent and not answered, but for the silence that was not over. Where there are many
 * episodes, not all are told. */
static uint32_t count_lost(const json_t *line, uint32_t in_episodes, uint32_t in_last)
{
	const json_t *counts = json_object_get(line, "counts");
	uint32_t sent = whole(counts, "probes_sent");
	uint32_t seen = whole(counts, "probes_answered") + in_last;

	if (!json_object_get(counts, "probes_answered") || whole(counts, "events_lost"))
		return in_episodes;
	return sent > seen && sent - seen > in_episodes ? sent - seen : in_episodes;
}

static bool read_episodes(struct reader *r, const json_t *line, struct life *life)
{
	const json_t *episode, *events = json_object_get(line, "events");
	struct life_mute mute;
	uint32_t asks, in_last = 0;
	size_t i;

	json_array_foreach(json_object_get(line, "episodes"), i, episode) {
		if (strcmp(text(episode, "end"), "recovered")) {
			in_last = whole(episode, "asks");
			continue;
		}
		if (!read_mute(r, episode, events, life, &mute))
			return false;
		keep_mute(life, &mute);
		asks = whole(episode, "asks");
		if (!strcmp(text(episode, "kind"), "keepalive") && asks > 1)
			life->probes_lost += asks - 1;
	}
	life->probes_lost = count_lost(line, life->probes_lost, fmax(1, in_last));
	return true;
}

static bool read_timeline(struct reader *r, const json_t *line)
{
	const json_t *socket = json_object_get(line, "socket"), *counts, *heartbeat;
	struct life life = { .revision = whole(line, "revision"), .final = truth(line, "final") };
	struct life_run *run;
	double heard;

	if (!json_is_object(socket))
		return wrong(r, "socket", "an object");
	life.boot = word(r, line, "boot_id");
	life.run = word(r, line, "run_id");
	if (!life.boot || !life.run)
		return wrong(r, life.boot ? "run_id" : "boot_id", "a string");
	if (!read_socket(r, line, socket, &life) || !read_outcome(r, line, &life) ||
	    !time_at(r, line, "first_seen_at", &life.seen_s) ||
	    !time_at(r, line, "ended_at", &life.ended_s) ||
	    !time_at(r, line, "last_heard_at", &heard) || !read_causes(r, line, &life))
		return false;
	read_keepalive(json_object_get(line, "keepalive"), &life);
	if (!read_episodes(r, line, &life) || !read_probing(r, line, &life))
		return false;
	if (!life.final)	/* it was open then, whenever that was */
		life.ended_s = heard > life.seen_s ? heard : life.seen_s;
	read_gaps(json_object_get(line, "gaps"), &life);
	life.slowest_answer_s = number(json_object_get(line, "rtt_us"), "max") / 1e6;
	counts = json_object_get(line, "counts");
	life.probes_sent = whole(counts, "probes_sent");
	life.peer_probes = whole(counts, "peer_probes");
	life.heartbeats = whole(counts, "heartbeats");
	heartbeat = json_object_get(line, "heartbeat");
	life.heartbeat_s = number(heartbeat, "period_s");
	read_reports(line, &life);
	run = lives__run(r->lives, life.run);
	r->short_of_memory |= !run || !lives__add(r->lives, &life);
	if (run && life.ended_s > run->ended_s)
		run->ended_s = life.ended_s;
	return true;
}

/* "5.14.0-70": from 5.14 on (SO_NETNS_COOKIE). */
static bool tells_cookies(const char *kernel)
{
	unsigned int major, minor;

	return sscanf(kernel, "%4u.%4u", &major, &minor) == 2 &&
	       (major > 5 || (major == 5 && minor >= 14));
}

static bool read_meta(struct reader *r, const json_t *line)
{
	const json_t *all = json_object_get(line, "sysctl"), *one;
	uint32_t run_id = word(r, line, "run_id"), gateway = word(r, line, "gateway");
	struct life_run *run = run_id ? lives__run(r->lives, run_id) : NULL;
	size_t i;

	if (!run)
		return wrong(r, "run_id", "a string");
	run->gateway = gateway;
	run->all = truth(line, "all");
	run->cookies_known = tells_cookies(text(line, "kernel"));
	run->hz = whole(line, "hz");
	if (!time_at(r, line, "started_at", &run->started_s))
		return false;
	json_array_foreach(all, i, one) {
		const json_t *netns = json_object_get(one, "netns");
		struct life_namespace ns = {
			.run = run_id, .name = word(r, netns, "name"),
			.idle_s = kernel_seconds(one, "idle_s"),
			.interval_s = kernel_seconds(one, "interval_s"), .probes = kernel_probes(one),
		};

		if (!read_place(r, line, netns, &ns.place))
			return false;
		r->short_of_memory |= !lives__add_namespace(r->lives, &ns);
	}
	return true;
}

static bool read_line(struct reader *r, const char *line, size_t length)
{
	json_error_t error;
	json_t *object = json_loadb(line, length, 0, &error);
	const char *schema = text(object, "schema");
	bool ok = true;

	if (!object) {
		snprintf(r->problem->text, sizeof(r->problem->text),
			 "line %lu, column %d: expected a line of halfopen's JSON: %s", r->line,
			 error.column, error.text);
		return false;
	}
	if (!strcmp(schema, "halfopen.timeline/1"))
		ok = read_timeline(r, object);
	else if (!strcmp(schema, "halfopen.meta/1"))
		ok = read_meta(r, object);
	else if (!strcmp(schema, "halfopen.loss/1")) {
		struct life_run *run = lives__run(r->lives, word(r, object, "run_id"));

		if (run)
			run->events_lost += whole(object, "count");
	} else if (strncmp(schema, "halfopen.", 9))
		ok = wrong(r, "schema", "one of halfopen's (halfopen.timeline/1, ...)");
	json_decref(object);
	return ok;
}

/* ---- lines ---- */

int timelines__read(int fd, struct lives *lives, struct timelines_problem *problem)
{
	struct reader r = { .lives = lives, .problem = problem };
	size_t size = 1 << 16, used = 0, start;
	char *buffer = malloc(size), *end;
	struct input input;
	ssize_t n = 0;
	int err = input__open(&input, fd);

	*problem = (struct timelines_problem){ 0 };
	if (!buffer)
		err = -ENOMEM;
	while (!err) {
		n = input__read(&input, buffer + used, size - used);
		if (n <= 0)
			break;
		used += n;
		for (start = 0; !err && (end = memchr(buffer + start, '\n', used - start));
		     start = end + 1 - buffer) {
			r.line++;
			if (!read_line(&r, buffer + start, end - buffer - start))
				err = -EBADMSG;
			else if (r.short_of_memory)
				err = -ENOMEM;
		}
		memmove(buffer, buffer + start, used - start);
		used -= start;
		if (used == size && size < LINE_MAX_BYTES) {
			char *bigger = realloc(buffer, size *= 2);

			if (bigger)
				buffer = bigger;
			else
				err = -ENOMEM;
		} else if (used == size) {
			r.line++;
			wrong(&r, "the line", "no more than 16 MiB");
			err = -EBADMSG;
		}
	}
	if (!err && n < 0)
		err = n;
	if (!err && !r.line && used) {	/* one line without an end, or no such file at all */
		r.line++;
		err = read_line(&r, buffer, used) ? 0 : -EBADMSG;
	} else if (!err && (used || input.damaged || input.within_piece)) {
		problem->is_cut = true;
		snprintf(problem->text, sizeof(problem->text),
			 "%s in line %lu: what comes before is taken",
			 input.damaged ? "damaged" : "it is cut off", r.line + 1);
	}
	input__close(&input);
	free(buffer);
	return err;
}
