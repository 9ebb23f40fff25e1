// SPDX-License-Identifier: GPL-2.0
#include <math.h>

#include "text/advice_reasons.h"

static const char *s_if_many(size_t n)
{
	return n == 1 ? "" : "s";
}

/* Seconds as other text has them, whole ones from a minute on; to be printed by %.10g. */
static double told_s(double s)
{
	return s < 59.95 ? round(s * 10) / 10 : round(s);
}

/* ---- proposals ---- */

static void add_bound(struct words *w, const struct idle_bound *b)
{
	switch (b->by) {
	case BOUND_INTERVAL:
		words__add(w, "probes %.0f s apart", b->of);
		break;
	case BOUND_BUDGET:
		words__add(w, "--budget (%.0f bytes a socket and day)", b->of);
		break;
	case BOUND_RATE:
		words__add(w, "--max-probes-per-s (%.0f, of %.0f sockets)", b->of, b->sockets);
		break;
	case BOUND_PATH:
		words__add(w, "the path's idle timeout (%.10g s)", told_s(b->of));
		break;
	case BOUND_DETECTION:
		words__add(w, "--detect-within (%.0f s)", b->of);
		break;
	case BOUND_KERNEL:
		words__add(w, "the kernel");
		break;
	}
}

static void add_conflict(struct words *w, const struct proposal *p)
{
	add_bound(w, &p->high);
	words__add(w, " wants an idle time of at most %.0f s, that is %.0f bytes a socket and "
		   "day; ", floor(p->high.s), p->bytes_day);
	add_bound(w, &p->low);
	words__add(w, " one of at least %.0f s", ceil(p->low.s));
}

/* How long were live peers silent? A lost probe shows it no closer than from one probe to the
 * next. */
static void add_silent(struct words *w, const struct late_answers *m)
{
	if (m->longest_at_most_s < m->longest_s + 0.1)
		words__add(w, "%.1f s", m->longest_s);
	else if (m->longest_s < LATE_ANSWER_LEAST_S)
		words__add(w, "%.1f s at most", m->longest_at_most_s);
	else
		words__add(w, "%.1f to %.1f s", m->longest_s, m->longest_at_most_s);
}

static void add_no_room(struct words *w, const struct proposal *p, const struct late_answers *m)
{
	add_bound(w, &p->high);
	words__add(w, " leaves no time before the first probe: ");
	if (late_answers__any_silent(m)) {
		words__add(w, "live peers were silent for ");
		add_silent(w, m);
		words__add(w, " and came back, so ");
	}
	words__add(w, "%.0f s of probes are needed", ceil(p->probes_s));
}

static void add_held(struct words *w, const struct proposal *p, const struct idle_timeout *path)
{
	words__add(w, "the path forgets idle connections after %.10g s (%.10g to %.10g): a probe "
		   "every %.0f s keeps it open, even if %u%s lost", told_s(path->estimate_s),
		   told_s(path->low_s), told_s(path->high_s), p->setting.idle_s, p->may_lose,
		   p->may_lose == 1 ? " is" : " in a row are");
	if (p->given_up)
		words__add(w, "; not for the %zu that %s lost sooner, if by a shorter timer: "
			   "given up", p->given_up, p->given_up == 1 ? "was" : "were");
}

static void add_detection(struct words *w, const struct proposal *p, const struct late_answers *m)
{
	words__add(w, "a dead peer is to be noticed within %.0f s; ", p->within_s);
	if (late_answers__any_silent(m)) {
		words__add(w, "live ones that came back were silent for ");
		add_silent(w, m);
	} else {
		words__add(w, "no live one was seen to be silent and come back");
	}
	if (m->outliers)
		words__add(w, ", but for %zu socket%s (%.0f s at most), which would be given up",
			   m->outliers, s_if_many(m->outliers), m->outliers_s);
}

void advice_reasons__add_proposal(struct words *w, const struct proposal *p,
				  const struct evidence *e)
{
	switch (p->reason) {
	case PROPOSAL_ALLOWED:
		add_bound(w, &p->low);
		words__add(w, " allows a probe every %.0f s", p->setting.idle_s);
		break;
	case PROPOSAL_HOLDS_PATH:
		add_held(w, p, &e->path);
		break;
	case PROPOSAL_DETECTS:
		add_detection(w, p, &e->late_answers);
		break;
	case PROPOSAL_NO_ROOM:
		add_no_room(w, p, &e->late_answers);
		break;
	case PROPOSAL_CONFLICT:
		add_conflict(w, p);
		break;
	}
}

/* ---- what is missed ---- */

static void add_need(struct words *w, const struct missed_need *n)
{
	switch (n->need) {
	case NEED_PROBES:
		words__add(w, "chance alone would lose %.0f probe%s", n->has,
			   n->has == 1 ? "" : "s in a row");
		break;
	case NEED_SILENCE:
		words__add(w, "live peers that came back need %.0f s of probes, not %.0f",
			   ceil(n->needs), n->has);
		break;
	case NEED_DETECTION:
		words__add(w, "a dead peer is noticed within %.0f s, not %.0f (--detect-within)",
			   ceil(n->has), n->needs);
		break;
	case NEED_HELD_PATH:
		words__add(w, "the path, which forgets after %.0f s or later, is not held open",
			   n->needs);
		break;
	case NEED_KNOWN_PATH:
		words__add(w, "nothing shows that the path remembers for more than %.0f s",
			   n->needs);
		break;
	case NEED_BUDGET:
		words__add(w, "a probe every %.0f s costs more than --budget allows, one every "
			   "%.0f", n->has, ceil(n->needs));
		break;
	case NEED_RATE:
		words__add(w, "%.3g probes/s, not %.0f (--max-probes-per-s)", n->has, n->needs);
		break;
	case NEEDS:
		break;
	}
}

void advice_reasons__add_missed(struct words *w, const struct missed_needs *m)
{
	unsigned int i;

	for (i = 0; i < m->count; i++) {
		words__add(w, i ? ", " : "");
		add_need(w, &m->all[i]);
	}
}

/* ---- no estimate of the path ---- */

/* The missing evidence, and what would give it. */
static void add_thin(struct words *w, const struct advice *a)
{
	const struct idle_timeout *path = &a->evidence->path;

	words__add(w, "not enough data to tell an idle timeout of the path: %zu device%s (%d at "
		   "least), %zu lost connection%s (%d at least) (thin_evidence)", path->devices,
		   s_if_many(path->devices), IDLE_DEVICES_MIN, path->lost, s_if_many(path->lost),
		   IDLE_LOST_MIN);
	if (a->may_be_more_devices)
		words__add(w, "; %zu connections count as %zu, since no more of an address were "
			   "heard at once: if they are more devices, watch --identities tells them "
			   "apart", path->connections, path->devices);
	if (a->more_days > 0)
		words__add(w, "; as before, %.1f more days give it", a->more_days);
}

static void add_unknown_path(struct words *w, const struct advice *a)
{
	const struct idle_timeout *path = &a->evidence->path;
	const char *whose = path->named ? "devices" : "connections";

	switch (path->reason) {
	case IDLE_CENSORED:
		words__add(w, "idle connections lived for up to %.0f s: our own probes keep every "
			   "idle time under that, so whether the path ever forgets them cannot be "
			   "seen (censored_by_keepalive)", path->low_s);
		break;
	case IDLE_NO_STEP:
		words__add(w, "the %zu lost %s were lost evenly over time: no idle timeout of the "
			   "path shows up to %.0f s (no_step)", path->lost, whose, path->low_s);
		break;
	case IDLE_NOT_ASKED:
		words__add(w, "%zu of %zu %s were lost, but asked only when a live peer would "
			   "have spoken before, or none answered: whether the path forgot or they "
			   "died cannot be told (no_telling_asks)", path->lost, path->devices,
			   whose);
		break;
	case IDLE_DATA_ONLY:
		words__add(w, "keepalive probes do not hold this path open: %.0f to %.0f s after "
			   "the last data it forgets, whatever was probed; only data does "
			   "(probes_do_not_hold)", path->low_s, path->high_s);
		break;
	case IDLE_THIN:
		add_thin(w, a);
		break;
	case IDLE_KNOWN:
		break;
	}
}

/* ---- the whole ---- */

static void add_evaluated(struct words *w, const struct advice *a)
{
	words__add(w, "asked for by --evaluate%s",
		   a->verdict == ADVICE_KEEP ? ", and so already" : "");
	if (!a->has_goals)
		return;
	words__add(w, a->missed.count ? "; misses the goals: " : "; meets the goals");
	advice_reasons__add_missed(w, &a->missed);
}

void advice_reasons__add(struct words *w, const struct advice *a)
{
	switch (a->why) {
	case WHY_SYSCTLS_UNKNOWN:
		words__add(w, "the input does not say what the sysctls are (no halfopen.meta "
			   "line)");
		break;
	case WHY_FEW_SOCKETS:
		words__add(w, "too few sockets were seen (thin_evidence)");
		break;
	case WHY_KEEPALIVE_OFF:
		words__add(w, "no socket has keepalive on: sysctls change nothing");
		break;
	case WHY_OWN_VALUES:
		words__add(w, "all sockets with keepalive have values of their own: sysctls "
			   "change nothing");
		break;
	case WHY_PATH_UNKNOWN:
		add_unknown_path(w, a);
		break;
	case WHY_GOALS_MET:
		words__add(w, "the present values meet the goals");
		break;
	case WHY_PROPOSED:
		advice_reasons__add_proposal(w, &a->proposal, a->evidence);
		if (a->as_some_now)
			words__add(w, "; some are probed every %.0f s now", a->proposed.idle_s);
		break;
	case WHY_EVALUATED:
		add_evaluated(w, a);
		break;
	}
}
