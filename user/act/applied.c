// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "act/applied.h"
#include "act/persistent.h"
#include "file/atomic_file.h"
#include "file/private_file.h"
#include "sys/clock.h"
#include "sys/host.h"
#include "value/netns_address.h"

int64_t applied__now_s(void)
{
	return clock__boottime_ns() / 1000000000;
}

/* ---- what is saved ---- */

static int make_directory(const char *directory)
{
	return mkdir(directory, 0700) && errno != EEXIST ? -errno : 0;
}

#define BOOT_SIZE 40

/* Returns 0 or -errno: an id that cannot be read now does not mean another boot. */
static int read_boot_id(char boot_id[BOOT_SIZE])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	int err = 0;

	if (!f)
		return -errno;
	if (fscanf(f, "%39s", boot_id) != 1)
		err = -EIO;
	fclose(f);
	return err;
}

uint32_t applied__key(void)
{
	bool of_host = host__is_container() ? netns__is_first() : netns__is_of_host();

	return of_host ? APPLIED_HOST : netns__own_inode();
}

const char *applied__file(uint32_t key, char name[APPLIED_FILE_SIZE])
{
	if (key == APPLIED_HOST || key == APPLIED_CONTAINER)
		snprintf(name, APPLIED_FILE_SIZE, "applied-%s",
			 key == APPLIED_HOST ? "host" : "container");
	else
		snprintf(name, APPLIED_FILE_SIZE, "applied-%" PRIu32, key);
	return name;
}

#define ASIDE_SIZE (APPLIED_FILE_SIZE + 7)
static const char *aside_of(uint32_t key, char name[ASIDE_SIZE])
{
	char file[APPLIED_FILE_SIZE];

	snprintf(name, ASIDE_SIZE, "%s.before", applied__file(key, file));
	return name;
}

#define KEYS_MAX 4096
#define TEXT_SIZE 4096
#define VALUE_SIZE 16

static const char *optional(const struct tunable_values *v, unsigned int i, char text[VALUE_SIZE])
{
	snprintf(text, VALUE_SIZE, v->has[i] ? "%" PRId32 : "-", v->value[i]);
	return text;
}

static void read_optional(struct tunable_values *v, unsigned int i, const char *text)
{
	v->has[i] = strcmp(text, "-");
	v->value[i] = v->has[i] ? strtol(text, NULL, 10) : 0;
}

#define WRITTEN_PATH_SIZE (1 + 4 * NETNS_PATH_SIZE)

/* The path as it is, "-" where there is none, or escaped onto one line: a backslash, with which no
 * absolute path begins, then the path with newlines and backslashes as "\012" and "\134". */
static const char *write_path(const char *path, char text[WRITTEN_PATH_SIZE])
{
	int used;

	if (!*path || !strchr(path, '\n')) {
		snprintf(text, WRITTEN_PATH_SIZE, "%s", *path ? path : "-");
		return text;
	}
	used = snprintf(text, WRITTEN_PATH_SIZE, "\\");
	for (; *path; path++)
		used += snprintf(text + used, WRITTEN_PATH_SIZE - used,
				 *path == '\n' || *path == '\\' ? "\\%03o" : "%c", *path);
	return text;
}

/* A path that does not fit is not one that we wrote: written again, it differs. */
static void read_path(const char *text, char path[NETNS_PATH_SIZE])
{
	bool coded = *text == '\\';
	unsigned int used = 0, c;

	if (!strcmp(text, "-"))
		return;
	for (text += coded; *text && used < NETNS_PATH_SIZE - 1; used++)
		if (coded && *text == '\\' && strspn(text + 1, "01234567") >= 3) {
			sscanf(text + 1, "%3o", &c);
			path[used] = c;
			text += 4;
		} else {
			path[used] = *text++;
		}
	path[used] = '\0';
}

static void format(const struct applied *a, const char *boot, char text[TEXT_SIZE])
{
	char persisted[VALUE_SIZE], persisting[VALUE_SIZE], path[WRITTEN_PATH_SIZE];
	unsigned int i;
	int used;

	used = snprintf(text, TEXT_SIZE, "halfopen.applied/2\nboot %s\ninode %" PRIu32
			"\ncookie %" PRIu64 "\nname %s\n", boot, a->inode, a->cookie,
			*a->name ? a->name : "-");
	for (i = 0; i < TUNABLES; i++)
		used += snprintf(text + used, TEXT_SIZE - used, "%s before %" PRId32 " after %"
				 PRId32 " before_trial %" PRId32 " written %d asked %d persisted "
				 "%s persisting %s\n", tunable__name(i), a->before[i], a->after[i],
				 a->before_trial[i], a->written[i], a->asked[i],
				 optional(&a->persisted, i, persisted),
				 optional(&a->persisting, i, persisting));
	snprintf(text + used, TEXT_SIZE - used, "trial_until %" PRId64 "\nchange %" PRIu64
		 "\nguarded %d\npath %s\nend\n", a->trial_until_s, a->id, a->guarded,
		 write_path(a->path, path));
}

static void parse(const char *text, struct applied *a, char boot[BOOT_SIZE])
{
	char persisted[VALUE_SIZE] = "-", persisting[VALUE_SIZE] = "-";
	char path[WRITTEN_PATH_SIZE] = "-";
	int end = 0, written, asked, guarded = 0;
	unsigned int i;

	sscanf(text, "halfopen.applied/2 boot %39s inode %" SCNu32 " cookie %" SCNu64
	       " name %63s %n", boot, &a->inode, &a->cookie, a->name, &end);
	for (i = 0; i < TUNABLES; i++) {
		text += end;
		end = written = asked = 0;
		sscanf(text, "%*s before %" SCNd32 " after %" SCNd32 " before_trial %" SCNd32
		       " written %d asked %d persisted %15s persisting %15s %n", &a->before[i],
		       &a->after[i], &a->before_trial[i], &written, &asked, persisted, persisting,
		       &end);
		a->written[i] = written;
		a->asked[i] = asked;
		read_optional(&a->persisted, i, persisted);
		read_optional(&a->persisting, i, persisting);
	}
	sscanf(text + end, "trial_until %" SCNd64 " change %" SCNu64 " guarded %d path %1088[^\n]",
	       &a->trial_until_s, &a->id, &guarded, path);
	a->guarded = guarded;
	read_path(path, a->path);
}

/* The format of earlier versions. */
static void format_1(const struct applied *a, const char *boot, char text[TEXT_SIZE])
{
	snprintf(text, TEXT_SIZE, "halfopen.applied/1\nboot %s\ncookie %" PRIu64 "\nname %s\n"
		 "before %" PRId32 " %" PRId32 " %" PRId32 "\nafter %" PRId32 " %" PRId32 " %"
		 PRId32 "\nbefore_trial %" PRId32 " %" PRId32 " %" PRId32 "\ntrial_until %" PRId64
		 "\npersisted %d\nend\n", boot, a->cookie, *a->name ? a->name : "-", a->before[0],
		 a->before[1], a->before[2], a->after[0], a->after[1], a->after[2],
		 a->before_trial[0], a->before_trial[1], a->before_trial[2], a->trial_until_s,
		 tunable_values__any(&a->persisted));
}

static void parse_1(const char *text, struct applied *a, char boot[BOOT_SIZE])
{
	unsigned int i;
	int persisted = 0;

	sscanf(text, "halfopen.applied/1 boot %39s cookie %" SCNu64 " name %63[^\n] before %" SCNd32
	       " %" SCNd32 " %" SCNd32 " after %" SCNd32 " %" SCNd32 " %" SCNd32 " before_trial %"
	       SCNd32 " %" SCNd32 " %" SCNd32 " trial_until %" SCNd64 " persisted %d", boot,
	       &a->cookie, a->name, &a->before[0], &a->before[1], &a->before[2], &a->after[0],
	       &a->after[1], &a->after[2], &a->before_trial[0], &a->before_trial[1],
	       &a->before_trial[2], &a->trial_until_s, &persisted);
	for (i = 0; i < TUNABLES; i++) {
		a->written[i] = a->asked[i] = a->after[i] != a->before[i];
		a->persisted.has[i] = persisted;
		a->persisted.value[i] = persisted ? a->after[i] : 0;
	}
	a->persisting = a->persisted;
	a->guarded = true;
}

/* Reads a saved file. Refuses any that we did not write as a whole: ours are the same when written
 * again. */
static int read_saved(const char *text, uint32_t key, struct applied *a, char boot[BOOT_SIZE])
{
	bool first_version = !strncmp(text, "halfopen.applied/1\n", 19);
	char again[TEXT_SIZE];

	if (first_version)
		parse_1(text, a, boot);
	else
		parse(text, a, boot);
	if (!strcmp(a->name, "-"))
		*a->name = '\0';
	if (first_version)
		format_1(a, boot, again);
	else
		format(a, boot, again);
	if (strcmp(text, again))
		return -EBADMSG;
	if (*a->name && !netns__is_name(a->name)) {
		if (!first_version)
			return -EBADMSG;
		*a->name = '\0';	/* it was taken for a name */
	}
	if (first_version)
		a->inode = key;
	a->netns = key;
	return 0;
}

/* A boot sets the persistent values, and resets all others. */
static void outlive_boot(struct applied *a)
{
	unsigned int i;

	if (!tunable_values__any(&a->persisting)) {
		*a = (struct applied){ 0 };
		return;
	}
	for (i = 0; i < TUNABLES; i++) {
		a->written[i] = a->persisting.has[i];
		a->after[i] = a->persisting.value[i];
	}
	a->cookie = a->trial_until_s = 0;
	a->of_earlier_boot = true;
}

int applied__load(const char *directory, uint32_t key, struct applied *a)
{
	char path[300], file[APPLIED_FILE_SIZE], text[TEXT_SIZE];
	char boot[BOOT_SIZE] = "", boot_id[BOOT_SIZE];
	struct applied saved = { 0 };
	int fd, err;
	ssize_t n;

	*a = saved;
	snprintf(path, sizeof(path), "%s/%s", directory, applied__file(key, file));
	fd = private_file__open_to_read(path);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	n = read(fd, text, sizeof(text) - 1);
	err = n < 0 ? -errno : 0;
	close(fd);
	if (err)
		return err;
	text[n] = '\0';
	err = strlen(text) != (size_t)n ? -EBADMSG : read_saved(text, key, &saved, boot);
	if (err)
		return err;
	err = read_boot_id(boot_id);
	if (err)
		return err;
	if (strcmp(boot, boot_id))
		outlive_boot(&saved);
	*a = saved;
	return 0;
}

/* A container's first namespace has another inode after each start; its persistent values come from
 * its sysctl.d. Finds the saved state with just those. Other containers may share the directory. */
static bool is_of_our_file(const struct applied *a)
{
	struct tunable_values there;

	return host__is_container() && netns__is_of_host() && !persistent__read("", &there) &&
	       tunable_values__any(&there) && (tunable_values__equal(&there, &a->persisting) ||
					       tunable_values__equal(&there, &a->persisted));
}

/* Saved by a version that kept all containers' changes in one file: the cookie says whose it is. */
static int load_of_older_version(const char *directory, const struct netns *ns, struct applied *a)
{
	int err = applied__load(directory, APPLIED_CONTAINER, a);

	if (err == -EBADMSG || (!err && (!a->cookie || a->cookie != ns->cookie))) {
		*a = (struct applied){ 0 };
		err = 0;
	}
	return err;
}

/* Persistent values of this container from before its restart. The former owner of that inode may
 * still live, with an equal file: it is read under another key, and stays unless a boot has ended
 * it. */
static void load_of_earlier_start(const char *directory, struct applied *a)
{
	uint32_t keys[KEYS_MAX];
	unsigned int count = applied__list(directory, keys, KEYS_MAX), i;

	for (i = 0; i < count; i++) {
		if (keys[i] == APPLIED_HOST || applied__load(directory, keys[i], a) || !a->netns ||
		    !tunable_values__any(&a->persisting) || !is_of_our_file(a))
			continue;
		if (!a->of_earlier_boot)
			a->netns = applied__key();
		outlive_boot(a);
		return;
	}
	*a = (struct applied){ 0 };
}

int applied__load_of(const char *directory, const struct netns *ns, struct applied *a)
{
	int err = applied__load(directory, applied__key(), a);

	/* by an older version, or by one that could not see which namespace is the host's */
	if (!err && !a->netns)
		err = applied__load(directory, ns->inode, a);
	if (!err && !a->netns)
		err = load_of_older_version(directory, ns, a);
	if (!err && !a->netns && netns__is_of_host())
		load_of_earlier_start(directory, a);
	if (err || !a->netns)
		return err;
	if (a->cookie && a->cookie != ns->cookie)
		outlive_boot(a);	/* a container's processes were restarted, say */
	if (a->of_earlier_boot && !netns__is_of_host())
		*a = (struct applied){ 0 };
	return 0;
}

/* Is the namespace at the path at which it was changed? One that is known by a path only is found
 * by nothing else. */
static bool is_at_its_path(const struct applied *a, struct netns *ns)
{
	int fd = *a->path ? netns__open(a->path, ns) : -ENOENT;

	if (fd >= 0)
		close(fd);
	return fd >= 0 && ns->inode == a->inode;
}

int applied__find(const struct applied *a, struct netns *ns)
{
	bool of_host = a->netns == APPLIED_HOST || (a->of_earlier_boot && is_of_our_file(a));
	int err = 0;

	if (of_host)
		err = netns__of_host(ns);
	else if (!is_at_its_path(a, ns))
		err = netns__with_inode(a->inode, ns);
	if (!err)
		ns->cookie = a->cookie;
	return err;
}

#define ENTER_TRIES 3

int applied__enter(const struct applied *a, struct netns *ns)
{
	unsigned int tries;
	int back = -ENOENT;

	/* the process by which it was found may have ended since, its id reused by another one */
	for (tries = 0; back == -ENOENT && tries < ENTER_TRIES; tries++) {
		int err = applied__find(a, ns);

		if (err)
			return err;
		ns->cookie = 0;
		back = netns__enter(ns);
		ns->cookie = a->cookie;
	}
	if (back < 0)
		return back;
	ns->cookie = netns__cookie();
	if (!a->cookie || ns->cookie == a->cookie)
		return back;
	netns__leave(back);
	return ns->cookie ? -ESTALE : -EAGAIN;
}

int applied__open(const char *directory, const char *address, struct netns *ns)
{
	int fd = netns__open(address, ns), by_path;
	struct applied a;
	uint64_t cookie;
	uint32_t inode;

	if ((fd != -ENOENT && fd != -EACCES) ||
	    !netns_address__read_cookie(address, &inode, &cookie) ||
	    applied__load(directory, inode, &a) || a.inode != inode || a.cookie != cookie ||
	    !*a.path)
		return fd;
	by_path = netns__open(a.path, ns);
	if (by_path >= 0 && ns->inode == inode) {
		ns->cookie = cookie;
		return by_path;
	}
	if (by_path >= 0)
		close(by_path);
	return fd;
}

int applied__save(const char *directory, const struct applied *a)
{
	char text[TEXT_SIZE], boot_id[BOOT_SIZE], name[APPLIED_FILE_SIZE];
	int err = make_directory(directory) ?: read_boot_id(boot_id);

	if (err)
		return err;
	format(a, boot_id, text);
	atomic_file__clear(directory, applied__file(a->netns, name));
	return atomic_file__replace(directory, name, text, 0600);
}

int applied__forget(const char *directory, uint32_t key)
{
	char name[APPLIED_FILE_SIZE], aside[ASIDE_SIZE];

	return atomic_file__remove(directory, applied__file(key, name))
		?: atomic_file__remove(directory, aside_of(key, aside));
}

int applied__set_aside(const char *directory, uint32_t key)
{
	char name[APPLIED_FILE_SIZE], aside[ASIDE_SIZE], path[300], text[TEXT_SIZE];
	ssize_t n;
	int fd;

	aside_of(key, aside);
	snprintf(path, sizeof(path), "%s/%s", directory, applied__file(key, name));
	fd = private_file__open_to_read(path);
	if (fd == -ENOENT)	/* nothing was saved, or there is no directory yet */
		return atomic_file__remove(directory, aside);
	if (fd < 0)
		return fd;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0)
		return -EIO;
	text[n] = '\0';
	atomic_file__clear(directory, aside);
	/* no second link: a file with two names would not be trusted (private_file.h) */
	return atomic_file__replace(directory, aside, text, 0600);
}

int applied__restore(const char *directory, uint32_t key)
{
	char name[APPLIED_FILE_SIZE], aside[ASIDE_SIZE], from[310], to[300];

	snprintf(from, sizeof(from), "%s/%s", directory, aside_of(key, aside));
	snprintf(to, sizeof(to), "%s/%s", directory, applied__file(key, name));
	return rename(from, to) ? -errno : 0;
}

bool applied__is_known(const char *directory, uint32_t key, uint64_t id)
{
	struct applied a;

	return !applied__load(directory, key, &a) && a.netns && a.id == id;
}

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static uint32_t key_of(const char *name)
{
	char again[APPLIED_FILE_SIZE];
	uint32_t key = 0;

	if (!strcmp(name, "applied-host"))
		return APPLIED_HOST;
	if (!strcmp(name, "applied-container"))
		return APPLIED_CONTAINER;
	sscanf(name, "applied-%" SCNu32, &key);
	return strcmp(name, applied__file(key, again)) ? 0 : key;
}

unsigned int applied__list(const char *directory, uint32_t *keys, unsigned int size)
{
	DIR *dir = opendir(directory);
	unsigned int count = 0;
	struct dirent *entry;

	if (!dir)
		return 0;
	while (count < size && (entry = readdir(dir)))
		if ((keys[count] = key_of(entry->d_name)))
			count++;
	closedir(dir);
	qsort(keys, count, sizeof(*keys), by_number);
	return count;
}

/* ---- taking back ---- */

int applied__take_back(const struct applied *a, enum taken_back results[TUNABLES],
		       int32_t found[TUNABLES])
{
	int err = tunables__read(found), first = 0;
	unsigned int i;

	if (err)
		return err;
	for (i = 0; i < TUNABLES; i++) {
		if (!a->written[i]) {
			results[i] = NOT_OURS;
		} else if (found[i] == a->before[i]) {
			results[i] = WAS_BACK;
		} else if (found[i] != a->after[i]) {
			results[i] = CHANGED_BY_OTHERS;
		} else {
			results[i] = TAKEN_BACK;
			err = tunable__write(i, a->before[i]);
			if (err && !first)
				first = err;
		}
	}
	return first;
}

bool applied__end_trial(struct applied *a)
{
	bool any = tunable_values__any(&a->persisted);
	unsigned int i;

	for (i = 0; i < TUNABLES; i++) {
		a->after[i] = a->before_trial[i];
		a->written[i] &= a->before[i] != a->before_trial[i];
		any |= a->written[i];
	}
	a->trial_until_s = 0;
	return any;
}
