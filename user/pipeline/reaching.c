// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <math.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "act/asker.h"
#include "pipeline/left_changed.h"
#include "pipeline/look_value.h"
#include "pipeline/reaching.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/reason.h"
#include "value/array.h"
#include "value/quantity.h"

#define NS_PER_S 1000000000ULL

struct run {
	struct reaching *r;
	const struct reaching_config *config;
	struct asker *asker;
	uint64_t now_ns;	/* all have been looked at: on a busy host that takes a while */
};

/* ---- whose connection it is ---- */

static bool is_peer(const struct reach_target *t, const struct ho_event *e)
{
	struct endpoint peer = endpoint__of(e->peer, e->peer_port);

	peer = endpoint__mapped(&peer, e->family);
	return !memcmp(peer.address, t->peer.address, sizeof(peer.address)) &&
	       (!t->peer.port || t->peer.port == peer.port);
}

/* An interface has its name in its own namespace alone. */
static uint32_t index_of(const char *name, const struct look_netns *ns)
{
	int back = ns ? netns__enter(&ns->netns) : -ENOENT;
	uint32_t index;

	if (back < 0)
		return 0;
	index = if_nametoindex(name);
	netns__leave(back);
	return index;
}

/* A socket with a link-local peer is bound to the link. */
static bool is_on_link(const struct reach_target *t, const struct look *l,
		       const struct look_socket *s)
{
	uint64_t index;

	if (!*t->link)
		return true;
	if (!quantity__number(t->link, 1, UINT32_MAX, &index))
		index = index_of(t->link, look__netns(l, s));
	return index && index == s->row.event.bound_if;
}

static bool is_of(const struct reach_target *t, const struct look *l, const struct look_socket *s)
{
	const char *device;

	if (!t->is_device)
		return is_peer(t, &s->row.event) && is_on_link(t, l, s);
	device = look__device(l, s);
	return device && !strcmp(device, t->text);
}

static struct reach_row *add_row(struct reaching *r, unsigned int target)
{
	struct reach_row *bigger;

	bigger = array__with_room(r->rows, r->count, &r->size, sizeof(*bigger));
	if (!bigger)
		return NULL;
	r->rows = bigger;
	r->rows[r->count] = (struct reach_row){ .target = target };
	return &r->rows[r->count++];
}

/* A look's `take`. */
static bool keep_wanted(void *context, struct look *l, const struct look_socket *s)
{
	struct run *run = context;
	const struct reaching_config *c = run->config;
	struct reach_row *row;
	unsigned int i;

	for (i = 0; i < c->target_count; i++) {
		if (!is_of(&c->targets[i], l, s))
			continue;
		row = add_row(run->r, i);
		if (!row)
			return false;
		row->socket = *s;
	}
	return true;
}

/* ---- before it is asked ---- */

/* How long ago the socket was read. It was silent before by the kernel's own clock: should ours
 * not be the same, a peer is taken for older than it is, and asked, but never for younger. */
static double since_s(const struct run *run, const struct ho_event *e)
{
	return run->now_ns > e->mono_ns ? (run->now_ns - e->mono_ns) / 1e9 : 0;
}

static void fill(struct run *run, struct reach_row *row)
{
	const struct look *l = &run->r->look;
	const struct history_socket of = look__as_of_history(l, &row->socket);
	struct socket_now now = look__value(l, &row->socket);
	struct reach_result *result = &row->result;

	*result = (struct reach_result){
		.target = run->config->targets[row->target].text, .has_socket = true,
		.socket = now.socket, .answer = REACH_UNKNOWN, .why = "",
		.last_heard_at = now.last_heard_at,
		.last_heard_is_lower_bound = now.last_heard_is_lower_bound,
		.heard_s = now.silent_s + since_s(run, &row->socket.row.event),
		.window_closed = row->socket.row.event.flags & HO_F_ZERO_WINDOW,
		.unsent_bytes = row->socket.row.event.unsent };
	result->probability_before = history__chance(run->config->history, &of, NULL,
						     &result->probability_why);
	result->probability = result->probability_before;
}

static bool add_absent(struct run *run, unsigned int target)
{
	struct reach_row *row = add_row(run->r, target);

	if (!row)
		return false;
	row->result = (struct reach_result){
		.target = run->config->targets[target].text, .answer = REACH_UNKNOWN,
		.why = "no such connection", .probability = NAN, .probability_before = NAN,
		.probability_why = "there is no such connection" };
	return true;
}

static int by_target(const void *a, const void *b)
{
	const struct reach_row *x = a, *y = b;

	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	return x->result.heard_s < y->result.heard_s ? -1 : x->result.heard_s > y->result.heard_s;
}

static bool prepare(struct run *run)
{
	struct reaching *r = run->r;
	size_t found = r->count, i;
	unsigned int t;

	run->now_ns = clock__mono_ns();
	for (i = 0; i < found; i++)
		fill(run, &r->rows[i]);
	for (t = 0; t < run->config->target_count; t++) {
		for (i = 0; i < found && r->rows[i].target != t; i++)
			;
		if (i == found && !add_absent(run, t))
			return false;
	}
	qsort(r->rows, r->count, sizeof(*r->rows), by_target);
	return true;
}

/* ---- asking ---- */

static void set_known(struct reach_result *result, double probability)
{
	if (!isnan(result->probability_before))
		result->probability = probability;
}

static void set_unanswered(struct run *run, struct reach_row *row)
{
	struct reach_result *result = &row->result;
	const struct history_asks asks = { result->asks ?: 1, result->within_s };
	const struct history_socket of = look__as_of_history(&run->r->look, &row->socket);
	const char *why;
	double chance;

	result->answer = REACH_SILENT;
	if (result->answer_dropped)	/* its silence says nothing */
		return;
	chance = result->reset ? 0
			       : history__chance(run->config->history, &of, &asks, &why);
	set_known(result, chance);
}

static void take(struct run *run, const struct asker_result *a)
{
	static const char *const reuseaddr[] = { "SO_REUSEADDR" };
	struct reach_row *row = &run->r->rows[a->tag];
	struct reach_result *result = &row->result;

	result->was_asked = a->outcome != ASKER_NOT_ASKED;
	result->asks = a->asks;
	result->rtt_us = a->rtt_us;
	result->within_s = run->config->within_ns / 1e9;
	result->reset = a->outcome == ASKER_RESET;
	result->answer_dropped = a->outcome == ASKER_UNANSWERED && a->answer_dropped;
	result->left_changed = reuseaddr;
	result->left_changed_count = a->lost_reuseaddr;
	if (a->lost_reuseaddr)
		left_changed__say(&result->socket, *reuseaddr);
	switch (a->outcome) {
	case ASKER_ANSWERED:
		result->answer = REACH_REACHABLE;
		set_known(result, 1);
		break;
	case ASKER_UNANSWERED:
	case ASKER_RESET:
		set_unanswered(run, row);
		break;
	case ASKER_ENDED:
		result->why = "it was closed before there was an answer";
		break;
	case ASKER_NOT_ASKED:
	case ASKER_NOT_SEEN:
		result->why = askable__why(askable__by_row(a->why, &row->socket.row));
		break;
	case ASKER_INTERRUPTED:
		result->why = "interrupted before there was an answer";
		break;
	}
}

/* What arrived without being accepted may be a probe of the peer's own, or a stranger's who knows its
 * address and no sequence number: then it is asked. */
static bool is_fresh(const struct run *run, const struct reach_result *result)
{
	return !result->last_heard_is_lower_bound &&
	       result->heard_s * NS_PER_S < run->config->fresh_ns;
}

/* Both ends are: whoever has closed takes no command. */
static bool is_open(enum askable a)
{
	return a != ASKABLE_NOT_ESTABLISHED && a != ASKABLE_NO_PROGRAM;
}

/* The row before this one that has the same socket: a device, and its address. */
static size_t first_of_socket(const struct run *run, size_t i)
{
	uint64_t cookie = run->r->rows[i].socket.row.event.cookie;
	size_t first;

	for (first = 0; first < i; first++)
		if (run->r->rows[first].result.has_socket &&
		    run->r->rows[first].socket.row.event.cookie == cookie)
			break;
	return first;
}

static bool is_asked_already(const struct run *run, size_t i)
{
	return first_of_socket(run, i) < i;
}

/* Gives each such row what the first one has. */
static void share_results(struct run *run)
{
	size_t i, first;

	for (i = 0; i < run->r->count; i++) {
		struct reach_row *row = &run->r->rows[i];
		const char *target = row->result.target;

		first = row->result.has_socket ? first_of_socket(run, i) : i;
		if (first == i)
			continue;
		row->result = run->r->rows[first].result;
		row->result.target = target;
	}
}

static int open_asker(struct run *run)
{
	const struct asker_config config = { .within_ns = run->config->within_ns,
					     .asks = run->config->asks };

	return run->asker ? 0 : asker__open(&config, &run->asker);
}

static int ask(struct run *run, size_t i)
{
	struct reach_row *row = &run->r->rows[i];
	enum askable refused;
	int err;

	if (!row->result.has_socket || is_asked_already(run, i))
		return 0;
	refused = askable__of(&row->socket.row.event);
	if (is_open(refused) && is_fresh(run, &row->result)) {
		row->result.answer = REACH_REACHABLE;	/* likely is it as it was before */
		return 0;
	}
	row->result.why = askable__why(refused);
	if (refused)
		return 0;
	err = open_asker(run);
	return err ? err : asker__ask(run->asker, row->socket.row.event.cookie, i);
}

/* Until an answer arrives, or somebody's time is over. Returns whether to end. */
static bool wait(const struct run *run)
{
	struct pollfd fds[] = { { .fd = run->config->end, .events = POLLIN },
				{ .fd = asker__fd(run->asker), .events = POLLIN } };
	uint64_t due_ns = asker__due_ns(run->asker), now_ns = clock__mono_ns();
	uint64_t left_ns = due_ns > now_ns ? due_ns - now_ns : 0;
	struct timespec timeout = { left_ns / NS_PER_S, left_ns % NS_PER_S };

	ppoll(fds, 2, &timeout, NULL);
	return fds[0].revents;
}

static void take_results(struct run *run)
{
	struct asker_result result;
	bool to_end = false;

	while (run->asker && asker__outstanding(run->asker)) {
		if (to_end)
			asker__give_up(run->asker);
		while (asker__take(run->asker, &result))
			take(run, &result);
		if (asker__outstanding(run->asker))
			to_end = wait(run);
	}
}

static int ask_all(struct run *run)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < run->r->count; i++)
		err = ask(run, i);
	if (!err)
		take_results(run);
	share_results(run);
	return err;
}

/* ---- the whole ---- */

int reaching__run(struct reaching *r, const struct reaching_config *config)
{
	struct run run = { .r = r, .config = config };
	const struct look_config look = { .filter = config->filter, .devices = config->devices,
					  .take = keep_wanted, .timers = true,
					  .context = &run };
	int err;

	*r = (struct reaching){ .count = 0 };
	err = look__take(&r->look, &look);
	if (err)
		return err;
	if (!prepare(&run)) {
		log_error("%s", reason__of(ENOMEM));
		return -ENOMEM;
	}
	err = ask_all(&run);
	asker__close(run.asker);
	return err;
}

void reaching__free(struct reaching *r)
{
	look__free(&r->look);
	free(r->rows);
	*r = (struct reaching){ .count = 0 };
}

static enum reach_answer answer_of(const struct reaching *r, unsigned int target)
{
	bool unknown = false;
	size_t i;

	for (i = 0; i < r->count; i++) {
		if (r->rows[i].target != target)
			continue;
		if (r->rows[i].result.answer == REACH_REACHABLE)
			return REACH_REACHABLE;
		unknown |= r->rows[i].result.answer == REACH_UNKNOWN;
	}
	return unknown ? REACH_UNKNOWN : REACH_SILENT;
}

enum reach_answer reaching__answer(const struct reaching *r)
{
	enum reach_answer all = REACH_REACHABLE, one;
	size_t i;

	for (i = 0; i < r->count; i++) {
		one = answer_of(r, r->rows[i].target);
		if (one == REACH_SILENT)
			return REACH_SILENT;
		if (one == REACH_UNKNOWN)
			all = REACH_UNKNOWN;
	}
	return all;
}
