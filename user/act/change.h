/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One change of net.ipv4.tcp_keepalive_* in the namespace that this thread is in: what there is,
 * what an earlier change left, what there will be. It happens whole, or is stepped back from; what
 * somebody else writes meanwhile is his. What failed is logged.
 */
#ifndef HALFOPEN_ACT_CHANGE_H
#define HALFOPEN_ACT_CHANGE_H

#include "act/applied.h"

struct change {
	const char *directory;	/* where what was there before is kept */
	const char *undo;	/* the whole command that takes it back, for what is logged */
	struct applied known;	/* what an earlier change left; netns 0: nothing */
	struct applied next;
	int32_t now[TUNABLES];
	bool differs;		/* there is something to do */
};

/* Reads what there is. `ns` has its cookie; `directory` must outlive the change. Returns 0 or -errno. */
int change__begin(struct change *c, const char *directory, const struct netns *ns);

/* Values of ours that somebody changed since are his: -EBUSY. Else 0. */
int change__check_others(const struct change *c);

/* What there will be: `values`, of which those that were `asked` for are to outlive a reboot where
 * `persist` says so. The caller may add the end of a trial to `next`. */
void change__aim(struct change *c, const struct netns *ns, const struct tunable_values *asked,
		 bool persist);

/* May PERSISTENT_FILE be made to say what `next` wants, if it wants anything new? Returns 0 or -errno. */
int change__check_file(const struct change *c);

/* Reads it all anew, when nobody else is at work any more. Returns 0; -EBUSY if it is not what was read
 * before, or -errno. */
int change__check_since(const struct change *c, const struct netns *ns);

/* Saves what was there: nothing is written yet, and change__drop() makes it undone. Returns 0 or -errno. */
int change__save(const struct change *c);
void change__drop(const struct change *c);

/* Writes only what differs, the file last, and reads it back. Returns 0; -errno after it stepped back. */
int change__write(struct change *c);

/* The trial that is on ends at another time. Returns 0 or -errno: then it ends when it was to end. */
int change__renew(struct change *c, int64_t until_s);

/* The trial that is on was good: it ends, with its values in PERSISTENT_FILE where `persist` says so.
 * Returns 0; -errno: then nothing is kept, and the trial goes on. */
int change__keep(struct change *c, bool persist);

/* Who was about to keep the trial, and died of that: PERSISTENT_FILE says again what it said. Returns 0 or
 * -errno. */
int change__end_keeping(struct applied *a);

/* Back to how it was, values, file and what is known of them; nothing where somebody did so already. */
void change__step_back(const struct change *c);

/* Is a trial on, of which values may have been written? */
bool change__in_trial(const struct change *c);

#endif
