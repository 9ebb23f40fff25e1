// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "act/asker.h"
#include "pipeline/left_changed.h"
#include "pipeline/look_value.h"
#include "pipeline/probing.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/progress.h"
#include "sys/reason.h"
#include "tcp/stamps.h"
#include "tuning/sampled_count.h"
#include "value/words.h"

#define NS_PER_S 1000000000ULL
/* Whoever was held up does not make up for more than this at once. */
#define LATE_NS 10000000ULL
/* Asked and unanswered at one time: the kernel side has room for twice as many. */
#define OUTSTANDING_MAX 65536
/* Half a second by default, and some time for a segment that is late. */
#define RATELIMIT_NS 600000000ULL

/* Its result comes by then, where this host is busy. */
#define IN_TIME_NS 250000000ULL

/* What came of one that was drawn. */
struct asked {
	uint64_t at_ns;		/* asked first */
	bool has_result, reset, dropped;
	enum probe_answer result;
	uint64_t result_ns;	/* whoever is heard afterwards is alive */
};

/* One run. */
struct run {
	struct probing *probing;
	const struct probing_config *config;
	struct asker *asker;
	uint32_t *drawn;	/* indices into the look, in the order in which they are asked */
	struct asked *asked;	/* each drawn one, in the same order */
	size_t count, next;	/* drawn, and asked so far */
	uint64_t began_ns, next_ns, interrupted_ns;
	uint64_t drawn_ns;	/* who was opened later is not among the drawn */
	int err;
};

/* The wall clock may be set meanwhile. */
static int64_t wall_of(uint64_t mono_ns)
{
	return mono_ns + clock__realtime_offset_ns();
}

/* ---- whom ---- */

/* Below `n`; splitmix64 (Steele, Lea, Flood 2014). The bias is below n / 2^64. */
static uint64_t below(uint64_t *state, uint64_t n)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) % n;
}

/* A random sample without replacement, in random order: so whoever was asked until some instant is
 * one, too, and peers behind one address are asked far apart. */
static bool draw(struct run *r)
{
	size_t total = r->probing->look.count, i, at;
	uint64_t state;
	uint32_t other;

	r->count = ceil(total * r->config->share);
	if (r->count > total)
		r->count = total;
	r->drawn = calloc(total + 1, sizeof(*r->drawn));
	r->asked = calloc(r->count + 1, sizeof(*r->asked));
	if (!r->drawn || !r->asked ||
	    getrandom(&state, sizeof(state), 0) != sizeof(state))
		return false;
	for (i = 0; i < total; i++)
		r->drawn[i] = i;
	for (i = 0; i < r->count; i++) {
		at = i + below(&state, total - i);
		other = r->drawn[i];
		r->drawn[i] = r->drawn[at];
		r->drawn[at] = other;
	}
	return true;
}

static const struct look_socket *socket_of(const struct run *r, size_t i)
{
	return &r->probing->look.sockets[r->drawn[i]];
}

/* ---- what is said ---- */

/* A living Linux peer answers such asks at most twice a second (tcp_invalid_ratelimit): where its
 * answer was lost, the next one goes unanswered, too. */
static bool asks_are_close(const struct probing_config *c)
{
	return c->asks > 1 && c->within_ns / c->asks < RATELIMIT_NS;
}

/* What would make a living peer look dead. */
static void warn_of_losses(const struct probing_config *c)
{
	if (c->asks <= 1)
		log_warning("asked once: a peer whose answer is lost looks dead (--asks 2)");
	if (!asks_are_close(c))
		return;
	log_warning("asks less than 0.6s apart: one lost answer makes a peer look dead, as");
	log_warning("Linux answers two a second (tcp_invalid_ratelimit): try --within %gs",
		    c->asks * (double)RATELIMIT_NS / NS_PER_S);
}

static void announce(const struct run *r)
{
	const struct probing_config *c = r->config;
	struct words w = { 0 };

	words__add_counted(&w, r->count, "socket");
	if (r->count < r->probing->look.count) {
		words__append(&w, " of ", 4);
		words__add_count(&w, r->probing->look.count);
	}
	words__add(&w, " to be asked, ");
	words__add_count(&w, c->rate);
	words__add(&w, " a second, within ");
	words__add_duration(&w, (double)r->count / c->rate + c->within_ns / 1e9);
	if (!w.failed)
		log_info("%s", w.text);
	words__free(&w);
	if (c->asks > 1)
		log_info("asked up to %u times, as long as there is no answer, %gs apart", c->asks,
			 (double)c->within_ns / NS_PER_S / c->asks);
	warn_of_losses(c);
	log_info("nothing stays changed (SO_REUSEADDR, which an ask clears, is put back)");
	log_info("a peer that forgot its connection resets it: its program is told");
}

static void show_progress(struct run *r)
{
	const struct probe_summary *s = &r->probing->summary;

	if (!progress__is_due())
		return;
	progress__show("%zu of %zu asked: %llu answered, %llu unanswered, %llu unknown, "
		       "%u waited for",
		       r->next, r->count, (unsigned long long)s->answered,
		       (unsigned long long)s->unanswered, (unsigned long long)s->unknown,
		       asker__outstanding(r->asker));
}

/* ---- results ---- */

static void count_reason(struct probing *p, const char *why)
{
	struct probe_summary *s = &p->summary;
	unsigned int i;

	for (i = 0; i < s->reason_count; i++)
		if (!strcmp(p->reasons[i].why, why))
			break;
	if (i == PROBING_REASONS)
		return;
	if (i == s->reason_count)
		p->reasons[s->reason_count++] = (struct probe_reason){ .why = why };
	p->reasons[i].count++;
}

static void count(struct probing *p, const struct probe_result *r)
{
	struct probe_summary *s = &p->summary;

	s->answered += r->result == PROBE_ANSWERED;
	s->unanswered += r->result == PROBE_UNANSWERED;
	s->unknown += r->result == PROBE_UNKNOWN;
	s->reset += r->reset;
	s->asks += r->asks;
	if (r->result == PROBE_UNKNOWN)
		count_reason(p, r->why);
}

/* `mono_ns`: by when it was found out. */
static void give(struct run *r, size_t i, struct probe_result *result, uint64_t mono_ns)
{
	const struct look_socket *s = socket_of(r, i);
	struct socket_now now = look__value(&r->probing->look, s);

	result->socket = now.socket;
	result->silent_s = now.silent_s;
	result->asked_at = result->asks ? wall_of(r->asked[i].at_ns) : 0;
	result->at = wall_of(mono_ns);
	result->mono_ns = mono_ns;
	r->asked[i].has_result = true;
	r->asked[i].result = result->result;
	r->asked[i].reset = result->reset;
	r->asked[i].dropped = result->answer_dropped;
	r->asked[i].result_ns = mono_ns;
	count(r->probing, result);
	if (!r->err)
		r->err = r->config->take(r->config->context, &r->probing->look, s, result);
}

static void give_unknown(struct run *r, size_t i, const char *why)
{
	struct probe_result result = { .result = PROBE_UNKNOWN, .why = why };

	give(r, i, &result, r->asked[i].at_ns);
}

static void give_asked(struct run *r, const struct asker_result *a, uint64_t mono_ns)
{
	static const char *const reuseaddr[] = { "SO_REUSEADDR" };
	struct probe_result result = {
		.why = "", .rtt_us = a->rtt_us, .asks = a->asks, .reset = a->outcome == ASKER_RESET,
		.answer_dropped = a->outcome == ASKER_UNANSWERED && a->answer_dropped,
		.left_changed = reuseaddr, .left_changed_count = a->lost_reuseaddr };

	switch (a->outcome) {
	case ASKER_ANSWERED:
		result.result = PROBE_ANSWERED;
		break;
	case ASKER_UNANSWERED:
	case ASKER_RESET:
		result.result = PROBE_UNANSWERED;
		break;
	case ASKER_ENDED:
		result.result = PROBE_UNKNOWN;
		result.why = "it was closed before there was an answer";
		break;
	case ASKER_NOT_ASKED:
	case ASKER_NOT_SEEN:
		result.result = PROBE_UNKNOWN;
		result.why = askable__why(
			askable__by_row(a->why, &socket_of(r, a->tag)->row));
		break;
	case ASKER_INTERRUPTED:
		result.result = PROBE_UNKNOWN;
		result.why = "interrupted before there was an answer";
		break;
	}
	r->probing->summary.asked += a->outcome != ASKER_NOT_ASKED;
	r->probing->summary.bytes += a->bytes;
	give(r, a->tag, &result, mono_ns);
	if (a->lost_reuseaddr)
		left_changed__say(&result.socket, *reuseaddr);
}

static void take_results(struct run *r)
{
	struct asker_result result;
	uint64_t now_ns = clock__mono_ns();

	for (; !r->err && asker__take(r->asker, &result); now_ns = clock__mono_ns())
		give_asked(r, &result, now_ns);
}

/* ---- asking ---- */

static void ask(struct run *r, size_t i)
{
	const struct ho_event *e = &socket_of(r, i)->row.event;
	enum askable refused = askable__of(e);

	r->asked[i].at_ns = clock__mono_ns();
	if (refused)
		give_unknown(r, i, askable__why(refused));
	else
		r->err = asker__ask(r->asker, e->cookie, i);
}

static bool may_ask(const struct run *r)
{
	return r->next < r->count && asker__outstanding(r->asker) < OUTSTANDING_MAX;
}

static void ask_who_is_due(struct run *r)
{
	uint64_t now_ns = clock__mono_ns(), apart_ns = NS_PER_S / r->config->rate;

	if (now_ns > r->next_ns + LATE_NS)
		r->next_ns = now_ns - LATE_NS;
	for (; !r->err && may_ask(r) && r->next_ns <= now_ns; r->next_ns += apart_ns)
		ask(r, r->next++);
}

/* Until somebody is due, or an answer arrives. Returns whether to end. */
static bool wait(const struct run *r)
{
	struct pollfd fds[] = { { .fd = r->config->end, .events = POLLIN },
				{ .fd = asker__fd(r->asker), .events = POLLIN } };
	uint64_t until_ns = asker__due_ns(r->asker), now_ns = clock__mono_ns();
	struct timespec timeout;

	if (may_ask(r) && r->next_ns < until_ns)
		until_ns = r->next_ns;
	until_ns = until_ns > now_ns ? until_ns - now_ns : 0;
	if (until_ns > NS_PER_S)
		until_ns = NS_PER_S;
	timeout = (struct timespec){ 0, until_ns };
	if (until_ns == NS_PER_S)
		timeout = (struct timespec){ 1, 0 };
	ppoll(fds, 2, &timeout, NULL);
	return fds[0].revents;
}

/* Whoever was asked, and did not get the time to answer. */
static void give_up(struct run *r)
{
	r->probing->summary.interrupted = true;
	r->interrupted_ns = clock__mono_ns();
	take_results(r);	/* whose time is over */
	asker__give_up(r->asker);
	take_results(r);
	r->count = r->next;
}

static void ask_all(struct run *r)
{
	bool to_end = false;

	progress__begin("probe");
	r->began_ns = r->next_ns = clock__mono_ns();
	while (!r->err && !to_end && (r->next < r->count || asker__outstanding(r->asker))) {
		ask_who_is_due(r);
		take_results(r);
		show_progress(r);
		if (r->next < r->count || asker__outstanding(r->asker))
			to_end = wait(r);
	}
	if (!r->err && to_end)
		give_up(r);
	progress__end();
}

/* ---- who was heard after all ---- */

/* Those that left their asks unanswered. */
struct mute {
	uint64_t cookie;
	size_t drawn;
};

struct last_look {
	struct run *run;
	struct mute *mute;
	size_t count;
};

static int by_cookie(const void *a, const void *b)
{
	const struct mute *x = a, *y = b;

	return x->cookie < y->cookie ? -1 : x->cookie > y->cookie;
}

static bool find_mute(struct last_look *last)
{
	struct run *r = last->run;
	size_t i;

	last->mute = calloc(r->count + 1, sizeof(*last->mute));
	for (i = 0; last->mute && i < r->count; i++) {
		if (!r->asked[i].has_result || r->asked[i].result != PROBE_UNANSWERED ||
		    r->asked[i].reset)
			continue;
		last->mute[last->count++] =
			(struct mute){ socket_of(r, i)->row.event.cookie, i };
	}
	if (last->count)
		qsort(last->mute, last->count, sizeof(*last->mute), by_cookie);
	return last->mute;
}

static bool take_heard(void *context, struct look *l, const struct look_socket *s)
{
	struct mute key = { .cookie = s->row.event.cookie }, *found;
	struct last_look *last = context;
	struct run *r = last->run;

	found = bsearch(&key, last->mute, last->count, sizeof(key), by_cookie);
	if (!found || stamps__arrived_ns(&s->row.event, l->rules.hz) <=
			      r->asked[found->drawn].result_ns)
		return true;
	r->probing->heard_later[r->drawn[found->drawn]] = true;
	r->probing->summary.heard_later++;
	return true;
}

/* Looks once more at whoever did not answer: a long probe may outlast an outage. What fails was logged,
 * and leaves them unanswered. */
static void look_once_more(struct run *r, const struct look_iterators *iterators)
{
	struct last_look last = { .run = r };
	const struct look_config config = { .filter = r->config->filter,
					    .devices = r->config->devices,
					    .iterators = iterators, .take = take_heard,
					    .context = &last };
	struct look look;

	if (find_mute(&last) && last.count) {
		r->probing->heard_later = calloc(r->probing->look.count, sizeof(bool));
		if (r->probing->heard_later) {
			look__take(&look, &config);
			look__free(&look);
		}
	}
	free(last.mute);
}

bool probing__heard_later(const struct probing *p, const struct look_socket *s)
{
	return p->heard_later && p->heard_later[s - p->look.sockets];
}

/* ---- the whole ---- */

static int by_count(const void *a, const void *b)
{
	const struct probe_reason *x = a, *y = b;

	return x->count < y->count ? 1 : x->count > y->count ? -1 : strcmp(x->why, y->why);
}

/* The living answer within milliseconds, and the dead never: of those that an interruption did not
 * leave their time, the answers say nothing of the others. */
static bool had_its_time(const struct run *r, size_t i)
{
	return !r->interrupted_ns ||
	       r->asked[i].at_ns + r->config->within_ns + IN_TIME_NS <= r->interrupted_ns;
}

/* Who was heard after all lives. */
static enum probe_answer found_of(const struct run *r, size_t i)
{
	if (!r->asked[i].has_result)
		return PROBE_UNKNOWN;
	return probing__heard_later(r->probing, socket_of(r, i)) ? PROBE_ANSWERED
								 : r->asked[i].result;
}

/* Those whose answer this host may have dropped are dead as far as is known, and none of them surely. */
static void estimate(struct run *r)
{
	struct probe_summary *s = &r->probing->summary;
	uint64_t found[PROBE_UNKNOWN + 1] = { 0 }, dropped = 0;
	struct sampled_count dead, at_least;
	size_t i;

	for (i = 0; i < r->count; i++)
		s->answers_dropped += r->asked[i].dropped && found_of(r, i) == PROBE_UNANSWERED;
	for (s->judged = 0; s->judged < r->count && had_its_time(r, s->judged); s->judged++) {
		found[found_of(r, s->judged)]++;
		dropped += r->asked[s->judged].dropped &&
			   found_of(r, s->judged) == PROBE_UNANSWERED;
	}
	dead = sampled_count__of(s->matched, s->judged, found[PROBE_UNANSWERED],
				 found[PROBE_UNKNOWN]);
	at_least = sampled_count__of(s->matched, s->judged, found[PROBE_UNANSWERED] - dropped,
				     found[PROBE_UNKNOWN]);
	dead.low = at_least.low;
	dead = sampled_count__certain(dead, s->unanswered - s->heard_later - s->answers_dropped,
				      s->matched - s->answered - s->heard_later);
	s->dead_known = dead.known;
	s->dead = dead.estimate;
	s->dead_low = dead.low;
	s->dead_high = dead.high;
}

static void sum_up(struct run *r)
{
	struct probe_summary *s = &r->probing->summary;

	s->matched = r->probing->look.count;
	s->drawn = r->count;
	s->within_s = r->config->within_ns / 1e9;
	s->asks_each = r->config->asks;
	s->asks_are_close = asks_are_close(r->config);
	estimate(r);
	s->filter = r->config->filter_text;
	s->drawn_mono_ns = r->drawn_ns;
	s->drawn_at = wall_of(r->drawn_ns);
	s->mono_ns = clock__mono_ns();
	s->at = wall_of(s->mono_ns);
	s->reasons = r->probing->reasons;
	qsort(r->probing->reasons, s->reason_count, sizeof(*s->reasons), by_count);
}

static int run(struct run *r, const struct look_iterators *iterators)
{
	const struct look_config config = { .filter = r->config->filter,
					    .devices = r->config->devices,
					    .iterators = iterators, .with_listeners = true };
	int err;

	r->drawn_ns = clock__mono_ns();
	err = look__take(&r->probing->look, &config);
	if (err)
		return err;
	if (!draw(r)) {
		log_error("%s", reason__of(ENOMEM));
		return -ENOMEM;
	}
	if (r->count)
		announce(r);
	ask_all(r);
	r->probing->summary.seconds = (clock__mono_ns() - r->began_ns) / 1e9;
	if (!r->err)
		look_once_more(r, iterators);
	if (!r->err)
		sum_up(r);
	return r->err;
}

int probing__run(struct probing *p, const struct probing_config *config)
{
	const struct asker_config asker = { .within_ns = config->within_ns, .asks = config->asks };
	struct run r = { .probing = p, .config = config };
	struct look_iterators iterators = { .snapshot = NULL };
	int err;

	*p = (struct probing){ 0 };
	/* first: its guard is a copy of this process, which is small as yet */
	err = asker__open(&asker, &r.asker);
	if (!err)
		err = look_iterators__load(&iterators);
	if (!err)
		err = run(&r, &iterators);
	look_iterators__unload(&iterators);
	asker__close(r.asker);
	free(r.drawn);
	free(r.asked);
	return err;
}

void probing__free(struct probing *p)
{
	look__free(&p->look);
	free(p->heard_later);
	p->heard_later = NULL;
}
