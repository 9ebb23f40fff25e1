// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "act/carrying_out.h"
#include "act/changing.h"
#include "act/guard.h"
#include "act/persistent.h"
#include "act/sysctl_files.h"
#include "file/exit_code.h"
#include "sys/log.h"
#include "sys/reason.h"
#include "sys/say.h"

/* A file that is read later wins. */
static void warn_of_later_files(const struct change *c)
{
	const struct tunable_values *ours = &c->next.persisted;
	struct sysctl_setting setting;
	unsigned int i;

	for (i = 0; i < TUNABLES; i++)
		if (ours->has[i] && sysctl_files__find("", tunable__name(i), &setting) &&
		    strcmp(setting.file, PERSISTENT_FILE) &&
		    strtol(setting.value, NULL, 10) != ours->value[i])
			log_warning("%s:%u sets %s to %s at boot, after " PERSISTENT_FILE,
				    setting.file, setting.line, tunable__name(i), setting.value);
}

/* ---- the end of a trial ---- */

/* Where the guard is weaker than was promised. */
static void report_guard(const struct order *o, const struct guard *g)
{
	char revert[CHANGING_COMMAND_SIZE];

	if (*g->unit)
		return;
	log_warning("the trial's end depends on processes %d and %d: %s; if both are killed at "
		    "once%s%s%s, only '%s' takes it back", g->pid, g->twin, g->no_unit,
		    *g->cgroup ? ", as when control group " : "", g->cgroup,
		    *g->cgroup ? " ends" : "",
		    changing__command("revert", o->ns, o->state, revert));
	if (!g->twin)
		log_warning("there is no second process yet: the first tries to start it every "
			    "second");
	if (g->in_container)
		log_warning("both end with process 1 of this container: then the values stay, if "
			    "the network namespace does");
}

static int start_guard(const struct order *o, const struct applied *trial, struct guard *guard)
{
	int err = guard__start(o->state, trial, o->home, guard);

	if (err)
		log_error("nobody could be started to take the trial back: %s (%s); nothing is "
			  "changed", reason__of(err), guard->no_unit);
	return err;
}

static int64_t end_of_trial(const struct order *o)
{
	return o->trial_s ? applied__now_s() + (int64_t)o->trial_s : 0;
}

/* Reports the change, and the whole commands that undo or keep it. */
static void report_done(const struct order *o, const struct change *c, const char *done)
{
	char keep[CHANGING_COMMAND_SIZE], revert[CHANGING_COMMAND_SIZE], at[32] = "";
	int64_t left_s = c->next.trial_until_s - applied__now_s();
	time_t end = time(NULL) + left_s;
	struct tm tm;

	changing__command("revert", o->ns, o->state, revert);
	if (!c->next.trial_until_s) {
		say("%s; '%s' takes it back\n", done, revert);
		return;
	}
	if (localtime_r(&end, &tm))
		strftime(at, sizeof(at), "%Y-%m-%d %H:%M:%S %z", &tm);
	say("%s until %s (for %lld s); '%s' keeps it, '%s' takes it back\n", done, at,
	    (long long)left_s, changing__command("apply --keep", o->ns, o->state, keep), revert);
}

/* ---- re-armed sockets ---- */

struct standing_change {
	const char *directory;
	uint32_t key;
	uint64_t id;	/* 0: nothing was applied */
};

/* Does the change still stand? Yes where the saved state cannot be read now. */
static bool stands(const void *context)
{
	const struct standing_change *s = context;
	struct applied a;

	return applied__load(s->directory, s->key, &a) || a.id == s->id;
}

static bool is_renewed(const struct change *c)
{
	return c->next.id == c->known.id;
}

/* Steps back: too many sockets died, or a signal came. */
static void undo(const struct order *o, struct changing_lock *l, struct change *c)
{
	if (!is_renewed(c) && !c->differs) {
		log_error("the values stay: they were there before");
		return;
	}
	if (changing__lock(l, true))
		return;
	if (!is_renewed(c))
		change__step_back(c);
	else if (applied__is_known(o->state, c->known.netns, c->known.id) &&
		 !change__renew(c, applied__now_s()))
		log_error("the trial ends now");
	changing__unlock(l);
}

/* No lock is held that keeps others out, and revert interrupts it. */
static bool rearm(const struct order *o, struct changing_lock *l, struct rearming *rearming,
		  struct change *c)
{
	struct standing_change change = { o->state, c->next.netns,
					  c->differs ? c->next.id : c->known.id };
	enum rearming_end end = rearming__do(rearming, stands, &change);

	if (end == REARMING_STOPPED && stands(&change))
		undo(o, l, c);
	return end == REARMING_DONE;
}

static int take_rearm_lock(const struct order *o, const struct changing_lock *l)
{
	char holder[CHANGING_HOLDER_SIZE] = "another process", command[CHANGING_COMMAND_SIZE];

	if (!changing__holder(l, LOCK_REARM, holder) &&
	    (!o->rearm || !lock__try(l->file, l->inode, LOCK_REARM)))
		return EXIT_DONE;
	log_error("%s arms the sockets of this namespace anew; nothing is changed. '%s' "
		  "interrupts it", holder, changing__command("revert", o->ns, o->state, command));
	return EXIT_FAILED;
}

/* ---- what is done ---- */

static int write_change(const struct order *o, struct change *c, struct guard *guard)
{
	int err;

	c->next.trial_until_s = end_of_trial(o);
	err = change__save(c);
	if (err)
		return changing__exit_code(err);
	/* Its end must be ensured before it begins. */
	if (o->trial_s && start_guard(o, &c->next, guard)) {
		change__drop(c);
		return EXIT_FAILED;
	}
	err = change__write(c);
	return err ? changing__exit_code(err) : EXIT_DONE;
}

static int renew(const struct order *o, const struct changing_lock *l, struct change *c,
		 struct guard *guard)
{
	char holder[CHANGING_HOLDER_SIZE];
	int err;

	if (c->known.trial_until_s <= applied__now_s()) {
		log_error("the trial is over; nothing is changed");
		return EXIT_FAILED;
	}
	*guard = (struct guard){ .unit = "-" };	/* the trial's present guard */
	if (!changing__holder(l, LOCK_GUARD, holder) && start_guard(o, &c->known, guard))
		return EXIT_FAILED;
	err = change__renew(c, end_of_trial(o));
	return err ? changing__exit_code(err) : EXIT_DONE;
}

/* Under the lock. */
static int do_locked(const struct order *o, const struct changing_lock *l, struct change *c,
		     struct guard *guard)
{
	int code = take_rearm_lock(o, l), err;

	code = code ? code : changing__check_address(o->state, o->address, o->ns);
	if (code)
		return code;
	err = change__check_since(c, o->ns);
	if (err)
		return changing__exit_code(err);
	if (change__in_trial(c))
		return renew(o, l, c, guard);
	return c->differs ? write_change(o, c, guard) : EXIT_DONE;
}

static int do_change(const struct order *o, struct changing_lock *l, struct change *c,
		     struct rearming *rearming)
{
	struct guard guard = { 0 };
	int code = changing__lock(l, false);

	if (code)
		return code;
	/* from the first write on, a broken terminal must not end us unnoticed */
	if (rearming && rearming__hold_signals(rearming))
		code = EXIT_FAILED;
	code = code ? code : do_locked(o, l, c, &guard);
	changing__unlock(l);
	if (code)
		return code;
	if (o->persist)
		warn_of_later_files(c);
	if (c->next.trial_until_s)
		report_guard(o, &guard);
	if (c->differs || is_renewed(c))
		report_done(o, c, "applied");
	say_at_once();
	return !rearming || rearm(o, l, rearming, c) ? EXIT_DONE : EXIT_FAILED;
}

int carrying_out__change(const struct order *o, struct change *c)
{
	struct rearming *rearming = NULL;
	int err = 0, code;
	struct changing_lock lock;

	if (o->rearm)
		err = rearming__open(&o->rearming, o->ns->inode, c->next.after, &rearming);
	if (err)
		return err == -EDOM ? EXIT_USAGE : changing__exit_code(err);
	code = changing__open_lock(o->state, o->ns->inode, false, &lock);
	if (!code)
		code = do_change(o, &lock, c, rearming);
	changing__close_lock(&lock);
	rearming__close(rearming);
	return code;
}

/* ---- the trial that is on ---- */

static int locked(const struct order *o, struct change *c,
		  int (*step)(const struct order *, struct change *))
{
	struct changing_lock lock;
	int code = changing__open_lock(o->state, o->ns->inode, false, &lock);

	if (!code)
		code = changing__lock(&lock, false);
	if (!code) {
		code = changing__check_address(o->state, o->address, o->ns);
		code = code ? code : step(o, c);
		changing__unlock(&lock);
	}
	changing__close_lock(&lock);
	return code;
}

static int keep(const struct order *o, struct change *c)
{
	int err = change__begin(c, o->state, o->ns);

	if (err)
		return changing__exit_code(err);
	if (!change__in_trial(c)) {
		log_error("no trial is on here");
		return EXIT_FAILED;
	}
	err = change__keep(c, o->persist);
	if (!err)
		return EXIT_DONE;
	log_error("nothing is kept: the trial goes on, and ends in %lld s",
		  (long long)(c->known.trial_until_s - applied__now_s()));
	return changing__exit_code(err);
}

int carrying_out__keep(const struct order *o, struct change *c)
{
	int code = locked(o, c, keep);

	if (code)
		return code;
	if (o->persist)
		warn_of_later_files(c);
	report_done(o, c, "kept");
	return EXIT_DONE;
}

static int clear(const struct order *o, struct change *c)
{
	int err = change__begin(c, o->state, o->ns);

	if (!err && change__in_trial(c) && !c->known.guarded) {
		err = applied__restore(o->state, c->known.netns);
		if (err == -ENOENT)	/* nothing was saved before */
			err = applied__forget(o->state, c->known.netns);
		if (err)
			log_error("%s: %s", o->state, reason__of(err));
		err = err ?: change__begin(c, o->state, o->ns);
	}
	return err ? changing__exit_code(err) : EXIT_DONE;
}

int carrying_out__clear(const struct order *o, struct change *c)
{
	return locked(o, c, clear);
}
