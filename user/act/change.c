// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "act/change.h"
#include "act/persistent.h"
#include "sys/log.h"
#include "sys/mounts.h"
#include "sys/reason.h"

static uint64_t new_id(void)
{
	uint64_t id = 0;

	while (!id)
		if (getrandom(&id, sizeof(id), 0) != sizeof(id))
			id = ((uint64_t)getpid() << 32) ^ (uint64_t)applied__now_s();
	return id;
}

bool change__in_trial(const struct change *c)
{
	return c->known.netns && c->known.trial_until_s;
}

/* A path to the namespace that does not depend on a process living there: the process by which it
 * was addressed may end; where it is bound it stays. */
static void note_path(const struct netns *ns, char path[NETNS_PATH_SIZE])
{
	char *absolute = realpath(ns->path, NULL);

	if (absolute && strlen(absolute) < NETNS_PATH_SIZE && strncmp(absolute, "/proc/", 6))
		strcpy(path, absolute);
	else
		mounts__of_netns(ns->inode, path, NETNS_PATH_SIZE);
	free(absolute);
}

int change__begin(struct change *c, const char *directory, const struct netns *ns)
{
	int err = tunables__read(c->now);
	char file[APPLIED_FILE_SIZE];

	c->directory = directory;
	if (err) {
		log_error("net.ipv4.tcp_keepalive_* of this namespace cannot be read: %s",
			  reason__of(err));
		return err;
	}
	err = applied__load_of(directory, ns, &c->known);
	if (err)
		log_error("%s/%s: %s", directory, applied__file(applied__key(), file),
			  err == -EBADMSG ? "expected what 'halfopen apply' writes"
					  : reason__of(err));
	return err;
}

int change__check_others(const struct change *c)
{
	unsigned int i;

	for (i = 0; c->known.netns && i < TUNABLES; i++) {
		if (!c->known.written[i] || c->now[i] == c->known.after[i] ||
		    c->now[i] == c->known.before[i])
			continue;
		log_error("%s is %d: somebody else changed it since we wrote %d (before us it was "
			  "%d); nothing is changed. '%s' forgets what we wrote", tunable__name(i),
			  c->now[i], c->known.after[i], c->known.before[i], c->undo);
		return -EBUSY;
	}
	return 0;
}

/* The file's next content: its former values, and those requested now. */
static struct tunable_values with(const struct tunable_values *old,
				  const struct tunable_values *asked)
{
	struct tunable_values both = *old;
	unsigned int i;

	for (i = 0; i < TUNABLES; i++)
		if (asked->has[i]) {
			both.has[i] = true;
			both.value[i] = asked->value[i];
		}
	return both;
}

void change__aim(struct change *c, const struct netns *ns, const struct tunable_values *asked,
		 bool persist)
{
	const struct applied *known = &c->known;
	struct applied *next = &c->next;
	unsigned int i;

	*next = (struct applied){ .netns = applied__key(),
				  .inode = ns->inode, .cookie = ns->cookie, .id = new_id(),
				  .persisted = known->persisted, .persisting = known->persisting };
	snprintf(next->name, sizeof(next->name), "%s", ns->name);
	note_path(ns, next->path);
	if (persist)
		next->persisting = with(&known->persisting, asked);
	c->differs = !tunable_values__equal(&next->persisting, &next->persisted);
	for (i = 0; i < TUNABLES; i++) {
		bool ours = known->netns && known->written[i];

		next->asked[i] = asked->has[i];
		next->after[i] = asked->has[i] ? asked->value[i] : c->now[i];
		next->before[i] = ours ? known->before[i] : c->now[i];
		next->before_trial[i] = c->now[i];
		next->written[i] = ours || next->after[i] != c->now[i];
		c->differs |= next->after[i] != c->now[i];
	}
}

int change__check_file(const struct change *c)
{
	const struct applied *next = &c->next;
	struct tunable_values there;
	int err;

	if (tunable_values__equal(&next->persisting, &next->persisted))
		return 0;
	err = persistent__belongs_here() ?: persistent__read("", &there);
	if (!err && tunable_values__any(&there) &&
	    !tunable_values__equal(&there, &next->persisted) &&
	    !tunable_values__equal(&there, &next->persisting) &&
	    !tunable_values__equal(&there, &c->known.persisting))
		err = -EEXIST;
	if (err)
		log_error(PERSISTENT_FILE ": %s", persistent__reason(err));
	return err;
}

int change__check_since(const struct change *c, const struct netns *ns)
{
	struct change again;
	int err = change__begin(&again, c->directory, ns);
	unsigned int i;

	for (i = 0; !err && i < TUNABLES; i++)
		if (again.now[i] != c->now[i]) {
			log_error("%s was %d and is %d: somebody else changed it meanwhile; "
				  "nothing is changed", tunable__name(i), c->now[i], again.now[i]);
			return -EBUSY;
		}
	if (!err && (again.known.id != c->known.id ||
		     again.known.trial_until_s != c->known.trial_until_s)) {
		log_error("another 'halfopen apply' or 'revert', or the end of a trial, came "
			  "meanwhile; nothing is changed");
		return -EBUSY;
	}
	return err;
}

static int write_and_read_back(const struct change *c)
{
	int32_t read[TUNABLES];
	unsigned int i;
	int err;

	for (i = 0; i < TUNABLES; i++) {
		if (c->next.after[i] == c->now[i])
			continue;
		err = tunable__write(i, c->next.after[i]);
		if (err) {
			log_error("%s = %d: %s", tunable__name(i), c->next.after[i],
				  reason__of(err));
			return err;
		}
	}
	err = tunables__read(read);
	for (i = 0; !err && i < TUNABLES; i++) {
		if (c->next.after[i] == c->now[i] || read[i] == c->next.after[i])
			continue;
		log_error("%s reads back as %d instead of %d", tunable__name(i), read[i],
			  c->next.after[i]);
		err = -EIO;
	}
	return err;
}

/* Only for a change that has persistent values. */
static int replace_file(const struct applied *a, const struct tunable_values *to)
{
	int err = 0;

	if (!tunable_values__equal(&a->persisting, &a->persisted))
		err = persistent__replace("", &a->persisted, &a->persisting, to);
	if (err)
		log_error(PERSISTENT_FILE ": %s", persistent__reason(err));
	return err;
}

int change__end_keeping(struct applied *a)
{
	int err = replace_file(a, &a->persisted);

	if (!err)
		a->persisting = a->persisted;
	return err;
}

static int save(const struct change *c, const struct applied *a)
{
	int err = applied__save(c->directory, a);

	if (err)
		log_error("%s: %s", c->directory, reason__of(err));
	return err;
}

/* Records that the file now says what it was about to say. */
static int settle(struct change *c)
{
	if (tunable_values__equal(&c->next.persisting, &c->next.persisted))
		return 0;
	c->next.persisted = c->next.persisting;
	return save(c, &c->next);
}

int change__save(const struct change *c)
{
	int err = applied__set_aside(c->directory, c->next.netns);

	if (err)
		log_error("%s: %s", c->directory, reason__of(err));
	err = err ?: save(c, &c->next);
	if (err)
		log_error("nothing is changed");
	return err;
}

/* Restores the former saved state: under another key, it is still there. Where the disk has no room
 * for that, its copy is used. */
static int restore_known(const struct change *c)
{
	uint32_t key = c->next.netns;
	int err;

	if (c->known.netns != key)
		return applied__forget(c->directory, key);
	err = applied__save(c->directory, &c->known);
	return err && applied__restore(c->directory, key) ? err : 0;
}

void change__drop(const struct change *c)
{
	int err = restore_known(c);

	if (err)
		log_error("%s: %s; '%s' tries again", c->directory, reason__of(err), c->undo);
}

static bool still_stands(const struct change *c)
{
	return applied__is_known(c->directory, c->next.netns, c->next.id);
}

int change__write(struct change *c)
{
	/* stopped meanwhile (SIGSTOP), and another process gave up waiting for us? */
	int err = still_stands(c) ? 0 : -ECANCELED;

	if (!err && c->next.trial_until_s) {
		c->next.guarded = true;
		err = save(c, &c->next);
	}
	err = err ?: write_and_read_back(c) ?: replace_file(&c->next, &c->next.persisting)
		?: settle(c);
	if (!err && !still_stands(c))
		err = -ECANCELED;
	if (err)
		change__step_back(c);
	else if (c->known.netns && c->known.netns != c->next.netns)
		applied__forget(c->directory, c->known.netns);	/* saved under another key now */
	return err;
}

int change__renew(struct change *c, int64_t until_s)
{
	c->next = c->known;
	c->next.trial_until_s = until_s;
	c->next.guarded = true;
	return save(c, &c->next);
}

/* The values requested with the trial. */
static struct tunable_values asked_for(const struct applied *a)
{
	struct tunable_values asked = { .has = { false } };
	unsigned int i;

	for (i = 0; i < TUNABLES; i++) {
		asked.has[i] = a->asked[i];
		asked.value[i] = a->asked[i] ? a->after[i] : 0;
	}
	return asked;
}

int change__keep(struct change *c, bool persist)
{
	struct tunable_values asked = asked_for(&c->known);
	struct applied pending = c->known;
	int err = change__check_others(c);

	if (persist)
		pending.persisting = with(&c->known.persisting, &asked);
	c->next = pending;
	err = err ?: change__check_file(c);
	if (err)
		return err;
	c->next.persisted = pending.persisting;
	c->next.trial_until_s = 0;
	/* The guard must know of the file, in case we die while writing it. */
	err = persist ? save(c, &pending) : 0;
	err = err ?: replace_file(&pending, &pending.persisting) ?: save(c, &c->next);
	if (err) {
		replace_file(&pending, &c->known.persisted);
		save(c, &c->known);
	}
	return err;
}

/* Restores each value that is still the one that we wrote. Values changed by somebody else are
 * reported. */
static int restore_values(const struct change *c, bool *others)
{
	int32_t found[TUNABLES];
	int err = tunables__read(found), first = err;
	unsigned int i;

	for (i = 0; !err && i < TUNABLES; i++) {
		int32_t wrote = c->next.after[i];

		if (wrote == c->now[i] || found[i] == c->now[i])
			continue;
		if (found[i] == wrote) {
			first = tunable__write(i, c->now[i]) ?: first;
			continue;
		}
		*others = true;
		log_error("%s is %d: somebody else wrote it meanwhile, and it stays (before us it "
			  "was %d, and we wrote %d)", tunable__name(i), found[i], c->now[i], wrote);
	}
	return first;
}

void change__step_back(const struct change *c)
{
	struct applied changed = c->next;
	bool others = false, stands = still_stands(c);
	int err = restore_values(c, &others), file;

	if (!stands && !err) {
		log_error("another 'halfopen revert', or the end of the trial, took it back "
			  "meanwhile");
		return;
	}

	changed.persisted = c->known.persisted;	/* settled or not */
	file = replace_file(&changed, &c->known.persisted);
	if (!err && !file)
		err = restore_known(c);
	if (err || file)
		log_error("stepping back failed%s%s; '%s' tries again", err ? ": " : "",
			  err ? reason__of(err) : "", c->undo);
	else if (others)
		log_error("stepped back from everything else");
	else
		log_error("stepped back: nothing is changed");
}
