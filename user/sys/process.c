// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/process.h"

static void find_container(const char *path, char id[65])
{
	const char *p = path;

	id[0] = '\0';
	while (*p) {
		size_t digits = strspn(p, "0123456789abcdef");

		if (digits == 64) {
			memcpy(id, p, 64);
			id[64] = '\0';
		}
		p += digits ? digits : 1;
	}
}

/* Preference of a line's hierarchy as a source of the path; a line is ID:CONTROLLERS:PATH. */
static int rank(const char *line, const char *path)
{
	if (!strcmp(path, "/"))
		return 0;
	if (!strncmp(line, "0::", 3))
		return 3;
	return strstr(line, ":name=systemd:") ? 2 : 1;
}

/* False if it is gone. */
static bool read_comm(uint32_t pid, char now[32])
{
	char name[64];
	size_t length;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%u/comm", pid);
	f = fopen(name, "re");
	if (!f)
		return false;
	length = fread(now, 1, 31, f);	/* a name may contain line ends */
	fclose(f);
	now[length ? length - 1 : 0] = '\0';
	return true;
}

static bool is_still(uint32_t pid, const char *comm)
{
	char now[32];

	return read_comm(pid, now) && !strncmp(now, comm, 15);
}

bool process__any(bool (*visit)(void *context, uint32_t pid, const char *comm), void *context)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	bool found = false;
	char comm[32];

	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		uint32_t pid = strtoul(entry->d_name, NULL, 10);

		if (!pid || !read_comm(pid, comm))
			continue;
		comm[15] = '\0';
		found = visit(context, pid, comm);
	}
	closedir(dir);
	return found;
}

void process__find_place(uint32_t pid, const char *comm, struct process_place *place)
{
	char name[64], line[1100];
	int best = 0;
	FILE *f;

	*place = (struct process_place){ "", "" };
	snprintf(name, sizeof(name), "/proc/%u/cgroup", pid);
	f = fopen(name, "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		char *path = strchr(line, ':');

		path = path ? strchr(path + 1, ':') : NULL;
		if (!path)
			continue;
		path++;
		path[strcspn(path, "\n")] = '\0';
		if (rank(line, path) <= best)
			continue;
		best = rank(line, path);
		snprintf(place->cgroup, sizeof(place->cgroup), "%.1000s", path);
	}
	fclose(f);
	if (!is_still(pid, comm)) {
		*place = (struct process_place){ "", "" };
		return;
	}
	find_container(place->cgroup, place->container_id);
}
