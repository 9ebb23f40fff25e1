/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One change of net.ipv4.tcp_keepalive_* in the namespace that this thread is in: what there is,
 * what an earlier change left, what there will be. It happens whole, or is stepped back from. What
 * failed is logged.
 */
#ifndef HALFOPEN_SYS_CHANGE_H
#define HALFOPEN_SYS_CHANGE_H

#include "applied.h"

struct change {
	const char *directory;	/* where what was there before is kept */
	struct applied known;	/* what an earlier change left; netns 0: nothing */
	struct applied next;
	uint32_t now[TUNABLES];
	bool differs;
};

/* Reads what there is. `directory` must outlive the change. Returns 0 or -errno. */
int change__begin(struct change *c, const char *directory, const struct netns *ns);

/* Values of ours that somebody changed since are his: -EPERM. Else 0. */
int change__check_others(const struct change *c);

/* What there will be. The caller may add the end of a trial to `next`. */
void change__aim(struct change *c, const struct netns *ns, const uint32_t values[TUNABLES],
		 bool persist);

/* Saves what was there, writes only what differs, reads it back. Returns 0; -errno after it stepped
 * back. */
int change__write(const struct change *c);

/* Back to how it was, values and what is known of them. */
void change__step_back(const struct change *c);

#endif
