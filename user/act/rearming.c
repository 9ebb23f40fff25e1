// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "act/rearmer.h"
#include "act/rearming.h"
#include "sys/clock.h"
#include "sys/demands.h"
#include "sys/log.h"
#include "sys/progress.h"
#include "sys/reason.h"
#include "sys/say.h"
#include "value/words.h"

#define NS_PER_S 1000000000ULL
/* Fewer deaths stop nothing, however few sockets there are. */
#define DEATHS_MIN 2
/* Where most are silent, one in a hundred is armed first, and two at least. */
#define FIRST_OF 100
#define FIRST_MIN 2
/* A live peer that lost its connection connects again within this time; where the probes themselves
 * take longer, within as much. */
#define DIAL_S_MIN 10
#define DIAL_S_MAX 60
/* Share of the time that passes over all sockets take at most, once all are armed. */
#define PASS_SHARE 20

struct rearming {
	struct rearming_config how;
	int32_t values[TUNABLES];
	struct rearmer *rearmer;
	struct demands demands;
	bool holds_signals;
	uint64_t due;		/* as first found */
	uint64_t left;		/* of those that are due, after the last pass */
	uint64_t passed_ns, pass_ns;	/* the last pass: its end, and how long it took */
	uint64_t silent_dead, silent_died_ns;	/* as last seen, and when */
	uint64_t later_s;	/* what takes that long at most comes after the present phase */
	bool (*stands)(const void *context);	/* does the change still stand? */
	const void *context;
	const char *stopped;	/* why; NULL: it goes on */
	enum rearming_end end;
};

typedef unsigned long long ull;

int rearming__open(const struct rearming_config *how, uint32_t netns,
		   const int32_t values[TUNABLES], struct rearming **out)
{
	struct rearming *r;
	int err;

	if (values[2] < 1) {
		log_error("--rearm: with tcp_keepalive_probes = %d the kernel kills living peers "
			  "unasked: expected --probes of at least 1", values[2]);
		return -EDOM;
	}
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->how = *how;
	memcpy(r->values, values, sizeof(r->values));
	err = rearmer__open(netns, &r->rearmer);
	if (!err)
		*out = r;
	else
		rearming__close(r);
	return err;
}

int rearming__hold_signals(struct rearming *r)
{
	int err = demands__open(&r->demands);

	if (err)
		log_error("--rearm: cannot wait for signals: %s", reason__of(err));
	r->holds_signals = !err;
	return err;
}

void rearming__close(struct rearming *r)
{
	if (!r)
		return;
	rearmer__close(r->rearmer);
	if (r->holds_signals)
		demands__close(&r->demands);
	free(r);
}

/* ---- judgement ---- */

/* A silent socket whose peer connected again after its death counts as alive. */
static uint64_t died_alive(const struct rearming *r)
{
	const volatile struct ho_rearm_counts *c = rearmer__counts(r->rearmer);

	return c->died_alive + c->dialled_again;
}

static uint64_t alive(const struct rearming *r)
{
	const volatile struct ho_rearm_counts *c = rearmer__counts(r->rearmer);

	return c->armed_heard + c->answered_silent + c->dialled_again;
}

static bool too_many_died(const struct rearming *r)
{
	return died_alive(r) >= DEATHS_MIN && died_alive(r) >= r->how.stop_at_deaths * alive(r);
}

/* The time in which a socket that is armed now is probed to its end, with every timer as late as
 * the wheel makes it: an eighth. */
static uint64_t decided_within_s(const struct rearming *r)
{
	int64_t s = r->values[0] + (int64_t)r->values[1] * r->values[2];

	return s < 0 ? 2 : s + s / 7 + 2;
}

static uint64_t dials_within_s(const struct rearming *r)
{
	uint64_t s = decided_within_s(r);

	return s < DIAL_S_MIN ? DIAL_S_MIN : s > DIAL_S_MAX ? DIAL_S_MAX : s;
}

/* Each that is armed now is decided by then, and so are those that are to dial again. */
static uint64_t watched_for_s(const struct rearming *r)
{
	return decided_within_s(r) + dials_within_s(r);
}

/* ---- messages ---- */

/* In full, or in fewer words for a narrow terminal. */
static void add_progress(const struct rearming *r, struct words *w, bool brief,
			 bool waits_for_dialling)
{
	const volatile struct ho_rearm_counts *c = rearmer__counts(r->rearmer);
	uint64_t died = c->died_alive + c->died_silent;

	words__add_count(w, c->armed);
	words__add(w, brief ? "/" : " of ");
	words__add_count(w, r->due);
	words__add(w, " armed, ");
	words__add_count(w, c->answered);
	words__add(w, " answered; ");
	words__add_count(w, died);
	if (died && !died_alive(r)) {
		words__add(w, brief ? " died, long silent; " : " died, all silent for long before; ");
	} else {
		words__add(w, " died, ");
		words__add_count(w, died_alive(r));
		words__add(w, brief ? " were alive; " : " of them alive before; ");
	}
	if (waits_for_dialling)
		words__add(w, brief ? "do they dial again? "
				    : "waiting whether the dead dial again, ");
	words__add(w, brief ? "" : "at most ");
}

static void show_progress(const struct rearming *r, uint64_t left_s, bool waits_for_dialling)
{
	struct words left = { 0 };
	int brief;

	words__add_duration(&left, left_s + r->later_s);
	words__add(&left, " to go");
	for (brief = 0; brief < 2 && !left.failed; brief++) {
		struct words w = { 0 };
		bool fits;

		add_progress(r, &w, brief, waits_for_dialling);
		fits = w.length + left.length <= progress__columns();
		if (!w.failed && (fits || brief))
			progress__show("%s%s", w.text, left.text);
		words__free(&w);
		if (fits)
			break;
	}
	words__free(&left);
}

static void report_left_alone(const struct rearming *r)
{
	static const char *const words[HO_REARM_KINDS] = {
		[HO_REARM_SOONER] = "whose timer runs out sooner as it is",
		[HO_REARM_ASKING] = "that ask already or have data under way",
		[HO_REARM_LOCAL] = "whose peer is of this host",
		[HO_REARM_SPECIAL] = "with a user timeout, in repair, MPTCP, or the kernel's own",
		[HO_REARM_OWN] = "with an idle time of their own",
		[HO_REARM_WITHOUT] = "without keepalive",
		[HO_REARM_ORPHAN] = "closed by their program",
	};
	const volatile struct ho_rearm_counts *c = rearmer__counts(r->rearmer);
	const char *before = "left alone: ";
	struct words w = { 0 };
	int kind;

	for (kind = HO_REARM_DUE - 1; kind >= 0; kind--)
		if (c->found[kind]) {
			words__add(&w, "%s%llu %s", before, (ull)c->found[kind], words[kind]);
			before = ", ";
		}
	if (w.text)
		say_wrapped("%s\n", w.text);
	words__free(&w);
}

static void report_outcome(const struct rearming *r)
{
	const volatile struct ho_rearm_counts *c = rearmer__counts(r->rearmer);

	say_wrapped("%llu socket%s armed anew, %llu of them heard within the last %u minutes; since then "
	    "%llu were heard, %llu died\n",
	    (ull)c->armed, c->armed == 1 ? " was" : "s were", (ull)c->armed_heard,
	    REARMER_HEARD_S / 60, (ull)c->answered, (ull)(c->died_alive + c->died_silent));
	if (c->died_silent)
		say_wrapped("%llu of the dead had been silent for longer, and did not answer: dead "
		    "peers that were found%s\n",
		    (ull)c->died_silent, c->dialled_again ? ", but for those that dialled again"
						  : "");
	say_at_once();
	if (c->refused)
		log_warning("--rearm: the kernel refused %llu sockets: they wait for their timers",
			    (ull)c->refused);
}

static void report_deaths(const struct rearming *r)
{
	uint64_t again = rearmer__counts(r->rearmer)->dialled_again;

	log_error("%llu connections died since, of %llu armed anew that were alive (heard within "
		  "%u minutes before, or since): that is more than %g %%",
		  (ull)died_alive(r), (ull)alive(r), REARMER_HEARD_S / 60,
		  r->how.stop_at_deaths * 100);
	if (again)
		log_error("%llu of them had been silent for longer, but when they had died their "
			  "peers dialled again (as many connections came from their addresses)",
			  (ull)again);
}

/* ---- the steps ---- */

static void stop(struct rearming *r, enum rearming_end end, const char *why)
{
	if (r->stopped)
		return;
	r->stopped = why;
	r->end = end;
}

static void look(struct rearming *r, uint64_t allowance)
{
	const volatile struct ho_rearm_counts *c = rearmer__counts(r->rearmer);
	uint64_t begun_ns = clock__own_cpu_ns(), done = c->armed + c->refused;
	int err = rearmer__pass(r->rearmer, allowance);

	done = c->armed + c->refused - done;
	r->left = c->found[HO_REARM_DUE] > done ? c->found[HO_REARM_DUE] - done : 0;
	r->passed_ns = clock__mono_ns();
	r->pass_ns = clock__own_cpu_ns() - begun_ns;
	if (err)
		stop(r, REARMING_STOPPED, reason__of(err));
}

/* SIGHUP is taken, and ignored. */
static void heed_signals(struct rearming *r, int timeout_ms)
{
	struct pollfd end = { .fd = r->demands.end, .events = POLLIN };

	if (poll(&end, 1, timeout_ms) > 0)
		stop(r, REARMING_STOPPED, "a signal asked for the end");
	demands__take_hangup(&r->demands);
}

/* `revert`, a trial's end and other tools may write meanwhile. */
static void check_values(struct rearming *r)
{
	int32_t now[TUNABLES];

	if (!r->stands(r->context))
		stop(r, REARMING_OVERTAKEN, "what was applied was taken back meanwhile, by "
					    "'halfopen revert' or the end of a trial");
	else if (!tunables__read(now) && memcmp(now, r->values, sizeof(now)))
		stop(r, REARMING_OVERTAKEN,
		     "net.ipv4.tcp_keepalive_* are no longer what was applied: somebody else "
		     "changed them");
}

static void check_deaths(struct rearming *r)
{
	uint64_t silent = rearmer__counts(r->rearmer)->died_silent;

	if (silent != r->silent_dead)
		r->silent_died_ns = clock__mono_ns();
	r->silent_dead = silent;
	if (!too_many_died(r))
		return;
	look(r, 0);	/* sockets heard since the last pass were alive, too */
	if (too_many_died(r))
		stop(r, REARMING_STOPPED, "");
}

/* Waits until a second after `began_ns`, and decides whether to continue. */
static void wait_on(struct rearming *r, uint64_t began_ns, uint64_t left_s,
		    bool waits_for_dialling)
{
	uint64_t took_ns = clock__mono_ns() - began_ns;

	show_progress(r, left_s, waits_for_dialling);
	heed_signals(r, took_ns < NS_PER_S ? (NS_PER_S - took_ns) / 1000000 : 0);
	check_values(r);
	check_deaths(r);
}

/* Arms `wanted` of the remaining sockets, or all there are, evenly over the time. */
static void arm(struct rearming *r, uint64_t wanted, uint64_t seconds)
{
	const volatile struct ho_rearm_counts *c = rearmer__counts(r->rearmer);
	uint64_t end = c->armed + wanted, now, began_ns;

	for (; seconds && !r->stopped && r->left && c->armed < end; seconds--) {
		began_ns = clock__mono_ns();
		now = end - c->armed < r->left ? end - c->armed : r->left;
		look(r, (now + seconds - 1) / seconds);
		wait_on(r, began_ns, seconds - 1 + watched_for_s(r), false);
	}
}

/* For how long peers of silent sockets that died may still connect again. */
static uint64_t may_be_dialled_ns(const struct rearming *r, uint64_t now_ns)
{
	uint64_t end_ns = r->silent_died_ns + dials_within_s(r) * NS_PER_S;

	return r->silent_dead && now_ns < end_ns ? end_ns - now_ns : 0;
}

static uint64_t rounded_up_s(uint64_t ns)
{
	return (ns + NS_PER_S - 1) / NS_PER_S;
}

/* Until each armed socket was answered, died, or had its time, and peers of the dead had time to
 * connect again. */
static void settle(struct rearming *r)
{
	const volatile struct ho_rearm_counts *c = rearmer__counts(r->rearmer);
	uint64_t now_ns = clock__mono_ns(), end_ns = now_ns + decided_within_s(r) * NS_PER_S;
	bool decided = false;
	uint64_t dialled_ns;

	while (!r->stopped) {
		now_ns = clock__mono_ns();
		/* at the end once more: what was heard since the last pass counts */
		if (!decided && (now_ns >= end_ns ||
				 now_ns - r->passed_ns >= PASS_SHARE * r->pass_ns)) {
			look(r, 0);
			decided = !c->undecided || now_ns >= end_ns;
		}
		check_deaths(r);
		dialled_ns = may_be_dialled_ns(r, now_ns);
		if (r->stopped || (decided && !dialled_ns))
			break;
		wait_on(r, now_ns,
			decided ? rounded_up_s(dialled_ns)
				: rounded_up_s(end_ns - now_ns) + dials_within_s(r), decided);
	}
}

static uint64_t spread_s(const struct rearming *r, uint64_t of)
{
	uint64_t s = r->how.spread_ns / NS_PER_S / of;

	return s ? s : 1;
}

/* Silent peers may be alive behind a path that forgot them: a few are tried first. */
static void try_a_few(struct rearming *r)
{
	uint64_t few = (r->due + FIRST_OF - 1) / FIRST_OF;

	if (few < FIRST_MIN)
		few = FIRST_MIN;
	say_wrapped("most of them were not heard within the last %u minutes: %llu are armed first, and "
	    "waited for, at most %llu s\n",
	    REARMER_HEARD_S / 60, (ull)few,
	    (ull)(spread_s(r, FIRST_OF) + watched_for_s(r)));
	say_at_once();
	r->later_s = r->due > few ? spread_s(r, 1) + watched_for_s(r) : 0;
	arm(r, few, spread_s(r, FIRST_OF));
	settle(r);
	r->later_s = 0;
}

static void go_through(struct rearming *r)
{
	const volatile struct ho_rearm_counts *c = rearmer__counts(r->rearmer);
	bool mostly_silent;

	look(r, 0);
	r->due = c->found[HO_REARM_DUE];
	mostly_silent = 2 * c->found_heard < r->due;
	if (r->due)
		say_wrapped("%llu socket%s to be armed anew within %llu s, and watched for %llu s at "
		    "most\n",
		    (ull)r->due, r->due == 1 ? " is" : "s are", (ull)spread_s(r, 1),
		    (ull)watched_for_s(r));
	else
		say_wrapped("no socket is to be armed anew\n");
	report_left_alone(r);
	say_at_once();
	if (!r->due)
		return;
	if (mostly_silent)
		try_a_few(r);
	arm(r, r->left, spread_s(r, 1));
	settle(r);
}

enum rearming_end rearming__do(struct rearming *r, bool (*stands)(const void *context),
			       const void *context)
{
	r->stands = stands;
	r->context = context;
	progress__begin("--rearm");
	go_through(r);
	progress__end();
	if (r->due)
		report_outcome(r);
	if (r->stopped && *r->stopped)
		log_error("--rearm was interrupted: %s", r->stopped);
	else if (r->stopped)
		report_deaths(r);
	return r->end;
}
