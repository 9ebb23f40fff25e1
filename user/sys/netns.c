// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netns.h"

static struct netns *find(const struct netns_list *list, uint32_t inode)
{
	unsigned int i;

	for (i = 0; i < list->count; i++)
		if (list->all[i].inode == inode)
			return &list->all[i];
	return NULL;
}

static struct netns *add(struct netns_list *list, const char *path)
{
	struct netns *bigger, *ns;
	struct stat st;

	if (stat(path, &st))
		return NULL;	/* it ended meanwhile */
	ns = find(list, st.st_ino);
	if (ns)
		return ns;
	bigger = realloc(list->all, (list->count + 1) * sizeof(*bigger));
	if (!bigger)
		return NULL;
	list->all = bigger;
	ns = &bigger[list->count++];
	*ns = (struct netns){ .inode = st.st_ino };
	snprintf(ns->path, sizeof(ns->path), "%s", path);
	return ns;
}

static void add_named(struct netns_list *list)
{
	DIR *dir = opendir("/run/netns");
	struct dirent *entry;
	char path[300];

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		struct netns *ns;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/run/netns/%s", entry->d_name);
		ns = add(list, path);
		if (ns && !ns->name[0])
			snprintf(ns->name, sizeof(ns->name), "%.63s", entry->d_name);
	}
	closedir(dir);
}

int netns__list(struct netns_list *list)
{
	struct dirent *entry;
	char path[300];
	DIR *dir;

	*list = (struct netns_list){ 0 };
	if (!add(list, "/proc/self/ns/net"))
		return -errno;
	add_named(list);
	dir = opendir("/proc");
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/ns/net", entry->d_name);
		add(list, path);
	}
	closedir(dir);
	return 0;
}

void netns__free(struct netns_list *list)
{
	free(list->all);
	*list = (struct netns_list){ 0 };
}

int netns__enter(const struct netns *ns)
{
	int back, to, err;

	back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (back < 0)
		return -errno;
	to = open(ns->path, O_RDONLY | O_CLOEXEC);
	if (to < 0 || setns(to, CLONE_NEWNET)) {
		err = -errno;
		if (to >= 0)
			close(to);
		close(back);
		return err;
	}
	close(to);
	return back;
}

void netns__leave(int back)
{
	if (setns(back, CLONE_NEWNET))
		abort();	/* nothing this thread does from here on would be true */
	close(back);
}

static bool read_number(const char *path, uint32_t *number)
{
	FILE *f = fopen(path, "re");
	bool ok;

	if (!f)
		return false;
	ok = fscanf(f, "%u", number) == 1;
	fclose(f);
	return ok;
}

bool netns__read_keepalive(struct keepalive_sysctl *s)
{
	return read_number("/proc/sys/net/ipv4/tcp_keepalive_time", &s->idle_s) &&
	       read_number("/proc/sys/net/ipv4/tcp_keepalive_intvl", &s->interval_s) &&
	       read_number("/proc/sys/net/ipv4/tcp_keepalive_probes", &s->probes);
}
