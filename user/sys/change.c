// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "change.h"
#include "log.h"

int change__begin(struct change *c, const char *directory, const struct netns *ns)
{
	int err = tunables__read(c->now);

	c->directory = directory;
	if (err) {
		log_error("net.ipv4.tcp_keepalive_* of this namespace cannot be read");
		return err;
	}
	err = applied__load(directory, ns->inode, &c->known);
	if (err) {
		log_error("%s/applied-%u: %s", directory, ns->inode,
			  err == -EBADMSG ? "expected what 'halfopen apply' writes"
					  : strerror(-err));
		return err;
	}
	if (c->known.netns && c->known.cookie && c->known.cookie != netns__cookie())
		c->known = (struct applied){ 0 };	/* of one that had this inode before */
	return 0;
}

int change__check_others(const struct change *c)
{
	unsigned int i;

	for (i = 0; c->known.netns && i < TUNABLES; i++) {
		if (c->now[i] == c->known.after[i] || c->now[i] == c->known.before[i])
			continue;
		log_error(
			"%s is %u: somebody else changed it since we wrote %u; nothing is changed. "
			"'halfopen revert' forgets what we wrote",
			tunable__name(i), c->now[i], c->known.after[i]);
		return -EPERM;
	}
	return 0;
}

void change__aim(struct change *c, const struct netns *ns, const uint32_t values[TUNABLES],
		 bool persist)
{
	unsigned int i;

	c->next = (struct applied){ .netns = ns->inode, .cookie = netns__cookie(),
				    .persisted = c->known.persisted || persist };
	snprintf(c->next.name, sizeof(c->next.name), "%s", ns->name);
	for (i = 0; i < TUNABLES; i++) {
		c->next.before[i] = c->known.netns ? c->known.before[i] : c->now[i];
		c->next.after[i] = values[i];
		c->next.before_trial[i] = c->now[i];
		c->differs |= values[i] != c->now[i];
	}
}

static int write_and_read_back(const struct change *c)
{
	uint32_t read[TUNABLES];
	unsigned int i;
	int err;

	for (i = 0; i < TUNABLES; i++) {
		if (c->next.after[i] == c->now[i])
			continue;
		err = tunable__write(i, c->next.after[i]);
		if (err) {
			log_error("%s = %u: %s", tunable__name(i), c->next.after[i],
				  strerror(-err));
			return err;
		}
	}
	err = tunables__read(read);
	for (i = 0; !err && i < TUNABLES; i++) {
		if (read[i] == c->next.after[i])
			continue;
		log_error("%s reads back as %u instead of %u", tunable__name(i), read[i],
			  c->next.after[i]);
		err = -EIO;
	}
	return err;
}

int change__write(const struct change *c)
{
	int err = applied__save(c->directory, &c->next);

	if (err) {
		log_error("%s: %s; nothing is changed", c->directory, strerror(-err));
		return err;
	}
	err = write_and_read_back(c);
	if (err)
		change__step_back(c);
	return err;
}

void change__step_back(const struct change *c)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < TUNABLES; i++)
		err = tunable__write(i, c->now[i]) ?: err;
	if (!err)
		err = c->known.netns ? applied__save(c->directory, &c->known)
				     : applied__forget(c->directory, c->next.netns);
	if (err)
		log_error("stepping back failed: %s; 'halfopen revert' tries again",
			  strerror(-err));
	else
		log_error("stepped back: nothing is changed");
}
