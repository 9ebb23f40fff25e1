/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One change of net.ipv4.tcp_keepalive_* in the namespace of this thread: the present values, what
 * an earlier change saved, the values to be. It happens whole, or is stepped back from; values that
 * somebody else writes meanwhile are left alone. Failures are logged.
 */
#ifndef HALFOPEN_ACT_CHANGE_H
#define HALFOPEN_ACT_CHANGE_H

#include "act/applied.h"

struct change {
	const char *directory;	/* where the former values are saved */
	const char *undo;	/* the whole command that takes it back, for messages */
	struct applied known;	/* state of an earlier change; netns 0: none */
	struct applied next;
	int32_t now[TUNABLES];
	bool differs;		/* there is something to do */
};

/* Reads the present state. `ns` has its cookie; `directory` must outlive the change. Returns 0 or
 * -errno. */
int change__begin(struct change *c, const char *directory, const struct netns *ns);

/* -EBUSY if somebody else changed values of ours since; else 0. */
int change__check_others(const struct change *c);

/* Sets the target: `values`, of which those `asked` for are to outlive a reboot where `persist`
 * says so. The caller may add the end of a trial to `next`. */
void change__aim(struct change *c, const struct netns *ns, const struct tunable_values *asked,
		 bool persist);

/* May PERSISTENT_FILE be rewritten as `next` wants, if it wants anything new? Returns 0 or
 * -errno. */
int change__check_file(const struct change *c);

/* Reads all of it again, under the lock. Returns 0; -EBUSY if it differs from what was read before,
 * or -errno. */
int change__check_since(const struct change *c, const struct netns *ns);

/* Saves the former values: nothing is written yet, and change__drop() undoes it. Returns 0 or
 * -errno. */
int change__save(const struct change *c);
void change__drop(const struct change *c);

/* Writes only values that differ, the file last, and reads them back. Returns 0; -errno after it
 * stepped back. */
int change__write(struct change *c);

/* Moves the end of the running trial. Returns 0 or -errno: then it ends as it was to end before. */
int change__renew(struct change *c, int64_t until_s);

/* Keeps the values of the running trial, in PERSISTENT_FILE, too, where `persist` says so. Returns
 * 0; -errno: then nothing is kept, and the trial continues. */
int change__keep(struct change *c, bool persist);

/* Undoes a keep whose process died half-way: PERSISTENT_FILE says again what it said. Returns 0 or
 * -errno. */
int change__end_keeping(struct applied *a);

/* Restores values, file and saved state; nothing where that was done already. */
void change__step_back(const struct change *c);

/* Is a trial running, of which values may have been written? */
bool change__in_trial(const struct change *c);

#endif
